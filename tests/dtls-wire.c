/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dtls-wire.c: two DTLS sessions on a wire in virtual time, for their tests. */
#include "tests/dtls-wire.h"

#include <string.h>
#include <sys/time.h>

#include "plugins/transport/dc-dtls-record.h"

#define MAX_STEPS 10000

/* --- Time ------------------------------------------------------------------------------------------------------------------------ */

static gint64 virtual_now = 1000 * G_TIME_SPAN_DAY;

int gettimeofday (struct timeval *restrict now, void *restrict zone);

/* In place of libc's, for libssl. */
int
gettimeofday (struct timeval *restrict now, void *restrict zone)
{
  now->tv_sec = virtual_now / G_TIME_SPAN_SECOND;
  now->tv_usec = virtual_now % G_TIME_SPAN_SECOND;
  return 0;
}

gdouble
dtls_wire_get_time (void)
{
  return (gdouble) virtual_now / G_TIME_SPAN_SECOND;
}

/* --- Ends ------------------------------------------------------------------------------------------------------------------------ */

static gboolean
chance (DtlsWire *wire, guint percent)
{
  return percent > 0 && (guint) g_rand_int_range (wire->rand, 0, 100) < percent;
}

static void
put_or_lose (DtlsWire *wire, DtlsEnd *to, const guint8 *data, gsize size)
{
  guint n = wire->n++;

  if (wire->meddle != NULL && wire->meddle (wire, to, data, size))
    return;
  if (chance (wire, wire->lost_percent) || (n < 64 && (wire->lost_early >> n & 1) != 0))
    return;
  dtls_end_put (to, data, size);
  if (chance (wire, wire->doubled_percent))
    dtls_end_put (to, data, size);
}

static void
put_records (DtlsWire *wire, DtlsEnd *to, DcPacket datagram)
{
  DcDtlsRecord record;

  while (dc_dtls_record_next (&datagram, &record))
    put_or_lose (wire, to, record.data, record.size);
  g_assert_cmpuint (datagram.size, ==, 0);
}

void
dtls_end_put (DtlsEnd *to, gconstpointer data, gsize size)
{
  g_queue_push_tail (&to->incoming, g_bytes_new (data, size));
}

static void
on_output (DcPacket *packets, guint n, gpointer user_data)
{
  DtlsEnd *self = user_data;
  DtlsWire *wire = self->wire;
  DtlsEnd *to = self == &wire->client ? &wire->server : &wire->client;

  g_assert_cmpuint (n, <=, DC_PACKETS_MAX);
  for (guint i = 0; i < n; i++) {
    self->sent++;
    if (wire->splits)
      put_records (wire, to, packets[i]);
    else
      put_or_lose (wire, to, packets[i].data, packets[i].size);
  }
}

static void
note_received (DtlsEnd *self, DcPacket *packets, guint n)
{
  for (guint i = 0; i < n; i++)
    if (packets[i].size > 0)
      g_ptr_array_add (self->received, g_bytes_new (packets[i].data, packets[i].size));
}

static void
on_data (DcPacket *packets, guint n, gpointer user_data)
{
  DtlsEnd *self = user_data;

  g_assert_cmpuint (n, <=, DC_PACKETS_MAX);
  g_assert_cmpint (dc_dtls_session_get_state (self->session), ==, DC_DTLS_CONNECTED);
  self->by_callback += n;
  note_received (self, packets, n);
}

static void
on_state (DcDtlsState state, const GError *error, gpointer user_data)
{
  DtlsEnd *self = user_data;

  g_assert_true ((state == DC_DTLS_FAILED) == (error != NULL));
  g_array_append_val (self->states, state);
  if (error != NULL) {
    g_clear_error (&self->error);
    self->error = g_error_copy (error);
  }
  if (state == DC_DTLS_CONNECTED && self->opens_in_callback != NULL) {
    gsize size;
    gconstpointer datagram = g_bytes_get_data (self->opens_in_callback, &size);
    dtls_end_open (self, datagram, size);
    g_assert_cmpuint (self->received->len, ==, 0);
  }
  if (self->closes_in != DC_DTLS_NEW && self->closes_in == state)
    dc_dtls_session_close (self->session);
}

static gboolean
on_verify (const char *pem, gpointer user_data)
{
  DtlsEnd *self = user_data;

  g_free (self->seen_pem);
  self->seen_pem = g_strdup (pem);
  return !self->refuses;
}

static void
init_end (DtlsEnd *self, DtlsWire *wire, DcDtlsCertificate *given)
{
  const DcDtlsCallbacks callbacks = {on_output, on_data, on_state, on_verify};
  g_autoptr (DcDtlsCertificate) certificate =
      given != NULL ? dc_dtls_certificate_ref (given) : dc_dtls_certificate_new (NULL);

  g_assert_nonnull (certificate);
  self->wire = wire;
  self->states = g_array_new (FALSE, FALSE, sizeof (DcDtlsState));
  self->received = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  self->session = dc_dtls_session_new (certificate, self == &wire->client, &callbacks, self);
}

static void
clear_end (DtlsEnd *self)
{
  dc_dtls_session_unref (self->session);
  g_queue_clear_full (&self->incoming, (GDestroyNotify) g_bytes_unref);
  g_array_unref (self->states);
  g_clear_error (&self->error);
  g_ptr_array_unref (self->received);
  g_free (self->seen_pem);
  g_clear_pointer (&self->opens_in_callback, g_bytes_unref);
}

