/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-hold.c: small messages that come one close after the other are held for a moment, to leave together.
 *
 * Theory of operation
 * -------------------
 * A message leaves at once: Nagle's algorithm is off, since it would wait for an acknowledgement, which the far side may delay. But who sends
 * small messages as fast as it can then pays for a packet, an encryption and a system call each. So an association is held while such messages
 * come in quick succession:
 *
 *  - Nagle's algorithm is on, so that usrsctp fills packets;
 *  - packets are put out only when there are many, or when packets come in, which clocks them anyway;
 *  - the stack's pusher is asked to come by in a moment (dc_sctp_stack_push_soon ()), who lets go of what is left.
 *
 * It takes a number of messages to get there, and a pause to get out. Questions and answers never see it, however quick they follow each other: each
 * acknowledges the one before, and what is sent while nothing is on its way leaves at once.
 *
 * Answers to messages that have come together, as all behind a packet that was lost do, leave together, too: the first at once, those between
 * with the last, or when the pusher comes by: who answers may take its time. So they are few packets, of which fewer are lost.
 *
 * usrsctp has no call that only lets go; it looks at what waits whenever a packet has come. So it is given one, with a chunk of nothing but padding
 * (RFC 4820).
 */
#include "plugins/transport/dc-sctp-association-private.h"

#include <string.h>

#define SMALL 8192
/* A message after another in less than this is quick; so many of them, and it holds; a pause forgets. */
#define QUICK 30         /* microseconds */
#define PAUSE 1000       /* microseconds */
#define QUICK_ENOUGH 16u /* messages */
#define QUICK_MAX 64u
#define HELD_PACKETS 32u

#define TYPE_PAD 0x84

static void
set_nagle_locked (DcSctpAssociation *self, gboolean nagle)
{
  int no_delay = !nagle;

  if (self->nagle == nagle || self->socket == NULL)
    return;
  usrsctp_setsockopt (self->socket, IPPROTO_SCTP, SCTP_NODELAY, &no_delay, sizeof no_delay);
  self->nagle = nagle;
}

/* Whether the next answer follows at once, as far as we know. */
static gboolean
cork_locked (DcSctpAssociation *self, gsize size)
{
  gboolean cork = self->answered && size <= SMALL && self->has_tag && self->n_told < self->telling->len;

  self->answered = TRUE;
  self->corked = cork;
  set_nagle_locked (self, cork);
  return cork;
}

gboolean
dc_sctp_hold_locked (DcSctpAssociation *self, gsize size)
{
  gint64 now = g_get_monotonic_time ();
  gint64 gap = now - self->last_send;
  gboolean hold;

  if (self->teller == g_thread_self ())
    return cork_locked (self, size);
  self->last_send = now;
  if (size > SMALL || gap > PAUSE)
    self->quick = 0;
  else
    self->quick = gap < QUICK ? MIN (self->quick + 1, QUICK_MAX) : self->quick / 2;
  hold = self->quick >= QUICK_ENOUGH && self->has_tag && dc_sctp_buffered_locked (self) > 0;
  set_nagle_locked (self, hold);
  return hold;
}

void
dc_sctp_leave_holding (DcSctpAssociation *self)
{
  gboolean ask = !self->push_asked;

  self->push_asked = TRUE;
  dc_sctp_leave_with (self, HELD_PACKETS);
  if (ask)
    dc_sctp_stack_push_soon (self);
}

void
dc_sctp_give_padding_locked (DcSctpAssociation *self)
{
  struct {
    guint16 from, to;
    guint32 tag, sum;
    guint8 type, flags;
    guint16 length;
  } packet = {
      .from = g_htons (self->settings.remote_port),
      .to = g_htons (self->settings.local_port),
      .tag = self->tag,
      .type = TYPE_PAD,
      .length = g_htons (4),
  };

  usrsctp_conninput ((gpointer) self->address, &packet, sizeof packet, 0);
}

static void
let_go_locked (DcSctpAssociation *self)
{
  if (!self->nagle || self->socket == NULL)
    return;
  set_nagle_locked (self, FALSE);
  dc_sctp_give_padding_locked (self);
}

void
dc_sctp_uncork_locked (DcSctpAssociation *self)
{
  if (self->corked)
    let_go_locked (self);
  self->corked = self->answered = FALSE;
}

void
dc_sctp_push (DcSctpAssociation *self)
{
  dc_sctp_enter (self);
  self->push_asked = FALSE;
  let_go_locked (self);
  dc_sctp_leave (self);
  dc_sctp_packets_flush (self, 1);
}

void
dc_sctp_note_tag_locked (DcSctpAssociation *self, const guint8 *packet)
{
  static const guint32 no_tag = 0;

  /* An INIT, which may come late, has none. */
  if (self->has_tag || self->state != DC_SCTP_UP || memcmp (packet + 4, &no_tag, sizeof no_tag) == 0)
    return;
  memcpy (&self->tag, packet + 4, sizeof self->tag);
  self->has_tag = TRUE;
}
