/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-gst-dtls.c: our dtlsenc and dtlsdec by their pads and properties, with each other and with GStreamer's. */
#include <string.h>

#include "plugins/transport/gst-elements.h"
#include "plugins/transport/gst-dtlsdec.h"
#include "plugins/transport/gst-dtlsenc.h"
#include "tests/gst-dtls-pair.h"
#include "tests/harness/dc-test.h"

#define WATCHDOG_S 30
#define CROWD 100
#define KEY_SIZE 30u

/* GStreamer's numbers, which webrtcbin reads. */
enum { STATE_NEW, STATE_CLOSED, STATE_FAILED, STATE_CONNECTING, STATE_CONNECTED };

typedef struct {
  GstDtlsPair *pair;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer kind)
{
  dc_test_watchdog_start (WATCHDOG_S);
  fixture->pair = gst_dtls_pair_new ((GstDtlsKind) GPOINTER_TO_INT (kind));
}

static void
tear_down (Fixture *fixture, gconstpointer kind)
{
  gst_dtls_pair_free (fixture->pair);
  dc_test_watchdog_stop ();
}

/* --- Registration ------------------------------------------------------------------------------------------------------------------ */

static void
assert_ours (const char *name, GType type)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find (name);

  g_assert_cmpuint (gst_element_factory_get_element_type (factory), ==, type);
  g_assert_cmpuint (gst_plugin_feature_get_rank (GST_PLUGIN_FEATURE (factory)), >, GST_RANK_NONE);
}

static void
test_register (void)
{
  g_assert_true (gst_dc_dtls_elements_register ());
  assert_ours ("dtlsenc", GST_TYPE_DC_DTLS_ENC);
  assert_ours ("dtlsdec", GST_TYPE_DC_DTLS_DEC);
  gst_object_unref (gst_plugin_load_by_name ("dtls"));
  gst_object_unref (gst_object_ref_sink (gst_element_factory_make ("dtlssrtpenc", NULL)));
  g_assert_true (gst_dc_dtls_elements_register ());
  assert_ours ("dtlsenc", GST_TYPE_DC_DTLS_ENC);
  assert_ours ("dtlsdec", GST_TYPE_DC_DTLS_DEC);
}

/* dtlssrtpenc reads its dtlsenc's property into a value of its own kind. */
static void
test_state_type (void)
{
  g_autoptr (GstElement) outer = gst_object_ref_sink (gst_element_factory_make ("dtlssrtpenc", NULL));
  gint state = -1;

  g_object_get (outer, "connection-state", &state, NULL);
  g_assert_cmpint (state, ==, STATE_CLOSED);
}

/* --- Connections ------------------------------------------------------------------------------------------------------------------- */

static void
assert_talks (GstDtlsPair *pair)
{
  g_assert_cmpint (gst_dtls_end_send (&pair->client, "hello", 1), ==, GST_FLOW_OK);
  dc_test_wait_until (NULL, gst_dtls_end_has_received (&pair->server, "hello 0"));
  g_assert_cmpint (gst_dtls_end_send (&pair->server, "welcome", 1), ==, GST_FLOW_OK);
  dc_test_wait_until (NULL, gst_dtls_end_has_received (&pair->client, "welcome 0"));
  g_assert_cmpint (gst_dtls_end_send (&pair->client, "list", 200), ==, GST_FLOW_OK);
  dc_test_wait_until (NULL, gst_dtls_end_has_received (&pair->server, "list 199"));
  g_assert_cmpint (gst_dtls_end_send (&pair->server, "answer", 200), ==, GST_FLOW_OK);
  dc_test_wait_until (NULL, gst_dtls_end_has_received (&pair->client, "answer 199"));
  g_assert_cmpuint (gst_dtls_end_read (&pair->server, guint, pair->server.n_received), ==, 201);
  g_assert_cmpuint (gst_dtls_end_read (&pair->client, guint, pair->client.n_received), ==, 201);
}

