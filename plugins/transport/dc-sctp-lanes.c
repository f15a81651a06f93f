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
 * The end of a stream goes on the main lane, as it is SCTP's, and so it might overtake pieces on others: one without bytes goes before it, for which the merge
 * waits as for any.
 *
 * Here they are made, wired to each other and ended; what comes of them is in dc-sctp-lanes-deliver.c, what goes on them in dc-sctp-lanes-spread.c.
 *
 * A lane that is lost has taken pieces with it: then the main association is ended, too, and who uses it goes on with another connection. One that never came up was
 * refused; there are just fewer.
 */
#include "plugins/transport/dc-sctp-lanes-private.h"

G_STATIC_ASSERT (DC_SCTP_LANES_MAX == DC_STRIPE_LANES);

#define COMMON_HEADER 12
#define TYPE_INIT 1

void
dc_sctp_lanes_fail (DcSctpLanes *self, const char *reason)
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

/* --- callbacks of the associations --- */

static gboolean
take (DcSctpLane *lane, DcStripeItem *item)
{
  g_autoptr (GError) error = NULL;
  gboolean more = dc_sctp_lanes_take (lane, item, &error);

  if (error != NULL)
    dc_sctp_lanes_fail (lane->lanes, error->message);
  return more;
}

static void
output_cb (DcPacket *packets, guint n, gpointer user_data)
{
  DcSctpLane *lane = user_data;

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
  DcSctpLane *lane = user_data;

  if (lane->number == 0)
    take (lane, &item);
}

static void
was_reset_cb (guint16 stream, gpointer user_data)
{
  DcSctpLane *lane = user_data;

  if (lane->number == 0)
    lane->lanes->callbacks.was_reset (stream, lane->lanes->user_data);
}

static void
writable_cb (gpointer user_data)
{
  dc_sctp_lanes_tell_room (((DcSctpLane *) user_data)->lanes);
}

static void
lane_changed (DcSctpLane *lane, DcSctpState state)
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
    dc_sctp_lanes_fail (self, "one of its lanes is lost");
  else
    dc_sctp_lanes_tell_room (self);
}

static void
state_cb (DcSctpState state, gpointer user_data)
{
  DcSctpLane *lane = user_data;

  if (lane->number == 0)
    lane->lanes->callbacks.state (state, lane->lanes->user_data);
  else
    lane_changed (lane, state);
}

/* --- making them --- */

static gboolean
make_lane (DcSctpLane *lane, const DcSctpSettings *settings, GError **error)
{
  static const DcSctpCallbacks callbacks = {output_cb, message_cb, reset_cb, was_reset_cb, state_cb, writable_cb};
  DcSctpAssociation *association = dc_sctp_association_new (settings, &callbacks, lane, error);

  if (association != NULL)
    g_atomic_pointer_set (&lane->association, association);
  return association != NULL;
}

DcSctpAssociation *
dc_sctp_lanes_ensure (DcSctpLanes *self, guint i)
{
  DcSctpLane *lane = &self->lanes[i];
  DcSctpSettings settings = self->settings;
  gboolean made = FALSE;

  if (g_atomic_pointer_get (&lane->association) != NULL)
    return lane->association;
  settings.local_port += (guint16) i;
  settings.remote_port += (guint16) i;
  settings.streams = 1;
  settings.receive_window = settings.send_buffer = DC_SCTP_LANE_BUFFER;
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
  g_queue_clear (&self->ending);
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
    association = dc_sctp_lanes_ensure (self, i);
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
