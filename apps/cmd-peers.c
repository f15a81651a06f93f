/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cmd-peers.c: dcpeer peers: who is in a room.
 *
 * Registers under an id made up by the server, since the welcome lists the others, and leaves at once. One attempt: who
 * asks at a terminal wants to hear that the server is not there. All happens in the default main context.
 */
#include "apps/dcpeer.h"

#include <unistd.h>
#include "apps/options.h"
#include "apps/trace.h"
#include "plugins/peer/dc-error.h"
#include "signaling/client/dc-signaling-client.h"

typedef struct {
  const DcOptions *options;
  DcTrace *trace;
  DcSignalingClient *client;
  GMainLoop *loop;
  gboolean listed;
  int status;
} Listing;

static int
compare_peers (gconstpointer a, gconstpointer b)
{
  const DcPeerInfo *x = *(DcPeerInfo *const *) a, *y = *(DcPeerInfo *const *) b;
  return g_strcmp0 (x->id, y->id);
}

/* Only strings: a peer may write anything into its meta. */
static void
add_field (GstStructure *structure, JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);
  if (node != NULL && json_node_get_value_type (node) == G_TYPE_STRING)
    gst_structure_set (structure, name, G_TYPE_STRING, json_node_get_string (node), NULL);
}

static void
append_channel (JsonArray *array, guint i, JsonNode *node, gpointer user_data)
{
  static const char *const fields[] = {"label", "mode", "wants"};
  GstStructure *channel = gst_structure_new_empty ("channel");
  GValue value = G_VALUE_INIT;
  for (gsize j = 0; JSON_NODE_HOLDS_OBJECT (node) && j < G_N_ELEMENTS (fields); j++)
    add_field (channel, json_node_get_object (node), fields[j]);
  g_value_init (&value, GST_TYPE_STRUCTURE);
  g_value_take_boxed (&value, channel);
  gst_value_list_append_and_take_value (user_data, &value);
}

static void
add_channels (GstStructure *event, JsonObject *meta)
{
  JsonNode *node = json_object_get_member (meta, "channels");
  GValue list = G_VALUE_INIT;
  g_value_init (&list, GST_TYPE_LIST);
  if (node != NULL && JSON_NODE_HOLDS_ARRAY (node))
    json_array_foreach_element (json_node_get_array (node), append_channel, &list);
  gst_structure_take_value (event, "channels", &list);
}

static void
list_peer (Listing *listing, const DcPeerInfo *info)
{
  GstStructure *event =
      gst_structure_new ("peer", "id", G_TYPE_STRING, info->id, "away", G_TYPE_BOOLEAN, info->away, NULL);
  if (info->meta != NULL && JSON_NODE_HOLDS_OBJECT (info->meta)) {
    add_field (event, json_node_get_object (info->meta), "role");
    add_channels (event, json_node_get_object (info->meta));
  }
  dc_trace_event (listing->trace, event, DC_TRACE_NO_WAIT);
}

static void
registered_cb (DcSignalingClient *client, DcMessage *welcome, gpointer user_data)
{
  Listing *listing = user_data;
  if (listing->listed)
    return;
  listing->listed = TRUE;
  guint count = welcome->peers != NULL ? welcome->peers->len : 0;
  dc_trace_event (listing->trace,
      gst_structure_new ("room", "room", G_TYPE_STRING, welcome->room, "url", G_TYPE_STRING,
          dc_signaling_client_get_uri (client), "transport", G_TYPE_STRING,
          dc_signaling_client_get_transport_name (client), "peers", G_TYPE_UINT, count, NULL),
      DC_TRACE_NO_WAIT);
  if (count > 0)
    g_ptr_array_sort (welcome->peers, compare_peers);
  for (guint i = 0; i < count; i++)
    list_peer (listing, g_ptr_array_index (welcome->peers, i));
  dc_signaling_client_close (client, "it only wanted to know who is here");
}