static void
assert_certificate (GstDtlsEnd *end, GstDtlsEnd *other)
{
  g_autofree char *shown = NULL, *seen = NULL;

  g_object_get (end->dec, "pem", &shown, NULL);
  g_object_get (other->dec, "peer-pem", &seen, NULL);
  g_assert_true (g_str_has_prefix (shown, "-----BEGIN CERTIFICATE-----"));
  g_assert_null (strstr (shown, "PRIVATE"));
  g_assert_cmpstr (seen, ==, shown);
}

static void
assert_keys (GstDtlsEnd *end, GstDtlsEnd *other)
{
  g_autoptr (GstBuffer) encoder = NULL;
  g_autoptr (GstBuffer) decoder = NULL;
  guint cipher, auth, other_cipher, other_auth;
  guint8 key[KEY_SIZE];

  g_object_get (end->enc, "encoder-key", &encoder, "srtp-cipher", &cipher, "srtp-auth", &auth, NULL);
  g_object_get (other->dec, "decoder-key", &decoder, "srtp-cipher", &other_cipher, "srtp-auth", &other_auth, NULL);
  g_assert_cmpuint (gst_buffer_get_size (encoder), ==, KEY_SIZE);
  gst_buffer_extract (encoder, 0, key, KEY_SIZE);
  g_assert_cmpint (gst_buffer_memcmp (decoder, 0, key, KEY_SIZE), ==, 0);
  g_assert_cmpuint (gst_buffer_get_size (decoder), ==, KEY_SIZE);
  g_assert_cmpuint (cipher, ==, 1);
  g_assert_cmpuint (auth, ==, 2);
  g_assert_cmpuint (other_cipher, ==, 1);
  g_assert_cmpuint (other_auth, ==, 2);
}

static void
test_connect (Fixture *fixture, gconstpointer kind)
{
  GstDtlsPair *pair = fixture->pair;

  gst_dtls_pair_connect (pair);
  g_assert_cmpint (gst_dtls_end_get_state (&pair->client), ==, STATE_CONNECTED);
  g_assert_cmpint (gst_dtls_end_get_state (&pair->server), ==, STATE_CONNECTED);
  g_assert_true (gst_dtls_end_has_been (&pair->client, STATE_CONNECTING));
  assert_certificate (&pair->client, &pair->server);
  assert_certificate (&pair->server, &pair->client);
  assert_keys (&pair->client, &pair->server);
  assert_keys (&pair->server, &pair->client);
  g_assert_cmpuint (pair->client.n_keys, ==, 2);
  g_assert_cmpuint (pair->server.n_keys, ==, 2);
  assert_talks (pair);
}

/* A list of 200 is sealed, sent, opened and given as few. */
static void
test_lists (Fixture *fixture, gconstpointer kind)
{
  GstDtlsPair *pair = fixture->pair;

  gst_dtls_pair_connect (pair);
  assert_talks (pair);
  g_assert_cmpuint (gst_dtls_end_read (&pair->server, guint, pair->server.n_pushes), <, 10);
}

static void
test_repeats (Fixture *fixture, gconstpointer kind)
{
  GstDtlsPair *pair = fixture->pair;

  pair->client.lose = 1;
  pair->server.lose = 1;
  gst_dtls_pair_connect (pair);
  assert_talks (pair);
}

/* The far side may be faster than the one who starts our dtlsenc: what it has sent by then is not lost. */
static void
test_early (Fixture *fixture, gconstpointer kind)
{
  GstDtlsPair *pair = fixture->pair;

  gst_element_set_state (pair->server.dec, GST_STATE_PLAYING);
  gst_dtls_end_start (&pair->client);
  dc_test_wait_until (NULL, gst_dtls_end_read (&pair->client, guint, pair->client.n_datagrams) > 0);
  dc_test_wait_until (NULL, gst_dtls_end_has_all (&pair->server));
  /* No repetition helps. */
  g_mutex_lock (&pair->client.lock);
  pair->client.holds = TRUE;
  g_mutex_unlock (&pair->client.lock);
  gst_dtls_end_start (&pair->server);
  dc_test_wait_until (NULL, gst_dtls_end_read (&pair->server, guint, pair->server.n_datagrams) > 0);
  gst_dtls_end_release (&pair->client);
  dc_test_wait_until (NULL,
      gst_dtls_end_has_been (&pair->client, STATE_CONNECTED) && gst_dtls_end_has_been (&pair->server, STATE_CONNECTED));
  assert_talks (pair);
}

