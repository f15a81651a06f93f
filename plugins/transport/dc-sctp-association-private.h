/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-association-private.h: what the files of DcSctpAssociation share. The theory of operation is in dc-sctp-association.c. */
#pragma once

#include "plugins/transport/dc-sctp-stack.h"

#include <usrsctp.h>

G_BEGIN_DECLS

/* Packets that wait to be put out, in the memory behind. */
typedef struct _DcSctpBlock DcSctpBlock;

/* (nullable) (owned): packets, in order. */
typedef struct {
  DcSctpBlock *first, *last;
} DcSctpBlocks;

/* What waits for its time, and what does not. */
enum { DC_SCTP_PACED, DC_SCTP_UNPACED, DC_SCTP_N_QUEUES };

/* Something to tell, in order. */
typedef struct {
  enum { DC_SCTP_EVENT_MESSAGE, DC_SCTP_EVENT_RESET, DC_SCTP_EVENT_WAS_RESET, DC_SCTP_EVENT_STATE } kind;
  guint16 stream;
  gboolean unordered;
  guint32 ppid;
  DcSctpState state;
  GBytes *message;
} DcSctpEvent;

struct _DcSctpAssociation {
  gatomicrefcount references;
  guintptr address; /* by which usrsctp knows us; of the process */
  DcSctpSettings settings;
  DcSctpCallbacks callbacks;
  gpointer user_data;

  /* Of the stack (dc-sctp-stack.c), under its lock */
  guint pins;      /* the timer thread is at us */
  gboolean orphan; /* to be freed by the timer thread, who has dropped the last reference itself */

  /* Who holds it may call usrsctp, and has all below up to the next lock. Only by dc_sctp_enter (). */
  GMutex lock;
  struct socket *socket; /* (nullable): once closed */
  DcSctpState state;
  gboolean shutting;     /* shut () was called: nothing more is taken */
  guint16 out_streams;   /* once up */
  guint16 in_streams;    /* likewise */
  GHashTable *resetting; /* (element-type guint16): streams that we reset, until the far side has */
  guint64
      *used; /* (nullable): bits, of streams on which something has come or was sent since the far side reset them */
  gboolean gone; /* nobody has a reference: nothing is told, and nothing leaves; also of output_lock */
  DcSctpBlocks collecting[DC_SCTP_N_QUEUES]; /* what usrsctp has put out in this call */
  DcSctpBlock *spare;                        /* (nullable) (owned): atomic, of any thread */
  gboolean writable_wanted;                  /* somebody waits to be told, by the callback */
  guint32 room_below;                        /* then: bytes buffered, at which there is room */
  gboolean nothing_new;                      /* since there was none: no packet has come, no timer has run */
  gint64 last_send;                          /* monotonic; and how quick they follow each other: */
  guint quick;
  gboolean nagle;      /* messages wait for others, or for an acknowledgement */
  GThread *teller;     /* (nullable): who tells events, while it does; what it sends answers them */
  gboolean answered;   /* it has sent something since it was given the last ones */
  gboolean corked;     /* and then more, which wait for the last answer */
  gboolean push_asked; /* the pusher will come by */
  gboolean has_tag;    /* the tag that packets to us have, as it stands there: */
  guint32 tag;
  DcSctpStats stats;   /* what we count ourselves */
  guint n_inits;       /* that we have sent */
  guint32 highest_tsn; /* that we have sent */
  gboolean has_sent_data;

  gboolean paused;       /* the last message said so */
  guint n_notifications; /* chunks that have come since all was read, of which usrsctp keeps something to tell */
  guint32 socket_room;   /* dc-sctp-window.c; 0: not known */
  guint32 least_rtt;     /* milliseconds, since that is known; if */
  gboolean has_rtt;
  guint packets_unlooked; /* that have come since we looked at the RTT */
  guint32 window;         /* that we grant */
  gboolean window_closed; /* by our last acknowledgement */
  gsize beyond;           /* what has come since then costs so much */
  guint32 beyond_tsn;     /* the last of that */
  gint resume_generation; /* atomic: resume () may come before the callback returns */
  gboolean urgent;        /* ABORTED is to be told next, also while messages are held back */
  GArray *events;         /* (element-type DcSctpEvent): to be told */
  guint8 *buffer;         /* (nullable): a message that is being read, and how much of it was */
  gsize buffer_size, filled;
  gboolean got_too_long; /* a message: that was the end */
  gboolean delivering;   /* somebody reads and tells; has what follows without the lock */
  GArray *telling;       /* (element-type DcSctpEvent): of which so many were told: */
  guint n_told;

  gboolean has_pace;       /* looked for it once it was up */
  guint packets_unpaced;   /* that have come since we looked */
  guint64 retransmitted;   /* of the statistics, when we did */
  gint64 recovering_until; /* monotonic */
  GMutex output_lock;      /* the innermost of all; of what follows */
  guint pace;              /* bytes a millisecond; 0: any (dc-sctp-pace.c) */
  gint64 paced_at;         /* monotonic; when there was this credit: */
  gint64 credit;           /* bytes that may leave now; below zero: some have left before their time */
  gboolean pace_asked;     /* the pacer will come by */
  DcSctpBlocks pending[DC_SCTP_N_QUEUES];
  guint n_pending;         /* blocks */
  guint n_pending_packets; /* in them */
  gboolean outputting;     /* somebody is, and will look again */
};

