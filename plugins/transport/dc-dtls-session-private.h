/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-dtls-session-private.h: what the files of a session share. */
#pragma once

#include "plugins/transport/dc-dtls-handshake.h"
#include "plugins/transport/dc-dtls-record.h"
#include "plugins/transport/dc-dtls-session.h"

G_BEGIN_DECLS

#define DC_DTLS_BLOCK_COST 128u /* of the memory of what waits, beside its bytes */

/* What is wanted of whoever is at work. */
typedef enum {
  DC_DTLS_WANT_START = 1 << 0,
  DC_DTLS_WANT_REPEAT = 1 << 1,
  DC_DTLS_WANT_TAKE_OVER = 1 << 2, /* the far side has proven that it is done with the handshake */
  DC_DTLS_WANT_REFUSAL = 1 << 3,   /* it wants another handshake */
  DC_DTLS_WANT_CLOSE = 1 << 4,
  DC_DTLS_SAW_CLOSE = 1 << 5, /* its close_notify */
  DC_DTLS_SAW_ALERT = 1 << 6, /* it gave up: @alert */
} DcDtlsWanted;

typedef struct {
  guint wanted;    /* of DcDtlsWanted */
  guint8 alert;    /* number */
  GQueue incoming; /* (element-type GBytes): records */
  GQueue outgoing; /* (element-type GByteArray): application data, with room around it */
} DcDtlsWork;

struct _DcDtlsSession {
  DcDtlsCertificate *certificate;
  gboolean is_client;
  DcDtlsCallbacks callbacks;
  gpointer user_data;

  GMutex lock; /* of what follows; no other is taken under it */
  DcDtlsState state;
  gboolean working; /* a thread is at work */
  DcDtlsWork work;  /* what it is to do next */
  gsize queued;     /* bytes of that */
  gboolean closing; /* our close_notify is wanted */
  gint64 deadline;
  guint srtp_profile; /* 0: none */
  guint8 client_srtp[DC_DTLS_SRTP_KEY_SIZE], server_srtp[DC_DTLS_SRTP_KEY_SIZE];

  /* Only for the thread at work. */
  DcDtlsHandshake *handshake; /* (nullable): until we have taken over */
  DcDtlsKeys keys;
  gboolean ours; /* the suite is AES-GCM */
  GQueue early;  /* (element-type GBytes): records that came before their keys */
  gsize early_size;
  gboolean closed; /* our close_notify has left */

  GMutex seal_lock;
  DcDtlsSealer *sealer; /* (nullable) */
  gsize max_plain;

  GMutex open_lock;
  DcDtlsOpener *opener; /* (nullable) */
  gboolean taken_over;  /* OpenSSL has no part in this any more, or will have none in a moment */
  gboolean over;        /* nothing is to be opened any more */
};

/* --- dc-dtls-session-data.c --- */

/* As dc_dtls_session_open(); what else was found is left in @work, which the caller has to do. */
void dc_dtls_session_open_in_place (DcDtlsSession *self, DcPacket *packets, guint n, DcDtlsWork *work);
/* Opens records that waited, which are application data or alerts; for the thread at work. */
void dc_dtls_session_open_late (DcDtlsSession *self, GBytes *record, DcDtlsWork *work);
/* As dc_dtls_session_seal(); FALSE: it is not us who seal, or not yet. */
gboolean dc_dtls_session_seal_in_place (DcDtlsSession *self, DcPacket *packets, guint n);

/* --- dc-dtls-session-work.c --- */

/* For the thread at work. @work: is empty afterwards. */
void dc_dtls_session_perform (DcDtlsSession *self, DcDtlsWork *work);

G_END_DECLS
