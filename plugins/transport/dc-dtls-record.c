/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-dtls-record.c: the records of DTLS 1.2, sealed and opened in place by AES-GCM.
 *
 * Theory of operation
 * -------------------
 * A sealer and an opener have one cipher context each, which keeps the expanded key for the life of the association: a record then costs the setting
 * of its nonce, and the cipher. The nonce of AES-GCM must never repeat under a key. It has 4 bytes of the key block, and 8 that go along in the
 * record, a counter of the sealer's own. (The record's number would do as well, but OpenSSL, which has sealed the first records of the epoch, began
 * to count at random.)
 *
 * A record may be replayed by whoever saw it. The opener remembers which of the last WINDOW numbers it has opened (RFC 6347, section 4.1.2.6): a ring
 * of bits, of which the highest number is the newest, and older ones than the ring are refused. The window moves only for records
 * that were proven genuine. 64 numbers, as most have it, are a third of a millisecond of a fast stream, less than networks reorder. */
#include "plugins/transport/dc-dtls-record.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#define VERSION_1_0 0xfeff /* of a handshake that has not agreed on a version yet */
#define VERSION_1_2 0xfefd
#define EPOCH 1
#define MAX_SEQUENCE ((G_GUINT64_CONSTANT (1) << 48) - 1)
#define OVERHEAD (DC_DTLS_NONCE_SIZE + DC_DTLS_TAG_SIZE)
#define WINDOW 1024u
#define WORD_BITS 64u
#define IV_SIZE 12
#define IV_NONCE 4
#define AAD_SIZE 13

G_STATIC_ASSERT (DC_DTLS_HEADER_SIZE + DC_DTLS_NONCE_SIZE <= DC_PACKET_HEAD);
G_STATIC_ASSERT (DC_DTLS_TAG_SIZE <= DC_PACKET_TAIL);

struct _DcDtlsSealer {
  EVP_CIPHER_CTX *cipher;
  guint64 sequence, nonce; /* of the next record */
  guint8 iv[IV_SIZE];
};

struct _DcDtlsOpener {
  EVP_CIPHER_CTX *cipher;
  guint8 iv[IV_SIZE];
  guint64 newest; /* that was opened */
  guint64 opened[WINDOW / WORD_BITS];
};

static guint16
read_16 (const guint8 *data)
{
  return (guint16) (data[0] << 8 | data[1]);
}

static void
write_16 (guint8 *data, guint value)
{
  data[0] = (guint8) (value >> 8);
  data[1] = (guint8) value;
}

static guint64
read_64 (const guint8 *data)
{
  guint64 value;

  memcpy (&value, data, sizeof value);
  return GUINT64_FROM_BE (value);
}

static void
write_64 (guint8 *data, guint64 value)
{
  value = GUINT64_TO_BE (value);
  memcpy (data, &value, sizeof value);
}

gboolean
dc_dtls_record_next (DcPacket *rest, DcDtlsRecord *record)
{
  const guint8 *data = rest->data;
  gsize length;

  if (rest->size < DC_DTLS_HEADER_SIZE)
    return FALSE;
  length = read_16 (data + 11);
  record->type = data[0];
  record->version = read_16 (data + 1);
  record->epoch = read_16 (data + 3);
  record->sequence = read_64 (data + 3) & MAX_SEQUENCE;
  record->data = rest->data;
  record->size = DC_DTLS_HEADER_SIZE + length;
  if (record->version != VERSION_1_2 && record->version != VERSION_1_0)
    return FALSE;
  if (length > DC_DTLS_MAX_FRAGMENT || record->size > rest->size)
    return FALSE;
  rest->data += record->size;
  rest->size -= record->size;
  return TRUE;
}

static EVP_CIPHER_CTX *
make_cipher (const DcDtlsKey *key, int encrypt)
{
  EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new ();

  /* Nothing but a lack of memory, or OpenSSL without AES, lets this fail. Then nothing can be sealed or opened, which is said each time. */
  EVP_CipherInit_ex (cipher, key->size == 16 ? EVP_aes_128_gcm () : EVP_aes_256_gcm (), NULL, key->key, NULL, encrypt);
  return cipher;
}

/* What is authenticated beside the data (RFC 5246, section 6.2.3.3); the header of the record has all of it but the size of the data. */
static void
make_aad (guint8 aad[AAD_SIZE], const guint8 *header, gsize size)
{
  memcpy (aad, header + 3, 8);
  memcpy (aad + 8, header, 3);
  write_16 (aad + 11, (guint) size);
}

/* --- Sealing --------------------------------------------------------------------------------------------------------------------- */

DcDtlsSealer *
dc_dtls_sealer_new (const DcDtlsKey *key, guint64 sequence, guint64 nonce)
{
  DcDtlsSealer *self = g_new0 (DcDtlsSealer, 1);

  self->cipher = make_cipher (key, 1);
  self->sequence = sequence;
  self->nonce = nonce;
  memcpy (self->iv, key->salt, sizeof key->salt);
  return self;
}

void
dc_dtls_sealer_free (DcDtlsSealer *self)
{
  EVP_CIPHER_CTX_free (self->cipher);
  OPENSSL_cleanse (self, sizeof *self);
  g_free (self);
}