/* --- dc-sctp-packets.c: from usrsctp to the output callback --- */

/* Of who may call usrsctp. */
gboolean dc_sctp_packets_is_collecting (const DcSctpAssociation *self);
void dc_sctp_packets_collect (DcSctpAssociation *self, const guint8 *packet, gsize size);
/* Moves what was collected to what is pending. Returns: whether there was anything. */
gboolean dc_sctp_packets_submit (DcSctpAssociation *self);
/* If there are so many. No lock is held. */
void dc_sctp_packets_flush (DcSctpAssociation *self, guint at_least);
/* By the stack's pacer. Returns: whether it is to come again. */
gboolean dc_sctp_packets_pace (DcSctpAssociation *self);
void dc_sctp_packets_clear (DcSctpAssociation *self);

/* --- dc-sctp-send.c --- */

/* After something has been acknowledged, or the state has changed: lock held. Returns: whether writable() is due. */
gboolean dc_sctp_check_room_locked (DcSctpAssociation *self);
/* Bytes that are not acknowledged, with what each chunk costs; lock held. */
guint32 dc_sctp_buffered_locked (DcSctpAssociation *self);

/* --- dc-sctp-hold.c --- */

/* A message of @size is about to be sent. Returns: whether to leave by dc_sctp_leave_holding (). */
gboolean dc_sctp_hold_locked (DcSctpAssociation *self, gsize size);
void dc_sctp_leave_holding (DcSctpAssociation *self);
/* All answers to what was told are there. */
void dc_sctp_uncork_locked (DcSctpAssociation *self);
/* Has usrsctp look at what waits. */
void dc_sctp_give_padding_locked (DcSctpAssociation *self);
/* Lets go of what is held; by the stack's pusher. */
void dc_sctp_push (DcSctpAssociation *self);
/* A packet has come. */
void dc_sctp_note_tag_locked (DcSctpAssociation *self, const guint8 *packet);

/* --- dc-sctp-pace.c --- */

/* So many packets have come. */
void dc_sctp_pace_note_locked (DcSctpAssociation *self, guint packets);
/* With the output lock: how many bytes may leave now. */
gsize dc_sctp_pace_get_credit (DcSctpAssociation *self);
/* With the output lock: they have. */
void dc_sctp_pace_take (DcSctpAssociation *self, gsize bytes);

/* --- dc-sctp-rtt.c --- */

/* It is up. */
void dc_sctp_rtt_measure_locked (DcSctpAssociation *self);

/* --- dc-sctp-floor.c --- */

/* A message was taken by usrsctp, which need not have put it out. */
void dc_sctp_floor_locked (DcSctpAssociation *self);

/* --- dc-sctp-receive.c --- */

/* In the place of dc_sctp_leave (): tells what there is to tell, unless another thread is at it, or it is to wait. */
void dc_sctp_deliver_and_leave (DcSctpAssociation *self);
void dc_sctp_event_clear (DcSctpEvent *event);
/* The state is @state from now on; it is told in order. */
void dc_sctp_set_state_locked (DcSctpAssociation *self, DcSctpState state);

/* --- dc-sctp-guard.c --- */

/* A packet is about to leave. */
void dc_sctp_guard_note_locked (DcSctpAssociation *self, const guint8 *packet, gsize size);
/* Whether usrsctp is to see a packet that has come. */
gboolean dc_sctp_guard_locked (DcSctpAssociation *self, const guint8 *packet, gsize size);

/* --- dc-sctp-window.c --- */

/* What a buffer of usrsctp's must hold, if @wanted would do otherwise. */
gsize dc_sctp_buffer_for (const DcSctpAssociation *self, gsize wanted);
gboolean dc_sctp_window_set_locked (DcSctpAssociation *self);
/* So many have come. */
void dc_sctp_window_note_locked (DcSctpAssociation *self, guint packets);

/* --- dc-sctp-mend.c --- */

#define DC_SCTP_MENDED_MAX 2048

/* Returns: the size of what usrsctp gets instead, without a checksum, in @mended; 0: the packet is as it should be. */
gsize dc_sctp_mend (const guint8 *packet, gsize size, guint8 *mended);

/* --- dc-sctp-reset.c --- */

void dc_sctp_reset_begin_locked (DcSctpAssociation *self, guint16 stream);
void dc_sctp_reset_notified_locked (DcSctpAssociation *self, const struct sctp_stream_reset_event *event);
void dc_sctp_reset_note_use_locked (DcSctpAssociation *self, guint16 stream);

/* --- dc-sctp-association.c --- */

struct sockaddr_conn dc_sctp_address_of (const DcSctpAssociation *self, guint16 port);
void dc_sctp_association_free (DcSctpAssociation *self);
/* Ends usrsctp's socket with an ABORT, where there is a far side; lock held. */
void dc_sctp_close_locked (DcSctpAssociation *self);

G_END_DECLS
