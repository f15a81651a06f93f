/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-dtls-pair.c: two ends with a dtlsenc and a dtlsdec each, on a wire that has a thread for each direction. */
#include "tests/gst-dtls-pair.h"

#include <string.h>

#include "tests/harness/dc-test.h"
#include "tests/pads.h"

/* --- What comes out ---------------------------------------------------------------------------------------------------------------- */

static void
wake (void)
{
  g_main_context_wakeup (NULL);
}

static GstDtlsEnd *
get_other (GstDtlsEnd *self)
{
  return self == &self->pair->client ? &self->pair->server : &self->pair->client;
}

void
gst_dtls_end_put (GstDtlsEnd *self, GstMiniObject *object)
{
  g_atomic_int_inc (&self->n_put);
  g_async_queue_push (self->wire, object);
}

gboolean
gst_dtls_end_has_all (GstDtlsEnd *self)
{
  return g_atomic_int_get (&self->n_brought) == g_atomic_int_get (&self->n_put);
}

static void
put_on_wire (GstDtlsEnd *self, GstMiniObject *object, guint n)
{
  GstDtlsEnd *other = get_other (self);

  g_mutex_lock (&self->lock);
  self->n_datagrams += n;
  if (self->lose > 0) {
    self->lose--;
    gst_mini_object_unref (object);
  } else if (self->holds) {
    g_queue_push_tail (&self->held, object);
  } else {
    gst_dtls_end_put (other, object);
  }
  g_mutex_unlock (&self->lock);
  wake ();
}

static GstFlowReturn
take_datagram (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  put_on_wire (gst_pad_get_element_private (pad), GST_MINI_OBJECT (buffer), 1);
  return GST_FLOW_OK;
}

static GstFlowReturn
take_datagrams (GstPad *pad, GstObject *parent, GstBufferList *list)
{
  put_on_wire (gst_pad_get_element_private (pad), GST_MINI_OBJECT (list), gst_buffer_list_length (list));
  return GST_FLOW_OK;
}

static gboolean
note_data (GstBuffer **buffer, guint i, gpointer user_data)
{
  GstDtlsEnd *self = user_data;
  GstMapInfo map;

  g_assert_true (gst_buffer_map (*buffer, &map, GST_MAP_READ));
  g_string_append_len (self->received, (const char *) map.data, (gssize) map.size);
  g_string_append_c (self->received, ';');
  gst_buffer_unmap (*buffer, &map);
  self->n_received++;
  return TRUE;
}

static GstFlowReturn
take_data_list (GstPad *pad, GstObject *parent, GstBufferList *list)
{
  GstDtlsEnd *self = gst_pad_get_element_private (pad);

  g_mutex_lock (&self->lock);
  g_assert_false (self->data_ended);
  gst_buffer_list_foreach (list, note_data, self);
  self->n_pushes++;
  g_mutex_unlock (&self->lock);
  gst_buffer_list_unref (list);
  wake ();
  return GST_FLOW_OK;
}

static GstFlowReturn
take_data (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  GstBufferList *list = gst_buffer_list_new ();

  gst_buffer_list_add (list, buffer);
  return take_data_list (pad, parent, list);
}

static gboolean
take_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  GstDtlsEnd *self = gst_pad_get_element_private (pad);

  g_mutex_lock (&self->lock);
  if (GST_EVENT_TYPE (event) == GST_EVENT_EOS && pad == self->from_dec)
    self->data_ended = TRUE;
  else if (GST_EVENT_TYPE (event) == GST_EVENT_EOS)
    self->wire_ended = TRUE;
  g_mutex_unlock (&self->lock);
  gst_event_unref (event);
  wake ();
  return TRUE;
}

static void
note_state (GObject *enc, GParamSpec *spec, gpointer user_data)
{
  GstDtlsEnd *self = user_data;
  gint state;

  g_object_get (enc, "connection-state", &state, NULL);
  g_mutex_lock (&self->lock);
  g_array_append_val (self->states, state);
  g_mutex_unlock (&self->lock);
  wake ();
}

static void
note_keys (GObject *element, gpointer user_data)
{
  GstDtlsEnd *self = user_data;

  g_mutex_lock (&self->lock);
  self->n_keys++;
  g_mutex_unlock (&self->lock);
}

/* --- Making ------------------------------------------------------------------------------------------------------------------------ */

static GstElement *
make (const char *name, gboolean stock)
{
  GstElement *element;

  if (stock)
    element = g_object_new (g_type_from_name (g_str_equal (name, "dtlsenc") ? "GstDtlsEnc" : "GstDtlsDec"), NULL);
  else
    element = gst_element_factory_make (name, NULL);
  g_assert_cmpint (g_str_has_prefix (G_OBJECT_TYPE_NAME (element), "GstDcDtls"), ==, !stock);
  return gst_object_ref_sink (element);
}

