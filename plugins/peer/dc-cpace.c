/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-cpace.c: CPace: a common key for two who know the same passphrase, and nothing for anybody else (draft-irtf-cfrg-cpace).
 *
 * Both sides hash passphrase and channel to a generator of the group, choose a scalar each, and go on as with Diffie and Hellman. Who
 * listens learns nothing that a guess could be tried on. Who takes part can try one guess in a run, and is seen when it is wrong. */
#include "plugins/peer/dc-cpace.h"

#include <sodium.h>
#include <string.h>

#define DSI "CPaceRistretto255"
#define DSI_KEY "CPaceRistretto255_ISK"
#define HASH_BLOCK 128 /* of SHA-512 */

G_STATIC_ASSERT (DC_CPACE_SHARE_SIZE == crypto_core_ristretto255_BYTES);
G_STATIC_ASSERT (DC_CPACE_SHARE_SIZE == crypto_core_ristretto255_SCALARBYTES);
G_STATIC_ASSERT (DC_CPACE_KEY_SIZE == crypto_hash_sha512_BYTES);
G_STATIC_ASSERT (DC_CPACE_KEY_SIZE == crypto_core_ristretto255_HASHBYTES);
G_STATIC_ASSERT (DC_CPACE_KEY_SIZE == crypto_auth_hmacsha512_BYTES);

static gsize
put_length (guint8 to[10], gsize length)
{
  gsize n = 0;

  do {
    to[n++] = (guint8) ((length & 0x7f) | (length > 0x7f ? 0x80 : 0));
    length >>= 7;
  } while (length > 0);
  return n;
}

void
dc_cpace_append (GByteArray *to, gconstpointer bytes, gsize size)
{
  guint8 length[10];

  g_byte_array_append (to, length, (guint) put_length (length, size));
  g_byte_array_append (to, bytes, (guint) size);
}

static void
append_bytes (GByteArray *to, GBytes *bytes)
{
  gsize size = 0;
  gconstpointer data = bytes != NULL ? g_bytes_get_data (bytes, &size) : NULL;

  dc_cpace_append (to, data, size);
}

void
dc_cpace_append_ordered (GByteArray *to, GByteArray *a, GByteArray *b)
{
  int order = memcmp (a->data, b->data, MIN (a->len, b->len));
  gboolean a_first = order != 0 ? order > 0 : a->len > b->len;

  g_byte_array_append (to, a_first ? a->data : b->data, a_first ? a->len : b->len);
  g_byte_array_append (to, a_first ? b->data : a->data, a_first ? b->len : a->len);
}

/* What a guess could be tried on, and is not needed any more. (The secret itself is in other memory too, for as long as its owner lives.) */
static void
wipe (GByteArray *array)
{
  sodium_memzero (array->data, array->len);
  g_byte_array_unref (array);
}

/* The padding fills the first block of the hash, so that how long the secret is does not show in how long that takes. */
static void
hash_to_generator (GBytes *secret, GBytes *channel, GBytes *sid, guint8 generator[DC_CPACE_SHARE_SIZE])
{
  static const guint8 zeros[HASH_BLOCK];
  GByteArray *string = g_byte_array_new ();
  guint8 hash[DC_CPACE_KEY_SIZE];

  dc_cpace_append (string, DSI, strlen (DSI));
  append_bytes (string, secret);
  dc_cpace_append (string, zeros, string->len < HASH_BLOCK - 1 ? HASH_BLOCK - 1 - string->len : 0);
  append_bytes (string, channel);
  append_bytes (string, sid);
  crypto_hash_sha512 (hash, string->data, string->len);
  crypto_core_ristretto255_from_hash (generator, hash);
  sodium_memzero (hash, sizeof hash);
  wipe (string);
}

gboolean
dc_cpace_init (DcCpace *self, GBytes *secret, GBytes *channel, GBytes *sid, const guint8 *scalar)
{
  guint8 generator[DC_CPACE_SHARE_SIZE];
  gboolean good;

  memset (self, 0, sizeof *self);
  if (sodium_init () < 0)
    return FALSE;
  self->sid = g_bytes_ref (sid);
  if (scalar != NULL)
    memcpy (self->scalar, scalar, sizeof self->scalar);
  else
    crypto_core_ristretto255_scalar_random (self->scalar);
  hash_to_generator (secret, channel, sid, generator);
  good = crypto_scalarmult_ristretto255 (self->share, self->scalar, generator) == 0;
  sodium_memzero (generator, sizeof generator);
  return good;
}

gboolean
dc_cpace_derive (
    const DcCpace *self, GBytes *own_data, const guint8 *theirs, GBytes *their_data, guint8 key[DC_CPACE_KEY_SIZE])
{
  g_autoptr (GByteArray) ours = g_byte_array_new (), other = g_byte_array_new ();
  guint8 point[DC_CPACE_SHARE_SIZE];
  GByteArray *string;

  /* Fails for what is no point, and if the neutral element comes out. */
  if (crypto_scalarmult_ristretto255 (point, self->scalar, theirs) != 0)
    return FALSE;
  string = g_byte_array_new ();
  dc_cpace_append (string, DSI_KEY, strlen (DSI_KEY));
  append_bytes (string, self->sid);
  dc_cpace_append (string, point, sizeof point);
  g_byte_array_append (string, (const guint8 *) "oc", 2);
  dc_cpace_append (ours, self->share, sizeof self->share);
  append_bytes (ours, own_data);
  dc_cpace_append (other, theirs, DC_CPACE_SHARE_SIZE);
  append_bytes (other, their_data);
  dc_cpace_append_ordered (string, ours, other);
  crypto_hash_sha512 (key, string->data, string->len);
  sodium_memzero (point, sizeof point);
  wipe (string);
  return TRUE;
}

void
dc_cpace_confirm (const DcCpace *self, const guint8 key[DC_CPACE_KEY_SIZE], const guint8 *share, GBytes *data,
    guint8 code[DC_CPACE_KEY_SIZE])
{
  static const char label[] = "CPaceMac";
  g_autoptr (GByteArray) sent = g_byte_array_new ();
  gsize sid_size = 0;
  const guint8 *sid = g_bytes_get_data (self->sid, &sid_size);
  crypto_hash_sha512_state hash;
  crypto_auth_hmacsha512_state mac;
  guint8 mac_key[DC_CPACE_KEY_SIZE];

  crypto_hash_sha512_init (&hash);
  crypto_hash_sha512_update (&hash, (const guint8 *) label, strlen (label));
  crypto_hash_sha512_update (&hash, sid, sid_size);
  crypto_hash_sha512_update (&hash, key, DC_CPACE_KEY_SIZE);
  crypto_hash_sha512_final (&hash, mac_key);
  dc_cpace_append (sent, share, DC_CPACE_SHARE_SIZE);
  append_bytes (sent, data);
  crypto_auth_hmacsha512_init (&mac, mac_key, sizeof mac_key);
  crypto_auth_hmacsha512_update (&mac, sent->data, sent->len);
  crypto_auth_hmacsha512_final (&mac, code);
  sodium_memzero (mac_key, sizeof mac_key);
  sodium_memzero (&mac, sizeof mac);
}

void
dc_cpace_clear (DcCpace *self)
{
  g_clear_pointer (&self->sid, g_bytes_unref);
  sodium_memzero (self->scalar, sizeof self->scalar);
}
