/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-dtlsenc.c: seals datagrams by DTLS; takes the place of GStreamer's dtlsenc.
 *
 * Theory of operation
 * -------------------
 * What comes is sealed, and pushed, on the thread that brings it. A list is sealed in batches, each in one block of memory, and is a list again.
 * Datagrams of the session itself are pushed by whoever brought them about: who receives, who sends, or a thread of GStreamer's. So several
 * threads may push at once; the pads behind take them one by one.
 *
 * The element is what drives the connection: from READY to PAUSED starts it, from PAUSED to READY stops it. */
#include "plugins/transport/gst-dtlsenc.h"

#include "plugins/transport/gst-dtls-farewell.h"

GST_DEBUG_CATEGORY_STATIC (debug);
#define GST_CAT_DEFAULT debug

#define MAX_PLAIN 16384u /* RFC 6347, section 4.1 */

struct _GstDcDtlsEnc {
  GstDcDtlsBase parent;
  GstPad *src;
  gint is_silent; /* atomic */

  GMutex lock; /* of what follows; no other is taken under it */
  char *connection_id;
  gboolean is_client;
  GstDcDtlsConnection *connection; /* (nullable): from READY on */
  gboolean eos_wanted;             /* behind close_notify */
  gboolean is_stopping;
  gboolean has_events; /* the src pad has what must come before data; of its stream lock */
};

G_DEFINE_TYPE_WITH_CODE (GstDcDtlsEnc, gst_dc_dtls_enc, GST_TYPE_DC_DTLS_BASE,
    GST_DEBUG_CATEGORY_INIT (debug, "dcdtlsenc", 0, "seals datagrams by DTLS"))

enum { PROP_CONNECTION_ID = 1, PROP_ENCODER_KEY, PROP_IS_CLIENT, N_PROPERTIES };

static GParamSpec *properties[N_PROPERTIES];

