/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-stripe-merge.c: pieces of messages from several lanes, put in one order.
 *
 * Theory of operation
 * -------------------
 * Each lane is in order, so the piece that is due is the first of its lane, or has not come yet: putting them together is a merge of queues. A
 * lane that is ahead waits, up to a limit, from which on its window is closed; the one with the piece that is due never is, since what came before it on that lane has been
 * given. So memory is bounded whatever comes, and nobody waits for good, but for a far side that has left out a number; that shows when all lanes
 * wait, and is an error, as is a number that came already, or is further ahead than all that can be under way.
 *
 * Lane 0 also carries what is no piece: it is due when it is the first there. Messages may be striped from any one on: the first piece comes
 * on lane 0, behind all that came whole before. And where a stream ends, a piece without bytes comes on lane 0, behind all pieces of any lane, and then
 * the reset.
 */
#include "plugins/transport/dc-stripe.h"

#include <string.h>

/* Of a lane; and what a piece costs beside its bytes. */
#define MAX_COST (1024 * 1024)
#define PIECE_COST 256
/* Pieces: no lane has as many under way. */
#define MAX_AHEAD (1 << 20)

enum { FLAG_LAST = 1 };

typedef struct {
  gboolean is_piece;
  DcStripeHeader header; /* of a piece */
  DcStripeItem item;     /* its bytes; and what else it is, if it is none */
} Piece;

/* --- the header --- */

static guint32
get_32 (const guint8 *bytes)
{
  guint32 number;

  memcpy (&number, bytes, sizeof number);
  return GUINT32_FROM_BE (number);
}

static void
put_32 (guint8 *bytes, guint32 number)
{
  number = GUINT32_TO_BE (number);
  memcpy (bytes, &number, sizeof number);
}

void
dc_stripe_write_header (guint8 *bytes, const DcStripeHeader *header)
{
  put_32 (bytes, header->sequence);
  put_32 (bytes + 4, (guint32) header->stream << 16 | (header->is_last ? FLAG_LAST : 0));
  put_32 (bytes + 8, header->ppid);
}

gboolean
dc_stripe_parse_header (const guint8 *bytes, gsize size, DcStripeHeader *header)
{
  guint32 word;

  if (size < DC_STRIPE_HEADER)
    return FALSE;
  word = get_32 (bytes + 4);
  header->sequence = get_32 (bytes);
  header->stream = (guint16) (word >> 16);
  header->is_last = (word & FLAG_LAST) != 0;
  header->ppid = get_32 (bytes + 8);
  return (word & 0xffff & ~(guint32) FLAG_LAST) == 0;
}

/* --- life --- */

void
dc_stripe_merge_init (DcStripeMerge *self, gsize max_message)
{
  *self = (DcStripeMerge){.max_message = max_message};
  self->queues[0].open = TRUE;
}

static void
piece_free (gpointer data)
{
  Piece *piece = data;

  g_clear_pointer (&piece->item.bytes, g_bytes_unref);
  g_free (piece);
}

void
dc_stripe_merge_clear (DcStripeMerge *self)
{
  for (guint i = 0; i < DC_STRIPE_LANES; i++)
    g_queue_clear_full (&self->queues[i].pieces, piece_free);
  g_clear_pointer (&self->part, g_byte_array_unref);
}

void
dc_stripe_merge_open (DcStripeMerge *self, guint lane)
{
  self->queues[lane].open = TRUE;
}

/* --- pushing --- */

static gboolean
refuse (GError **error, const char *reason)
{
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, "the far side sends %s", reason);
  return FALSE;
}

static gboolean
check_sequence (DcStripeMerge *self, DcStripeQueue *queue, guint32 sequence, GError **error)
{
  guint32 ahead = sequence - self->next;

  if (ahead >= MAX_AHEAD || (queue->begun && (gint32) (sequence - queue->last) <= 0))
    return refuse (error, "a piece of a message with a number that is not due");
  queue->begun = TRUE;
  queue->last = sequence;
  return TRUE;
}

static gsize
cost_of (const Piece *piece)
{
  return PIECE_COST + (piece->item.bytes != NULL ? g_bytes_get_size (piece->item.bytes) : 0);
}