/* GStreamer 1.22's dtlsdec cannot take a list. */
static void
push_one_by_one (GstDtlsEnd *self, GstBufferList *list)
{
  for (guint i = 0; i < gst_buffer_list_length (list); i++)
    gst_pad_push (self->from_wire, gst_buffer_ref (gst_buffer_list_get (list, i)));
  gst_buffer_list_unref (list);
}

static void
init_end (GstDtlsEnd *self, GstDtlsPair *pair, const char *id, gboolean stock)
{
  self->pair = pair;
  self->is_stock = stock;
  g_mutex_init (&self->lock);
  self->wire = g_async_queue_new_full ((GDestroyNotify) gst_mini_object_unref);
  self->states = g_array_new (FALSE, FALSE, sizeof (gint));
  self->received = g_string_new (NULL);
  self->bus = gst_bus_new ();
  self->enc = make ("dtlsenc", stock);
  self->dec = make ("dtlsdec", stock);
  gst_element_set_bus (self->enc, self->bus);
  gst_element_set_bus (self->dec, self->bus);
  /* As dtlssrtpenc and dtlssrtpdec do. */
  g_object_set (self->enc, "connection-id", id, "is-client", self == &pair->client, NULL);
  g_object_set (self->dec, "connection-id", id, NULL);
  g_signal_connect (self->enc, "notify::connection-state", G_CALLBACK (note_state), self);
  g_signal_connect (self->enc, "on-key-received", G_CALLBACK (note_keys), self);
  g_signal_connect (self->dec, "on-key-received", G_CALLBACK (note_keys), self);
  self->to_enc = pads_make_src (self->enc, "sink");
  self->from_wire = pads_make_src (self->dec, "sink");
  self->to_wire = pads_make_sink (self->enc, "src", take_datagram, take_datagrams, take_event, self);
  self->from_dec = pads_make_sink (self->dec, "src", take_data, take_data_list, take_event, self);
  pads_begin_stream (self->from_wire);
}

static void
bring_one (GstDtlsEnd *self, GstMiniObject *object)
{
  GstFlowReturn flow = GST_FLOW_OK;

  if (GST_IS_BUFFER (object))
    flow = gst_pad_push (self->from_wire, GST_BUFFER (object));
  else if (self->is_stock)
    push_one_by_one (self, GST_BUFFER_LIST (object));
  else
    flow = gst_pad_push_list (self->from_wire, GST_BUFFER_LIST (object));
  g_atomic_int_set (&self->flow, flow);
  g_atomic_int_inc (&self->n_brought);
  wake ();
}

/* An event says that this is the end. */
static gpointer
bring (gpointer user_data)
{
  GstDtlsEnd *self = user_data;
  GstMiniObject *object = g_async_queue_pop (self->wire);

  while (!GST_IS_EVENT (object)) {
    bring_one (self, object);
    object = g_async_queue_pop (self->wire);
  }
  gst_mini_object_unref (object);
  return NULL;
}

GstDtlsPair *
gst_dtls_pair_new (GstDtlsKind kind)
{
  static gint n = 0;
  GstDtlsPair *pair = g_new0 (GstDtlsPair, 1);
  gint number = g_atomic_int_add (&n, 1);
  g_autofree char *client = g_strdup_printf ("client %d", number);
  g_autofree char *server = g_strdup_printf ("server %d", number);

  init_end (&pair->client, pair, client, kind == GST_DTLS_STOCK_CLIENT);
  init_end (&pair->server, pair, server, kind == GST_DTLS_STOCK_SERVER);
  pair->client.thread = g_thread_new ("to client", bring, &pair->client);
  pair->server.thread = g_thread_new ("to server", bring, &pair->server);
  return pair;
}

static void
stop_end (GstDtlsEnd *self)
{
  gst_element_set_state (self->enc, GST_STATE_NULL);
  gst_element_set_state (self->dec, GST_STATE_NULL);
  g_async_queue_push (self->wire, gst_event_new_eos ());
  g_thread_join (self->thread);
  g_signal_handlers_disconnect_by_data (self->enc, self);
  g_signal_handlers_disconnect_by_data (self->dec, self);
}