static GstStaticPadTemplate sink_template =
    GST_STATIC_PAD_TEMPLATE ("sink", GST_PAD_SINK, GST_PAD_REQUEST, GST_STATIC_CAPS_ANY);
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE ("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS ("application/x-dtls"));

static GstDcDtlsConnection *
get_connection (GstDcDtlsEnc *self)
{
  GstDcDtlsConnection *connection;

  g_mutex_lock (&self->lock);
  connection = self->connection != NULL ? gst_dc_dtls_connection_ref (self->connection) : NULL;
  g_mutex_unlock (&self->lock);
  return connection;
}

/* --- What goes out --------------------------------------------------------------------------------------------------------------- */

/* The stream lock lets others wait until the first has pushed all of them. */
static void
ensure_events (GstDcDtlsEnc *self)
{
  GST_PAD_STREAM_LOCK (self->src);
  if (!self->has_events) {
    g_autofree char *id = gst_pad_create_stream_id (self->src, GST_ELEMENT (self), NULL);
    g_autoptr (GstCaps) caps = gst_caps_new_empty_simple ("application/x-dtls");
    GstEvent *start = gst_event_new_stream_start (id);
    GstSegment segment;

    self->has_events = TRUE;
    gst_event_set_group_id (start, gst_util_group_id_next ());
    gst_segment_init (&segment, GST_FORMAT_BYTES);
    gst_pad_push_event (self->src, start);
    gst_pad_push_event (self->src, gst_event_new_caps (caps));
    gst_pad_push_event (self->src, gst_event_new_segment (&segment));
  }
  GST_PAD_STREAM_UNLOCK (self->src);
}

static void
forget_events (GstDcDtlsEnc *self)
{
  GST_PAD_STREAM_LOCK (self->src);
  self->has_events = FALSE;
  GST_PAD_STREAM_UNLOCK (self->src);
}

/* In the memory of @block. */
static GstBuffer *
make_buffer (GBytes *block, const DcPacket *packet)
{
  return gst_buffer_new_wrapped_full (
      0, packet->data, packet->size, 0, packet->size, g_bytes_ref (block), (GDestroyNotify) g_bytes_unref);
}

/* Those of a size. */
static GstFlowReturn
push (GstDcDtlsEnc *self, GBytes *block, const DcPacket *packets, guint n)
{
  GstBufferList *list;

  if (g_atomic_int_get (&self->is_silent))
    return GST_FLOW_OK;
  if (n == 1 && packets->size > 0) {
    ensure_events (self);
    return gst_pad_push (self->src, make_buffer (block, packets));
  }
  list = gst_buffer_list_new_sized (n);
  for (guint i = 0; i < n; i++)
    if (packets[i].size > 0)
      gst_buffer_list_add (list, make_buffer (block, &packets[i]));
  if (gst_buffer_list_length (list) > 0) {
    ensure_events (self);
    return gst_pad_push_list (self->src, list);
  }
  gst_buffer_list_unref (list);
  return GST_FLOW_OK;
}

static gboolean
is_stopping (GstDcDtlsEnc *self)
{
  gboolean result;

  g_mutex_lock (&self->lock);
  result = self->is_stopping;
  g_mutex_unlock (&self->lock);
  return result;
}

static void
push_own (GstDcDtlsEnc *self, const DcPacket *packet)
{
  GstBuffer *buffer;
  GstFlowReturn result;

  if (g_atomic_int_get (&self->is_silent))
    return;
  buffer = gst_buffer_new_memdup (packet->data, packet->size);
  ensure_events (self);
  result = gst_pad_push (self->src, gst_buffer_ref (buffer));
  if (result == GST_FLOW_FLUSHING && is_stopping (self) && gst_dc_dtls_farewell (self->src, gst_buffer_ref (buffer)))
    result = GST_FLOW_OK;
  if (result != GST_FLOW_OK)
    GST_INFO_OBJECT (self, "a datagram of the handshake, or an alert, is lost: %s", gst_flow_get_name (result));
  gst_buffer_unref (buffer);
}

/* Of the session itself. */
static void
on_packets (GstElement *element, DcPacket *packets, guint n)
{
  GstDcDtlsEnc *self = GST_DC_DTLS_ENC (element);

  for (guint i = 0; i < n; i++)
    push_own (self, &packets[i]);
}

/* --- What else the connection says ----------------------------------------------------------------------------------------------- */

/* Only where there is no dtlsdec any more. */
static void
on_over (GstElement *element, const GError *error)
{
  if (error != NULL)
    GST_ELEMENT_ERROR (element, RESOURCE, WRITE, ("%s.", error->message), (NULL));
}

static void
push_eos (GstDcDtlsEnc *self)
{
  gboolean wanted;

  g_mutex_lock (&self->lock);
  wanted = self->eos_wanted;
  self->eos_wanted = FALSE;
  g_mutex_unlock (&self->lock);
  if (!wanted)
    return;
  ensure_events (self);
  gst_pad_push_event (self->src, gst_event_new_eos ());
}

static void
on_closed (GstElement *element)
{
  push_eos (GST_DC_DTLS_ENC (element));
}

static const GstDcDtlsListener listener = {
    on_packets, NULL, gst_dc_dtls_base_tell_keys, gst_dc_dtls_base_tell_state, on_over, on_closed};

/* --- What comes in --------------------------------------------------------------------------------------------------------------- */

static GstFlowReturn
explain (GstDcDtlsEnc *self, GstDcDtlsConnection *connection)
{
  switch (gst_dc_dtls_connection_get_state (connection)) {
    case GST_DC_DTLS_CLOSED:
      return GST_FLOW_EOS;
    case GST_DC_DTLS_FAILED:
      return GST_FLOW_ERROR;
    case GST_DC_DTLS_CONNECTED: /* since a moment, or for a moment more: this was lost */
      return GST_FLOW_OK;
    default:
      GST_ELEMENT_ERROR (self, RESOURCE, WRITE, ("Data came before DTLS was connected."), (NULL));
      return GST_FLOW_ERROR;
  }
}

static gboolean
get_size (GstDcDtlsEnc *self, GstBuffer *buffer, gsize *size)
{
  *size = gst_buffer_get_size (buffer);
  if (*size > MAX_PLAIN)
    GST_ELEMENT_ERROR (self, RESOURCE, WRITE,
        ("A packet of %" G_GSIZE_FORMAT " bytes does not fit into a record of DTLS.", *size), (NULL));
  return *size <= MAX_PLAIN;
}

/* Puts them into one block, with the room around each that sealing takes. (transfer full) (nullable) */
static GBytes *
gather (GstDcDtlsEnc *self, GstBuffer *const *buffers, guint n, DcPacket *packets)
{
  gsize total = 0, size;
  guint8 *block;

  for (guint i = 0; i < n; i++) {
    if (!get_size (self, buffers[i], &size))
      return NULL;
    total += DC_PACKET_HEAD + size + DC_PACKET_TAIL;
  }
  block = g_malloc (total);
  for (gsize i = 0, offset = 0; i < n; i++) {
    packets[i].data = block + offset + DC_PACKET_HEAD;
    packets[i].size = gst_buffer_extract (buffers[i], 0, packets[i].data, gst_buffer_get_size (buffers[i]));
    offset += DC_PACKET_HEAD + packets[i].size + DC_PACKET_TAIL;
  }
  return g_bytes_new_take (block, total);
}

static GstFlowReturn
send_batch (GstDcDtlsEnc *self, GstDcDtlsConnection *connection, GstBuffer *const *buffers, guint n)
{
  DcPacket packets[DC_PACKETS_MAX];
  g_autoptr (GBytes) block = gather (self, buffers, n, packets);

  if (block == NULL)
    return GST_FLOW_ERROR;
  if (!gst_dc_dtls_connection_seal (connection, packets, n))
    return explain (self, connection);
  return push (self, block, packets, n);
}

static GstFlowReturn
send_all (GstDcDtlsEnc *self, GstBuffer *const *buffers, guint n)
{
  g_autoptr (GstDcDtlsConnection) connection = get_connection (self);
  GstFlowReturn result = connection != NULL ? GST_FLOW_OK : GST_FLOW_FLUSHING;

  for (guint i = 0; i < n && result == GST_FLOW_OK; i += DC_PACKETS_MAX)
    result = send_batch (self, connection, buffers + i, MIN (n - i, DC_PACKETS_MAX));
  return result;
}

static GstFlowReturn
chain (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstFlowReturn result = GST_FLOW_OK;

  if (gst_buffer_get_size (buffer) > 0)
    result = send_all (GST_DC_DTLS_ENC (parent), &buffer, 1);
  gst_buffer_unref (buffer);
  return result;
}

static gboolean
note_buffer (GstBuffer **buffer, guint i, gpointer buffers)
{
  if (gst_buffer_get_size (*buffer) > 0)
    g_ptr_array_add (buffers, *buffer);
  return TRUE;
}

static GstFlowReturn
chain_list (GstPad *pad, GstObject *parent, GstBufferList *list)
{
  g_autoptr (GPtrArray) buffers = g_ptr_array_sized_new (gst_buffer_list_length (list));
  GstFlowReturn result;

  gst_buffer_list_foreach (list, note_buffer, buffers);
  result = send_all (GST_DC_DTLS_ENC (parent), (GstBuffer *const *) buffers->pdata, buffers->len);
  gst_buffer_list_unref (list);
  return result;
}

/* close_notify goes before EOS. That of the far side is not waited for: it may be lost, and is never repeated. */
static void
take_eos (GstDcDtlsEnc *self)
{
  g_autoptr (GstDcDtlsConnection) connection = get_connection (self);

  g_mutex_lock (&self->lock);
  self->eos_wanted = TRUE;
  g_mutex_unlock (&self->lock);
  if (connection == NULL || gst_dc_dtls_connection_close (connection))
    push_eos (self);
}

static gboolean
take_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstDcDtlsEnc *self = GST_DC_DTLS_ENC (parent);
  gboolean flushed;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
    case GST_EVENT_SEGMENT:
      gst_event_unref (event);
      return TRUE;
    case GST_EVENT_EOS:
      gst_event_unref (event);
      take_eos (self);
      return TRUE;
    case GST_EVENT_FLUSH_STOP:
      flushed = gst_pad_event_default (pad, parent, event);
      forget_events (self);
      return flushed;
    default:
      if (GST_EVENT_IS_SERIALIZED (event) && GST_EVENT_IS_STICKY (event))
        ensure_events (self);
      return gst_pad_event_default (pad, parent, event);
  }
}

