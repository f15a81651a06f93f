/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachanneluri.c: datachannel://HOST[:PORT]/ROOM as the properties of an element, and back. */
#include "plugins/gstdatachanneluri.h"

#include <string.h>

#define SCHEME "datachannel"
#define TLS_SCHEME "datachannels"
#define DEFAULT_PORT 8443

/* --- Reading ------------------------------------------------------------------------------------------------------------------- */

typedef struct {
  GParamSpec *pspec;
  GValue value;
} Assignment;

static void
assignment_free (gpointer data)
{
  Assignment *assignment = data;

  g_value_unset (&assignment->value);
  g_free (assignment);
}

static gboolean
refuse (GError **error, GstURIError code, const char *uri, const char *fault)
{
  g_set_error (error, GST_URI_ERROR, code, "The address \"%s\" cannot be used: %s", uri, fault);
  return FALSE;
}

static gboolean
is_tls (const GUri *parsed)
{
  return g_ascii_strcasecmp (g_uri_get_scheme ((GUri *) parsed), TLS_SCHEME) == 0;
}

static GUri *
parse (const char *uri, GError **error)
{
  g_autoptr (GUri) parsed = g_uri_parse (uri, G_URI_FLAGS_ENCODED_QUERY, NULL);
  const char *fault = NULL;
  GstURIError code = GST_URI_ERROR_BAD_URI;

  if (parsed == NULL) {
    fault = "it is no URI; write " SCHEME "://HOST[:PORT]/ROOM";
  } else if (!is_tls (parsed) && g_ascii_strcasecmp (g_uri_get_scheme (parsed), SCHEME) != 0) {
    code = GST_URI_ERROR_UNSUPPORTED_PROTOCOL;
    fault = "it must begin with " SCHEME ":// or, for TLS, " TLS_SCHEME "://";
  } else if (g_uri_get_host (parsed) == NULL || *g_uri_get_host (parsed) == '\0') {
    fault = "it names no host; write " SCHEME "://HOST[:PORT]/ROOM";
  } else if (g_uri_get_userinfo (parsed) != NULL || g_uri_get_fragment (parsed) != NULL) {
    fault = "a user or a fragment means nothing in it";
  }
  if (fault == NULL)
    return g_steal_pointer (&parsed);
  refuse (error, code, uri, fault);
  return NULL;
}

/* @text: what the URI says the property is. */
static gboolean
deserialize (const char *text, GParamSpec *pspec, GValue *value)
{
  g_value_init (value, G_PARAM_SPEC_VALUE_TYPE (pspec));
  if (G_VALUE_HOLDS_STRING (value))
    g_value_set_string (value, text);
  else if (!gst_value_deserialize_with_pspec (value, text, pspec))
    return FALSE;
  /* It changes what is out of range, which is not what was asked for. */
  return !g_param_value_validate (pspec, value);
}

static gboolean
may_be_set (const GParamSpec *pspec)
{
  static const char *const never[] = {"name", "parent", "uri", NULL};

  return (pspec->flags & G_PARAM_WRITABLE) != 0 && !g_strv_contains (never, pspec->name);
}

static gboolean
add_assignment (
    GPtrArray *assignments, GstElement *element, const char *uri, const char *name, const char *text, GError **error)
{
  g_autofree char *fault = NULL;
  Assignment *assignment;
  GParamSpec *pspec = g_object_class_find_property (G_OBJECT_GET_CLASS (element), name);

  if (pspec == NULL || !may_be_set (pspec)) {
    fault = g_strdup_printf ("%s has no property \"%s\" to set", G_OBJECT_TYPE_NAME (element), name);
    return refuse (error, GST_URI_ERROR_BAD_REFERENCE, uri, fault);
  }
  assignment = g_new0 (Assignment, 1);
  assignment->pspec = pspec;
  g_ptr_array_add (assignments, assignment);
  if (deserialize (text, pspec, &assignment->value))
    return TRUE;
  fault = g_strdup_printf ("\"%s\" is no value for \"%s\"", text, name);
  return refuse (error, GST_URI_ERROR_BAD_REFERENCE, uri, fault);
}

static gboolean
add_server (GPtrArray *assignments, GstElement *element, const char *uri, GUri *parsed, GError **error)
{
  int port = g_uri_get_port (parsed) > 0 ? g_uri_get_port (parsed) : DEFAULT_PORT;
  g_autofree char *signaling = g_uri_join (
      G_URI_FLAGS_NONE, is_tls (parsed) ? "wss" : "ws", NULL, g_uri_get_host (parsed), port, "", NULL, NULL);

  return add_assignment (assignments, element, uri, "signaling", signaling, error);
}

static gboolean
add_room (GPtrArray *assignments, GstElement *element, const char *uri, GUri *parsed, GError **error)
{
  const char *room = g_uri_get_path (parsed);

  if (*room == '/')
    room++;
  if (*room == '\0')
    room = DC_PEER_DEFAULT_ROOM;
  if (strchr (room, '/') != NULL)
    return refuse (error, GST_URI_ERROR_BAD_URI, uri, "its path must be the name of one room");
  return add_assignment (assignments, element, uri, "room", room, error);
}

