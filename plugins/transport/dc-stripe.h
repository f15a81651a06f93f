/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-stripe.h: messages in pieces over several lanes, each of which is in order, and in one order again. No I/O, no threads, no clock. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define DC_STRIPE_LANES 8u

/* A piece of a message is a message on a lane, with this PPID; one without bytes of a message only has its place. Every number is in network byte order.
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +---------------------------------------------------------------+
 *   |      sequence: of the pieces of all lanes, modulo 2^32        |
 *   +-------------------------------+-----------------------------+-+
 *   |    stream of the message      |             0               |E|   E: the last piece of its message
 *   +-------------------------------+-----------------------------+-+
 *   |                      PPID of the message                      |
 *   +---------------------------------------------------------------+
 *   |                      bytes of the message ...                 |
 */
#define DC_STRIPE_PPID 0x44435354u
#define DC_STRIPE_HEADER 12u
/* Bytes of a message in a piece: a lane that has lost something does not hold up more than this. */
#define DC_STRIPE_PIECE 16384u
/* On shorter paths one lane is enough. Microseconds. */
#define DC_STRIPE_MIN_RTT 10000

typedef struct {
  guint32 sequence;
  guint16 stream;
  guint32 ppid;
  gboolean is_last;
} DcStripeHeader;

void dc_stripe_write_header (guint8 *bytes, const DcStripeHeader *header);
/* FALSE: @bytes is no piece. */
gboolean dc_stripe_parse_header (const guint8 *bytes, gsize size, DcStripeHeader *header);

/* --- dc-stripe-merge.c: what comes --- */

typedef struct {
  enum { DC_STRIPE_MESSAGE, DC_STRIPE_RESET } kind;
  guint16 stream;
  guint32 ppid;
  gboolean unordered;
  GBytes *bytes; /* (nullable): of a message */
} DcStripeItem;

typedef struct {
  GQueue pieces; /* (element-type Piece) */
  gsize cost;
  gboolean open;
  gboolean begun; /* the next is valid */
  guint32 last;   /* sequence that has come on it */
} DcStripeQueue;

typedef struct {
  DcStripeQueue queues[DC_STRIPE_LANES];
  gsize max_message;
  guint32 next; /* sequence that is due */
  guint n_waiting;
  gboolean is_broken; /* a message was longer than max_message */
  GByteArray *part;   /* (nullable): what there is of a message */
} DcStripeMerge;

/* Lane 0 is open. */
void dc_stripe_merge_init (DcStripeMerge *self, gsize max_message);
void dc_stripe_merge_clear (DcStripeMerge *self);
void dc_stripe_merge_open (DcStripeMerge *self, guint lane);
/* A message has come on @lane: a piece, or, on lane 0, another, which keeps its place among those that came there. @item: its bytes are taken over. FALSE: the
 * far side breaks the rules, and nothing more will be in order. */
gboolean dc_stripe_merge_push (DcStripeMerge *self, guint lane, DcStripeItem *item, GError **error);
/* The next one that is whole and in order. FALSE: there is none yet; or it is too long, and there will be none. */
gboolean dc_stripe_merge_pop (DcStripeMerge *self, DcStripeItem *item);
/* Whether so much waits on @lane that it is to take no more. */
gboolean dc_stripe_merge_is_full (const DcStripeMerge *self, guint lane);

/* --- dc-stripe-spread.c: what goes --- */

typedef struct {
  gboolean up;
  guint32 buffered; /* bytes that are not acknowledged */
  guint32 window;   /* the congestion window */
} DcStripeLane;

/* The lane to put the next piece on: of the first @n the one with most room; -1: there is none anywhere. */
gint dc_stripe_choose (const DcStripeLane *lanes, guint n);
/* What @lane may hold; and at what it is worth trying again. */
guint32 dc_stripe_get_limit (const DcStripeLane *lane);
guint32 dc_stripe_get_low (const DcStripeLane *lane);

typedef struct {
  gint64 time;       /* microseconds */
  gint64 rtt;        /* microseconds */
  gboolean is_full;  /* a lane has more than its congestion window takes */
  guint64 delivered; /* bytes, in all */
  guint64 lost;      /* packets that were sent again, in all */
} DcStripeSample;

/* How many lanes are worth it. */
typedef struct {
  guint max;          /* may be used */
  gboolean fixed;     /* they all are, always */
  guint lanes;        /* are */
  gboolean measuring; /* since: */
  DcStripeSample from;
  guint n_samples, n_full;
  guint n_losses; /* at different times: */
  guint64 lost;   /* until then */
  gint64 lost_at;
  gdouble alone;     /* bytes a microsecond, of one lane */
  gint64 not_before; /* it did not help: later again */
  gint64 patience;   /* then */
} DcStripeGrowth;

void dc_stripe_growth_init (DcStripeGrowth *self, guint max, gboolean fixed);
/* Returns: how many lanes to use from now on. */
guint dc_stripe_growth_update (DcStripeGrowth *self, const DcStripeSample *sample);

G_END_DECLS