static void
clear_end (GstDtlsEnd *self)
{
  GstPad *pads[] = {self->to_enc, self->from_dec, self->from_wire, self->to_wire};

  gst_element_set_bus (self->enc, NULL);
  gst_element_set_bus (self->dec, NULL);
  gst_bus_set_flushing (self->bus, TRUE);
  gst_object_unref (self->enc);
  gst_object_unref (self->dec);
  gst_object_unref (self->bus);
  for (guint i = 0; i < G_N_ELEMENTS (pads); i++)
    pads_drop (pads[i]);
  g_async_queue_unref (self->wire);
  g_queue_clear_full (&self->held, (GDestroyNotify) gst_mini_object_unref);
  g_array_unref (self->states);
  g_string_free (self->received, TRUE);
  g_mutex_clear (&self->lock);
}

void
gst_dtls_pair_free (GstDtlsPair *pair)
{
  stop_end (&pair->client);
  stop_end (&pair->server);
  clear_end (&pair->client);
  clear_end (&pair->server);
  g_free (pair);
}

/* --- Doing ------------------------------------------------------------------------------------------------------------------------- */

void
gst_dtls_end_stop (GstDtlsEnd *self)
{
  GstDtlsEnd *other = get_other (self);

  gst_element_set_state (self->enc, GST_STATE_NULL);
  dc_test_wait_until (NULL, gst_dtls_end_has_all (other));
  gst_element_set_state (self->dec, GST_STATE_NULL);
  /* They have seen the end of the stream, and the next one is another. */
  gst_pad_set_active (self->from_dec, FALSE);
  gst_pad_set_active (self->from_dec, TRUE);
  pads_begin_stream (self->from_wire);
  gst_pad_set_active (self->to_wire, FALSE);
  gst_pad_set_active (self->to_wire, TRUE);
  g_mutex_lock (&self->lock);
  g_array_set_size (self->states, 0);
  self->data_ended = self->wire_ended = FALSE;
  g_mutex_unlock (&self->lock);
}

void
gst_dtls_end_start (GstDtlsEnd *self)
{
  g_assert_cmpint (gst_element_set_state (self->dec, GST_STATE_PLAYING), ==, GST_STATE_CHANGE_SUCCESS);
  g_assert_cmpint (gst_element_set_state (self->enc, GST_STATE_PLAYING), ==, GST_STATE_CHANGE_SUCCESS);
  pads_begin_stream (self->to_enc);
}

void
gst_dtls_pair_connect (GstDtlsPair *pair)
{
  gst_dtls_end_start (&pair->server);
  gst_dtls_end_start (&pair->client);
  dc_test_wait_until (NULL, gst_dtls_end_has_been (&pair->client, 4) && gst_dtls_end_has_been (&pair->server, 4));
}

GstFlowReturn
gst_dtls_end_send (GstDtlsEnd *self, const char *text, guint n)
{
  GstBufferList *list = gst_buffer_list_new_sized (n);
  GstBuffer *buffer;

  for (guint i = 0; i < n; i++) {
    char *packet = g_strdup_printf ("%s %u", text, i);
    gst_buffer_list_add (list, gst_buffer_new_wrapped (packet, strlen (packet)));
  }
  if (n != 1)
    return gst_pad_push_list (self->to_enc, list);
  buffer = gst_buffer_ref (gst_buffer_list_get (list, 0));
  gst_buffer_list_unref (list);
  return gst_pad_push (self->to_enc, buffer);
}

void
gst_dtls_end_release (GstDtlsEnd *self)
{
  GstMiniObject *object;

  g_mutex_lock (&self->lock);
  self->holds = FALSE;
  while ((object = g_queue_pop_head (&self->held)))
    gst_dtls_end_put (get_other (self), object);
  g_mutex_unlock (&self->lock);
}

gint
gst_dtls_end_get_state (GstDtlsEnd *self)
{
  gint state, of_dec;

  g_object_get (self->enc, "connection-state", &state, NULL);
  g_object_get (self->dec, "connection-state", &of_dec, NULL);
  return state == of_dec ? state : -1;
}

gboolean
gst_dtls_end_has_been (GstDtlsEnd *self, gint state)
{
  gboolean found = FALSE;

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < self->states->len; i++)
    found = found || g_array_index (self->states, gint, i) == state;
  g_mutex_unlock (&self->lock);
  return found;
}

gboolean
gst_dtls_end_has_received (GstDtlsEnd *self, const char *text)
{
  g_autofree char *whole = g_strconcat (text, ";", NULL);

  return gst_dtls_end_read (self, gboolean, strstr (self->received->str, whole) != NULL);
}

char *
gst_dtls_end_wait_error (GstDtlsEnd *self)
{
  g_autoptr (GstMessage) message = gst_bus_timed_pop_filtered (self->bus, GST_CLOCK_TIME_NONE, GST_MESSAGE_ERROR);
  g_autoptr (GError) error = NULL;

  gst_message_parse_error (message, &error, NULL);
  return g_strdup (error->message);
}