static gboolean
add_query (GPtrArray *assignments, GstElement *element, const char *uri, GUri *parsed, GError **error)
{
  GUriParamsIter params;
  g_autoptr (GError) fault = NULL;
  gboolean more, ok = TRUE;

  if (g_uri_get_query (parsed) == NULL)
    return TRUE;
  g_uri_params_iter_init (&params, g_uri_get_query (parsed), -1, "&", G_URI_PARAMS_NONE);
  do {
    g_autofree char *name = NULL, *value = NULL;
    more = g_uri_params_iter_next (&params, &name, &value, &fault);
    ok = !more || add_assignment (assignments, element, uri, name, value, error);
  } while (more && ok);
  return ok && (fault == NULL || refuse (error, GST_URI_ERROR_BAD_URI, uri, fault->message));
}

gboolean
gst_data_channel_uri_set (GstElement *element, const char *uri, GError **error)
{
  g_autoptr (GPtrArray) assignments = g_ptr_array_new_with_free_func (assignment_free);
  g_autoptr (GUri) parsed = parse (uri, error);

  if (parsed == NULL || !add_server (assignments, element, uri, parsed, error)
      || !add_room (assignments, element, uri, parsed, error) || !add_query (assignments, element, uri, parsed, error))
    return FALSE;
  for (guint i = 0; i < assignments->len; i++) {
    Assignment *assignment = g_ptr_array_index (assignments, i);
    g_object_set_property (G_OBJECT (element), assignment->pspec->name, &assignment->value);
  }
  return TRUE;
}

/* --- Writing ------------------------------------------------------------------------------------------------------------------- */

static char *
serialize (const GValue *value)
{
  return G_VALUE_HOLDS_STRING (value) ? g_value_dup_string (value) : gst_value_serialize (value);
}

static void
append_setting (GString *query, GstDataChannelEnd *end, guint id)
{
  GValue value = G_VALUE_INIT;
  g_autofree char *text = NULL;

  gst_data_channel_end_copy_setting (end, id, &value);
  text = serialize (&value);
  g_value_unset (&value);
  if (text == NULL)
    return;
  g_string_append_printf (query, "%s%s=", query->len > 0 ? "&" : "", gst_data_channel_get_setting_name (id));
  g_string_append_uri_escaped (query, text, "", FALSE);
}

static char *
make_query (GstDataChannelEnd *end)
{
  GString *query = g_string_new (NULL);

  for (guint id = GST_DATA_CHANNEL_PROP_PEER_ID; id < GST_DATA_CHANNEL_N_SETTINGS; id++) {
    if (id != GST_DATA_CHANNEL_PROP_TOKEN && id != GST_DATA_CHANNEL_PROP_SECRET && id != GST_DATA_CHANNEL_PROP_PROXY
        && gst_data_channel_end_has_setting (end, id))
      append_setting (query, end, id);
  }
  return g_string_free (query, FALSE);
}

char *
gst_data_channel_uri_dup (GstDataChannelEnd *end)
{
  g_autofree char *signaling = gst_data_channel_end_dup_string (end, GST_DATA_CHANNEL_PROP_SIGNALING);
  g_autofree char *room = gst_data_channel_end_dup_string (end, GST_DATA_CHANNEL_PROP_ROOM);
  g_autofree char *path = g_strconcat ("/", room, NULL);
  g_autofree char *query = make_query (end);
  g_autofree char *url =
      strstr (signaling, "://") != NULL ? g_strdup (signaling) : g_strconcat ("ws://", signaling, NULL);
  g_autoptr (GUri) server = g_uri_parse (url, G_URI_FLAGS_NONE, NULL);
  gboolean tls;

  if (server == NULL || g_uri_get_host (server) == NULL)
    return NULL;
  tls = g_str_equal (g_uri_get_scheme (server), "wss") || g_str_equal (g_uri_get_scheme (server), "https");
  return g_uri_join (G_URI_FLAGS_ENCODED_QUERY, tls ? TLS_SCHEME : SCHEME, NULL, g_uri_get_host (server),
      g_uri_get_port (server) > 0 ? g_uri_get_port (server) : DEFAULT_PORT, path, *query != '\0' ? query : NULL, NULL);
}

/* --- GstURIHandler -------------------------------------------------------------------------------------------------------------- */

static GstURIType
get_type_sink (GType type)
{
  return GST_URI_SINK;
}

static GstURIType
get_type_src (GType type)
{
  return GST_URI_SRC;
}

static const gchar *const *
get_protocols (GType type)
{
  static const gchar *const protocols[] = {SCHEME, TLS_SCHEME, NULL};

  return protocols;
}

static gchar *
get_uri (GstURIHandler *handler)
{
  gchar *uri;

  g_object_get (handler, "uri", &uri, NULL);
  return uri;
}

static gboolean
set_uri (GstURIHandler *handler, const gchar *uri, GError **error)
{
  GstElement *element = GST_ELEMENT (handler);

  if (GST_STATE (element) > GST_STATE_READY || GST_STATE_TARGET (element) > GST_STATE_READY)
    return refuse (error, GST_URI_ERROR_BAD_STATE, uri, "the element must be in READY or NULL while it is set");
  if (!gst_data_channel_uri_set (element, uri, error))
    return FALSE;
  /* Forgets what may have been wrong with an earlier one. */
  g_object_set (element, "uri", NULL, NULL);
  return TRUE;
}

static void
init_handler (GstURIHandlerInterface *handler, GstURIType (*get_type) (GType type))
{
  handler->get_type = get_type;
  handler->get_protocols = get_protocols;
  handler->get_uri = get_uri;
  handler->set_uri = set_uri;
}

void
gst_data_channel_uri_handler_init_sink (gpointer iface, gpointer data)
{
  init_handler (iface, get_type_sink);
}

void
gst_data_channel_uri_handler_init_src (gpointer iface, gpointer data)
{
  init_handler (iface, get_type_src);
}