static void
test_too_early (Fixture *fixture, gconstpointer kind)
{
  g_autofree char *error = NULL;

  gst_dtls_end_start (&fixture->pair->client);
  g_assert_cmpint (gst_dtls_end_send (&fixture->pair->client, "hello", 1), ==, GST_FLOW_ERROR);
  error = gst_dtls_end_wait_error (&fixture->pair->client);
  g_assert_nonnull (strstr (error, "before DTLS was connected"));
}

static void
test_too_long (Fixture *fixture, gconstpointer kind)
{
  g_autofree char *error = NULL;

  gst_dtls_pair_connect (fixture->pair);
  g_assert_cmpint (
      gst_pad_push (fixture->pair->client.to_enc, gst_buffer_new_allocate (NULL, 16385, NULL)), ==, GST_FLOW_ERROR);
  error = gst_dtls_end_wait_error (&fixture->pair->client);
  g_assert_nonnull (strstr (error, "16385 bytes"));
}

/* Others use the transport for media, and nobody wants data: who sends some must not end that for all. */
static void
test_unlinked (Fixture *fixture, gconstpointer kind)
{
  GstDtlsPair *pair = fixture->pair;
  g_autoptr (GstPad) src = gst_pad_get_peer (pair->server.from_dec);

  gst_dtls_pair_connect (pair);
  assert_talks (pair);
  gst_pad_unlink (src, pair->server.from_dec);
  gst_dtls_end_send (&pair->client, "unwanted", 2);
  dc_test_wait_until (NULL, gst_dtls_end_has_all (&pair->server));
  g_assert_cmpint (g_atomic_int_get (&pair->server.flow), ==, GST_FLOW_OK);
  gst_pad_link (src, pair->server.from_dec);
  gst_dtls_end_send (&pair->client, "wanted", 1);
  dc_test_wait_until (NULL, gst_dtls_end_has_received (&pair->server, "wanted 0"));
}

/* --- The end ----------------------------------------------------------------------------------------------------------------------- */

/* The last data comes before the end, and close_notify before EOS. */
static void
test_eos (Fixture *fixture, gconstpointer kind)
{
  GstDtlsPair *pair = fixture->pair;

  gst_dtls_pair_connect (pair);
  gst_dtls_end_send (&pair->client, "last", 100);
  g_assert_true (gst_pad_push_event (pair->client.to_enc, gst_event_new_eos ()));
  dc_test_wait_until (NULL, gst_dtls_end_read (&pair->server, gboolean, pair->server.data_ended));
  g_assert_true (gst_dtls_end_has_received (&pair->server, "last 99"));
  dc_test_wait_until (NULL, gst_dtls_end_get_state (&pair->server) == STATE_CLOSED);
  dc_test_wait_until (NULL, gst_dtls_end_read (&pair->client, gboolean, pair->client.wire_ended));
  g_assert_cmpint (gst_dtls_end_get_state (&pair->client), ==, STATE_CLOSED);
  g_assert_cmpint (gst_dtls_end_send (&pair->client, "more", 1), ==, GST_FLOW_EOS);
}

/* Both know that it is over, whoever begins. */
static void
test_answered (Fixture *fixture, gconstpointer kind)
{
  GstDtlsPair *pair = fixture->pair;

  gst_dtls_pair_connect (pair);
  gst_pad_push_event (pair->server.to_enc, gst_event_new_eos ());
  dc_test_wait_until (NULL, gst_dtls_end_read (&pair->client, gboolean, pair->client.data_ended)
                                && gst_dtls_end_read (&pair->server, gboolean, pair->server.data_ended));
  g_assert_cmpint (gst_dtls_end_send (&pair->client, "more", 1), ==, GST_FLOW_EOS);
}

