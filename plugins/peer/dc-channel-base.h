/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-channel-base.h: what the files of a channel share:
 *   dc-channel-bytes.c  the simple way for applications: bytes and statistics
 *   dc-channel-wire.c   webrtcbin's and the session's side
 *   dc-channel.c        the object, and the application's side
 *   dc-channel-class.c  what it shows: accessors and signals
 *   dc-channel-base.c   below all: telling others, ending, suspending, transmitting */
#pragma once

#include "plugins/link/dc-rate.h"
#include "plugins/peer/dc-channel-private.h"
#include "plugins/peer/dc-wire.h"

G_BEGIN_DECLS

/* Raw mode: a sender waits while more is buffered, and is told when there is no more than the lower mark. */
#define DC_CHANNEL_RAW_HIGH_WATER (1024 * 1024)
#define DC_CHANNEL_RAW_LOW_WATER (256 * 1024)
/* Likewise: what waits to be taken by the application before the far side is held up, on a connection of its own, and on one with other channels; and, where
 * it cannot be held up, before the channel ends. In between is room for what is in SCTP when the far side leaves. */
#define DC_CHANNEL_RAW_INBOX_ALONE (4 * 1024 * 1024)
#define DC_CHANNEL_RAW_INBOX_SHARED (32 * 1024 * 1024)
#define DC_CHANNEL_RAW_INBOX_LIMIT (64 * 1024 * 1024)

/* What dc_channel_unlock() has to tell. */
enum {
  PENDING_READY = 1 << 0,
  PENDING_ACKNOWLEDGED = 1 << 1,
  PENDING_WRITABLE = 1 << 2,
  PENDING_READABLE = 1 << 3,
  PENDING_SUSPENDED = 1 << 4,
  PENDING_LOST = 1 << 5, /* suspended by itself: the session does not know yet */
  PENDING_RESUMED = 1 << 6,
  PENDING_WANTS_CLOSE = 1 << 7,
  PENDING_SETTLED = 1 << 8,
  PENDING_FINISHED = 1 << 9,
  PENDING_ENDED = 1 << 10,
};

/* Set of streams. */
typedef struct {
  guint64 bits[DC_LINK_MAX_STREAMS / 64];
} DcStreams;

struct _DcChannel {
  GObject parent_instance;

  DcChannelOptions *options;
  char *remote_id;
  gint64 resume_timeout;
  GMainContext *context; /* the worker's */
  DcChannelCallbacks callbacks;
  gpointer user_data;
  GDestroyNotify destroy;

  GMutex lock;
  GCond cond;            /* anything below changed */
  DcWire *wire;          /* NULL: without a connection */
  gconstpointer carrier; /* whose it is; not looked into */
  DcSctpWatch *watch;    /* its */
  guint received_seen;   /* of it, when it was last asked */
  DcWire *dropped;       /* the last one, until the lock is given up */
  DcLink *link;          /* link mode, from the first start on */
  DcProof *proof;        /* (nullable): to be given and taken before the link may speak */
  GSource *timer;        /* its deadline, on the worker */
  gsize max_message;
  GQueue early; /* (element-type DcLinkItem): messages that came before start */
  gsize early_cost;
  GQueue inbox; /* (element-type DcLinkItem): raw mode */
  gsize inbox_cost;
  gboolean held; /* messages wait in SCTP until there is room */
  DcLinkStats raw_stats;
  DcRate send_rate, receive_rate; /* raw mode */
  guint64 acknowledged;
  DcStreams full;     /* dc_channel_can_push() said no: "writable" is owed */
  DcStreams empty;    /* nobody was told that there is something: "readable" is owed */
  DcStreams readable; /* to be told */
  guint pending;
  gboolean striped;            /* the far HELLO has said how many lanes there may be, and it was passed on */
  gboolean started;            /* wire is open and may be used */
  gboolean starting;           /* what came early is being delivered */
  gboolean ready;              /* handed out */
  gboolean suspended;          /* "suspended" was told, "resumed" not yet */
  DcDirection flushing;        /* set; 0: neither */
  gboolean transmitting;       /* one thread does */
  gboolean finishing;          /* dc_channel_finish() was called: no more pushes */
  gboolean expired;            /* raw: what was not delivered since then is too late (max-packet-lifetime) */
  gboolean finished;           /* and that has succeeded */
  gboolean fin_accepted;       /* dc_channel_accept_fin() was called */
  gboolean closing;            /* dc_channel_close() or _abort() was called */
  gboolean abort_sent;         /* we told the far side that it is over; it answers by closing */
  gboolean remote_closed;      /* the far side closed the channel */
  gboolean settled;            /* closing, and nothing is on its way that the far side still must get */
  gboolean ended;              /* error says why; NULL: as agreed */
  GError *error, *lost_reason; /* (nullable) */
};

static inline gboolean
dc_streams_has (const DcStreams *streams, guint stream)
{
  return (streams->bits[stream / 64] >> (stream % 64)) & 1;
}

static inline void
dc_streams_set (DcStreams *streams, guint stream, gboolean in)
{
  guint64 bit = G_GUINT64_CONSTANT (1) << (stream % 64);

  if (in)
    streams->bits[stream / 64] |= bit;
  else
    streams->bits[stream / 64] &= ~bit;
}

void dc_channel_install_signals (void);
/* On so many lanes the data may go. */
guint dc_channel_get_max_lanes (DcChannel *self);
/* Gives up the lock and tells what is pending. */
void dc_channel_unlock (DcChannel *self);
/* Link mode: TRUE if each direction that was used has been ended by FIN and FIN-ACK: then the far side's leaving is no fault. */
gboolean dc_channel_is_clean_locked (DcChannel *self);
guint64 dc_channel_get_buffered_amount_locked (DcChannel *self);
void dc_channel_get_stats_locked (DcChannel *self, DcLinkStats *stats);
/* TRUE if a push on @stream would not wait. */
gboolean dc_channel_has_room_locked (DcChannel *self, guint stream);
/* Owes nobody a "writable" or "readable" that is due now. */
void dc_channel_check_room_locked (DcChannel *self);
void dc_channel_check_items_locked (DcChannel *self);
void dc_channel_check_settled_locked (DcChannel *self);
void dc_channel_check_finished_locked (DcChannel *self);
/* Once; (nullable) @error: why. */
void dc_channel_end_locked (DcChannel *self, const GError *error);
/* The connection is lost, says @why: suspends the link, or ends the channel where it cannot go on. @by_itself: the session does not know. */
void dc_channel_suspend_locked (DcChannel *self, const GError *why, gboolean by_itself);
/* Sends what the link has to say. Drops the lock meanwhile. */
void dc_channel_transmit_locked (DcChannel *self);
/* After the link was given something: notes what has changed, and sends what it wants to say. */
void dc_channel_after_link_locked (DcChannel *self);
/* What a waiting message costs in memory, what is around its bytes included: a million empty ones are not free. */
gsize dc_channel_cost_of (const DcLinkItem *item);
/* Raw mode: TRUE if what comes next should wait where it is. */
gboolean dc_channel_is_full_locked (DcChannel *self);
/* Lets what waits there come once there is room again, or nobody is to read it. */
void dc_channel_check_held_locked (DcChannel *self);
/* Lets go of webrtcbin's channel; what it still says is not heard any more. */
void dc_channel_drop_wire_locked (DcChannel *self);
/* Starts the link's clock. */
void dc_channel_start_timer_locked (DcChannel *self);
/* Raw mode, a limited lifetime of packets: notes when that is over. */
void dc_channel_start_expiry_locked (DcChannel *self);

G_END_DECLS
