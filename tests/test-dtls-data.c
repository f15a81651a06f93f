/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-dtls-data.c: what two DTLS sessions send each other once they are connected, and what others put between. */
#include <string.h>

#include "plugins/transport/dc-dtls-session-private.h"
#include "tests/dtls-wire.h"

/* --- Batches --------------------------------------------------------------------------------------------------------------------- */

static void
assert_filled (const DtlsBatch *batch)
{
  for (guint i = 0; i < DTLS_BATCH; i++) {
    g_assert_cmpuint (batch->packets[i].size, ==, DTLS_BATCH_PAYLOAD - i);
    for (guint j = 0; j < batch->packets[i].size; j++)
      g_assert_cmpuint (batch->packets[i].data[j], ==, i);
  }
}

static void
test_batch (void)
{
  g_autoptr (DtlsWire) wire = dtls_wire_new_connected ();
  DtlsEnd *ends[] = {&wire->client, &wire->server};
  g_autofree DtlsBatch *batch = g_new (DtlsBatch, 1);

  for (guint i = 0; i < 40; i++) {
    dtls_batch_fill (batch);
    g_assert_true (dc_dtls_session_seal (ends[i % 2]->session, batch->packets, DTLS_BATCH));
    for (guint j = 0; j < DTLS_BATCH; j++) {
      g_assert_cmpuint (batch->packets[j].size, ==, DTLS_BATCH_PAYLOAD - j + 37);
      g_assert_cmpuint (batch->packets[j].data[0], ==, DC_DTLS_APPLICATION_DATA);
    }
    dc_dtls_session_open (ends[1 - i % 2]->session, batch->packets, DTLS_BATCH);
    assert_filled (batch);
  }
  g_assert_cmpuint (wire->client.by_callback + wire->server.by_callback, ==, 0);
}

static void
test_batch_sizes (void)
{
  g_autoptr (DtlsWire) wire = dtls_wire_new_connected ();
  const gsize sizes[] = {0, 1, DC_DTLS_MAX_PLAIN, DC_DTLS_MAX_PLAIN + 1};
  const gsize sealed[] = {0, 1 + 37, DC_DTLS_MAX_PLAIN + 37, 0};

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++) {
    g_autofree guint8 *block = g_malloc0 (DC_PACKET_HEAD + sizes[i] + DC_PACKET_TAIL);
    DcPacket packet = {block + DC_PACKET_HEAD, sizes[i]};
    g_assert_true (dc_dtls_session_seal (wire->client.session, &packet, 1));
    g_assert_cmpuint (packet.size, ==, sealed[i]);
    if (packet.size == 0)
      continue;
    dc_dtls_session_open (wire->server.session, &packet, 1);
    g_assert_cmpuint (packet.size, ==, sizes[i]);
  }
}

/* --- Several records in a datagram ------------------------------------------------------------------------------------------------ */

static gboolean
append (DtlsWire *wire, DtlsEnd *to, const guint8 *data, gsize size)
{
  GBytes *last = g_queue_pop_tail (&to->incoming);
  GByteArray *joined = last != NULL ? g_bytes_unref_to_array (last) : g_byte_array_new ();

  g_byte_array_append (joined, data, (guint) size);
  g_queue_push_tail (&to->incoming, g_byte_array_free_to_bytes (joined));
  return TRUE;
}

static void
test_joined (void)
{
  g_autoptr (DtlsWire) wire = dtls_wire_new_connected ();
  g_autofree char *last = NULL;

  wire->meddle = append;
  dtls_end_send (&wire->client, "all in one", 60);
  dtls_end_send (&wire->client, "more", 60);
  g_assert_cmpuint (g_queue_get_length (&wire->server.incoming), ==, 1);
  dtls_wire_pass (wire);
  g_assert_cmpuint (wire->server.received->len, ==, 120);
  g_assert_cmpuint (wire->server.by_callback, ==, 119);
}

/* --- What isn't the far side's ---------------------------------------------------------------------------------------------------- */

static GBytes *
take_one (DtlsWire *wire, const char *text)
{
  dtls_end_send (&wire->client, text, 1);
  return g_queue_pop_tail (&wire->server.incoming);
}

static void
open_bytes (DtlsEnd *end, GBytes *bytes)
{
  gsize size;
  gconstpointer data = g_bytes_get_data (bytes, &size);

  dtls_end_open (end, data, size);
}