void
gst_dc_dtlsenc_silence (GstDcDtlsEnc *self)
{
  g_atomic_int_set (&self->is_silent, TRUE);
}

/* --- States ---------------------------------------------------------------------------------------------------------------------- */

static gboolean
join (GstDcDtlsEnc *self)
{
  g_autofree char *id = NULL;
  GstDcDtlsConnection *connection;

  g_object_get (self, "connection-id", &id, NULL);
  connection = id != NULL ? gst_dc_dtls_connection_join (id, GST_ELEMENT (self), &listener) : NULL;
  if (connection == NULL) {
    GST_WARNING_OBJECT (self, "no dtlsdec has the connection-id %s, or it has a dtlsenc", id);
    return FALSE;
  }
  g_mutex_lock (&self->lock);
  self->connection = connection;
  g_mutex_unlock (&self->lock);
  gst_dc_dtls_base_tell_state (GST_ELEMENT (self));
  return TRUE;
}

static void
part (GstDcDtlsEnc *self)
{
  GstDcDtlsConnection *connection;

  g_mutex_lock (&self->lock);
  connection = g_steal_pointer (&self->connection);
  g_mutex_unlock (&self->lock);
  if (connection == NULL)
    return;
  gst_dc_dtls_connection_leave (connection);
  gst_dc_dtls_connection_unref (connection);
}

