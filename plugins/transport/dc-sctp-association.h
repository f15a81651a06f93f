/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-association.h: one SCTP association over DTLS (RFC 8261), by libusrsctp.
 *
 * All functions on any thread, also inside the callbacks, unless said. Callbacks come with no lock held. Who calls has a reference for as long
 * as the call takes.
 */
#pragma once

#include "plugins/transport/dc-packet.h"

G_BEGIN_DECLS

typedef struct _DcSctpAssociation DcSctpAssociation;

typedef enum {
  DC_SCTP_NEW,        /* what comes in is dropped: the far side repeats it */
  DC_SCTP_CONNECTING, /* dc_sctp_association_connect () was called */
  DC_SCTP_UP,         /* messages come and go */
  DC_SCTP_SHUT,       /* by either side, in order: all messages of both were given */
  DC_SCTP_ABORTED,    /* by either side, or since the far side is gone, does not answer or sends what it must not */
} DcSctpState;

typedef struct {
  guint16 local_port, remote_port; /* 5000 */
  guint32 max_message_size;        /* that we take, a longer one ends the association; 262144 */
  guint32 receive_window;          /* bytes; at least twice max_message_size is kept */
  guint32 send_buffer;    /* bytes that wait to be acknowledged or sent; at least twice max_message_size is kept */
  guint16 streams;        /* that we may send on, if the far side takes as many; each costs some memory */
  guint32 mtu;            /* of a packet; at most DC_SCTP_MTU_MAX */
  guint32 sack_frequency; /* packets that one acknowledgement is for */
} DcSctpSettings;

#define DC_SCTP_MTU_MAX 1472u

typedef enum {
  DC_SCTP_RELIABLE,
  DC_SCTP_RETRANSMITS, /* given up after so many */
  DC_SCTP_LIFETIME,    /* given up after so many milliseconds */
} DcSctpReliability;

/* RFC 8831 */
typedef struct {
  guint16 stream;
  guint32 ppid;
  gboolean unordered;
  DcSctpReliability reliability;
  guint32 limit;
} DcSctpSendInfo;

typedef enum {
  DC_SCTP_SENT,
  DC_SCTP_WOULD_BLOCK, /* also as long as the association is not up */
  DC_SCTP_CLOSED,      /* the association, or the stream: one that there is not, or that is being reset */
  DC_SCTP_TOO_LONG,    /* than the send buffer */
} DcSctpSent;

typedef struct {
  guint64 bytes_sent, messages_sent; /* taken by send() */
  guint64 bytes_received, messages_received;
  guint64 packets_sent, packets_received;
  guint64 packets_retransmitted;
  guint64 packets_bad; /* that were no SCTP, or whose checksum was wrong */
  guint32 buffered;    /* bytes that are not acknowledged yet, with what each chunk costs */
  guint32 congestion_window, remote_window;
  guint32 rtt; /* smoothed, milliseconds */
} DcSctpStats;

typedef struct {
  /* Packets to be sent, collected while a call was inside of SCTP, on whatever thread that calls or on a thread of ours. One at a time and
   * in order. Must not call the association. */
  void (*output) (DcPacket *packets, guint n, gpointer user_data);
  /* A whole message (transfer full), on the thread that calls input() or resume(), one at a time. Returns: whether it may go on; after
   * FALSE no more come, the far side's window closes, until resume(). */
  gboolean (*message) (guint16 stream, guint32 ppid, gboolean unordered, GBytes *message, gpointer user_data);
  /* The far side has closed its direction, after all its messages were given. */
  void (*reset) (guint16 stream, gpointer user_data);
  /* Ours is closed, everything acknowledged (or the far side did not want to). */
  void (*was_reset) (guint16 stream, gpointer user_data);
  /* In order with the messages; only ABORTED comes at once while these are held back. Any thread that calls, or one of ours. */
  void (*state) (DcSctpState state, gpointer user_data);
  /* Once after each time that send() said WOULD_BLOCK, when it is worth trying again. */
  void (*writable) (gpointer user_data);
  /* (nullable) Of lanes (dc-sctp-lanes.h) alone: our messages go on so many from now on. On the thread that sends. */
  void (*spread) (guint lanes, gpointer user_data);
} DcSctpCallbacks;

/* What RFC 8831 and measurements say. */
void dc_sctp_settings_init (DcSctpSettings *settings);

DcSctpAssociation *dc_sctp_association_new (
    const DcSctpSettings *settings, const DcSctpCallbacks *callbacks, gpointer user_data, GError **error);
DcSctpAssociation *dc_sctp_association_ref (DcSctpAssociation *self);
/* No callback comes after the last one has returned: it waits for those on other threads. Nothing is sent: abort() or shut() come before. */
void dc_sctp_association_unref (DcSctpAssociation *self);

/* Both sides do. */
void dc_sctp_association_connect (DcSctpAssociation *self);
/* One thread at a time. */
void dc_sctp_association_input (DcSctpAssociation *self, const DcPacket *packets, guint n);
void dc_sctp_association_resume (DcSctpAssociation *self);

/* A message whole or not at all. Empty ones are the caller's (RFC 8831, 6.6). */
DcSctpSent dc_sctp_association_send (
    DcSctpAssociation *self, const DcSctpSendInfo *info, gconstpointer data, gsize size);
/* Waits until there is room, or unblock(). Not on the thread of input(), which would wait for itself. */
DcSctpSent dc_sctp_association_send_wait (
    DcSctpAssociation *self, const DcSctpSendInfo *info, gconstpointer data, gsize size);
/* writable() is told once no more than @below bytes are buffered, which may be now. */
void dc_sctp_association_want_room (DcSctpAssociation *self, guint32 below);
/* @flushing: who waits returns DC_SCTP_CLOSED, and who comes to wait, until it is called with FALSE. */
void dc_sctp_association_unblock (DcSctpAssociation *self, gboolean flushing);

/* Closes our direction of @stream after its messages were acknowledged; send() on it says CLOSED until was_reset(). */
void dc_sctp_association_reset_stream (DcSctpAssociation *self, guint16 stream);
/* In order, after what was sent is acknowledged. */
void dc_sctp_association_shut (DcSctpAssociation *self);
void dc_sctp_association_abort (DcSctpAssociation *self);

void dc_sctp_association_set_mtu (DcSctpAssociation *self, guint32 mtu);
/* As long as the room of the socket below is not known. */
void dc_sctp_association_set_receive_window (DcSctpAssociation *self, guint32 window);
/* Bytes of payload that the socket below holds, which is read at once; 0: not known (again). The window follows that, and the path's length. */
void dc_sctp_association_set_socket_room (DcSctpAssociation *self, guint32 bytes);
DcSctpState dc_sctp_association_get_state (DcSctpAssociation *self);
/* Whether it was ended here since the far side has begun to send a message that is longer than max_message_size. */
gboolean dc_sctp_association_got_too_long (DcSctpAssociation *self);
void dc_sctp_association_get_stats (DcSctpAssociation *self, DcSctpStats *stats);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcSctpAssociation, dc_sctp_association_unref)

G_END_DECLS
