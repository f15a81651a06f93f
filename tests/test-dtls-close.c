/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-dtls-close.c: what ends a DTLS association, what does not, and threads that are in the midst of it. */
#include <string.h>

#include "plugins/transport/dc-dtls-session-private.h"
#include "tests/dtls-wire.h"

/* --- What else the far side may say ------------------------------------------------------------------------------------------------ */

static void
put_sealed (DtlsEnd *from, DtlsEnd *to, DcDtlsType type, const guint8 *bytes, gsize size)
{
  guint8 block[DC_PACKET_HEAD + 100 + DC_PACKET_TAIL];
  DcPacket packet = {block + DC_PACKET_HEAD, size};

  memcpy (packet.data, bytes, size);
  g_assert_true (dc_dtls_sealer_seal (from->session->sealer, type, &packet));
  dtls_end_put (to, packet.data, packet.size);
}

/* It wants another handshake, or just says something of that kind. */
static void
test_renegotiation (void)
{
  static const guint8 hello_request[12] = {0}, client_hello[12] = {1}, finished[12] = {20};
  g_autoptr (DtlsWire) wire = dtls_wire_new_connected ();
  guint sent = wire->client.sent, answered = wire->server.sent;

  put_sealed (&wire->server, &wire->client, DC_DTLS_HANDSHAKE, hello_request, sizeof hello_request);
  put_sealed (&wire->client, &wire->server, DC_DTLS_HANDSHAKE, client_hello, sizeof client_hello);
  put_sealed (&wire->client, &wire->server, DC_DTLS_HANDSHAKE, finished, sizeof finished);
  put_sealed (&wire->client, &wire->server, DC_DTLS_CHANGE_CIPHER_SPEC, client_hello, 1);
  put_sealed (&wire->client, &wire->server, 99, client_hello, 1);
  dtls_wire_pass (wire);
  g_assert_cmpuint (wire->client.sent, ==, sent + 1);
  g_assert_cmpuint (wire->server.sent, ==, answered + 1);
  g_assert_true (dtls_end_is (&wire->client, DC_DTLS_CONNECTED));
  g_assert_true (dtls_end_is (&wire->server, DC_DTLS_CONNECTED));
}

static void
test_alert (void)
{
  static const guint8 warning[] = {1, 90}, fatal[] = {2, 80}, odd[] = {2, 80, 0};
  g_autoptr (DtlsWire) wire = dtls_wire_new_connected ();

  put_sealed (&wire->client, &wire->server, DC_DTLS_ALERT, warning, sizeof warning);
  put_sealed (&wire->client, &wire->server, DC_DTLS_ALERT, odd, sizeof odd);
  dtls_wire_pass (wire);
  g_assert_true (dtls_end_is (&wire->server, DC_DTLS_CONNECTED));
  put_sealed (&wire->client, &wire->server, DC_DTLS_ALERT, fatal, sizeof fatal);
  dtls_wire_pass (wire);
  g_assert_true (dtls_end_is (&wire->server, DC_DTLS_FAILED));
  g_assert_error (wire->server.error, DC_DTLS_ERROR, DC_DTLS_ERROR_ALERT);
  g_assert_nonnull (strstr (wire->server.error->message, "internal error"));
  g_assert_false (dtls_end_send (&wire->server, "too late", 1));
}

/* --- Its end ---------------------------------------------------------------------------------------------------------------------- */

static void
assert_closes (DtlsWire *wire, DtlsEnd *first, DtlsEnd *second)
{
  guint sent = first->sent;

  dc_dtls_session_close (first->session);
  dc_dtls_session_close (first->session);
  g_assert_cmpuint (first->sent, ==, sent + 1);
  g_assert_false (dtls_end_send (first, "too late", 1));
  g_assert_true (dtls_end_is (first, DC_DTLS_CONNECTED));
  /* Until the other side has heard. */
  g_assert_true (dtls_end_send (second, "last words", 1));
  dtls_wire_pass (wire);
  g_assert_cmpuint (first->received->len, >=, 1);
  g_assert_true (dtls_end_is (first, DC_DTLS_CLOSED));
  g_assert_true (dtls_end_is (second, DC_DTLS_CLOSED));
  g_assert_false (dtls_end_send (second, "too late", 1));
  g_assert_no_error (first->error);
  g_assert_no_error (second->error);
}