static gboolean
start (GstDcDtlsEnc *self)
{
  g_autoptr (GstDcDtlsConnection) connection = get_connection (self);
  g_autoptr (GError) error = NULL;
  gboolean is_client;

  g_object_get (self, "is-client", &is_client, NULL);
  if (gst_dc_dtls_connection_start (connection, is_client, &error))
    return TRUE;
  GST_ELEMENT_ERROR (self, RESOURCE, OPEN_WRITE, ("%s.", error->message), (NULL));
  return FALSE;
}

static void
stop (GstDcDtlsEnc *self)
{
  g_autoptr (GstDcDtlsConnection) connection = get_connection (self);

  g_mutex_lock (&self->lock);
  self->is_stopping = TRUE;
  g_mutex_unlock (&self->lock);
  gst_dc_dtls_connection_stop (connection);
}

static void
forget_past (GstDcDtlsEnc *self)
{
  g_mutex_lock (&self->lock);
  self->is_stopping = self->eos_wanted = FALSE;
  g_mutex_unlock (&self->lock);
  forget_events (self);
}

static GstStateChangeReturn
change_state (GstElement *element, GstStateChange transition)
{
  GstDcDtlsEnc *self = GST_DC_DTLS_ENC (element);
  GstStateChangeReturn result;

  if (transition == GST_STATE_CHANGE_NULL_TO_READY && !join (self))
    return GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    stop (self);
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    forget_past (self);
  result = GST_ELEMENT_CLASS (gst_dc_dtls_enc_parent_class)->change_state (element, transition);
  if (result == GST_STATE_CHANGE_FAILURE)
    return result;
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED && !start (self))
    return GST_STATE_CHANGE_FAILURE;
  if (transition == GST_STATE_CHANGE_READY_TO_NULL)
    part (self);
  return result;
}

