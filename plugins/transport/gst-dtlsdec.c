/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-dtlsdec.c: opens datagrams of DTLS; takes the place of GStreamer's dtlsdec.
 *
 * Theory of operation
 * -------------------
 * Buffers are opened in place, all of a list in batches, and go on with what is left of them. What the session has beside that comes as new
 * buffers: within a call of ours it is pushed behind them, otherwise later (gst-dtls-output.c). */
#include "plugins/transport/gst-dtlsdec.h"

#include "plugins/transport/gst-dtls-output.h"

GST_DEBUG_CATEGORY_STATIC (debug);
#define GST_CAT_DEFAULT debug

struct _GstDcDtlsDec {
  GstDcDtlsBase parent;
  GstPad *sink;
  GstDcDtlsConnection *connection;
  GstDcDtlsOutput output;

  GMutex lock; /* of what follows; no other is taken under it */
  char *connection_id;
  char *pem_fault; /* (nullable): why the certificate that was set is none */
};

G_DEFINE_TYPE_WITH_CODE (GstDcDtlsDec, gst_dc_dtls_dec, GST_TYPE_DC_DTLS_BASE,
    GST_DEBUG_CATEGORY_INIT (debug, "dcdtlsdec", 0, "opens datagrams of DTLS"))

enum { PROP_CONNECTION_ID = 1, PROP_DECODER_KEY, PROP_PEM, PROP_PEER_PEM, N_PROPERTIES };

static GParamSpec *properties[N_PROPERTIES];

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS ("application/x-dtls"));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_REQUEST, GST_STATIC_CAPS_ANY);

/* --- What the connection says ---------------------------------------------------------------------------------------------------- */

static void
on_packets (GstElement *element, DcPacket *packets, guint n)
{
  gst_dc_dtls_output_give_late (&GST_DC_DTLS_DEC (element)->output, packets, n);
}

static void
on_peer_pem (GstElement *element)
{
  g_object_notify_by_pspec (G_OBJECT (element), properties[PROP_PEER_PEM]);
}

static void
on_over (GstElement *element, const GError *error)
{
  GstDcDtlsDec *self = GST_DC_DTLS_DEC (element);

  if (error != NULL)
    GST_ELEMENT_ERROR (self, RESOURCE, READ, ("%s.", error->message), (NULL));
  else
    gst_dc_dtls_output_end (&self->output);
}

static const GstDcDtlsListener listener = {
    on_packets, on_peer_pem, gst_dc_dtls_base_tell_keys, gst_dc_dtls_base_tell_state, on_over, NULL};

/* --- What comes in --------------------------------------------------------------------------------------------------------------- */

static GstFlowReturn
get_flow (GstDcDtlsDec *self)
{
  if (!gst_dc_dtls_connection_is_over (self->connection))
    return GST_FLOW_OK;
  return gst_dc_dtls_connection_get_state (self->connection) == GST_DC_DTLS_FAILED ? GST_FLOW_ERROR : GST_FLOW_EOS;
}

/* @buffers: writable ones, up to DC_PACKETS_MAX, (transfer full). What is left of each is added to @opened. */
static void
open_batch (GstDcDtlsDec *self, GstBuffer **buffers, guint n, GPtrArray *opened)
{
  GstMapInfo maps[DC_PACKETS_MAX];
  DcPacket packets[DC_PACKETS_MAX];
  g_autoptr (GPtrArray) further = g_ptr_array_new ();

  for (guint i = 0; i < n; i++)
    if (gst_buffer_map (buffers[i], &maps[i], GST_MAP_READWRITE))
      packets[i] = (DcPacket){maps[i].data, maps[i].size};
    else
      maps[i].data = packets[i].data = NULL, packets[i].size = 0;
  gst_dc_dtls_connection_open (self->connection, packets, n, further);
  for (guint i = 0; i < n; i++) {
    gssize offset = packets[i].size > 0 ? packets[i].data - maps[i].data : 0;
    if (maps[i].data != NULL)
      gst_buffer_unmap (buffers[i], &maps[i]);
    if (packets[i].size > 0) {
      gst_buffer_resize (buffers[i], offset, (gssize) packets[i].size);
      g_ptr_array_add (opened, buffers[i]);
    } else {
      gst_buffer_unref (buffers[i]);
    }
  }
  g_ptr_array_extend_and_steal (opened, g_steal_pointer (&further));
}

static GstFlowReturn
take (GstDcDtlsDec *self, GstBuffer **buffers, guint n)
{
  g_autoptr (GPtrArray) opened = g_ptr_array_new_full (n, (GDestroyNotify) gst_buffer_unref);
  GstFlowReturn given, result;

  gst_dc_dtls_output_enter (&self->output);
  for (guint i = 0; i < n; i += DC_PACKETS_MAX)
    open_batch (self, buffers + i, MIN (n - i, DC_PACKETS_MAX), opened);
  given = gst_dc_dtls_output_give (&self->output, opened);
  gst_dc_dtls_output_leave (&self->output);
  result = get_flow (self);
  return result != GST_FLOW_OK ? result : given;
}