static void
test_close (void)
{
  for (guint i = 0; i < 4; i++) {
    g_autoptr (DtlsWire) wire = i / 2 != 0 ? dtls_wire_new_connected () : dtls_wire_new (NULL, NULL);
    if (i / 2 == 0)
      dtls_wire_connect (wire);
    assert_closes (wire, i % 2 != 0 ? &wire->client : &wire->server, i % 2 != 0 ? &wire->server : &wire->client);
  }
}

static void
test_close_both (void)
{
  g_autoptr (DtlsWire) wire = dtls_wire_new_connected ();

  dc_dtls_session_close (wire->client.session);
  dc_dtls_session_close (wire->server.session);
  dtls_wire_pass (wire);
  g_assert_true (dtls_end_is (&wire->client, DC_DTLS_CLOSED));
  g_assert_true (dtls_end_is (&wire->server, DC_DTLS_CLOSED));
}

static void
test_close_early (void)
{
  g_autoptr (DtlsWire) wire = dtls_wire_new (NULL, NULL);

  dc_dtls_session_close (wire->client.session);
  dc_dtls_session_start (wire->client.session);
  g_assert_true (dtls_end_is (&wire->client, DC_DTLS_CLOSED));
  g_assert_cmpuint (wire->client.sent, ==, 0);
  dc_dtls_session_start (wire->server.session);
  dc_dtls_session_close (wire->server.session);
  g_assert_true (dtls_end_is (&wire->server, DC_DTLS_CLOSED));
  g_assert_cmpint (dc_dtls_session_get_deadline (wire->server.session), ==, -1);
}

/* Callbacks may call. */
static void
test_close_in_callback (void)
{
  for (DcDtlsState state = DC_DTLS_CONNECTING; state <= DC_DTLS_CONNECTED; state++) {
    g_autoptr (DtlsWire) wire = dtls_wire_new (NULL, NULL);
    wire->client.closes_in = state;
    dtls_wire_start (wire);
    dtls_wire_pass (wire);
    g_assert_true (dtls_end_is (&wire->client, DC_DTLS_CLOSED));
    g_assert_true (dtls_end_is (&wire->server, state == DC_DTLS_CONNECTED ? DC_DTLS_CLOSED : DC_DTLS_CONNECTING));
  }
}

/* --- Threads ---------------------------------------------------------------------------------------------------------------------- */

typedef struct {
  DcDtlsSession *session;
  gint *stop;
  guint n;
} Sender;

static gpointer
send_all_the_time (gpointer data)
{
  Sender *self = data;
  g_autofree DtlsBatch *batch = g_new (DtlsBatch, 1);

  while (g_atomic_int_get (self->stop) == 0) {
    dtls_batch_fill (batch);
    if (!dc_dtls_session_seal (self->session, batch->packets, DTLS_BATCH))
      break;
    self->n++;
  }
  dc_dtls_session_unref (self->session);
  return NULL;
}

/* Senders, who are still at it when the session is closed and its owner lets go of it. */
static void
test_threads (void)
{
  DtlsWire *wire = dtls_wire_new_connected ();
  gint stop = 0;
  Sender senders[2];
  GThread *threads[2];

  for (guint i = 0; i < 2; i++) {
    senders[i] = (Sender){dc_dtls_session_ref (wire->client.session), &stop, 0};
    threads[i] = g_thread_new ("sender", send_all_the_time, &senders[i]);
  }
  for (guint i = 0; i < 200; i++) {
    dtls_end_send (&wire->server, "meanwhile", 10);
    dtls_wire_pass (wire);
  }
  g_assert_cmpuint (wire->client.received->len, ==, 2000);
  dc_dtls_session_close (wire->client.session);
  dtls_wire_pass (wire);
  dtls_wire_free (wire);
  g_atomic_int_set (&stop, 1);
  for (guint i = 0; i < 2; i++)
    g_thread_join (threads[i]);
}

