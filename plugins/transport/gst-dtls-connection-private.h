/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-dtls-connection-private.h: what the files of a connection share. */
#pragma once

#include "plugins/transport/gst-dtls-connection.h"

G_BEGIN_DECLS

#define GST_DC_DTLS_SRTP_KEY_SIZE 30u /* key and salt */

/* The session may be called by who got it, also when it is history: so a run stays for as long as the connection. Of the connection's lock. */
typedef struct {
  GstDcDtlsConnection *connection;
  DcDtlsSession *session; /* (nullable): it was stopped */
  GSource *timer;         /* (nullable) */
  gboolean closing, closed;
  guint calls
      [2]; /* into the session, under way: that began before it was closing, or then; one of the former may have to do the closing */
} GstDcDtlsRun;

struct _GstDcDtlsConnection {
  GWeakRef elements[GST_DC_DTLS_N_ENDS];
  const GstDcDtlsListener *listeners[GST_DC_DTLS_N_ENDS];
  char *id; /* (nullable); of the table's lock, and so is: */
  gboolean has_enc;

  GMutex lock; /* of what follows; the session's is taken under it */
  GCond called;
  DcDtlsCertificate *certificate; /* (nullable): not set, and nobody asked */
  GstDcDtlsRun *run;              /* (nullable) */
  GSList *runs;                   /* (element-type GstDcDtlsRun): all there were */
  GstDcDtlsState state;
  gboolean over;
  gboolean was_connected;
  GQueue early; /* (element-type GBytes): datagrams */
  gsize early_size;
  char *peer_pem;
  gboolean is_client;
  guint srtp_profile; /* 0: none */
  guint8 client_key[GST_DC_DTLS_SRTP_KEY_SIZE], server_key[GST_DC_DTLS_SRTP_KEY_SIZE];
};

/* Without the lock. */
void gst_dc_dtls_connection_tell_packets (GstDcDtlsConnection *self, GstDcDtlsEnd end, DcPacket *packets, guint n);
void gst_dc_dtls_connection_tell_keys (GstDcDtlsConnection *self);
void gst_dc_dtls_connection_tell_state (GstDcDtlsConnection *self);
void gst_dc_dtls_connection_tell_over (GstDcDtlsConnection *self, const GError *error);
void gst_dc_dtls_connection_tell_closed (GstDcDtlsConnection *self);

G_END_DECLS