static void
test_stop (Fixture *fixture, gconstpointer kind)
{
  GstDtlsPair *pair = fixture->pair;

  gst_dtls_pair_connect (pair);
  gst_element_set_state (pair->client.enc, GST_STATE_NULL);
  dc_test_wait_until (NULL, gst_dtls_end_get_state (&pair->server) == STATE_CLOSED);
  dc_test_wait_until (NULL, gst_dtls_end_read (&pair->server, gboolean, pair->server.data_ended));
}

static void
test_again (Fixture *fixture, gconstpointer kind)
{
  GstDtlsPair *pair = fixture->pair;

  gst_dtls_pair_connect (pair);
  gst_dtls_end_stop (&pair->client);
  dc_test_wait_until (NULL, gst_dtls_end_read (&pair->server, gboolean, pair->server.data_ended));
  gst_dtls_end_stop (&pair->server);
  gst_dtls_pair_connect (pair);
  assert_talks (pair);
}

/* A datagram in the clear, as only the handshake takes it. */
static void
put_alert (GstDtlsEnd *end, guint8 description)
{
  const guint8 record[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, description};

  gst_dtls_end_put (end, GST_MINI_OBJECT (gst_buffer_new_memdup (record, sizeof record)));
}

static void
test_alert (Fixture *fixture, gconstpointer kind)
{
  GstDtlsPair *pair = fixture->pair;
  g_autofree char *error = NULL;

  gst_dtls_end_start (&pair->client);
  dc_test_wait_until (NULL, gst_dtls_end_has_been (&pair->client, STATE_CONNECTING));
  put_alert (&pair->client, 40);
  dc_test_wait_until (NULL, gst_dtls_end_has_been (&pair->client, STATE_FAILED));
  error = gst_dtls_end_wait_error (&pair->client);
  g_assert_nonnull (strstr (error, "handshake failure"));
  g_assert_cmpint (gst_dtls_end_send (&pair->client, "hello", 1), ==, GST_FLOW_ERROR);
}

/* Noise changes nothing. */
static void
test_noise (Fixture *fixture, gconstpointer kind)
{
  GstDtlsPair *pair = fixture->pair;
  g_autoptr (GRand) rand = g_rand_new_with_seed (5);

  gst_dtls_pair_connect (pair);
  for (guint i = 0; i < 1000; i++) {
    gsize size = (gsize) g_rand_int_range (rand, 0, 100);
    GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);

    gst_buffer_memset (buffer, 0, (guint8) g_rand_int_range (rand, 20, 64), size);
    gst_dtls_end_put (&pair->server, GST_MINI_OBJECT (buffer));
  }
  put_alert (&pair->server, 40);
  assert_talks (pair);
}

/* DTLS says nothing when nobody answers: that is for who uses it to see. But nothing waits for that one, either. */
static void
test_silence (Fixture *fixture, gconstpointer kind)
{
  GstDtlsPair *pair = fixture->pair;

  gst_dtls_pair_connect (pair);
  g_mutex_lock (&pair->client.lock);
  pair->client.lose = G_MAXUINT;
  g_mutex_unlock (&pair->client.lock);
  for (guint i = 0; i < 100; i++)
    g_assert_cmpint (gst_dtls_end_send (&pair->client, "unheard", 10), ==, GST_FLOW_OK);
  g_assert_true (gst_pad_push_event (pair->client.to_enc, gst_event_new_eos ()));
  dc_test_wait_until (NULL, gst_dtls_end_read (&pair->client, gboolean, pair->client.wire_ended));
  g_assert_cmpint (gst_dtls_end_get_state (&pair->client), ==, STATE_CLOSED);
  g_assert_cmpint (gst_dtls_end_get_state (&pair->server), ==, STATE_CONNECTED);
}

/* --- Past the pads ----------------------------------------------------------------------------------------------------------------- */

typedef struct {
  GMutex lock;
  GString *packets;
  guint n, n_calls;
} Taken;