static GstFlowReturn
chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  buffer = gst_buffer_make_writable (buffer);
  return take (GST_DC_DTLS_DEC (parent), &buffer, 1);
}

static gboolean
steal_buffer (GstBuffer **buffer, guint i, gpointer buffers)
{
  g_ptr_array_add (buffers, gst_buffer_make_writable (g_steal_pointer (buffer)));
  return TRUE;
}

static GstFlowReturn
chain_list (GstPad *pad, GstObject *parent, GstBufferList *list)
{
  g_autoptr (GPtrArray) buffers = g_ptr_array_new ();

  list = gst_buffer_list_make_writable (list);
  gst_buffer_list_foreach (list, steal_buffer, buffers);
  gst_buffer_list_unref (list);
  return take (GST_DC_DTLS_DEC (parent), (GstBuffer **) buffers->pdata, buffers->len);
}

/* --- Past the pads --------------------------------------------------------------------------------------------------------------- */

void
gst_dc_dtlsdec_divert (GstDcDtlsDec *self, DcPacketFunc func, gpointer user_data)
{
  gst_dc_dtls_output_divert (&self->output, func, user_data);
}

DcDtlsSession *
gst_dc_dtlsdec_get_session (GstDcDtlsDec *self)
{
  return gst_dc_dtls_connection_get_session (self->connection);
}

void
gst_dc_dtlsdec_input (GstDcDtlsDec *self, DcPacket *packets, guint n)
{
  g_autoptr (GPtrArray) buffers = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);

  gst_dc_dtls_output_enter (&self->output);
  for (guint i = 0; i < n; i += DC_PACKETS_MAX) {
    g_autoptr (GPtrArray) further = g_ptr_array_new ();
    guint n_batch = MIN (n - i, DC_PACKETS_MAX);

    gst_dc_dtls_connection_open (self->connection, packets + i, n_batch, further);
    gst_dc_dtls_output_give_packets (&self->output, packets + i, n_batch, buffers);
    g_ptr_array_extend_and_steal (buffers, g_steal_pointer (&further));
    gst_dc_dtls_output_give (&self->output, buffers);
  }
  gst_dc_dtls_output_leave (&self->output);
}

/* --- Pads ------------------------------------------------------------------------------------------------------------------------ */

static gboolean
store_event (GstPad *sink, GstEvent **event, gpointer src)
{
  if (GST_EVENT_TYPE (*event) != GST_EVENT_CAPS && GST_EVENT_TYPE (*event) != GST_EVENT_EOS)
    gst_pad_store_sticky_event (src, *event);
  return TRUE;
}

static GstPad *
request_new_pad (GstElement *element, GstPadTemplate *template, const char *name, const GstCaps *caps)
{
  GstDcDtlsDec *self = GST_DC_DTLS_DEC (element);
  GstPad *src = gst_pad_new_from_template (template, name != NULL ? name : "src");

  if (!gst_dc_dtls_output_set_pad (&self->output, src)) {
    GST_ERROR_OBJECT (self, "there is a src pad already");
    gst_object_unref (gst_object_ref_sink (src));
    return NULL;
  }
  gst_pad_set_active (src, TRUE);
  gst_pad_sticky_events_foreach (self->sink, store_event, src);
  gst_element_add_pad (element, src);
  return src;
}

static void
release_pad (GstElement *element, GstPad *pad)
{
  gst_dc_dtls_output_forget_pad (&GST_DC_DTLS_DEC (element)->output, pad);
  gst_element_remove_pad (element, pad);
}

/* --- The element ----------------------------------------------------------------------------------------------------------------- */

static char *
dup_text (GstDcDtlsDec *self, char **member)
{
  char *text;

  g_mutex_lock (&self->lock);
  text = g_strdup (*member);
  g_mutex_unlock (&self->lock);
  return text;
}

static void
replace_text (GstDcDtlsDec *self, char **member, const char *text)
{
  g_mutex_lock (&self->lock);
  g_free (*member);
  *member = g_strdup (text);
  g_mutex_unlock (&self->lock);
}

static gboolean
check (GstDcDtlsDec *self)
{
  g_autofree char *id = dup_text (self, &self->connection_id);
  g_autofree char *fault = dup_text (self, &self->pem_fault);

  if (fault != NULL)
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS, ("%s.", fault), ("property pem"));
  else if (id == NULL)
    GST_WARNING_OBJECT (self, "there is no connection-id, or another one has it");
  return fault == NULL && id != NULL;
}

static GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition)
{
  GstDcDtlsDec *self = GST_DC_DTLS_DEC (element);

  if (transition == GST_STATE_CHANGE_NULL_TO_READY && !check (self))
    return GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    gst_dc_dtls_output_begin (&self->output);
  return GST_ELEMENT_CLASS (gst_dc_dtls_dec_parent_class)->change_state (element, transition);
}

