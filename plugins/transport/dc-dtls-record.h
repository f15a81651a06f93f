/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-dtls-record.h: the records of DTLS 1.2, sealed and opened in place by AES-GCM. Sans-IO; each object for one thread at a time. */
#pragma once

#include "plugins/transport/dc-packet.h"

G_BEGIN_DECLS

/* A record (RFC 6347, section 4.1). With AES-GCM (RFC 5288) its fragment begins with a nonce and ends in a tag:
 *
 *   0      1         3       5          11       13                21                         size - 16
 *  +------+---------+-------+----------+--------+-----------------+--------------------------+-----------+
 *  | type | version | epoch | sequence | length | explicit nonce  | application data, sealed | tag       |
 *  +------+---------+-------+----------+--------+-----------------+--------------------------+-----------+
 */
#define DC_DTLS_HEADER_SIZE 13u
#define DC_DTLS_NONCE_SIZE 8u
#define DC_DTLS_TAG_SIZE 16u
#define DC_DTLS_MAX_PLAIN 16384u
#define DC_DTLS_MAX_FRAGMENT (DC_DTLS_MAX_PLAIN + 2048u)

typedef enum {
  DC_DTLS_CHANGE_CIPHER_SPEC = 20,
  DC_DTLS_ALERT = 21,
  DC_DTLS_HANDSHAKE = 22,
  DC_DTLS_APPLICATION_DATA = 23,
} DcDtlsType;

typedef struct {
  guint8 type; /* DcDtlsType */
  guint16 version, epoch;
  guint64 sequence; /* 48 bits */
  guint8 *data;     /* header and fragment, where it came */
  gsize size;
} DcDtlsRecord;

/* Takes the next record off the beginning of @rest. FALSE: nothing is left, or what is left is no record. */
gboolean dc_dtls_record_next (DcPacket *rest, DcDtlsRecord *record);

/* What one direction of an epoch is sealed with. */
typedef struct {
  guint size; /* of the key: 16 or 32 */
  guint8 key[32];
  guint8 salt[4]; /* the implicit part of the nonce */
} DcDtlsKey;

typedef struct _DcDtlsSealer DcDtlsSealer;

/* For epoch 1. @nonce: no nonce from here on was used with this key. */
DcDtlsSealer *dc_dtls_sealer_new (const DcDtlsKey *key, guint64 sequence, guint64 nonce);
void dc_dtls_sealer_free (DcDtlsSealer *self);
/* @packet needs the room that dc-packet.h tells of. FALSE, and a size of 0: it is too large, or the sequence numbers have run out. */
gboolean dc_dtls_sealer_seal (DcDtlsSealer *self, DcDtlsType type, DcPacket *packet);

typedef struct _DcDtlsOpener DcDtlsOpener;

/* For epoch 1. */
DcDtlsOpener *dc_dtls_opener_new (const DcDtlsKey *key);
void dc_dtls_opener_free (DcDtlsOpener *self);
/* @plain: what was in the record, in its place; may be empty. FALSE: it is forged, damaged, of another epoch, or came before; what was in its
 * place is lost. */
gboolean dc_dtls_opener_open (DcDtlsOpener *self, const DcDtlsRecord *record, DcPacket *plain);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcDtlsSealer, dc_dtls_sealer_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcDtlsOpener, dc_dtls_opener_free)

G_END_DECLS