static void
take_packets (DcPacket *packets, guint n, gpointer user_data)
{
  Taken *taken = user_data;

  g_mutex_lock (&taken->lock);
  taken->n += n;
  taken->n_calls++;
  for (guint i = 0; i < n; i++) {
    g_string_append_len (taken->packets, (const char *) packets[i].data, (gssize) packets[i].size);
    g_string_append_c (taken->packets, ';');
  }
  g_mutex_unlock (&taken->lock);
  g_main_context_wakeup (NULL);
}

static guint
count (Taken *taken)
{
  guint n;

  g_mutex_lock (&taken->lock);
  n = taken->n;
  g_mutex_unlock (&taken->lock);
  return n;
}

static gpointer
send_many (gpointer end)
{
  for (guint i = 0; i < 1000; i++)
    gst_dtls_end_send (end, "many", 10);
  return NULL;
}

/* While data comes, it is taken from the pad and given back, again and again: all of it comes out here or there. */
static void
test_divert (Fixture *fixture, gconstpointer kind)
{
  GstDtlsPair *pair = fixture->pair;
  Taken taken = {.packets = g_string_new (NULL)};
  GThread *thread;
  guint before = 0;

  gst_dtls_pair_connect (pair);
  thread = g_thread_new ("sender", send_many, &pair->client);
  for (guint i = 0; i < 100; i++) {
    gst_dc_dtlsdec_divert (GST_DC_DTLS_DEC (pair->server.dec), take_packets, &taken);
    before = count (&taken);
    gst_dc_dtlsdec_divert (GST_DC_DTLS_DEC (pair->server.dec), NULL, NULL);
    before = count (&taken);
    g_thread_yield ();
    g_assert_cmpuint (count (&taken), ==, before);
  }
  gst_dc_dtlsdec_divert (GST_DC_DTLS_DEC (pair->server.dec), take_packets, &taken);
  g_thread_join (thread);
  dc_test_wait_until (
      NULL, count (&taken) + gst_dtls_end_read (&pair->server, guint, pair->server.n_received) == 10000);
  gst_dtls_end_send (&pair->client, "diverted", 2);
  dc_test_wait_until (
      NULL, count (&taken) + gst_dtls_end_read (&pair->server, guint, pair->server.n_received) == 10002);
  g_assert_true (g_str_has_suffix (taken.packets->str, "diverted 0;diverted 1;"));
  gst_dc_dtlsdec_divert (GST_DC_DTLS_DEC (pair->server.dec), NULL, NULL);
  gst_dtls_end_send (&pair->client, "back", 1);
  dc_test_wait_until (NULL, gst_dtls_end_has_received (&pair->server, "back 0"));
  g_string_free (taken.packets, TRUE);
}

/* As a path of its own would: sealed and opened past the pads, and data out of its src pad all the same while nobody takes it. */
static void
test_session (Fixture *fixture, gconstpointer kind)
{
  GstDtlsPair *pair = fixture->pair;
  guint8 room[DC_PACKET_HEAD + 5 + DC_PACKET_TAIL] = {0};
  DcPacket packet = {room + DC_PACKET_HEAD, 5};
  g_autoptr (DcDtlsSession) none = gst_dc_dtlsdec_get_session (GST_DC_DTLS_DEC (pair->client.dec));
  g_autoptr (DcDtlsSession) session = NULL;

  g_assert_null (none);
  gst_dtls_pair_connect (pair);
  session = gst_dc_dtlsdec_get_session (GST_DC_DTLS_DEC (pair->client.dec));
  memcpy (packet.data, "quick", 5);
  g_assert_true (dc_dtls_session_seal (session, &packet, 1));
  gst_dc_dtlsdec_input (GST_DC_DTLS_DEC (pair->server.dec), &packet, 1);
  dc_test_wait_until (NULL, gst_dtls_end_has_received (&pair->server, "quick"));
}

/* --- Settings ---------------------------------------------------------------------------------------------------------------------- */