static GstPad *
request_new_pad (GstElement *element, GstPadTemplate *template, const char *name, const GstCaps *caps)
{
  GstPad *sink = gst_pad_new_from_template (template, name != NULL ? name : "sink");

  gst_pad_set_chain_function (sink, chain);
  gst_pad_set_chain_list_function (sink, chain_list);
  gst_pad_set_event_function (sink, take_event);
  gst_pad_set_active (sink, TRUE);
  if (gst_element_add_pad (element, sink))
    return sink;
  return NULL;
}

static void
release_pad (GstElement *element, GstPad *pad)
{
  gst_pad_set_active (pad, FALSE);
  gst_element_remove_pad (element, pad);
}

/* --- The element ----------------------------------------------------------------------------------------------------------------- */

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  GstDcDtlsEnc *self = GST_DC_DTLS_ENC (object);

  g_mutex_lock (&self->lock);
  switch (id) {
    case PROP_CONNECTION_ID:
      g_free (self->connection_id);
      self->connection_id = g_value_dup_string (value);
      break;
    case PROP_IS_CLIENT:
      self->is_client = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
  g_mutex_unlock (&self->lock);
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  GstDcDtlsEnc *self = GST_DC_DTLS_ENC (object);

  if (id == PROP_ENCODER_KEY) {
    g_value_take_boxed (value, gst_dc_dtls_base_get_key (GST_DC_DTLS_BASE (self)));
    return;
  }
  g_mutex_lock (&self->lock);
  switch (id) {
    case PROP_CONNECTION_ID:
      g_value_set_string (value, self->connection_id);
      break;
    case PROP_IS_CLIENT:
      g_value_set_boolean (value, self->is_client);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
  g_mutex_unlock (&self->lock);
}

static GstDcDtlsConnection *
dup_connection (GstDcDtlsBase *element)
{
  return get_connection (GST_DC_DTLS_ENC (element));
}

static void
finalize (GObject *object)
{
  GstDcDtlsEnc *self = GST_DC_DTLS_ENC (object);

  part (self);
  g_mutex_clear (&self->lock);
  g_free (self->connection_id);
  G_OBJECT_CLASS (gst_dc_dtls_enc_parent_class)->finalize (object);
}

static void
install_properties (GObjectClass *class)
{
  properties[PROP_CONNECTION_ID] = g_param_spec_string ("connection-id", "Connection id",
      "The dtlsdec with the same id is the other half of the connection", NULL,
      G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS);
  properties[PROP_IS_CLIENT] = g_param_spec_boolean ("is-client", "Is client",
      "Whether this side begins the handshake; read when the element is paused", FALSE,
      G_PARAM_READWRITE | GST_PARAM_MUTABLE_READY | G_PARAM_STATIC_STRINGS);
  properties[PROP_ENCODER_KEY] = gst_dc_dtls_base_key_spec ("encoder-key");
  g_object_class_install_properties (class, N_PROPERTIES, properties);
}

static void
gst_dc_dtls_enc_class_init (GstDcDtlsEncClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);
  GstElementClass *element_class = GST_ELEMENT_CLASS (class);
  GstDcDtlsBaseClass *dtls_class = GST_DC_DTLS_BASE_CLASS (class);

  object_class->set_property = set_property;
  object_class->get_property = get_property;
  object_class->finalize = finalize;
  dtls_class->end = GST_DC_DTLS_END_ENC;
  dtls_class->dup_connection = dup_connection;
  element_class->change_state = change_state;
  element_class->request_new_pad = request_new_pad;
  element_class->release_pad = release_pad;
  install_properties (object_class);
  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (
      element_class, "DTLS encoder", "Encoder/Network/DTLS", "Seals datagrams by DTLS", "gst-datachannel developers");
}

static void
gst_dc_dtls_enc_init (GstDcDtlsEnc *self)
{
  g_mutex_init (&self->lock);
  self->src = gst_pad_new_from_static_template (&src_template, "src");
  gst_element_add_pad (GST_ELEMENT (self), self->src);
}
