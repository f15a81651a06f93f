/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-guard.c: packets that usrsctp had better not see.
 *
 * Theory of operation
 * -------------------
 * The far side has proven by DTLS who it is, not that it means well. usrsctp checks what it gets, but
 *
 *  - it takes what is in order, window or no window, until the bytes alone fill its buffer; yet a message of one byte costs some 400. It
 *    knows that, and the window that it offers closes in time. So once that is closed, which our acknowledgements say, what comes is counted with its cost, and from a
 *    bound on packets with data are dropped. Who means well only probes a window that is closed, now and then, for days if need be: by the same chunk each time, which costs
 *    once;
 *  - until they are read, as while messages are held back, it keeps a notification of two kilobytes for each reset of streams, and one for each new
 *    beginning of the association, and takes them for a few bytes of the window. A packet may have hundreds. Who means well repeats what was not answered;
 *  - 0.9.5 goes round for ever in an INIT that has a parameter without a length, for which an association must be there already. So lists of parameters
 *    must be lists;
 *  - it answers packets of other ports than ours, which nobody sends.
 */
#include "plugins/transport/dc-sctp-association-private.h"

#include <string.h>

#define COMMON_HEADER 12
#define CHUNK_HEADER 4u
#define DATA_TSN 4u
#define DATA_SIZE 16u
#define SACK_WINDOW 8u
#define SACK_SIZE 16u
#define CHUNK_COST 256u /* as usrsctp counts for the window */
#define WINDOWS 4u      /* beyond the first */
#define MAX_NOTIFICATIONS 1024u

enum {
  TYPE_DATA = 0,
  TYPE_INIT = 1,
  TYPE_INIT_ACK = 2,
  TYPE_SACK = 3,
  TYPE_ERROR = 9,
  TYPE_COOKIE_ECHO = 10,
  TYPE_RE_CONFIG = 130,
};

/* The chunk at @at, which is moved behind it. NULL: there is no other. Whether it is whole is for usrsctp to say. */
static const guint8 *
next_chunk (const guint8 *packet, gsize size, gsize *at, gsize *length)
{
  const guint8 *chunk = packet + *at;

  if (*at + CHUNK_HEADER > size)
    return NULL;
  *length = (gsize) chunk[2] << 8 | chunk[3];
  *at += MAX (*length + 3, CHUNK_HEADER) & ~(gsize) 3;
  return chunk;
}

/* --- what leaves --- */

/* usrsctp says 1 where it cannot say 0. */
void
dc_sctp_guard_note_locked (DcSctpAssociation *self, const guint8 *packet, gsize size)
{
  gsize at = COMMON_HEADER, length;
  const guint8 *chunk;
  guint32 window;

  while ((chunk = next_chunk (packet, size, &at, &length)) != NULL && chunk[0] != TYPE_DATA) {
    if (chunk[0] != TYPE_SACK || length < SACK_SIZE || at > size)
      continue;
    memcpy (&window, chunk + SACK_WINDOW, sizeof window);
    self->window_closed = GUINT32_FROM_BE (window) <= 1;
    if (!self->window_closed)
      self->beyond = 0;
  }
}

/* --- what comes --- */

/* Where the parameters of a chunk begin; 0: it has none. */
static gsize
parameters_of (guint8 type)
{
  switch (type) {
    case TYPE_INIT:
    case TYPE_INIT_ACK:
      return 20;
    case TYPE_ERROR:
    case TYPE_RE_CONFIG:
      return CHUNK_HEADER;
    default:
      return 0;
  }
}

/* @room: as far as the packet goes. What is behind the last parameter, too little for another, is padding. */
static gboolean
is_well_formed (const guint8 *chunk, gsize length, gsize room)
{
  gsize at = parameters_of (chunk[0]), size;

  if (at == 0)
    return TRUE;
  if (length > room)
    return FALSE;
  for (; at + CHUNK_HEADER <= length; at += (size + 3) & ~(gsize) 3) {
    size = (gsize) chunk[at + 2] << 8 | chunk[at + 3];
    if (size < CHUNK_HEADER || size > length - at)
      return FALSE;
  }
  return TRUE;
}

static gsize
bound_of (const DcSctpAssociation *self)
{
  return WINDOWS * MAX ((gsize) self->window, 2 * (gsize) self->settings.max_message_size);
}

static gboolean
has_our_ports (const DcSctpAssociation *self, const guint8 *packet)
{
  guint16 ports[2];

  memcpy (ports, packet, sizeof ports);
  return g_ntohs (ports[0]) == self->settings.remote_port && g_ntohs (ports[1]) == self->settings.local_port;
}

static gboolean
may_notify_locked (DcSctpAssociation *self, guint notifications)
{
  if (notifications > MAX_NOTIFICATIONS - self->n_notifications)
    return FALSE;
  self->n_notifications += notifications;
  return TRUE;
}

/* What usrsctp might keep of a packet. */
typedef struct {
  guint notifications;
  gsize cost;  /* of what has come since the window was closed */
  guint32 tsn; /* the last of that */
} Load;

static void
add_data (const DcSctpAssociation *self, Load *load, const guint8 *chunk, gsize length, gsize room)
{
  if (!self->window_closed || room < DATA_SIZE)
    return;
  memcpy (&load->tsn, chunk + DATA_TSN, sizeof load->tsn);
  if (load->tsn != self->beyond_tsn || self->beyond == 0)
    load->cost += CHUNK_COST + length;
}

static gboolean
may_cost_locked (DcSctpAssociation *self, const Load *load)
{
  if (self->beyond + load->cost > bound_of (self))
    return FALSE;
  self->beyond += load->cost;
  if (load->cost > 0)
    self->beyond_tsn = load->tsn;
  return TRUE;
}

gboolean
dc_sctp_guard_locked (DcSctpAssociation *self, const guint8 *packet, gsize size)
{
  gsize at = COMMON_HEADER, length, room;
  Load load = {0};
  const guint8 *chunk;

  if (!has_our_ports (self, packet))
    return FALSE;
  while ((chunk = next_chunk (packet, size, &at, &length)) != NULL) {
    room = size - (gsize) (chunk - packet);
    if (!is_well_formed (chunk, length, room))
      return FALSE;
    load.notifications += chunk[0] == TYPE_RE_CONFIG || chunk[0] == TYPE_COOKIE_ECHO;
    if (chunk[0] == TYPE_DATA)
      add_data (self, &load, chunk, length, room);
  }
  return may_notify_locked (self, load.notifications) && may_cost_locked (self, &load);
}
