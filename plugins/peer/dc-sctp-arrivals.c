/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-arrivals.c: which messages have come whole on an SCTP association, and which of them nobody was given yet.
 *
 * Theory of operation
 * -------------------
 * Chunks come in any order, and more than once. Those that are ahead of a missing one are noted in a ring, by their transmission
 * sequence number (TSN), until it has come; then they are gone through in order. The chunks of a message have consecutive numbers, from the
 * one that says beginning to the one that says end; a message of which one was given up is none.
 *
 * So what SCTP delivers out of order may be given before it is counted here, and nothing is counted too early. The ring is as long as usrsctp's own (SCTP_MAPPING_ARRAY, in
 * bits), which takes nothing that is farther ahead. */
#include "plugins/peer/dc-sctp-arrivals.h"

#include "plugins/peer/dc-sctp-chunk.h"

#define WINDOW 4096u

typedef struct {
  guint16 stream;
  guint8 flags;
  gboolean came : 1;
  gboolean counts : 1;
} Chunk;

struct _DcSctpArrivals {
  gboolean begun;
  guint32 tsn; /* nothing is missing up to here */
  Chunk ahead[WINDOW];
  gboolean open;   /* the last chunk belongs to a message that is whole so far */
  GArray *streams; /* (element-type gint): what waits on each; below zero: what was given before it was counted */
  guint waiting;   /* on all */
};

DcSctpArrivals *
dc_sctp_arrivals_new (void)
{
  DcSctpArrivals *self = g_new0 (DcSctpArrivals, 1);

  self->streams = g_array_new (FALSE, TRUE, sizeof (gint));
  return self;
}

void
dc_sctp_arrivals_free (DcSctpArrivals *self)
{
  g_array_unref (self->streams);
  g_free (self);
}

void
dc_sctp_arrivals_begin (DcSctpArrivals *self, guint32 tsn)
{
  if (self->begun)
    return;
  self->begun = TRUE;
  self->tsn = tsn - 1;
}

static gint *
get_stream (DcSctpArrivals *self, guint16 number)
{
  if (number >= self->streams->len)
    g_array_set_size (self->streams, number + 1u);
  return &g_array_index (self->streams, gint, number);
}

static void
set_waiting (DcSctpArrivals *self, gint *stream, gint waiting)
{
  self->waiting += (guint) MAX (waiting, 0) - (guint) MAX (*stream, 0);
  *stream = waiting;
}

/* The next chunk in order, which may be missing for good. */
static void
advance (DcSctpArrivals *self)
{
  Chunk *chunk = &self->ahead[++self->tsn % WINDOW];
  gint *stream;

  self->open = chunk->came && (self->open || (chunk->flags & DC_SCTP_BEGINNING));
  chunk->came = FALSE;
  if (!self->open || !(chunk->flags & DC_SCTP_END))
    return;
  self->open = FALSE;
  stream = get_stream (self, chunk->stream);
  if (chunk->counts)
    set_waiting (self, stream, *stream + 1);
}

static void
advance_while_there (DcSctpArrivals *self)
{
  while (self->ahead[(self->tsn + 1) % WINDOW].came)
    advance (self);
}

/* Serial numbers (RFC 1982). */
static gint32
get_distance (const DcSctpArrivals *self, guint32 tsn)
{
  return (gint32) (tsn - self->tsn);
}

void
dc_sctp_arrivals_take (DcSctpArrivals *self, guint32 tsn, guint16 stream, guint flags, gboolean counts)
{
  gint32 distance = get_distance (self, tsn);
  Chunk chunk = {stream, (guint8) flags, TRUE, counts};

  if (!self->begun || distance <= 0 || distance > (gint32) WINDOW)
    return;
  self->ahead[tsn % WINDOW] = chunk;
  advance_while_there (self);
}

void
dc_sctp_arrivals_skip (DcSctpArrivals *self, guint32 tsn)
{
  if (!self->begun)
    return;
  for (guint i = 0; i < WINDOW && get_distance (self, tsn) > 0; i++)
    advance (self);
  if (get_distance (self, tsn) > 0)
    self->tsn = tsn;
  advance_while_there (self);
}

gboolean
dc_sctp_arrivals_have_all (const DcSctpArrivals *self, guint32 tsn)
{
  return !self->begun || get_distance (self, tsn) <= 0;
}

void
dc_sctp_arrivals_given (DcSctpArrivals *self, guint16 number)
{
  gint *stream = get_stream (self, number);

  set_waiting (self, stream, *stream - 1);
}

void
dc_sctp_arrivals_forget (DcSctpArrivals *self, guint16 number)
{
  set_waiting (self, get_stream (self, number), 0);
}

guint
dc_sctp_arrivals_get_waiting (const DcSctpArrivals *self)
{
  return self->waiting;
}
