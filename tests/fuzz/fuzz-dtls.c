/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-dtls.c: a DTLS session that gets datagrams of any kind, before the handshake, during and after it. */

/*
 * The first byte of the input says which of these it is about. Numbers are of two bytes, those that are missing 0.
 *   0  a server, 1  a client: datagrams, each a length and its bytes.
 *   2  a handshake of two: for each datagram a byte says what happens to it on its way.
 *   3  two that are connected: records, as they are, or sealed by the far side with a given type, alone in a datagram or with the next one;
 *      or one of them sends, or closes.
 */
#include <stdint.h>
#include <string.h>

#include "plugins/transport/dc-dtls-session-private.h"
#include "tests/dtls-wire.h"
#include "tests/fuzz/fuzz-input.h"

#define LARGEST 2048
#define MAX_QUEUED (512u << 10)

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static FuzzInput input;

static const guint8 *
next_bytes (gsize *size)
{
  *size = fuzz_short (&input);
  *size = MIN (*size, LARGEST);
  return fuzz_bytes (&input, size);
}

static void
check (DtlsEnd *end)
{
  g_assert_cmpuint (end->session->queued, <=, MAX_QUEUED);
  g_assert_cmpuint (end->session->early_size, <=, MAX_QUEUED);
  g_assert_false (end->session->working);
  if (end->error != NULL)
    g_assert_true (g_utf8_validate (end->error->message, -1, NULL));
  if (dtls_end_is (end, DC_DTLS_FAILED) || dtls_end_is (end, DC_DTLS_CLOSED)) {
    g_assert_null (end->session->handshake);
    g_assert_null (end->session->opener);
    g_assert_null (end->session->sealer);
  }
}

/* Made once: making them is not what is looked at. */
static DcDtlsCertificate *
get_certificate (void)
{
  static DcDtlsCertificate *certificate;

  if (certificate == NULL)
    certificate = dc_dtls_certificate_new (NULL);
  return certificate;
}

static DtlsWire *
make_wire (void)
{
  return dtls_wire_new (get_certificate (), get_certificate ());
}

static void
feed (gboolean server)
{
  g_autoptr (DtlsWire) wire = make_wire ();
  DtlsEnd *end = server ? &wire->server : &wire->client;

  dc_dtls_session_start (end->session);
  while (input.left > 0) {
    gsize size;
    const guint8 *bytes = next_bytes (&size);
    dtls_end_open (end, bytes, size);
    check (end);
  }
}

/* --- On the way ------------------------------------------------------------------------------------------------------------------ */

static gboolean
meddle (DtlsWire *wire, DtlsEnd *to, const guint8 *data, gsize size)
{
  g_autofree guint8 *copy = g_memdup2 (data, size);
  gsize given_size, at;
  const guint8 *given;

  switch (fuzz_byte (&input) % 7) {
    case 1:
      return TRUE;
    case 2:
      dtls_end_put (to, data, size);
      break;
    case 3:
      at = fuzz_short (&input) % size;
      copy[at] ^= fuzz_byte (&input);
      break;
    case 4:
      size = fuzz_short (&input) % size;
      break;
    case 5:
      given = next_bytes (&given_size);
      dtls_end_put (to, given, given_size);
      break;
    case 6:
      given = next_bytes (&given_size);
      memcpy (copy + MIN (13, size), given, MIN (given_size, size - MIN (13, size)));
      break;
    default:
      break;
  }
  dtls_end_put (to, copy, size);
  return TRUE;
}

static void
shake_hands (void)
{
  g_autoptr (DtlsWire) wire = make_wire ();

  wire->meddle = meddle;
  wire->splits = fuzz_byte (&input) & 1;
  dtls_wire_start (wire);
  dtls_wire_pass (wire);
  dc_dtls_session_handle_timeout (wire->client.session);
  dtls_end_send (&wire->client, "hello", 2);
  dtls_end_send (&wire->server, "hello", 2);
  dtls_wire_pass (wire);
  check (&wire->client);
  check (&wire->server);
}

/* --- Afterwards ------------------------------------------------------------------------------------------------------------------ */

static DtlsWire *
get_connected (void)
{
  static DtlsWire *wire;

  if (wire != NULL && dtls_end_is (&wire->client, DC_DTLS_CONNECTED)
      && dtls_end_is (&wire->server, DC_DTLS_CONNECTED)) {
    g_ptr_array_set_size (wire->client.received, 0);
    g_ptr_array_set_size (wire->server.received, 0);
    return wire;
  }
  g_clear_pointer (&wire, dtls_wire_free);
  wire = make_wire ();
  dtls_wire_connect (wire);
  dtls_end_send (&wire->client, "hello", 1);
  dtls_wire_pass (wire);
  return wire;
}

static void
add_sealed (GByteArray *datagram, DtlsEnd *from, guint8 type, const guint8 *bytes, gsize size)
{
  g_autofree guint8 *block = g_malloc0 (DC_PACKET_HEAD + size + DC_PACKET_TAIL);
  DcPacket packet = {block + DC_PACKET_HEAD, size};

  if (from->session->sealer == NULL)
    return;
  if (size > 0)
    memcpy (packet.data, bytes, size);
  g_assert_true (dc_dtls_sealer_seal (from->session->sealer, type, &packet));
  g_byte_array_append (datagram, packet.data, (guint) packet.size);
}

enum { BY_CLIENT = 1, AS_IT_IS = 2, WITH_NEXT = 4, CLOSE = 8, SEND = 16 };

static void
talk (void)
{
  g_autoptr (GByteArray) datagram = g_byte_array_new ();
  DtlsWire *wire = get_connected ();

  while (input.left > 0) {
    guint8 how = fuzz_byte (&input);
    DtlsEnd *from = how & BY_CLIENT ? &wire->client : &wire->server;
    guint8 type = fuzz_byte (&input);
    gsize size;
    const guint8 *bytes = next_bytes (&size);
    if (how & AS_IT_IS)
      g_byte_array_append (datagram, bytes, (guint) size);
    else
      add_sealed (datagram, from, type, bytes, size);
    if (how & WITH_NEXT)
      continue;
    if (how & CLOSE)
      dc_dtls_session_close (from->session);
    if (how & SEND)
      dtls_end_send (from, "hello", 1);
    dtls_end_put (how & BY_CLIENT ? &wire->server : &wire->client, datagram->data, datagram->len);
    g_byte_array_set_size (datagram, 0);
    dtls_wire_pass (wire);
    check (&wire->client);
    check (&wire->server);
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  input = (FuzzInput){data, size};
  switch (fuzz_byte (&input) % 4) {
    case 0:
    case 1:
      feed (data != NULL && size > 0 && data[0] % 4 == 0);
      break;
    case 2:
      shake_hands ();
      break;
    default:
      talk ();
      break;
  }
  return 0;
}