static void
set_id (GstDcDtlsDec *self, const char *id)
{
  gboolean is_ours = gst_dc_dtls_connection_set_id (self->connection, id);

  if (!is_ours)
    GST_ERROR_OBJECT (self, "another one has the connection-id %s", id);
  replace_text (self, &self->connection_id, is_ours ? id : NULL);
  gst_dc_dtls_base_tell_state (GST_ELEMENT (self));
}

static void
set_pem (GstDcDtlsDec *self, const char *pem)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DcDtlsCertificate) certificate = pem != NULL ? dc_dtls_certificate_new_from_pem (pem, &error) : NULL;

  replace_text (self, &self->pem_fault, error != NULL ? error->message : NULL);
  if (error == NULL)
    gst_dc_dtls_connection_set_certificate (self->connection, certificate);
  else
    GST_WARNING_OBJECT (self, "%s", error->message);
}

/* Only the certificate: webrtcbin takes all that is there for the fingerprint, the key, too. */
static char *
make_pem (GstDcDtlsDec *self)
{
  g_autofree char *fault = dup_text (self, &self->pem_fault);
  g_autoptr (DcDtlsCertificate) certificate = NULL;

  if (fault != NULL)
    return NULL;
  certificate = gst_dc_dtls_connection_get_certificate (self->connection, NULL);
  return certificate != NULL ? dc_dtls_certificate_to_pem (certificate, FALSE) : NULL;
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  switch (id) {
    case PROP_CONNECTION_ID:
      set_id (GST_DC_DTLS_DEC (object), g_value_get_string (value));
      break;
    case PROP_PEM:
      set_pem (GST_DC_DTLS_DEC (object), g_value_get_string (value));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  GstDcDtlsDec *self = GST_DC_DTLS_DEC (object);

  switch (id) {
    case PROP_CONNECTION_ID:
      g_value_take_string (value, dup_text (self, &self->connection_id));
      break;
    case PROP_PEM:
      g_value_take_string (value, make_pem (self));
      break;
    case PROP_PEER_PEM:
      g_value_take_string (value, gst_dc_dtls_connection_get_peer_pem (self->connection));
      break;
    case PROP_DECODER_KEY:
      g_value_take_boxed (value, gst_dc_dtls_base_get_key (GST_DC_DTLS_BASE (self)));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static GstDcDtlsConnection *
dup_connection (GstDcDtlsBase *element)
{
  return gst_dc_dtls_connection_ref (GST_DC_DTLS_DEC (element)->connection);
}

static void
dispose (GObject *object)
{
  GstDcDtlsDec *self = GST_DC_DTLS_DEC (object);

  gst_dc_dtls_connection_set_id (self->connection, NULL);
  G_OBJECT_CLASS (gst_dc_dtls_dec_parent_class)->dispose (object);
}

static void
finalize (GObject *object)
{
  GstDcDtlsDec *self = GST_DC_DTLS_DEC (object);

  gst_dc_dtls_connection_unref (self->connection);
  gst_dc_dtls_output_clear (&self->output);
  g_mutex_clear (&self->lock);
  g_free (self->connection_id);
  g_free (self->pem_fault);
  G_OBJECT_CLASS (gst_dc_dtls_dec_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *class)
{
  properties[PROP_CONNECTION_ID] = g_param_spec_string ("connection-id", "Connection id",
      "The dtlsenc with the same id is the other half of the connection", NULL,
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  properties[PROP_PEM] = g_param_spec_string ("pem", "Certificate",
      "Certificate and private key in PEM; one that is made for this process if unset. Only the certificate can be "
      "read",
      NULL, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  properties[PROP_PEER_PEM] = g_param_spec_string ("peer-pem", "Certificate of the far side",
      "The certificate that the far side showed, in PEM", NULL, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS);
  properties[PROP_DECODER_KEY] = gst_dc_dtls_base_key_spec ("decoder-key");
  g_object_class_install_properties (class, N_PROPERTIES, properties);
}

static void
gst_dc_dtls_dec_class_init (GstDcDtlsDecClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GstElementClass *element_class = GST_ELEMENT_CLASS (class);
  GstDcDtlsBaseClass *dtls_class = GST_DC_DTLS_BASE_CLASS (class);

  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->dispose = dispose;
  object_class->finalize = finalize;
  dtls_class->end = GST_DC_DTLS_END_DEC;
  dtls_class->dup_connection = dup_connection;
  element_class->change_state = change_state;
  element_class->request_new_pad = request_new_pad;
  element_class->release_pad = release_pad;
  install_properties (object_class);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (
      element_class, "DTLS decoder", "Decoder/Network/DTLS", "Opens datagrams of DTLS", "gst-datachannel developers");
}

static void
gst_dc_dtls_dec_init (GstDcDtlsDec *self)
{
  g_mutex_init (&self->lock);
  gst_dc_dtls_output_init (&self->output, GST_ELEMENT (self));
  self->connection = gst_dc_dtls_connection_new (GST_ELEMENT (self), &listener);
  self->sink = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sink, chain);
  gst_pad_set_chain_list_function (self->sink, chain_list);
  gst_element_add_pad (GST_ELEMENT (self), self->sink);
}