void
dtls_end_open (DtlsEnd *end, gconstpointer data, gsize size)
{
  /* A block of the very size, so that a sanitizer sees what is read beyond it. */
  g_autofree guint8 *copy = g_memdup2 (data, size);
  DcPacket packet = {copy, size};

  dc_dtls_session_open (end->session, &packet, 1);
  if (packet.size > 0)
    g_assert_true (packet.data >= copy && packet.data + packet.size <= copy + size);
  note_received (end, &packet, 1);
}

gboolean
dtls_end_send (DtlsEnd *from, const char *text, guint n)
{
  guint8 blocks[DC_PACKETS_MAX][256];
  DcPacket packets[DC_PACKETS_MAX];
  gboolean sealed;

  for (guint i = 0; i < n; i++) {
    packets[i].data = blocks[i] + DC_PACKET_HEAD;
    packets[i].size = (gsize) g_snprintf ((char *) packets[i].data, 200, "%s %u", text, i);
  }
  sealed = dc_dtls_session_seal (from->session, packets, n);
  for (guint i = 0; i < n; i++)
    if (packets[i].size > 0)
      on_output (&packets[i], 1, from);
  return sealed;
}

char *
dtls_end_get_last (DtlsEnd *end)
{
  gsize size;
  const char *text;

  if (end->received->len == 0)
    return NULL;
  text = g_bytes_get_data (g_ptr_array_index (end->received, end->received->len - 1), &size);
  return g_strndup (text, size);
}

gboolean
dtls_end_is (DtlsEnd *end, DcDtlsState state)
{
  return dc_dtls_session_get_state (end->session) == state;
}

/* --- The wire -------------------------------------------------------------------------------------------------------------------- */

DtlsWire *
dtls_wire_new (DcDtlsCertificate *client, DcDtlsCertificate *server)
{
  DtlsWire *self = g_new0 (DtlsWire, 1);

  init_end (&self->client, self, client);
  init_end (&self->server, self, server);
  self->rand = g_rand_new_with_seed (1);
  return self;
}

void
dtls_wire_free (DtlsWire *self)
{
  clear_end (&self->client);
  clear_end (&self->server);
  g_rand_free (self->rand);
  g_free (self);
}

void
dtls_wire_start (DtlsWire *self)
{
  dc_dtls_session_start (self->server.session);
  dc_dtls_session_start (self->client.session);
}

static gboolean
deliver (DtlsEnd *end)
{
  guint n = g_queue_get_length (&end->incoming);
  guint which = end->wire->shuffles && n > 0 ? (guint) g_rand_int_range (end->wire->rand, 0, (gint32) n) : 0;
  g_autoptr (GBytes) datagram = g_queue_pop_nth (&end->incoming, which);
  gsize size;
  gconstpointer data;

  if (datagram == NULL)
    return FALSE;
  data = g_bytes_get_data (datagram, &size);
  dtls_end_open (end, data, size);
  return TRUE;
}

gboolean
dtls_wire_step (DtlsWire *self)
{
  return deliver (&self->client) | deliver (&self->server);
}

void
dtls_wire_pass (DtlsWire *self)
{
  for (guint steps = 0; dtls_wire_step (self); steps++)
    g_assert_cmpuint (steps, <, MAX_STEPS);
}

static gint64
get_left (DtlsEnd *end)
{
  gint64 deadline = dc_dtls_session_get_deadline (end->session);

  return deadline >= 0 ? MAX (deadline - g_get_monotonic_time (), 0) : G_MAXINT64;
}

void
dtls_wire_run (DtlsWire *self)
{
  for (guint steps = 0;; steps++) {
    gint64 client, server;
    g_assert_cmpuint (steps, <, MAX_STEPS);
    dtls_wire_pass (self);
    client = get_left (&self->client);
    server = get_left (&self->server);
    if (client == G_MAXINT64 && server == G_MAXINT64)
      return;
    virtual_now += MIN (client, server) + 1;
    if (client <= server)
      dc_dtls_session_handle_timeout (self->client.session);
    if (server <= client)
      dc_dtls_session_handle_timeout (self->server.session);
  }
}

void
dtls_wire_connect (DtlsWire *self)
{
  dtls_wire_start (self);
  dtls_wire_pass (self);
  g_assert_true (dtls_end_is (&self->client, DC_DTLS_CONNECTED));
  g_assert_true (dtls_end_is (&self->server, DC_DTLS_CONNECTED));
}

DtlsWire *
dtls_wire_new_connected (void)
{
  DtlsWire *self = dtls_wire_new (NULL, NULL);

  dtls_wire_connect (self);
  g_assert_true (dtls_end_send (&self->client, "first", 1));
  dtls_wire_pass (self);
  g_assert_cmpuint (self->server.received->len, ==, 1);
  g_assert_cmpuint (self->server.by_callback, ==, 0);
  g_ptr_array_set_size (self->server.received, 0);
  return self;
}

void
dtls_batch_fill (DtlsBatch *batch)
{
  for (guint i = 0; i < DTLS_BATCH; i++) {
    batch->packets[i].data = batch->blocks[i] + DC_PACKET_HEAD;
    batch->packets[i].size = DTLS_BATCH_PAYLOAD - i;
    memset (batch->packets[i].data, (int) i, DTLS_BATCH_PAYLOAD - i);
  }
}
