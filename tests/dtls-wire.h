/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dtls-wire.h: two DTLS sessions on a wire in virtual time, for their tests. */
#pragma once

#include "plugins/transport/dc-dtls-session.h"

G_BEGIN_DECLS

/*
 * What one end sends waits on the wire until dtls_wire_pass() or dtls_wire_run() brings it to the other; `drop`, `double` and `shuffle` are what happens to it
 * there. Time stands still but for dtls_wire_run(), which jumps from one deadline to the next. (OpenSSL's clock is this one: the wire takes the place of
 * gettimeofday() in the whole program.)
 */
typedef struct _DtlsWire DtlsWire;
typedef struct {
  DtlsWire *wire;
  DcDtlsSession *session;
  GQueue incoming;           /* (element-type GBytes): on their way here */
  guint sent;                /* datagrams from here, lost ones too */
  GArray *states;            /* (element-type DcDtlsState): all that came */
  GError *error;             /* the last one */
  GPtrArray *received;       /* (element-type GBytes): application data */
  guint by_callback;         /* of these */
  char *seen_pem;            /* by verify */
  gboolean refuses;          /* the other's certificate */
  GBytes *opens_in_callback; /* (nullable): a datagram, when it is connected */
  DcDtlsState closes_in;     /* closes the session when that comes; DC_DTLS_NEW: does not */
} DtlsEnd;

struct _DtlsWire {
  DtlsEnd client, server;
  GRand *rand;
  guint lost_percent, doubled_percent;
  gboolean splits;    /* into a datagram for each record */
  gboolean shuffles;  /* what waits at the same time */
  guint64 lost_early; /* bit i: datagram i of all is lost, up to 64 */
  guint n;            /* datagrams so far */
  /* (nullable) Sees each datagram that is to be put on the wire to @to. TRUE: that is done, one way or another. */
  gboolean (*meddle) (DtlsWire *wire, DtlsEnd *to, const guint8 *data, gsize size);
};

/* (nullable) certificates: new ones. */
DtlsWire *dtls_wire_new (DcDtlsCertificate *client, DcDtlsCertificate *server);
void dtls_wire_free (DtlsWire *wire);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DtlsWire, dtls_wire_free)

/* Both. */
void dtls_wire_start (DtlsWire *wire);
/* One datagram each way, if there is one. FALSE: nothing waits. */
gboolean dtls_wire_step (DtlsWire *wire);
/* Until nothing waits; no time passes. */
void dtls_wire_pass (DtlsWire *wire);
/* Until nothing waits and nothing is to be repeated. */
void dtls_wire_run (DtlsWire *wire);
/* From the beginning until both are connected, on a wire without faults. */
void dtls_wire_connect (DtlsWire *wire);
/* New, connected, and both have taken over from OpenSSL. */
DtlsWire *dtls_wire_new_connected (void);
/* Seconds of virtual time. */
gdouble dtls_wire_get_time (void);

void dtls_end_put (DtlsEnd *to, gconstpointer data, gsize size);
/* A datagram straight to the session; what comes of it is among `received`. */
void dtls_end_open (DtlsEnd *end, gconstpointer data, gsize size);
/* Seals @n packets that say "@text 0", "@text 1" and so on, and puts them on the wire. */
gboolean dtls_end_send (DtlsEnd *from, const char *text, guint n);
/* What was received last, as text. (transfer full) */
char *dtls_end_get_last (DtlsEnd *end);
gboolean dtls_end_is (DtlsEnd *end, DcDtlsState state);

/* Packets with room around each. */
#define DTLS_BATCH 48
#define DTLS_BATCH_PAYLOAD 1200
typedef struct {
  guint8 blocks[DTLS_BATCH][DC_PACKET_HEAD + DTLS_BATCH_PAYLOAD + DC_PACKET_TAIL];
  DcPacket packets[DTLS_BATCH];
} DtlsBatch;

/* Packet i has i bytes less than DTLS_BATCH_PAYLOAD, each of which is i. */
void dtls_batch_fill (DtlsBatch *batch);

G_END_DECLS
