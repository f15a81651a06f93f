/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-dtls-elements.c: a DTLS session with GStreamer's dtlsenc and dtlsdec at the other end. */
#include <gst/gst.h>
#include <string.h>

#include "plugins/transport/dc-dtls-session.h"
#include "tests/harness/dc-test.h"
#include "tests/pads.h"

#define ROUNDS 200

/* --- Their side: the elements, and the pads of this test around them --------------------------------------------------------------- */

typedef enum { THEIR_DATAGRAM, THEIR_DATA, THEIR_STATE } Kind;
typedef struct {
  Kind kind;
  GstBuffer *buffer; /* (nullable) */
} Happening;

typedef struct {
  GstElement *encoder, *decoder;
  GstPad *to_decoder, *from_decoder, *to_encoder, *from_encoder; /* of this test */
  GAsyncQueue *happened;                                         /* (element-type Happening) */

  DcDtlsSession *session;
  DcDtlsState state;
  char *their_pem;   /* (nullable): as the session has seen it */
  GString *received; /* by the session */
  GString *theirs;   /* by the elements */
  guint by_callback; /* packets of that, which went through OpenSSL */
  gint closed;       /* the elements say so; atomic */
} Pair;

static void
happens (Pair *self, Kind kind, GstBuffer *buffer)
{
  const Happening happening = {kind, buffer};

  g_async_queue_push (self->happened, g_memdup2 (&happening, sizeof happening));
}

static GstFlowReturn
take_from_encoder (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  happens (gst_pad_get_element_private (pad), THEIR_DATAGRAM, buffer);
  return GST_FLOW_OK;
}

static GstFlowReturn
take_from_decoder (GstPad *pad, GstObject *parent, GstBuffer *buffer)
{
  happens (gst_pad_get_element_private (pad), THEIR_DATA, buffer);
  return GST_FLOW_OK;
}

static gboolean
take_event (GstPad *pad, GstObject *parent, GstEvent *event)
{
  gst_event_unref (event);
  return TRUE;
}

static void
note_their_state (GObject *element, GParamSpec *spec, gpointer user_data)
{
  Pair *self = user_data;
  int state;

  g_object_get (element, "connection-state", &state, NULL);
  if (state == 1)
    g_atomic_int_set (&self->closed, 1);
  happens (self, THEIR_STATE, NULL);
}

static void
push (GstPad *pad, gconstpointer data, gsize size)
{
  gst_pad_push (pad, gst_buffer_new_memdup (data, size));
}

/* --- Our side -------------------------------------------------------------------------------------------------------------------- */

static void
send_packets (DcPacket *packets, guint n, gpointer user_data)
{
  Pair *self = user_data;

  for (guint i = 0; i < n; i++)
    if (packets[i].size > 0)
      push (self->to_decoder, packets[i].data, packets[i].size);
}

static void
take_packets (DcPacket *packets, guint n, gpointer user_data)
{
  Pair *self = user_data;

  self->by_callback += n;
  for (guint i = 0; i < n; i++)
    g_string_append_len (self->received, (const char *) packets[i].data, (gssize) packets[i].size);
}

static void
note_state (DcDtlsState state, const GError *error, gpointer user_data)
{
  Pair *self = user_data;

  g_assert_no_error (error);
  self->state = state;
}

static gboolean
note_pem (const char *pem, gpointer user_data)
{
  Pair *self = user_data;

  g_free (self->their_pem);
  self->their_pem = g_strdup (pem);
  return TRUE;
}

static void
open_buffer (Pair *self, GstBuffer *buffer)
{
  GstMapInfo map;
  DcPacket packet;

  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READWRITE));
  packet = (DcPacket){map.data, map.size};
  dc_dtls_session_open (self->session, &packet, 1);
  g_string_append_len (self->received, (const char *) packet.data, (gssize) packet.size);
  gst_buffer_unmap (buffer, &map);
}

static void
note_data (Pair *self, GstBuffer *buffer)
{
  GstMapInfo map;

  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
  g_string_append_len (self->theirs, (const char *) map.data, (gssize) map.size);
  gst_buffer_unmap (buffer, &map);
}

