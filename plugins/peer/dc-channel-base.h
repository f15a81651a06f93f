/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-channel-base.h: what the files of a channel share:
 *   dc-channel-wire.c  webrtcbin's and the connection's side
 *   dc-channel.c       the object, and the application's side
 *   dc-channel-base.c  below both: telling others, ending, transmitting */
#pragma once

#include "plugins/peer/dc-channel-private.h"

G_BEGIN_DECLS

/* What dc_channel_unlock() has to tell. */
enum {
  PENDING_READY = 1 << 0,
  PENDING_ACKNOWLEDGED = 1 << 1,
  PENDING_WANTS_CLOSE = 1 << 2,
  PENDING_SETTLED = 1 << 3,
  PENDING_ENDED = 1 << 4,
};

struct _DcChannel {
  GObject parent_instance;

  DcMode mode;
  char *remote_id;
  char *label;
  DcChannelCallbacks callbacks;
  gpointer user_data;
  GDestroyNotify destroy;

  GMutex lock;
  GCond cond;                /* anything below changed */
  GstWebRTCDataChannel *rtc; /* NULL once detached */
  DcLink *link;              /* link mode, from start on */
  GSource *timer;            /* its deadline, on the worker */
  gsize max_message;
  GQueue early; /* (element-type DcLinkItem): messages that came before start */
  gsize early_cost;
  GQueue inbox; /* (element-type DcLinkItem): raw mode */
  gsize inbox_cost;
  DcLinkStats raw_stats;
  guint64 acknowledged;
  guint pending;
  gboolean started, ready, flushing, transmitting;
  gboolean finishing;     /* dc_channel_finish() was called: no more pushes */
  gboolean fin_accepted;  /* dc_channel_accept_fin() was called */
  gboolean closing;       /* dc_channel_close() or _abort() was called */
  gboolean abort_sent;    /* we told the far side that it is over; it answers by closing */
  gboolean remote_closed; /* the far side closed the channel */
  gboolean settled;       /* closing, and nothing is on its way that the far side still must get */
  gboolean ended;         /* error says why; NULL: as agreed */
  GError *error;
};

/* Gives up the lock and tells what is pending. */
void dc_channel_unlock (DcChannel *self);
/* Link mode: TRUE if each direction that was used has been ended by FIN and FIN-ACK: then the far side's leaving is no fault. */
gboolean dc_channel_is_clean_locked (DcChannel *self);
guint64 dc_channel_get_buffered_amount_locked (DcChannel *self);
void dc_channel_check_settled_locked (DcChannel *self);
/* Once; (nullable) @error: why. */
void dc_channel_end_locked (DcChannel *self, const GError *error);
/* Sends what the link has to say. Drops the lock meanwhile. */
void dc_channel_transmit_locked (DcChannel *self);
/* After the link was given something: notes what has changed, and sends what it wants to say. */
void dc_channel_after_link_locked (DcChannel *self);
/* What a waiting message costs in memory, what is around its bytes included: a million empty ones are not free. */
gsize dc_channel_cost_of (const DcLinkItem *item);
/* Starts the link's clock in @context. */
void dc_channel_start_timer_locked (DcChannel *self, GMainContext *context);

G_END_DECLS