static gboolean
is_due (const DcStripeMerge *self, const Piece *piece)
{
  return !piece->is_piece || piece->header.sequence == self->next;
}

/* Each lane that there is has something, and none what is due: it was left out. */
static gboolean
is_stuck (const DcStripeMerge *self)
{
  for (guint i = 0; i < DC_STRIPE_LANES; i++) {
    const DcStripeQueue *queue = &self->queues[i];

    if (queue->open && (queue->pieces.head == NULL || is_due (self, queue->pieces.head->data)))
      return FALSE;
  }
  return TRUE;
}

gboolean
dc_stripe_merge_push (DcStripeMerge *self, guint lane, DcStripeItem *item, GError **error)
{
  DcStripeQueue *queue = &self->queues[lane];
  Piece *piece = g_new0 (Piece, 1);
  gsize size = 0;
  const guint8 *bytes = item->bytes != NULL ? g_bytes_get_data (item->bytes, &size) : NULL;

  piece->item = *item;
  piece->is_piece = item->kind == DC_STRIPE_MESSAGE && item->ppid == DC_STRIPE_PPID;
  item->bytes = NULL;
  if ((piece->is_piece ? !dc_stripe_parse_header (bytes, size, &piece->header) : lane != 0)) {
    piece_free (piece);
    return refuse (error, "what is no piece of a message where there can be nothing else");
  }
  if (piece->is_piece && !check_sequence (self, queue, piece->header.sequence, error)) {
    piece_free (piece);
    return FALSE;
  }
  queue->cost += cost_of (piece);
  self->n_waiting++;
  g_queue_push_tail (&queue->pieces, piece);
  return !is_stuck (self) || refuse (error, "pieces of messages, and has left out one");
}

gboolean
dc_stripe_merge_is_full (const DcStripeMerge *self, guint lane)
{
  return self->queues[lane].cost > MAX_COST;
}

/* --- popping --- */

/* (nullable) */
static Piece *
take_due (DcStripeMerge *self)
{
  for (guint i = 0; i < DC_STRIPE_LANES && self->n_waiting > 0; i++) {
    DcStripeQueue *queue = &self->queues[i];
    Piece *piece = g_queue_peek_head (&queue->pieces);

    if (piece == NULL || !is_due (self, piece))
      continue;
    g_queue_pop_head (&queue->pieces);
    queue->cost -= cost_of (piece);
    self->n_waiting--;
    return piece;
  }
  return NULL;
}

/* Pieces of a message follow each other; who mixes them up gets what he has made. Returns: whether it is whole. */
static gboolean
add_piece (DcStripeMerge *self, Piece *piece, DcStripeItem *item)
{
  gsize size;
  const guint8 *bytes = g_bytes_get_data (piece->item.bytes, &size);

  self->next++;
  if (size == DC_STRIPE_HEADER)
    return FALSE;
  *item = (DcStripeItem){.stream = piece->header.stream, .ppid = piece->header.ppid};
  if (self->part == NULL && piece->header.is_last) {
    item->bytes = g_bytes_new_from_bytes (piece->item.bytes, DC_STRIPE_HEADER, size - DC_STRIPE_HEADER);
    return TRUE;
  }
  if (self->part == NULL)
    self->part = g_byte_array_new ();
  self->is_broken = self->part->len + size > self->max_message + DC_STRIPE_HEADER;
  if (self->is_broken)
    return FALSE;
  g_byte_array_append (self->part, bytes + DC_STRIPE_HEADER, (guint) (size - DC_STRIPE_HEADER));
  if (!piece->header.is_last)
    return FALSE;
  item->bytes = g_byte_array_free_to_bytes (g_steal_pointer (&self->part));
  return TRUE;
}

gboolean
dc_stripe_merge_pop (DcStripeMerge *self, DcStripeItem *item)
{
  Piece *piece;

  while (!self->is_broken && (piece = take_due (self)) != NULL) {
    gboolean whole = TRUE;

    if (piece->is_piece) {
      whole = add_piece (self, piece, item);
    } else {
      *item = piece->item;
      piece->item.bytes = NULL;
    }
    piece_free (piece);
    if (whole)
      return TRUE;
  }
  return FALSE;
}