static gboolean
encrypt (DcDtlsSealer *self, guint8 *header, gsize size)
{
  guint8 aad[AAD_SIZE];
  guint8 *data = header + DC_DTLS_HEADER_SIZE + DC_DTLS_NONCE_SIZE;
  int written = 0;

  make_aad (aad, header, size);
  return EVP_EncryptInit_ex (self->cipher, NULL, NULL, NULL, self->iv) == 1
         && EVP_EncryptUpdate (self->cipher, NULL, &written, aad, sizeof aad) == 1
         && EVP_EncryptUpdate (self->cipher, data, &written, data, (int) size) == 1
         && EVP_EncryptFinal_ex (self->cipher, data + size, &written) == 1
         && EVP_CIPHER_CTX_ctrl (self->cipher, EVP_CTRL_AEAD_GET_TAG, DC_DTLS_TAG_SIZE, data + size) == 1;
}

gboolean
dc_dtls_sealer_seal (DcDtlsSealer *self, DcDtlsType type, DcPacket *packet)
{
  gsize size = packet->size;
  guint8 *header = packet->data - DC_DTLS_HEADER_SIZE - DC_DTLS_NONCE_SIZE;

  packet->size = 0;
  if (size > DC_DTLS_MAX_PLAIN || self->sequence > MAX_SEQUENCE)
    return FALSE;
  write_64 (self->iv + IV_NONCE, self->nonce++);
  header[0] = (guint8) type;
  write_16 (header + 1, VERSION_1_2);
  write_64 (header + 3, (guint64) EPOCH << 48 | self->sequence++);
  write_16 (header + 11, (guint) (size + OVERHEAD));
  memcpy (header + DC_DTLS_HEADER_SIZE, self->iv + IV_NONCE, DC_DTLS_NONCE_SIZE);
  if (!encrypt (self, header, size)) {
    ERR_clear_error ();
    return FALSE;
  }
  packet->data = header;
  packet->size = DC_DTLS_HEADER_SIZE + size + OVERHEAD;
  return TRUE;
}

/* --- Opening --------------------------------------------------------------------------------------------------------------------- */

DcDtlsOpener *
dc_dtls_opener_new (const DcDtlsKey *key)
{
  DcDtlsOpener *self = g_new0 (DcDtlsOpener, 1);

  self->cipher = make_cipher (key, 0);
  memcpy (self->iv, key->salt, sizeof key->salt);
  return self;
}

void
dc_dtls_opener_free (DcDtlsOpener *self)
{
  EVP_CIPHER_CTX_free (self->cipher);
  OPENSSL_cleanse (self, sizeof *self);
  g_free (self);
}

static gboolean
is_replayed (const DcDtlsOpener *self, guint64 sequence)
{
  guint bit = (guint) (sequence % WINDOW);

  if (sequence > self->newest)
    return FALSE;
  return self->newest - sequence >= WINDOW || (self->opened[bit / WORD_BITS] >> bit % WORD_BITS & 1) != 0;
}

static void
note_opened (DcDtlsOpener *self, guint64 sequence)
{
  guint bit = (guint) (sequence % WINDOW);

  if (sequence > self->newest && sequence - self->newest >= WINDOW)
    memset (self->opened, 0, sizeof self->opened);
  else
    for (guint64 skipped = self->newest + 1; skipped < sequence; skipped++)
      self->opened[skipped % WINDOW / WORD_BITS] &= ~(G_GUINT64_CONSTANT (1) << skipped % WORD_BITS);
  self->opened[bit / WORD_BITS] |= G_GUINT64_CONSTANT (1) << bit % WORD_BITS;
  self->newest = MAX (self->newest, sequence);
}

static gboolean
decrypt (DcDtlsOpener *self, guint8 *header, gsize size)
{
  guint8 aad[AAD_SIZE];
  guint8 *nonce = header + DC_DTLS_HEADER_SIZE;
  guint8 *data = nonce + DC_DTLS_NONCE_SIZE;
  int written = 0;

  make_aad (aad, header, size);
  memcpy (self->iv + IV_NONCE, nonce, DC_DTLS_NONCE_SIZE);
  return EVP_DecryptInit_ex (self->cipher, NULL, NULL, NULL, self->iv) == 1
         && EVP_CIPHER_CTX_ctrl (self->cipher, EVP_CTRL_AEAD_SET_TAG, DC_DTLS_TAG_SIZE, data + size) == 1
         && EVP_DecryptUpdate (self->cipher, NULL, &written, aad, sizeof aad) == 1
         && EVP_DecryptUpdate (self->cipher, data, &written, data, (int) size) == 1
         && EVP_DecryptFinal_ex (self->cipher, data + size, &written) == 1;
}

gboolean
dc_dtls_opener_open (DcDtlsOpener *self, const DcDtlsRecord *record, DcPacket *plain)
{
  gsize size;

  if (record->epoch != EPOCH || record->version != VERSION_1_2 || record->size < DC_DTLS_HEADER_SIZE + OVERHEAD)
    return FALSE;
  size = record->size - DC_DTLS_HEADER_SIZE - OVERHEAD;
  if (size > DC_DTLS_MAX_PLAIN || is_replayed (self, record->sequence))
    return FALSE;
  if (!decrypt (self, record->data, size)) {
    ERR_clear_error ();
    return FALSE;
  }
  note_opened (self, record->sequence);
  plain->data = record->data + DC_DTLS_HEADER_SIZE + DC_DTLS_NONCE_SIZE;
  plain->size = size;
  return TRUE;
}