static void
test_pem (Fixture *fixture, gconstpointer kind)
{
  GstDtlsPair *pair = fixture->pair;
  g_autoptr (DcDtlsCertificate) certificate = dc_dtls_certificate_new (NULL);
  g_autofree char *whole = dc_dtls_certificate_to_pem (certificate, TRUE);
  g_autofree char *public = dc_dtls_certificate_to_pem (certificate, FALSE);
  g_autofree char *of_process = NULL, *of_server = NULL, *shown = NULL;

  g_object_get (pair->client.dec, "pem", &of_process, NULL);
  g_object_get (pair->server.dec, "pem", &of_server, NULL);
  g_assert_cmpstr (of_process, ==, of_server);
  g_object_set (pair->client.dec, "pem", whole, NULL);
  g_object_get (pair->client.dec, "pem", &shown, NULL);
  g_assert_cmpstr (shown, ==, public);
  gst_dtls_pair_connect (pair);
  assert_certificate (&pair->client, &pair->server);
  assert_certificate (&pair->server, &pair->client);
}

static void
test_bad_pem (Fixture *fixture, gconstpointer kind)
{
  GstElement *dec = fixture->pair->client.dec;
  g_autofree char *error = NULL;

  g_object_set (dec, "pem", "nothing", NULL);
  g_assert_cmpint (gst_element_set_state (dec, GST_STATE_PLAYING), ==, GST_STATE_CHANGE_FAILURE);
  error = gst_dtls_end_wait_error (&fixture->pair->client);
  g_assert_nonnull (strstr (error, "PEM"));
}

static void
test_ids (Fixture *fixture, gconstpointer kind)
{
  g_autoptr (GstElement) dec = gst_object_ref_sink (gst_element_factory_make ("dtlsdec", NULL));
  g_autoptr (GstElement) enc = gst_object_ref_sink (gst_element_factory_make ("dtlsenc", NULL));
  g_autofree char *id = NULL;

  g_object_get (fixture->pair->client.dec, "connection-id", &id, NULL);
  g_object_set (dec, "connection-id", id, NULL);
  g_assert_cmpint (gst_element_set_state (dec, GST_STATE_READY), ==, GST_STATE_CHANGE_FAILURE);
  g_assert_cmpint (gst_element_set_state (enc, GST_STATE_READY), ==, GST_STATE_CHANGE_FAILURE);
  g_object_set (enc, "connection-id", id, NULL);
  g_assert_cmpint (gst_element_set_state (fixture->pair->client.enc, GST_STATE_READY), ==, GST_STATE_CHANGE_SUCCESS);
  g_assert_cmpint (gst_element_set_state (enc, GST_STATE_READY), ==, GST_STATE_CHANGE_FAILURE);
  gst_element_set_state (fixture->pair->client.enc, GST_STATE_NULL);
  g_assert_cmpint (gst_element_set_state (enc, GST_STATE_READY), ==, GST_STATE_CHANGE_SUCCESS);
  gst_element_set_state (enc, GST_STATE_NULL);
}

/* --- Many -------------------------------------------------------------------------------------------------------------------------- */

static void
open_and_close (guint n)
{
  g_autoptr (GPtrArray) pairs = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_dtls_pair_free);

  for (guint i = 0; i < n; i++)
    g_ptr_array_add (pairs, gst_dtls_pair_new (GST_DTLS_OURS));
  for (guint i = 0; i < n; i++)
    gst_dtls_pair_connect (g_ptr_array_index (pairs, i));
  for (guint i = 0; i < n; i++)
    assert_talks (g_ptr_array_index (pairs, i));
  /* The wire has two threads a pair; GStreamer's lent ones go by themselves. */
  g_assert_cmpuint (dc_test_count_threads (), <, 2 * n + 20);
}

static void
test_crowd (void)
{
  guint threads, fds;

  dc_test_watchdog_start (WATCHDOG_S);
  open_and_close (1);
  g_thread_pool_stop_unused_threads ();
  threads = dc_test_count_threads ();
  fds = dc_test_count_fds ();
  open_and_close (CROWD);
  g_assert_cmpuint (dc_test_count_fds (), <=, fds);
  g_thread_pool_stop_unused_threads ();
  while (dc_test_count_threads () > threads)
    g_thread_yield ();
  dc_test_watchdog_stop ();
}

