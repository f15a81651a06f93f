/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-lanes.c: the association of a connection, and others beside it on which messages of some of its streams go, too.
 *
 * Theory of operation
 * -------------------
 * A lane is an association of its own: same DTLS, same path, the ports of the main one and its number added to both. So each has a congestion window to
 * itself, which is what they are for: on a path that loses packets that window is all that holds one up. Lane 0 is the main association, which
 * there always is; the others are made when they are wanted, by whoever wants to send, and on the other side by the INIT that comes, if it was
 * allowed there. They stay until the end.
 *
 *     send --> whole, as ever                          --> main --.                                  .--> deliver, one at a time
 *        `---> pieces, each where there is room --> lane 0 .. n --'  wire, by port --> lane --> merge'
 *
 * A message of a striped stream goes in pieces (dc-stripe.h) once there is more than one lane; until then as it is, but with no more of them in SCTP than its
 * window is good for, since the lanes to come would wait for them. One thread at a time spreads them (busy): another is told that there is no room, and then that
 * there is. Nothing waits, and nothing is called with the lock.
 *
 * What comes on all lanes is merged, and given by one thread at a time (delivering) for all that bring something meanwhile. Whoever is ahead waits in the merge,
 * and when that is full its lane is not read on, so that its window closes.
 *
 * A lane that is lost has taken pieces with it: then the main association is ended, too, and who uses it goes on with another connection. One that never came up was
 * refused; there are just fewer.
 */
#include "plugins/transport/dc-sctp-lanes.h"

#include "plugins/transport/dc-stripe.h"

#include <string.h>

G_STATIC_ASSERT (DC_SCTP_LANES_MAX == DC_STRIPE_LANES);

#define COMMON_HEADER 12
#define TYPE_INIT 1
/* Twice the window at most is sent to a lane, and a message of the longest behind. */
#define LANE_BUFFER (2 * 1024 * 1024)
#define LANE_WINDOW (LANE_BUFFER / 4)
/* RFC 8831, section 8 */
enum { PPID_STRING = 51, PPID_BINARY = 53, PPID_STRING_EMPTY = 56, PPID_BINARY_EMPTY = 57 };
/* How often the need for lanes is looked at; microseconds. */
#define LOOK_EVERY 20000

typedef struct {
  DcSctpLanes *lanes;
  guint number;
  DcSctpAssociation *association; /* (nullable): atomic; made once */
  DcSctpState state;
  gboolean paused; /* was told to wait */
} Lane;

struct _DcSctpLanes {
  DcSctpSettings settings;
  DcSctpCallbacks callbacks;
  gpointer user_data;
  Lane lanes[DC_SCTP_LANES_MAX]; /* under the lock, what is not atomic */
  gint allowed;                  /* atomic: the far side may use so many; 0: nobody thought of it */
  gint striping;                 /* atomic: some stream is */
  gint usable;                   /* atomic: lanes that did not refuse */
  gint in_use;                   /* atomic: that messages go on */

  GMutex lock; /* of what follows */
  DcStripeMerge merge;
  gboolean delivering;
  gboolean blocked; /* the application wants no more for now */
  guint resumes;
  gboolean failed; /* nothing is delivered or spread any more */
  GCond idle;      /* nobody is delivering */

  GHashTable *streams; /* (element-type guint16): that are striped */
  gboolean busy;       /* somebody is in what follows */
  gboolean told_busy;  /* somebody else was told that there is no room */
  DcStripeGrowth growth;
  gboolean spreading; /* in pieces */
  gboolean begun;     /* the first piece was sent */
  guint32 sequence;   /* of the next */
  gsize allowance;    /* bytes that need no other look */
  gint64 looked;
};

/* --- delivering --- */

static void
fail (DcSctpLanes *self, const char *reason)
{
  gboolean first;

  g_mutex_lock (&self->lock);
  first = !self->failed;
  self->failed = TRUE;
  g_mutex_unlock (&self->lock);
  if (!first)
    return;
  g_info ("the association is ended: %s", reason);
  dc_sctp_lanes_abort (self);
}

/* Lets go of the lock meanwhile. */
static void
give_locked (DcSctpLanes *self, DcStripeItem *item)
{
  guint resumes = self->resumes;
  gboolean more = TRUE;

  g_mutex_unlock (&self->lock);
  if (item->kind == DC_STRIPE_RESET)
    self->callbacks.reset (item->stream, self->user_data);
  else
    more = self->callbacks.message (item->stream, item->ppid, item->unordered, item->bytes, self->user_data);
  g_mutex_lock (&self->lock);
  self->blocked = !more && self->resumes == resumes;
}

/* (nullable): a lane that may go on. */
static Lane *
find_paused_locked (DcSctpLanes *self)
{
  for (guint i = 0; i < DC_SCTP_LANES_MAX && !self->blocked && !self->failed; i++)
    if (self->lanes[i].paused && !dc_stripe_merge_is_full (&self->merge, i))
      return &self->lanes[i];
  return NULL;
}

/* What is due is given, and who waited for room goes on. Lets go of the lock meanwhile. */
static void
pump_locked (DcSctpLanes *self)
{
  DcStripeItem item;
  Lane *lane;

  if (self->delivering || self->failed)
    return;
  self->delivering = TRUE;
  for (;;) {
    while (!self->blocked && !self->failed && dc_stripe_merge_pop (&self->merge, &item))
      give_locked (self, &item);
    lane = find_paused_locked (self);
    if (lane == NULL)
      break;
    lane->paused = FALSE;
    g_mutex_unlock (&self->lock);
    dc_sctp_association_resume (lane->association);
    g_mutex_lock (&self->lock);
  }
  self->delivering = FALSE;
  g_cond_broadcast (&self->idle);
}

/* As nearly always: nothing else waits, and no lane is but the main one. */
static gboolean
is_simple_locked (DcSctpLanes *self, const Lane *lane, const DcStripeItem *item)
{
  return !self->delivering && !self->blocked && !self->failed && lane->number == 0 && self->merge.n_waiting == 0
         && item->ppid != DC_STRIPE_PPID;
}

/* Lets go of the lock meanwhile. */
static void
give_at_once_locked (DcSctpLanes *self, DcStripeItem *item)
{
  self->delivering = TRUE;
  give_locked (self, item);
  self->delivering = FALSE;
  pump_locked (self);
}

/* @item: its bytes are taken over. Returns: whether the lane goes on. */
static gboolean
take (Lane *lane, DcStripeItem *item)
{
  DcSctpLanes *self = lane->lanes;
  g_autoptr (GError) error = NULL;
  gboolean more;

  g_mutex_lock (&self->lock);
  if (is_simple_locked (self, lane, item))
    give_at_once_locked (self, item);
  else if (dc_stripe_merge_push (&self->merge, lane->number, item, &error))
    pump_locked (self);
  more = !self->blocked && !dc_stripe_merge_is_full (&self->merge, lane->number);
  if (!more)
    lane->paused = TRUE;
  if (self->merge.is_broken && error == NULL)
    g_set_error_literal (&error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "the far side sends a message that is too long");
  g_mutex_unlock (&self->lock);
  if (error != NULL)
    fail (self, error->message);
  return more;
}

/* --- callbacks of the associations --- */

static void
output_cb (DcPacket *packets, guint n, gpointer user_data)
{
  Lane *lane = user_data;

  lane->lanes->callbacks.output (packets, n, lane->lanes->user_data);
}

static gboolean
message_cb (guint16 stream, guint32 ppid, gboolean unordered, GBytes *message, gpointer user_data)
{
  DcStripeItem item = {.stream = stream, .ppid = ppid, .unordered = unordered, .bytes = message};

  return take (user_data, &item);
}

/* Of lanes, streams are nothing: what ends there is the lane. */
static void
reset_cb (guint16 stream, gpointer user_data)
{
  DcStripeItem item = {.kind = DC_STRIPE_RESET, .stream = stream};
  Lane *lane = user_data;

  if (lane->number == 0)
    take (lane, &item);
}

static void
was_reset_cb (guint16 stream, gpointer user_data)
{
  Lane *lane = user_data;

  if (lane->number == 0)
    lane->lanes->callbacks.was_reset (stream, lane->lanes->user_data);
}

static void
tell_room (DcSctpLanes *self)
{
  gboolean tell;

  g_mutex_lock (&self->lock);
  tell = !self->busy;
  self->told_busy |= self->busy;
  g_mutex_unlock (&self->lock);
  if (tell)
    self->callbacks.writable (self->user_data);
}

static void
writable_cb (gpointer user_data)
{
  tell_room (((Lane *) user_data)->lanes);
}

static void
lane_changed (Lane *lane, DcSctpState state)
{
  DcSctpLanes *self = lane->lanes;
  DcSctpState before;

  g_mutex_lock (&self->lock);
  before = lane->state;
  lane->state = state;
  if (state > DC_SCTP_UP && before < DC_SCTP_UP)
    g_atomic_int_set (&self->usable, MIN (g_atomic_int_get (&self->usable), (gint) lane->number));
  g_mutex_unlock (&self->lock);
  if (state > DC_SCTP_UP && before == DC_SCTP_UP)
    fail (self, "one of its lanes is lost");
  else
    tell_room (self);
}

static void
state_cb (DcSctpState state, gpointer user_data)
{
  Lane *lane = user_data;

  if (lane->number == 0)
    lane->lanes->callbacks.state (state, lane->lanes->user_data);
  else
    lane_changed (lane, state);
}

/* --- making them --- */

static gboolean
make_lane (Lane *lane, const DcSctpSettings *settings, GError **error)
{
  static const DcSctpCallbacks callbacks = {output_cb, message_cb, reset_cb, was_reset_cb, state_cb, writable_cb};
  DcSctpAssociation *association = dc_sctp_association_new (settings, &callbacks, lane, error);

  if (association != NULL)
    g_atomic_pointer_set (&lane->association, association);
  return association != NULL;
}

/* (nullable): the association of lane @i, which is made and connected if it was not yet. */
static DcSctpAssociation *
ensure_lane (DcSctpLanes *self, guint i)
{
  Lane *lane = &self->lanes[i];
  DcSctpSettings settings = self->settings;
  gboolean made = FALSE;

  if (g_atomic_pointer_get (&lane->association) != NULL)
    return lane->association;
  settings.local_port += (guint16) i;
  settings.remote_port += (guint16) i;
  settings.streams = 1;
  settings.receive_window = settings.send_buffer = LANE_BUFFER;
  /* What is given is a piece, or an error. */
  settings.max_message_size = DC_STRIPE_HEADER + DC_STRIPE_PIECE;
  g_mutex_lock (&self->lock);
  if (lane->association == NULL && !self->failed) {
    made = make_lane (lane, &settings, NULL);
    if (made)
      dc_stripe_merge_open (&self->merge, i);
  }
  g_mutex_unlock (&self->lock);
  if (made)
    dc_sctp_association_connect (lane->association);
  return lane->association;
}

/* --- life --- */

DcSctpLanes *
dc_sctp_lanes_new (const DcSctpSettings *settings, const DcSctpCallbacks *callbacks, gpointer user_data, GError **error)
{
  DcSctpLanes *self = g_new0 (DcSctpLanes, 1);

  self->settings = *settings;
  self->callbacks = *callbacks;
  self->user_data = user_data;
  g_mutex_init (&self->lock);
  g_cond_init (&self->idle);
  self->streams = g_hash_table_new (NULL, NULL);
  self->usable = DC_SCTP_LANES_MAX;
  self->in_use = 1;
  dc_stripe_merge_init (&self->merge, settings->max_message_size);
  for (guint i = 0; i < DC_SCTP_LANES_MAX; i++) {
    self->lanes[i].lanes = self;
    self->lanes[i].number = i;
  }
  if (!make_lane (&self->lanes[0], settings, error))
    g_clear_pointer (&self, dc_sctp_lanes_free);
  return self;
}

void
dc_sctp_lanes_free (DcSctpLanes *self)
{
  /* Whoever delivers may be about to call any of them. */
  g_mutex_lock (&self->lock);
  self->failed = TRUE;
  while (self->delivering)
    g_cond_wait (&self->idle, &self->lock);
  g_mutex_unlock (&self->lock);
  for (guint i = DC_SCTP_LANES_MAX; i-- > 0;)
    g_clear_pointer (&self->lanes[i].association, dc_sctp_association_unref);
  g_cond_clear (&self->idle);
  dc_stripe_merge_clear (&self->merge);
  g_hash_table_unref (self->streams);
  g_mutex_clear (&self->lock);
  g_free (self);
}

DcSctpAssociation *
dc_sctp_lanes_get_main (DcSctpLanes *self)
{
  return self->lanes[0].association;
}

guint16
dc_sctp_lanes_get_remote_port (DcSctpLanes *self)
{
  return self->settings.remote_port;
}

/* The main one first: whose far side hears of it first takes the others for what they are. */
void
dc_sctp_lanes_abort (DcSctpLanes *self)
{
  g_mutex_lock (&self->lock);
  self->failed = TRUE;
  g_mutex_unlock (&self->lock);
  for (guint i = 0; i < DC_SCTP_LANES_MAX; i++)
    if (g_atomic_pointer_get (&self->lanes[i].association) != NULL)
      dc_sctp_association_abort (self->lanes[i].association);
}

gboolean
dc_sctp_lanes_got_too_long (DcSctpLanes *self)
{
  gboolean in_pieces;

  g_mutex_lock (&self->lock);
  in_pieces = self->merge.is_broken;
  g_mutex_unlock (&self->lock);
  return in_pieces || dc_sctp_association_got_too_long (self->lanes[0].association);
}

/* --- receiving --- */

void
dc_sctp_lanes_allow (DcSctpLanes *self, guint n)
{
  if (self->settings.local_port <= G_MAXUINT16 - DC_SCTP_LANES_MAX
      && self->settings.remote_port <= G_MAXUINT16 - DC_SCTP_LANES_MAX)
    g_atomic_int_set (&self->allowed, (gint) MIN (n, DC_SCTP_LANES_MAX));
}

/* 0: also if it is none of ours, which SCTP itself refuses. */
static guint
lane_of (DcSctpLanes *self, const DcPacket *packet, guint allowed)
{
  guint port, number;

  if (packet->size <= COMMON_HEADER)
    return 0;
  port = (guint) packet->data[2] << 8 | packet->data[3];
  number = port - self->settings.local_port;
  return number < allowed ? number : 0;
}

gboolean
dc_sctp_lanes_is_aside (DcSctpLanes *self, const DcPacket *packet)
{
  guint allowed = (guint) g_atomic_int_get (&self->allowed);

  return allowed > 1 && lane_of (self, packet, allowed) > 0;
}

/* A lane begins with an INIT. */
static void
input_lane (DcSctpLanes *self, guint i, const DcPacket *packets, guint n)
{
  DcSctpAssociation *association = g_atomic_pointer_get (&self->lanes[i].association);

  if (association == NULL && packets[0].data[COMMON_HEADER] == TYPE_INIT)
    association = ensure_lane (self, i);
  if (association != NULL)
    dc_sctp_association_input (association, packets, n);
}

void
dc_sctp_lanes_input (DcSctpLanes *self, const DcPacket *packets, guint n)
{
  guint allowed = (guint) g_atomic_int_get (&self->allowed);
  DcPacket some[DC_PACKETS_MAX];
  guint n_some, present = 0;

  for (guint i = 0; i < n && allowed > 1; i++)
    present |= 1u << lane_of (self, &packets[i], allowed);
  if (present <= 1) {
    dc_sctp_association_input (self->lanes[0].association, packets, n);
    return;
  }
  for (guint lane = 0; lane < allowed; lane++) {
    n_some = 0;
    for (guint i = 0; i < n && (present & 1u << lane); i++)
      if (lane_of (self, &packets[i], allowed) == lane)
        some[n_some++] = packets[i];
    if (n_some > 0)
      input_lane (self, lane, some, n_some);
  }
}

void
dc_sctp_lanes_resume (DcSctpLanes *self)
{
  g_mutex_lock (&self->lock);
  self->resumes++;
  self->blocked = FALSE;
  pump_locked (self);
  g_mutex_unlock (&self->lock);
}

/* --- spreading: of who has set busy --- */

typedef struct {
  DcStripeLane lanes[DC_STRIPE_LANES];
  guint n;
  DcStripeSample sample;
} Look;

static guint
count_lanes (DcSctpLanes *self)
{
  return MIN (self->growth.lanes, (guint) g_atomic_int_get (&self->usable));
}

/* Congestion windows and what is under way, of all lanes that are up. */
static void
look (DcSctpLanes *self, Look *all)
{
  *all = (Look){.n = count_lanes (self), .sample = {.time = g_get_monotonic_time ()}};
  for (guint i = 0; i < DC_SCTP_LANES_MAX; i++) {
    DcSctpAssociation *association = g_atomic_pointer_get (&self->lanes[i].association);
    DcStripeLane *lane = &all->lanes[i];
    DcSctpStats stats;

    if (association == NULL)
      continue;
    dc_sctp_association_get_stats (association, &stats);
    *lane = (DcStripeLane){
        .up = dc_sctp_association_get_state (association) == DC_SCTP_UP,
        .buffered = stats.buffered,
        .window = self->spreading ? MIN (stats.congestion_window, LANE_WINDOW) : stats.congestion_window,
    };
    all->sample.is_full |= lane->up && i < MAX (all->n, 1) && lane->buffered >= lane->window;
    all->sample.rtt = MAX (all->sample.rtt, (gint64) stats.rtt * 1000);
    all->sample.lost += stats.packets_retransmitted;
    all->sample.delivered += stats.bytes_sent - MIN (stats.buffered, stats.bytes_sent);
  }
  self->looked = all->sample.time;
}

/* Makes the lanes that are wanted. */
static void
grow (DcSctpLanes *self, const Look *all)
{
  guint n = MIN (dc_stripe_growth_update (&self->growth, &all->sample), (guint) g_atomic_int_get (&self->usable));
  gint before = g_atomic_int_get (&self->in_use), after;

  for (guint i = 1; i < n; i++) {
    ensure_lane (self, i);
    self->spreading |= all->lanes[i].up;
  }
  after = self->spreading ? (gint) n : 1;
  g_atomic_int_set (&self->in_use, after);
  if (after != before && self->callbacks.spread != NULL)
    self->callbacks.spread ((guint) after, self->user_data);
}

static void
ask_for_room (DcSctpLanes *self, const Look *all, guint n)
{
  for (guint i = 0; i < n; i++)
    if (all->lanes[i].up)
      dc_sctp_association_want_room (self->lanes[i].association, dc_stripe_get_low (&all->lanes[i]));
}

/* @header: filled in but for the sequence. */
static gboolean
send_piece (DcSctpLanes *self, guint lane, DcStripeHeader *header, const guint8 *data, gsize size)
{
  guint8 piece[DC_STRIPE_HEADER + DC_STRIPE_PIECE];
  DcSctpSendInfo info = {.stream = lane == 0 ? header->stream : 0, .ppid = DC_STRIPE_PPID};

  header->sequence = self->sequence;
  dc_stripe_write_header (piece, header);
  memcpy (piece + DC_STRIPE_HEADER, data, size);
  return dc_sctp_association_send (self->lanes[lane].association, &info, piece, DC_STRIPE_HEADER + size)
         == DC_SCTP_SENT;
}

/* On lane @best, or else where it is taken. */
static gboolean
send_piece_anywhere (DcSctpLanes *self, Look *all, guint best, DcStripeHeader *header, const guint8 *data, gsize size)
{
  /* The very first piece stays on the main lane, behind what is there. */
  guint n = self->begun ? MAX (all->n, 1) : 1;

  for (guint i = 0; i < n; i++) {
    guint lane = (best + i) % n;

    if (!all->lanes[lane].up || !send_piece (self, lane, header, data, size))
      continue;
    all->lanes[lane].buffered += (guint32) size;
    self->sequence++;
    self->begun = TRUE;
    return TRUE;
  }
  return FALSE;
}

/* There is room for a piece; so the message is taken whole, and what goes beyond waits in buffers, which are much larger. */
static DcSctpSent
spread (DcSctpLanes *self, Look *all, const DcSctpSendInfo *info, const guint8 *data, gsize size)
{
  DcStripeHeader header = {.stream = info->stream, .ppid = info->ppid};

  for (gsize at = 0; at < size; at += DC_STRIPE_PIECE) {
    gsize n = MIN (size - at, DC_STRIPE_PIECE);
    gint best = dc_stripe_choose (all->lanes, all->n);

    header.is_last = at + n == size;
    if (send_piece_anywhere (self, all, (guint) MAX (best, 0), &header, data + at, n))
      continue;
    if (at == 0 && dc_sctp_association_get_state (self->lanes[0].association) == DC_SCTP_UP)
      return DC_SCTP_WOULD_BLOCK;
    fail (self, "a piece of a message finds no room");
    return DC_SCTP_CLOSED;
  }
  return DC_SCTP_SENT;
}

static DcSctpSent
send_whole (DcSctpLanes *self, const DcSctpSendInfo *info, gconstpointer data, gsize size)
{
  self->allowance -= MIN (self->allowance, size);
  return dc_sctp_association_send (self->lanes[0].association, info, data, size);
}

/* On a short path, where one lane is all that there will be, SCTP's own buffer is the limit. */
static gboolean
is_short (DcSctpLanes *self, const Look *all)
{
  return !self->spreading && !self->growth.fixed && all->sample.rtt < DC_STRIPE_MIN_RTT;
}

static DcSctpSent
send_striped (DcSctpLanes *self, const DcSctpSendInfo *info, gconstpointer data, gsize size)
{
  guint n;
  Look all;

  if (self->allowance >= size && !self->spreading && g_get_monotonic_time () - self->looked < LOOK_EVERY)
    return send_whole (self, info, data, size);
  look (self, &all);
  grow (self, &all);
  self->allowance = is_short (self, &all) ? G_MAXSIZE : 0;
  if (self->allowance > 0 || !all.lanes[0].up)
    return send_whole (self, info, data, size);
  n = self->begun ? MAX (all.n, 1) : 1;
  if (dc_stripe_choose (all.lanes, n) < 0) {
    ask_for_room (self, &all, n);
    return DC_SCTP_WOULD_BLOCK;
  }
  if (self->spreading)
    return spread (self, &all, info, data, size);
  self->allowance = dc_stripe_get_limit (&all.lanes[0]) - all.lanes[0].buffered;
  return send_whole (self, info, data, size);
}

/* --- sending --- */

void
dc_sctp_lanes_stripe (DcSctpLanes *self, guint16 stream, guint n, gboolean fixed)
{
  n = MIN (n, DC_SCTP_LANES_MAX);
  if (n < 2)
    return;
  g_mutex_lock (&self->lock);
  g_hash_table_add (self->streams, GUINT_TO_POINTER (stream));
  if (self->growth.max < n && !self->busy)
    dc_stripe_growth_init (&self->growth, n, fixed);
  g_mutex_unlock (&self->lock);
  g_atomic_int_set (&self->striping, TRUE);
}

guint
dc_sctp_lanes_get_n (DcSctpLanes *self)
{
  return (guint) g_atomic_int_get (&self->in_use);
}

static gboolean
is_whole (const DcSctpSendInfo *info)
{
  return !info->unordered && info->reliability == DC_SCTP_RELIABLE
         && (info->ppid == PPID_STRING || info->ppid == PPID_BINARY || info->ppid == PPID_STRING_EMPTY
             || info->ppid == PPID_BINARY_EMPTY);
}

typedef enum { ENTERED, IS_BUSY, IS_PLAIN } Entered;

static Entered
enter (DcSctpLanes *self, const DcSctpSendInfo *info)
{
  Entered entered = IS_PLAIN;

  g_mutex_lock (&self->lock);
  if (!self->failed && g_hash_table_contains (self->streams, GUINT_TO_POINTER (info->stream))) {
    entered = self->busy ? IS_BUSY : ENTERED;
    self->told_busy |= self->busy;
    self->busy = TRUE;
  }
  g_mutex_unlock (&self->lock);
  return entered;
}

static void
leave (DcSctpLanes *self)
{
  gboolean tell;

  g_mutex_lock (&self->lock);
  self->busy = FALSE;
  tell = self->told_busy;
  self->told_busy = FALSE;
  g_mutex_unlock (&self->lock);
  if (tell)
    self->callbacks.writable (self->user_data);
}

DcSctpSent
dc_sctp_lanes_send (DcSctpLanes *self, const DcSctpSendInfo *info, gconstpointer data, gsize size)
{
  Entered entered = g_atomic_int_get (&self->striping) && is_whole (info) ? enter (self, info) : IS_PLAIN;
  DcSctpSent sent;

  if (entered == IS_BUSY)
    return DC_SCTP_WOULD_BLOCK;
  if (entered == IS_PLAIN)
    return dc_sctp_association_send (self->lanes[0].association, info, data, size);
  sent = send_striped (self, info, data, size);
  leave (self);
  return sent;
}
