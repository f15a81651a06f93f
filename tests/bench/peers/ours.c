/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ours.c: a peer of `./dev bench channels`: DcPeers with a raw channel each, or a link on so many associations (BENCH_LINK; 0: auto). Whether they are fast is for DC_FAST to say. */
#include "plugins/peer/dc-peer.h"
#include "tests/bench/peers/peer.h"

#define OPEN_TIMEOUT 60 /* s */
#define LARGEST (256 * 1024)

typedef struct {
  PeerEnd end;
  DcPeer *peer;
  DcChannel *channel;
} Ours;

/* Ends that are on the fast path, by what their trace says last. */
static gint n_fast;

/* The one place that knows how the trace tells. */
static gboolean
is_fast (const GstStructure *event)
{
  gboolean fast = FALSE;

  return gst_structure_has_name (event, "transport") && gst_structure_get_boolean (event, "fast", &fast) && fast;
}

static void
event_cb (DcPeer *dc_peer, const GstStructure *event, gpointer user_data)
{
  if (is_fast (event))
    g_atomic_int_inc (&n_fast);
}

static DcChannelOptions *
make_options (void)
{
  g_autoptr (DcChannelOptions) options = dc_channel_options_new ("bench");
  guint usual = options->max_message_size;

  if (g_getenv ("BENCH_LINK")) {
    options->streams = (guint) g_ascii_strtoull (g_getenv ("BENCH_LINK"), NULL, 10);
    return g_steal_pointer (&options);
  }
  options->mode = DC_MODE_RAW;
  options->max_message_size = LARGEST;
  if (!dc_channel_options_check (options, NULL))
    options->max_message_size = usual;
  return g_steal_pointer (&options);
}

static PeerEnd *
make (const char *url, const char *room, gboolean offers, GError **error)
{
  Ours *self = g_new0 (Ours, 1);
  g_autoptr (DcChannelOptions) options = make_options ();

  self->end.offers = offers;
  self->peer = g_object_new (DC_TYPE_PEER, "signaling", url, "room", room, "id", offers ? "offer" : "answer", "role",
      offers ? DC_ROLE_OFFERER : DC_ROLE_ANSWERER, "connect-timeout", OPEN_TIMEOUT, NULL);
  g_signal_connect (self->peer, "event", G_CALLBACK (event_cb), NULL);
  if (dc_peer_add_channel (self->peer, options, error) && dc_peer_start (self->peer, error))
    return &self->end;
  g_object_unref (self->peer);
  g_free (self);
  return NULL;
}

/* On the thread on which it has come; what is sent back from there does not wait, since it is little. */
static void
take_all (DcChannel *channel, guint stream, Ours *self)
{
  g_autoptr (GError) error = NULL;
  DcLinkItem *item;

  while ((item = dc_channel_try_pull (channel, 0, &error))) {
    gboolean is_data = item->kind == DC_LINK_ITEM_DATA;

    if (is_data && item->payload)
      peer_received (&self->end, item->payload);
    dc_link_item_free (item);
    if (!is_data)
      return;
  }
  if (error)
    peer_fail (error);
}

static gboolean
wait_open (PeerEnd *end, GError **error)
{
  Ours *self = (Ours *) end;

  self->channel = dc_peer_wait_channel (self->peer, NULL, error);
  if (!self->channel)
    return FALSE;
  g_signal_connect (self->channel, "readable", G_CALLBACK (take_all), self);
  take_all (self->channel, 0, self);
  return TRUE;
}

static gboolean
send_message (PeerEnd *end, GBytes *message, GError **error)
{
  return dc_channel_send (((Ours *) end)->channel, message, FALSE, error);
}

static void
interrupt (PeerEnd *end, gboolean interrupted)
{
  dc_channel_set_flushing (((Ours *) end)->channel, DC_DIRECTION_SEND, interrupted);
}

static gsize
get_limit (PeerEnd *end)
{
  return dc_channel_get_max_message_size (((Ours *) end)->channel);
}

static char *
describe (void)
{
  return g_strdup_printf (", \"fast\": %d", g_atomic_int_get (&n_fast));
}

int
main (int argc, char **argv)
{
  const PeerStack stack = {make, wait_open, send_message, interrupt, get_limit, describe};

  /* As every program does that uses GStreamer, whether it will connect or not. */
  gst_init (&argc, &argv);
  return peer_main (&stack, argc, argv);
}