static void
test_replayed (void)
{
  g_autoptr (DtlsWire) wire = dtls_wire_new_connected ();
  g_autoptr (GPtrArray) kept = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);

  for (guint i = 0; i < 3000; i++)
    g_ptr_array_add (kept, take_one (wire, "once"));
  /* Backwards in pieces as large as the window: each is new, although late. */
  for (guint piece = 0; piece < 2000; piece += 1000)
    for (guint i = 1000; i > 0; i--)
      open_bytes (&wire->server, g_ptr_array_index (kept, piece + i - 1));
  g_assert_cmpuint (wire->server.received->len, ==, 2000);
  for (guint i = 0; i < 2000; i++)
    open_bytes (&wire->server, g_ptr_array_index (kept, i));
  g_assert_cmpuint (wire->server.received->len, ==, 2000);
  /* The last one passes the window over all before it but the last thousand. */
  open_bytes (&wire->server, g_ptr_array_index (kept, 2999));
  g_assert_cmpuint (wire->server.received->len, ==, 2001);
  for (guint i = 2000; i < 3000; i++)
    open_bytes (&wire->server, g_ptr_array_index (kept, i));
  g_assert_cmpuint (wire->server.received->len, ==, 3000);
}

static void
test_replayed_too_old (void)
{
  g_autoptr (DtlsWire) wire = dtls_wire_new_connected ();
  g_autoptr (GBytes) old = take_one (wire, "old");

  for (guint i = 0; i < 1024; i++) {
    g_autoptr (GBytes) next = take_one (wire, "next");
    if (i == 1023)
      open_bytes (&wire->server, next);
  }
  open_bytes (&wire->server, old);
  g_assert_cmpuint (wire->server.received->len, ==, 1);
}

/* Every bit of a record counts, and every byte; what was forged does not stand in the way of the genuine one. */
static void
test_forged (void)
{
  g_autoptr (DtlsWire) wire = dtls_wire_new_connected ();
  g_autoptr (GBytes) genuine = take_one (wire, "genuine");
  gsize size;
  const guint8 *data = g_bytes_get_data (genuine, &size);

  for (gsize bit = 0; bit < 8 * size; bit++) {
    g_autofree guint8 *forged = g_memdup2 (data, size);
    forged[bit / 8] ^= (guint8) (1 << bit % 8);
    dtls_end_open (&wire->server, forged, size);
  }
  for (gsize length = 0; length < size; length++)
    dtls_end_open (&wire->server, data, length);
  g_assert_cmpuint (wire->server.received->len, ==, 0);
  open_bytes (&wire->server, genuine);
  g_assert_cmpuint (wire->server.received->len, ==, 1);
  g_assert_true (dtls_end_is (&wire->server, DC_DTLS_CONNECTED));
}

/* What we send comes back. */
static void
test_reflected (void)
{
  g_autoptr (DtlsWire) wire = dtls_wire_new_connected ();
  g_autoptr (GBytes) own = take_one (wire, "own");

  open_bytes (&wire->client, own);
  g_assert_cmpuint (wire->client.received->len, ==, 0);
}

/* Alerts in clear, which anybody can make, end no association. */
static void
test_forged_alert (void)
{
  static const guint8 fatal[] = {21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 9, 0, 2, 2, 40};
  static const guint8 closing[] = {21, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 0, 2, 1, 0};
  g_autoptr (DtlsWire) wire = dtls_wire_new (NULL, NULL);

  dtls_wire_connect (wire);
  dtls_end_open (&wire->server, fatal, sizeof fatal);
  dtls_end_open (&wire->client, fatal, sizeof fatal);
  dtls_end_open (&wire->server, closing, sizeof closing);
  dtls_end_open (&wire->client, closing, sizeof closing);
  g_assert_true (dtls_end_is (&wire->server, DC_DTLS_CONNECTED));
  g_assert_true (dtls_end_is (&wire->client, DC_DTLS_CONNECTED));
}

/* --- Early data ------------------------------------------------------------------------------------------------------------------- */

/* The server talks at once, but its last flight is lost: what it said before that is repeated must be taken when it was. */
static gboolean
lose_third (DtlsWire *wire, DtlsEnd *to, const guint8 *data, gsize size)
{
  return to == &wire->client && wire->n == 4;
}

static void
test_early_server (void)
{
  g_autoptr (DtlsWire) wire = dtls_wire_new (NULL, NULL);

  wire->meddle = lose_third;
  dtls_wire_start (wire);
  dtls_wire_pass (wire);
  g_assert_true (dtls_end_is (&wire->server, DC_DTLS_CONNECTED));
  g_assert_true (dtls_end_is (&wire->client, DC_DTLS_CONNECTING));
  g_assert_true (dtls_end_send (&wire->server, "already", 10));
  dtls_wire_pass (wire);
  g_assert_cmpuint (wire->client.received->len, ==, 0);
  dtls_wire_run (wire);
  g_assert_true (dtls_end_is (&wire->client, DC_DTLS_CONNECTED));
  g_assert_cmpuint (wire->client.received->len, ==, 10);
  g_assert_cmpuint (wire->client.by_callback, ==, 10);
  g_assert_true (dtls_end_send (&wire->client, "now", 1));
  dtls_wire_pass (wire);
  g_assert_true (dtls_end_send (&wire->server, "then", 1));
  dtls_wire_pass (wire);
  g_assert_cmpuint (wire->client.received->len, ==, 11);
  g_assert_cmpuint (wire->client.by_callback, ==, 10);
}

