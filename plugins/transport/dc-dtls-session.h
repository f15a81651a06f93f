/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-dtls-session.h: one DTLS 1.2 association (RFC 6347, RFC 8827, RFC 5764), with locks, without sockets. */
#pragma once

#include "plugins/transport/dc-dtls-certificate.h"
#include "plugins/transport/dc-dtls-error.h"
#include "plugins/transport/dc-packet.h"

G_BEGIN_DECLS

typedef enum {
  DC_DTLS_NEW,        /* datagrams wait for dc_dtls_session_start() */
  DC_DTLS_CONNECTING, /* the handshake is under way */
  DC_DTLS_CONNECTED,  /* application data goes both ways */
  DC_DTLS_CLOSED,     /* for good: close_notify came, or dc_dtls_session_close() before there was an association */
  DC_DTLS_FAILED,     /* for good: the error says why */
} DcDtlsState;

/* All come within a call into the session, on that call's thread, with no lock held; they may call the session. Calls into a session that is at work on
 * another thread leave theirs to that thread, and return. */
typedef struct {
  /* Datagrams of the session itself: to be sent. dc_dtls_session_get_deadline() may be another one now. */
  void (*output) (DcPacket *packets, guint n, gpointer user_data);
  /* Application data that dc_dtls_session_open() cannot give back in place: what came before the handshake's end, a second record of a datagram, and all
   * of a suite that isn't AES-GCM. */
  void (*data) (DcPacket *packets, guint n, gpointer user_data);
  /* Each state but DC_DTLS_NEW, in order. @error: of DC_DTLS_FAILED; (nullable). */
  void (*state) (DcDtlsState state, const GError *error, gpointer user_data);
  /* (nullable): FALSE: the far side's certificate is not the right one, which ends the handshake. */
  gboolean (*verify) (const char *pem, gpointer user_data);
} DcDtlsCallbacks;

/* Atomically referenced; every function may be called from any thread. Who calls has a reference; when no call is under way, no callback comes. */
typedef struct _DcDtlsSession DcDtlsSession;

DcDtlsSession *dc_dtls_session_new (
    DcDtlsCertificate *certificate, gboolean is_client, const DcDtlsCallbacks *callbacks, gpointer user_data);
DcDtlsSession *dc_dtls_session_ref (DcDtlsSession *self);
void dc_dtls_session_unref (DcDtlsSession *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcDtlsSession, dc_dtls_session_unref)

void dc_dtls_session_start (DcDtlsSession *self);
/* Sends close_notify, once: nothing more will be sealed. What the far side sends is opened until its own close_notify. */
void dc_dtls_session_close (DcDtlsSession *self);
DcDtlsState dc_dtls_session_get_state (DcDtlsSession *self);

/* @packets: datagrams, up to DC_PACKETS_MAX. Afterwards each is its application data, or of size 0 where it was for the session itself, a replay, or
 * forged. */
void dc_dtls_session_open (DcDtlsSession *self, DcPacket *packets, guint n);
/* @packets: application data, up to DC_PACKETS_MAX, with room around each. Afterwards each is a datagram; one of size 0 is not to be sent: it went
 * by the callback output(), as all do with a suite that isn't AES-GCM, and the server's until the client was heard of, or it is too large. FALSE: not
 * connected. Senders do not wait for who opens. */
gboolean dc_dtls_session_seal (DcDtlsSession *self, DcPacket *packets, guint n);

/* When dc_dtls_session_handle_timeout() is to be called, in monotonic time; -1: never. Earlier does no harm. */
gint64 dc_dtls_session_get_deadline (DcDtlsSession *self);
void dc_dtls_session_handle_timeout (DcDtlsSession *self);

/* @profile: 1: AES128_CM_HMAC_SHA1_80, 2: AES128_CM_HMAC_SHA1_32. The keys have their salts behind them. FALSE: none was agreed on, or not yet. */
gboolean dc_dtls_session_get_srtp_keys (
    DcDtlsSession *self, guint *profile, guint8 client_key[30], guint8 server_key[30]);

G_END_DECLS
