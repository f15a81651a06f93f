/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-lanes-deliver.c: what comes on all lanes is merged, and given one at a time. */
#include "plugins/transport/dc-sctp-lanes-private.h"

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
static DcSctpLane *
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
  DcSctpLane *lane;

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
is_simple_locked (DcSctpLanes *self, const DcSctpLane *lane, const DcStripeItem *item)
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

gboolean
dc_sctp_lanes_take (DcSctpLane *lane, DcStripeItem *item, GError **error)
{
  DcSctpLanes *self = lane->lanes;
  gboolean more, is_right = TRUE;

  g_mutex_lock (&self->lock);
  if (is_simple_locked (self, lane, item))
    give_at_once_locked (self, item);
  else if ((is_right = dc_stripe_merge_push (&self->merge, lane->number, item, error)))
    pump_locked (self);
  more = !self->blocked && !dc_stripe_merge_is_full (&self->merge, lane->number);
  if (!more)
    lane->paused = TRUE;
  if (self->merge.is_broken && is_right)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "the far side sends a message that is too long");
  g_mutex_unlock (&self->lock);
  return more;
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