/* What the signaling client says, in the codes of dc-error.h. */
static int
report (DcTrace *trace, const GError *error)
{
  gboolean usage = g_error_matches (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_INVALID);
  g_autoptr (GError) ours = g_error_new_literal (DC_ERROR, usage ? DC_ERROR_USAGE : DC_ERROR_SIGNALING, error->message);
  return dc_trace_error (trace, ours);
}

static void
give_up (Listing *listing, const GError *error)
{
  if (!listing->listed && listing->status == DC_EXIT_DONE)
    listing->status = report (listing->trace, error);
  g_main_loop_quit (listing->loop);
}

static void
disconnected_cb (DcSignalingClient *client, const GError *error, guint retry_ms, gpointer user_data)
{
  give_up (user_data, error);
}

static void
failed_cb (DcSignalingClient *client, const GError *error, gpointer user_data)
{
  give_up (user_data, error);
}

static void
closed_cb (DcSignalingClient *client, gpointer user_data)
{
  Listing *listing = user_data;
  g_main_loop_quit (listing->loop);
}

static gboolean
timeout_cb (gpointer user_data)
{
  Listing *listing = user_data;
  g_autoptr (GError) error =
      g_error_new (DC_ERROR, DC_ERROR_SIGNALING, "the signaling server at %s has not answered within %u s",
          dc_signaling_client_get_uri (listing->client), listing->options->timeout);
  give_up (listing, error);
  return G_SOURCE_REMOVE;
}

static void
interrupted_cb (int number, gpointer user_data)
{
  Listing *listing = user_data;
  listing->status = DC_EXIT_SIGNAL + number;
  g_main_loop_quit (listing->loop);
}

static DcSignalingClient *
make_client (const DcOptions *options, GError **error)
{
  DcSignalingConfig config = {
      .uri = options->signaling,
      .room = options->room,
      .token = options->token,
      .tls_ca = options->tls_ca,
      .proxy = options->proxy,
      .transport = options->polling ? DC_SIGNALING_TRANSPORT_POLLING : DC_SIGNALING_TRANSPORT_AUTO,
  };
  return dc_signaling_client_new (&config, error);
}

static void
run_listing (Listing *listing)
{
  g_signal_connect (listing->client, "registered", G_CALLBACK (registered_cb), listing);
  g_signal_connect (listing->client, "disconnected", G_CALLBACK (disconnected_cb), listing);
  g_signal_connect (listing->client, "failed", G_CALLBACK (failed_cb), listing);
  g_signal_connect (listing->client, "closed", G_CALLBACK (closed_cb), listing);
  if (listing->options->timeout > 0)
    g_timeout_add_seconds (listing->options->timeout, timeout_cb, listing);
  dc_interrupt_watch (interrupted_cb, listing);
  dc_signaling_client_start (listing->client);
  g_main_loop_run (listing->loop);
  /* What is still to be printed may have to wait for a reader. */
  dc_interrupt_unwatch ();
  g_signal_handlers_disconnect_by_data (listing->client, listing);
}

static int
run (const DcOptions *options)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GMainLoop) loop = g_main_loop_new (NULL, FALSE);
  g_autoptr (DcTrace) trace = dc_trace_new (options->json, STDOUT_FILENO, STDERR_FILENO, NULL, NULL);
  g_autoptr (DcSignalingClient) client = make_client (options, &error);
  if (client == NULL)
    return report (trace, error);
  Listing listing = {.options = options, .trace = trace, .client = client, .loop = loop};
  run_listing (&listing);
  return listing.status;
}

int
dc_cmd_peers (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DcOptions) options = dc_options_parse (DC_COMMAND_PEERS, argc, argv, g_getenv, &error);
  if (options == NULL)
    return dc_report_usage (dc_command_get_name (DC_COMMAND_PEERS), error->message);
  if (!dc_prepare (&error)) {
    g_printerr ("dcpeer: GStreamer does not start: %s\n", error->message);
    return DC_EXIT_FAULT;
  }
  return run (options);
}