/* (Before their server has begun, it drops what comes.) */
static void
pair_step (Pair *self)
{
  gint64 deadline = dc_dtls_session_get_deadline (self->session);
  gint64 left = deadline >= 0 ? MAX (deadline - g_get_monotonic_time (), 0) : G_TIME_SPAN_SECOND;
  Happening *happening = g_async_queue_timeout_pop (self->happened, (guint64) left);
  g_autoptr (GstBuffer) buffer = happening != NULL ? happening->buffer : NULL;

  if (happening == NULL)
    dc_dtls_session_handle_timeout (self->session);
  else if (happening->kind == THEIR_DATAGRAM) {
    buffer = gst_buffer_make_writable (buffer);
    open_buffer (self, buffer);
  } else if (happening->kind == THEIR_DATA) {
    note_data (self, buffer);
  }
  g_free (happening);
}

/* The watchdog bounds it. */
#define pair_run_until(self, condition)                                                                                \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    while (!(condition))                                                                                               \
      pair_step (self);                                                                                                \
  }                                                                                                                    \
  G_STMT_END

static void
say (Pair *self, const char *text)
{
  guint8 block[DC_PACKET_HEAD + 100 + DC_PACKET_TAIL];
  DcPacket packet = {block + DC_PACKET_HEAD, strlen (text)};

  memcpy (packet.data, text, packet.size);
  g_assert_true (dc_dtls_session_seal (self->session, &packet, 1));
  send_packets (&packet, 1, self);
}

/* --- Both ------------------------------------------------------------------------------------------------------------------------ */

static void
make_elements (Pair *self, gboolean we_are_client)
{
  static guint n;
  g_autofree char *id = g_strdup_printf ("test-%u", n++);

  self->decoder = gst_object_ref_sink (gst_element_factory_make ("dtlsdec", NULL));
  self->encoder = gst_object_ref_sink (gst_element_factory_make ("dtlsenc", NULL));
  g_object_set (self->decoder, "connection-id", id, NULL);
  g_object_set (self->encoder, "connection-id", id, "is-client", !we_are_client, NULL);
  g_signal_connect (self->decoder, "notify::connection-state", G_CALLBACK (note_their_state), self);
  self->from_decoder = pads_make_sink (self->decoder, "src", take_from_decoder, NULL, take_event, self);
  self->from_encoder = pads_make_sink (self->encoder, "src", take_from_encoder, NULL, take_event, self);
  self->to_decoder = pads_make_src (self->decoder, "sink");
  self->to_encoder = pads_make_src (self->encoder, "sink");
}

static Pair *
pair_new (gboolean we_are_client)
{
  static const DcDtlsCallbacks callbacks = {send_packets, take_packets, note_state, note_pem};
  g_autoptr (DcDtlsCertificate) certificate = dc_dtls_certificate_new (NULL);
  Pair *self = g_new0 (Pair, 1);

  self->happened = g_async_queue_new ();
  self->received = g_string_new (NULL);
  self->theirs = g_string_new (NULL);
  self->session = dc_dtls_session_new (certificate, we_are_client, &callbacks, self);
  make_elements (self, we_are_client);
  gst_element_set_state (self->decoder, GST_STATE_PLAYING);
  pads_begin_stream (self->to_decoder);
  dc_dtls_session_start (self->session);
  gst_element_set_state (self->encoder, GST_STATE_PLAYING);
  pads_begin_stream (self->to_encoder);
  pair_run_until (self, self->state == DC_DTLS_CONNECTED);
  return self;
}

