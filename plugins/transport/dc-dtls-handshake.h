/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-dtls-handshake.h: the handshake of DTLS 1.2 by OpenSSL, records in, datagrams out; and records of suites that are not ours. */
#pragma once

#include "plugins/transport/dc-dtls-certificate.h"
#include "plugins/transport/dc-dtls-record.h"

G_BEGIN_DECLS

#define DC_DTLS_SRTP_KEY_SIZE 30u /* key and salt */

/* For one thread at a time; @verify may come during each call, nothing else calls out. */
typedef struct _DcDtlsHandshake DcDtlsHandshake;
/* TRUE: that is the far side. */
typedef gboolean (*DcDtlsVerify) (const char *pem, gpointer user_data);

DcDtlsHandshake *dc_dtls_handshake_new (
    DcDtlsCertificate *certificate, gboolean is_client, DcDtlsVerify verify, gpointer user_data, GError **error);
void dc_dtls_handshake_free (DcDtlsHandshake *self);

/* Begins, or goes on, with the next record (nullable); when it is done takes later records, too. FALSE: it is over, also for good when it was done.
 * After each of these there may be output. */
gboolean dc_dtls_handshake_step (DcDtlsHandshake *self, const guint8 *record, gsize size, GError **error);
/* Repeats what was not answered, if it is time. */
gboolean dc_dtls_handshake_repeat (DcDtlsHandshake *self, GError **error);
/* Microseconds until then; -1: nothing is to be repeated. */
gint64 dc_dtls_handshake_get_time_left (DcDtlsHandshake *self);
/* The next datagram to be sent; NULL: none is left. (transfer full) (nullable) */
GBytes *dc_dtls_handshake_take_output (DcDtlsHandshake *self);
gboolean dc_dtls_handshake_is_done (DcDtlsHandshake *self);

/* --- When it is done --- */

typedef struct {
  DcDtlsKey ours, theirs;
  gsize max_plain; /* what the far side takes in a record */
} DcDtlsKeys;

/* FALSE: the suite is none of AES-GCM, records go through OpenSSL. */
gboolean dc_dtls_handshake_get_keys (DcDtlsHandshake *self, DcDtlsKeys *keys);
/* Number and nonce that OpenSSL would give its next record. */
void dc_dtls_handshake_get_next (DcDtlsHandshake *self, guint64 *sequence, guint64 *nonce);
/* 0: SRTP was not agreed on. 1: AES128_CM_HMAC_SHA1_80, 2: AES128_CM_HMAC_SHA1_32 (RFC 5764, section 4.1.2). */
guint dc_dtls_handshake_get_srtp (
    DcDtlsHandshake *self, guint8 client_key[DC_DTLS_SRTP_KEY_SIZE], guint8 server_key[DC_DTLS_SRTP_KEY_SIZE]);

/* Application data through OpenSSL, as one record. FALSE: it was lost. */
gboolean dc_dtls_handshake_write (DcDtlsHandshake *self, const guint8 *data, gsize size);
/* Application data that the last step brought, up to DC_DTLS_MAX_PLAIN bytes; 0: none is left. */
gsize dc_dtls_handshake_read (DcDtlsHandshake *self, guint8 *data);
/* TRUE: close_notify has come. */
gboolean dc_dtls_handshake_is_closed (DcDtlsHandshake *self);
/* Sends close_notify. */
void dc_dtls_handshake_close (DcDtlsHandshake *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcDtlsHandshake, dc_dtls_handshake_free)

G_END_DECLS