/* Nobody keeps an element whose user has let go of it, also not after a handshake that was broken off. */
static void
assert_goes (GstDtlsPair *pair)
{
  GWeakRef refs[4];
  GstElement *elements[] = {pair->client.enc, pair->client.dec, pair->server.enc, pair->server.dec};

  for (guint i = 0; i < 4; i++)
    g_weak_ref_init (&refs[i], elements[i]);
  gst_dtls_pair_free (pair);
  for (guint i = 0; i < 4; i++) {
    GstElement *element;
    /* A thread may have one in its hand for a moment. */
    while ((element = g_weak_ref_get (&refs[i]))) {
      gst_object_unref (element);
      g_thread_yield ();
    }
    g_weak_ref_clear (&refs[i]);
  }
}

static void
test_goes (void)
{
  GstDtlsPair *pair = gst_dtls_pair_new (GST_DTLS_OURS);

  dc_test_watchdog_start (WATCHDOG_S);
  gst_dtls_pair_connect (pair);
  assert_goes (pair);
  pair = gst_dtls_pair_new (GST_DTLS_OURS);
  gst_dtls_end_start (&pair->client);
  assert_goes (pair);
  assert_goes (gst_dtls_pair_new (GST_DTLS_OURS));
  dc_test_watchdog_stop ();
}

static void
add (const char *path, GstDtlsKind kind, void (*func) (Fixture *, gconstpointer))
{
  g_test_add (path, Fixture, GINT_TO_POINTER (kind), set_up, func, tear_down);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  g_assert_true (gst_dc_dtls_elements_register ());
  g_test_add_func ("/gst-dtls/register", test_register);
  g_test_add_func ("/gst-dtls/state-type", test_state_type);
  add ("/gst-dtls/connect", GST_DTLS_OURS, test_connect);
  add ("/gst-dtls/connect/stock-client", GST_DTLS_STOCK_CLIENT, test_connect);
  add ("/gst-dtls/connect/stock-server", GST_DTLS_STOCK_SERVER, test_connect);
  add ("/gst-dtls/lists", GST_DTLS_OURS, test_lists);
  add ("/gst-dtls/repeats", GST_DTLS_OURS, test_repeats);
  add ("/gst-dtls/early", GST_DTLS_OURS, test_early);
  add ("/gst-dtls/too-early", GST_DTLS_OURS, test_too_early);
  add ("/gst-dtls/too-long", GST_DTLS_OURS, test_too_long);
  add ("/gst-dtls/unlinked", GST_DTLS_OURS, test_unlinked);
  add ("/gst-dtls/eos", GST_DTLS_OURS, test_eos);
  add ("/gst-dtls/eos/stock-server", GST_DTLS_STOCK_SERVER, test_eos);
  add ("/gst-dtls/answered", GST_DTLS_OURS, test_answered);
  add ("/gst-dtls/stop", GST_DTLS_OURS, test_stop);
  add ("/gst-dtls/again", GST_DTLS_OURS, test_again);
  add ("/gst-dtls/alert", GST_DTLS_OURS, test_alert);
  add ("/gst-dtls/noise", GST_DTLS_OURS, test_noise);
  add ("/gst-dtls/silence", GST_DTLS_OURS, test_silence);
  add ("/gst-dtls/divert", GST_DTLS_OURS, test_divert);
  add ("/gst-dtls/session", GST_DTLS_OURS, test_session);
  add ("/gst-dtls/pem", GST_DTLS_OURS, test_pem);
  add ("/gst-dtls/bad-pem", GST_DTLS_OURS, test_bad_pem);
  add ("/gst-dtls/ids", GST_DTLS_OURS, test_ids);
  g_test_add_func ("/gst-dtls/crowd", test_crowd);
  g_test_add_func ("/gst-dtls/goes", test_goes);
  return g_test_run ();
}