static void
pair_free (Pair *self)
{
  GstPad *pads[] = {self->to_decoder, self->from_decoder, self->to_encoder, self->from_encoder};
  Happening *left;

  g_signal_handlers_disconnect_by_data (self->decoder, self);
  gst_pad_set_active (self->from_encoder, FALSE);
  gst_element_set_state (self->encoder, GST_STATE_NULL);
  gst_element_set_state (self->decoder, GST_STATE_NULL);
  for (guint i = 0; i < G_N_ELEMENTS (pads); i++)
    pads_drop (pads[i]);
  gst_object_unref (self->encoder);
  gst_object_unref (self->decoder);
  while ((left = g_async_queue_try_pop (self->happened))) {
    gst_clear_buffer (&left->buffer);
    g_free (left);
  }
  g_async_queue_unref (self->happened);
  g_free (self->their_pem);
  dc_dtls_session_unref (self->session);
  g_string_free (self->received, TRUE);
  g_string_free (self->theirs, TRUE);
  g_free (self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Pair, pair_free)

/* --- Tests ----------------------------------------------------------------------------------------------------------------------- */

static void
assert_talks (Pair *pair)
{
  g_autoptr (GString) all = g_string_new (NULL);

  for (guint i = 0; i < ROUNDS; i++) {
    g_autofree char *text = g_strdup_printf ("line %u\n", i);
    say (pair, text);
    push (pair->to_encoder, text, strlen (text));
    g_string_append (all, text);
  }
  pair_run_until (pair, pair->theirs->len == all->len && pair->received->len == all->len);
  g_assert_cmpstr (pair->theirs->str, ==, all->str);
  g_assert_cmpstr (pair->received->str, ==, all->str);
  g_assert_cmpuint (pair->by_callback, ==, 0);
}

static void
assert_same_srtp_key (Pair *pair, gboolean we_are_client)
{
  guint profile;
  guint8 client[30], server[30];
  g_autoptr (GstBuffer) key = NULL;

  g_object_get (pair->encoder, "encoder-key", &key, NULL);
  g_assert_true (dc_dtls_session_get_srtp_keys (pair->session, &profile, client, server));
  g_assert_nonnull (key);
  g_assert_cmpint (gst_buffer_memcmp (key, 0, we_are_client ? server : client, 30), ==, 0);
}

static void
test_talk (gconstpointer data)
{
  gboolean we_are_client = GPOINTER_TO_INT (data);
  g_autoptr (Pair) pair = NULL;

  dc_test_watchdog_start (60);
  pair = pair_new (we_are_client);
  assert_talks (pair);
  assert_same_srtp_key (pair, we_are_client);
  dc_test_watchdog_stop ();
}

static void
test_certificate (gconstpointer data)
{
  g_autoptr (Pair) pair = NULL;
  g_autofree char *shown = NULL;

  dc_test_watchdog_start (60);
  pair = pair_new (GPOINTER_TO_INT (data));
  g_object_get (pair->decoder, "pem", &shown, NULL);
  g_assert_nonnull (pair->their_pem);
  g_assert_true (g_str_has_prefix (shown, pair->their_pem));
  dc_test_watchdog_stop ();
}

static void
test_close_ours (gconstpointer data)
{
  g_autoptr (Pair) pair = NULL;

  dc_test_watchdog_start (60);
  pair = pair_new (GPOINTER_TO_INT (data));
  assert_talks (pair);
  dc_dtls_session_close (pair->session);
  pair_run_until (pair, g_atomic_int_get (&pair->closed) != 0);
  dc_test_watchdog_stop ();
}

static void
test_close_theirs (gconstpointer data)
{
  g_autoptr (Pair) pair = NULL;

  dc_test_watchdog_start (60);
  pair = pair_new (GPOINTER_TO_INT (data));
  assert_talks (pair);
  gst_pad_push_event (pair->to_encoder, gst_event_new_eos ());
  pair_run_until (pair, pair->state == DC_DTLS_CLOSED);
  dc_test_watchdog_stop ();
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  for (int i = 0; i < 2; i++) {
    const char *role = i != 0 ? "client" : "server";
    g_autofree char *talk = g_strdup_printf ("/dtls-elements/%s/talk", role);
    g_autofree char *certificate = g_strdup_printf ("/dtls-elements/%s/certificate", role);
    g_autofree char *ours = g_strdup_printf ("/dtls-elements/%s/close/ours", role);
    g_autofree char *theirs = g_strdup_printf ("/dtls-elements/%s/close/theirs", role);
    g_test_add_data_func (talk, GINT_TO_POINTER (i), test_talk);
    g_test_add_data_func (certificate, GINT_TO_POINTER (i), test_certificate);
    g_test_add_data_func (ours, GINT_TO_POINTER (i), test_close_ours);
    g_test_add_data_func (theirs, GINT_TO_POINTER (i), test_close_theirs);
  }
  return g_test_run ();
}