typedef struct {
  DtlsWire *wire;
  GPtrArray *datagrams; /* (element-type GBytes) */
  gint *opened;         /* atomic */
} Opener;

static gpointer
open_all (gpointer data)
{
  Opener *self = data;

  for (guint i = 0; i < self->datagrams->len; i++) {
    gsize size;
    gconstpointer bytes = g_bytes_get_data (g_ptr_array_index (self->datagrams, i), &size);
    g_autofree guint8 *copy = g_memdup2 (bytes, size);
    DcPacket packet = {copy, size};
    dc_dtls_session_open (self->wire->server.session, &packet, 1);
    if (packet.size > 0)
      g_atomic_int_inc (self->opened);
  }
  return NULL;
}

/* Datagrams that come on two ways, on a thread each: each counts once, whoever is first. */
static void
test_threads_openers (void)
{
  g_autoptr (DtlsWire) wire = dtls_wire_new_connected ();
  g_autoptr (GPtrArray) datagrams = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  gint opened = 0;
  Opener opener = {wire, datagrams, &opened};
  GThread *threads[2];

  for (guint i = 0; i < 3000; i++) {
    dtls_end_send (&wire->client, "twice", 1);
    g_ptr_array_add (datagrams, g_queue_pop_head (&wire->server.incoming));
  }
  for (guint i = 0; i < 2; i++)
    threads[i] = g_thread_new ("opener", open_all, &opener);
  for (guint i = 0; i < 2; i++)
    g_thread_join (threads[i]);
  g_assert_cmpint (opened, ==, 3000);
}

static gpointer
call_all (gpointer data)
{
  Sender *self = data;
  guint profile;
  guint8 keys[2][30];

  while (g_atomic_int_get (self->stop) == 0) {
    dc_dtls_session_handle_timeout (self->session);
    dc_dtls_session_get_deadline (self->session);
    dc_dtls_session_get_srtp_keys (self->session, &profile, keys[0], keys[1]);
    dc_dtls_session_get_state (self->session);
  }
  return NULL;
}

/* Handshakes, while others call what may be called, too. */
static void
test_threads_handshake (void)
{
  for (guint i = 0; i < 5; i++) {
    g_autoptr (DtlsWire) wire = dtls_wire_new (NULL, NULL);
    gint stop = 0;
    Sender callers[2] = {{wire->client.session, &stop, 0}, {wire->server.session, &stop, 0}};
    GThread *threads[2];
    for (guint j = 0; j < 2; j++)
      threads[j] = g_thread_new ("caller", call_all, &callers[j]);
    dtls_wire_start (wire);
    /* What is under way on the other threads goes on the wire from there: one end at a time. */
    g_atomic_int_set (&stop, 1);
    for (guint j = 0; j < 2; j++)
      g_thread_join (threads[j]);
    dtls_wire_pass (wire);
    g_assert_true (dtls_end_is (&wire->client, DC_DTLS_CONNECTED));
    g_assert_true (dtls_end_is (&wire->server, DC_DTLS_CONNECTED));
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dtls/renegotiation", test_renegotiation);
  g_test_add_func ("/dtls/alert", test_alert);
  g_test_add_func ("/dtls/close/one", test_close);
  g_test_add_func ("/dtls/close/both", test_close_both);
  g_test_add_func ("/dtls/close/early", test_close_early);
  g_test_add_func ("/dtls/close/in-callback", test_close_in_callback);
  g_test_add_func ("/dtls/threads/senders", test_threads);
  g_test_add_func ("/dtls/threads/openers", test_threads_openers);
  g_test_add_func ("/dtls/threads/handshake", test_threads_handshake);
  return g_test_run ();
}