/* Nobody gets data before they were told of the connection, on whatever thread it comes in the meantime. */
static void
test_early_in_callback (void)
{
  g_autoptr (DtlsWire) wire = dtls_wire_new (NULL, NULL);
  GBytes *finished;

  dtls_wire_start (wire);
  while (!dtls_end_is (&wire->server, DC_DTLS_CONNECTED))
    dtls_wire_step (wire);
  finished = g_queue_pop_head (&wire->client.incoming);
  g_assert_true (dtls_end_send (&wire->server, "at once", 1));
  wire->client.opens_in_callback = g_queue_pop_head (&wire->client.incoming);
  dtls_end_put (&wire->client, g_bytes_get_data (finished, NULL), g_bytes_get_size (finished));
  g_bytes_unref (finished);
  dtls_wire_pass (wire);
  g_assert_cmpuint (wire->client.received->len, ==, 1);
}

static gboolean
swap_fourth (DtlsWire *wire, DtlsEnd *to, const guint8 *data, gsize size)
{
  static guint8 kept[2000];
  static gsize kept_size;

  if (to == &wire->client && wire->n == 4) {
    g_assert_cmpuint (size, <=, sizeof kept);
    memcpy (kept, data, size);
    kept_size = size;
    return TRUE;
  }
  if (wire->n == 8)
    dtls_end_put (to, kept, kept_size);
  return FALSE;
}

/* As before, but late rather than lost. */
static void
test_early_server_late (void)
{
  g_autoptr (DtlsWire) wire = dtls_wire_new (NULL, NULL);

  wire->meddle = swap_fourth;
  dtls_wire_start (wire);
  dtls_wire_pass (wire);
  g_assert_true (dtls_end_send (&wire->server, "already", 10));
  dtls_wire_pass (wire);
  g_assert_true (dtls_end_is (&wire->client, DC_DTLS_CONNECTED));
  g_assert_cmpuint (wire->client.received->len, ==, 10);
}

/* What is kept for later is bounded, by bytes and by number, and whoever fills it up cannot keep the handshake from coming about. */
static void
flood (DtlsEnd *end)
{
  static const guint8 header[] = {23, 0xfe, 0xfd, 0, 1, 0, 0, 0, 0, 0, 9, 1, 0};
  guint8 datagram[13 + 256] = {0};

  for (guint i = 0; i < 10000; i++) {
    memcpy (datagram, header, sizeof header);
    datagram[11] = (guint8) (i & 1);
    dtls_end_open (end, datagram, 13 + 256 * (gsize) (i & 1));
  }
}

static void
test_flood_new (void)
{
  g_autoptr (DtlsWire) wire = dtls_wire_new (NULL, NULL);

  flood (&wire->server);
  g_assert_cmpuint (wire->server.session->queued, <=, 256 << 10);
  g_assert_cmpuint (g_queue_get_length (&wire->server.session->work.incoming), <=, 1024);
  dtls_wire_connect (wire);
}

static void
test_flood_early (void)
{
  g_autoptr (DtlsWire) wire = dtls_wire_new (NULL, NULL);

  dc_dtls_session_start (wire->server.session);
  flood (&wire->server);
  g_assert_cmpuint (g_queue_get_length (&wire->server.session->early), >, 100);
  g_assert_cmpuint (g_queue_get_length (&wire->server.session->early), <=, 512);
  g_assert_cmpuint (wire->server.session->early_size, <=, 64 << 10);
  dtls_wire_connect (wire);
  g_assert_true (dtls_end_send (&wire->client, "after all", 1));
  dtls_wire_pass (wire);
  g_assert_cmpuint (wire->server.received->len, ==, 1);
}

static void
test_not_connected (void)
{
  g_autoptr (DtlsWire) wire = dtls_wire_new (NULL, NULL);

  g_assert_false (dtls_end_send (&wire->client, "too early", 2));
  dc_dtls_session_start (wire->client.session);
  g_assert_false (dtls_end_send (&wire->client, "too early", 2));
  g_assert_cmpuint (wire->client.sent, ==, 1);
}

/* --- Numbers ---------------------------------------------------------------------------------------------------------------------- */

static GHashTable
    *seen; /* (element-type GBytes): of each record: which way it goes, and then its number, or its nonce */

