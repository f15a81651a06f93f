/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-dtls-connection.h: what a dtlsenc and a dtlsdec with the same connection-id have in common: one DTLS association after another. */
#pragma once

#include <gst/gst.h>

#include "plugins/transport/dc-dtls-session.h"

G_BEGIN_DECLS

/* As GStreamer's elements number them, whose users read the property as a number. */
typedef enum {
  GST_DC_DTLS_NEW,        /* dtlsenc was not started yet */
  GST_DC_DTLS_CLOSED,     /* by either side */
  GST_DC_DTLS_FAILED,     /* the error was said */
  GST_DC_DTLS_CONNECTING, /* the handshake is under way, or waited for */
  GST_DC_DTLS_CONNECTED,
} GstDcDtlsState;

/* GStreamer's own enumeration, if its plugin is loaded. */
GType gst_dc_dtls_state_get_type (void);
#define GST_TYPE_DC_DTLS_STATE (gst_dc_dtls_state_get_type ())

typedef enum { GST_DC_DTLS_END_DEC, GST_DC_DTLS_END_ENC, GST_DC_DTLS_N_ENDS } GstDcDtlsEnd;

/* What an element hears of the connection; on any thread, with no lock held, and within calls into the DTLS session: dtlsdec must not push from
 * there. */
typedef struct {
  /* Of dtlsenc: datagrams to be sent. Of dtlsdec: application data that came to whoever was just at work. Up to DC_PACKETS_MAX. */
  void (*packets) (GstElement *self, DcPacket *packets, guint n);
  void (*peer_pem) (GstElement *self);
  void (*keys) (GstElement *self);
  void (*state) (GstElement *self);
  /* Nothing comes any more. @error: (nullable): the far side closed in order. Not after gst_dc_dtls_connection_stop(). */
  void (*over) (GstElement *self, const GError *error);
  /* Of dtlsenc: gst_dc_dtls_connection_close() has done what it said it would. */
  void (*closed) (GstElement *self);
} GstDcDtlsListener;

/* Atomically referenced; every function may be called from any thread. */
typedef struct _GstDcDtlsConnection GstDcDtlsConnection;

/* @dec: gets no reference. */
GstDcDtlsConnection *gst_dc_dtls_connection_new (GstElement *dec, const GstDcDtlsListener *listener);
GstDcDtlsConnection *gst_dc_dtls_connection_ref (GstDcDtlsConnection *self);
void gst_dc_dtls_connection_unref (GstDcDtlsConnection *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GstDcDtlsConnection, gst_dc_dtls_connection_unref)

/* Makes it known in this process as @id (nullable): as nothing. FALSE: another one is. */
gboolean gst_dc_dtls_connection_set_id (GstDcDtlsConnection *self, const char *id);
/* The connection of @id for @enc, which gets no reference. NULL: there is none, or it has a dtlsenc. */
GstDcDtlsConnection *gst_dc_dtls_connection_join (const char *id, GstElement *enc, const GstDcDtlsListener *listener);
void gst_dc_dtls_connection_leave (GstDcDtlsConnection *self);

/* From the next start on. @certificate: (nullable): that of the process. */
void gst_dc_dtls_connection_set_certificate (GstDcDtlsConnection *self, DcDtlsCertificate *certificate);
/* (transfer full); NULL and @error: none can be made. */
DcDtlsCertificate *gst_dc_dtls_connection_get_certificate (GstDcDtlsConnection *self, GError **error);

/* A new association; the handshake begins on a thread of its own. For dtlsenc. */
gboolean gst_dc_dtls_connection_start (GstDcDtlsConnection *self, gboolean is_client, GError **error);
/* Sends close_notify. What comes until the far side's is taken. TRUE: it has left, if there was one to be sent; FALSE: that is up to another thread, and
 * will be told. */
gboolean gst_dc_dtls_connection_close (GstDcDtlsConnection *self);
/* The same, and that was it. */
void gst_dc_dtls_connection_stop (GstDcDtlsConnection *self);

/* As dc_dtls_session_seal(); FALSE also when it is not started. */
gboolean gst_dc_dtls_connection_seal (GstDcDtlsConnection *self, DcPacket *packets, guint n);
/* As dc_dtls_session_open(); what comes of it beside what is in place is added to @further. (element-type GstBuffer) */
void gst_dc_dtls_connection_open (GstDcDtlsConnection *self, DcPacket *packets, guint n, GPtrArray *further);

GstDcDtlsState gst_dc_dtls_connection_get_state (GstDcDtlsConnection *self);
/* TRUE: nothing comes any more, unless it is started again. */
gboolean gst_dc_dtls_connection_is_over (GstDcDtlsConnection *self);
/* 0: it was never connected, since it was started. */
guint gst_dc_dtls_connection_get_version (GstDcDtlsConnection *self);
/* (transfer full) (nullable) */
DcDtlsSession *gst_dc_dtls_connection_get_session (GstDcDtlsConnection *self);
char *gst_dc_dtls_connection_get_peer_pem (GstDcDtlsConnection *self);
/* What @end's SRTP is to use: master key and salt. NULL: none was agreed on, or not yet. (transfer full) (nullable) */
GstBuffer *gst_dc_dtls_connection_get_key (GstDcDtlsConnection *self, GstDcDtlsEnd end);
/* As GstSrtpCipherType and GstSrtpAuthType number them; 0: none. */
guint gst_dc_dtls_connection_get_srtp_cipher (GstDcDtlsConnection *self);
guint gst_dc_dtls_connection_get_srtp_auth (GstDcDtlsConnection *self);

G_END_DECLS