static gboolean
note_numbers (DtlsWire *wire, DtlsEnd *to, const guint8 *data, gsize size)
{
  DcPacket rest = {(guint8 *) data, size};
  DcDtlsRecord record;

  while (dc_dtls_record_next (&rest, &record)) {
    guint8 number[9], nonce[9];
    number[0] = to == &wire->server;
    nonce[0] = (guint8) (2 + number[0]);
    memcpy (number + 1, record.data + 3, 8);
    g_assert_true (g_hash_table_add (seen, g_bytes_new (number, sizeof number)));
    if (record.epoch == 0)
      continue;
    memcpy (nonce + 1, record.data + DC_DTLS_HEADER_SIZE, 8);
    g_assert_true (g_hash_table_add (seen, g_bytes_new (nonce, sizeof nonce)));
  }
  return FALSE;
}

/* Neither a number nor a nonce comes twice, whoever made the record, OpenSSL or we, and whatever was repeated. */
static void
test_numbers (void)
{
  for (guint64 lost = 0; lost < 64; lost++) {
    g_autoptr (DtlsWire) wire = dtls_wire_new (NULL, NULL);
    seen = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref, NULL);
    wire->meddle = note_numbers;
    wire->lost_early = lost;
    dtls_wire_start (wire);
    dtls_wire_pass (wire);
    dtls_end_send (&wire->server, "at once", 20);
    dtls_wire_run (wire);
    for (guint i = 0; i < 5; i++) {
      g_assert_true (dtls_end_send (&wire->server, "tick", 5));
      g_assert_true (dtls_end_send (&wire->client, "tack", 5));
      dtls_wire_pass (wire);
    }
    dc_dtls_session_close (wire->server.session);
    dtls_wire_pass (wire);
    g_assert_true (dtls_end_is (&wire->client, DC_DTLS_CLOSED));
    g_hash_table_unref (seen);
  }
}

/* --- Figures, with -m perf --------------------------------------------------------------------------------------------------------- */

static void
test_speed (void)
{
  g_autoptr (DtlsWire) wire = dtls_wire_new_connected ();
  g_autofree DtlsBatch *batch = g_new (DtlsBatch, 1);
  gdouble seal = 0, open = 0, bytes = 0;

  for (guint i = 0; i < 5000; i++) {
    dtls_batch_fill (batch);
    bytes += DTLS_BATCH * DTLS_BATCH_PAYLOAD - DTLS_BATCH * (DTLS_BATCH - 1) / 2;
    g_test_timer_start ();
    dc_dtls_session_seal (wire->client.session, batch->packets, DTLS_BATCH);
    seal += g_test_timer_elapsed ();
    g_test_timer_start ();
    dc_dtls_session_open (wire->server.session, batch->packets, DTLS_BATCH);
    open += g_test_timer_elapsed ();
  }
  g_test_maximized_result (bytes / seal / 1e6, "sealed: %.0f MB/s", bytes / seal / 1e6);
  g_test_maximized_result (bytes / open / 1e6, "opened: %.0f MB/s", bytes / open / 1e6);
}

static void
test_speed_handshake (void)
{
  gdouble certificate, both;

  g_test_timer_start ();
  for (guint i = 0; i < 100; i++)
    dc_dtls_certificate_unref (dc_dtls_certificate_new (NULL));
  certificate = g_test_timer_elapsed () * 10;
  g_test_timer_start ();
  for (guint i = 0; i < 100; i++)
    dtls_wire_free (dtls_wire_new_connected ());
  both = g_test_timer_elapsed () * 10;
  g_test_minimized_result (certificate, "certificate: %.3f ms", certificate);
  g_test_minimized_result (both, "two certificates, and a handshake, both sides: %.3f ms", both);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/dtls/batch/both-ways", test_batch);
  g_test_add_func ("/dtls/batch/sizes", test_batch_sizes);
  g_test_add_func ("/dtls/joined", test_joined);
  g_test_add_func ("/dtls/replayed/window", test_replayed);
  g_test_add_func ("/dtls/replayed/too-old", test_replayed_too_old);
  g_test_add_func ("/dtls/forged/record", test_forged);
  g_test_add_func ("/dtls/forged/reflected", test_reflected);
  g_test_add_func ("/dtls/forged/alert", test_forged_alert);
  g_test_add_func ("/dtls/early/server", test_early_server);
  g_test_add_func ("/dtls/early/in-callback", test_early_in_callback);
  g_test_add_func ("/dtls/early/server-late", test_early_server_late);
  g_test_add_func ("/dtls/flood/new", test_flood_new);
  g_test_add_func ("/dtls/flood/early", test_flood_early);
  g_test_add_func ("/dtls/early/not-connected", test_not_connected);
  g_test_add_func ("/dtls/numbers", test_numbers);
  if (g_test_perf ()) {
    g_test_add_func ("/dtls/speed/data", test_speed);
    g_test_add_func ("/dtls/speed/handshake", test_speed_handshake);
  }
  return g_test_run ();
}
