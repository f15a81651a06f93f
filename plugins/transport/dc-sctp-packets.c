/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-packets.c: what usrsctp puts out, from where it stands to the output callback.
 *
 * Theory of operation
 * -------------------
 * usrsctp puts packets out one by one, with locks held, and takes its memory back. They are copied into blocks, with room around each for DTLS,
 * and collected until the call ends; then they become pending, in the order of the calls. Whoever submits to an association that nobody
 * puts out for does it, for all that comes meanwhile: a thread that reads does not wait for one that is stuck in a full socket, and
 * packets are never out of order. What piles up behind a socket that takes nothing is bounded: beyond it packets are lost, as on any path.
 *
 * Where packets are paced (dc-sctp-pace.c), the stack's pacer puts out what may not leave yet. Those without data, acknowledgements most of all, do not
 * wait, and cost nothing of what may leave: they have a queue of their own, which goes first.
 */
#include "plugins/transport/dc-sctp-association-private.h"

#include "plugins/transport/dc-crc32c.h"

#include <string.h>

#define BLOCK_BYTES (DC_PACKETS_MAX * 1280)
#define MAX_PENDING 128
#define COMMON_HEADER 12
#define CHUNK_HEADER 4
#define TYPE_DATA 0
#define TYPE_INIT 1

struct _DcSctpBlock {
  DcSctpBlock *next;
  guint n;
  guint n_out; /* of them are out already */
  gsize used;
  DcPacket packets[DC_PACKETS_MAX];
  guint8 memory[BLOCK_BYTES];
};

/* One is kept: most calls need just one. */
static DcSctpBlock *
new_block (DcSctpAssociation *self)
{
  DcSctpBlock *block = g_atomic_pointer_exchange (&self->spare, NULL);

  if (block == NULL)
    block = g_malloc (sizeof *block);
  block->next = NULL;
  block->n = block->n_out = 0;
  block->used = 0;
  return block;
}

static void
free_blocks (DcSctpAssociation *self, DcSctpBlock *block)
{
  while (block != NULL) {
    DcSctpBlock *next = block->next;

    if (!g_atomic_pointer_compare_and_exchange (&self->spare, NULL, block))
      g_free (block);
    block = next;
  }
}

static gsize
space_of (gsize size)
{
  return (DC_PACKET_HEAD + size + DC_PACKET_TAIL + 7) & ~(gsize) 7;
}

static void
append (DcSctpBlock *block, const guint8 *data, gsize size)
{
  DcPacket *packet = &block->packets[block->n++];

  packet->data = block->memory + block->used + DC_PACKET_HEAD;
  packet->size = size;
  block->used += space_of (size);
  memcpy (packet->data, data, size);
}

static void
add_block (DcSctpBlocks *blocks, DcSctpBlock *block)
{
  if (blocks->first == NULL)
    blocks->first = block;
  else
    blocks->last->next = block;
  blocks->last = block;
}

/* The last block, or a new one behind it. */
static DcSctpBlock *
block_with_room (DcSctpAssociation *self, DcSctpBlocks *blocks, gsize size)
{
  DcSctpBlock *block = blocks->last;

  if (block != NULL && block->n < DC_PACKETS_MAX && block->used + space_of (size) <= BLOCK_BYTES)
    return block;
  block = new_block (self);
  add_block (blocks, block);
  return block;
}

/* Which comes behind the acknowledgement, if that is there. */
static gboolean
has_data (const guint8 *packet, gsize size)
{
  gsize at = COMMON_HEADER;

  while (at + CHUNK_HEADER <= size && packet[at] != TYPE_DATA) {
    gsize length = (gsize) packet[at + 2] << 8 | packet[at + 3];

    if (length < CHUNK_HEADER)
      return FALSE;
    at += (length + 3) & ~(gsize) 3;
  }
  return at + CHUNK_HEADER <= size;
}

/* A packet is one that is sent again if its first chunk is. */
static void
count (DcSctpAssociation *self, const guint8 *packet, gsize size)
{
  guint32 tsn;

  self->stats.packets_sent++;
  self->n_inits += size > COMMON_HEADER && packet[COMMON_HEADER] == TYPE_INIT;
  if (size < COMMON_HEADER + 8 || packet[COMMON_HEADER] != TYPE_DATA)
    return;
  memcpy (&tsn, packet + COMMON_HEADER + 4, sizeof tsn);
  tsn = GUINT32_FROM_BE (tsn);
  if (self->has_sent_data && (gint32) (tsn - self->highest_tsn) <= 0) {
    self->stats.packets_retransmitted++;
  } else {
    self->has_sent_data = TRUE;
    self->highest_tsn = tsn;
  }
}

gboolean
dc_sctp_packets_is_collecting (const DcSctpAssociation *self)
{
  return self->collecting[DC_SCTP_PACED].first != NULL || self->collecting[DC_SCTP_UNPACED].first != NULL;
}

void
dc_sctp_packets_collect (DcSctpAssociation *self, const guint8 *packet, gsize size)
{
  DcSctpBlocks *blocks;

  if (size < COMMON_HEADER || size > DC_SCTP_MTU_MAX)
    return;
  blocks = &self->collecting[self->pace > 0 && !has_data (packet, size) ? DC_SCTP_UNPACED : DC_SCTP_PACED];
  append (block_with_room (self, blocks, size), packet, size);
  count (self, packet, size);
  dc_sctp_guard_note_locked (self, packet, size);
}

/* What was put out in many short calls leaves in one piece, since who puts it out pays for each. */
static gboolean
merge (DcSctpBlock *into, const DcSctpBlock *block)
{
  if (into == NULL || block->next != NULL || into->n + block->n > DC_PACKETS_MAX
      || into->used + block->used > BLOCK_BYTES)
    return FALSE;
  for (guint i = 0; i < block->n; i++)
    append (into, block->packets[i].data, block->packets[i].size);
  return TRUE;
}

/* Returns: what there is no place for. */
static DcSctpBlock *
submit (DcSctpAssociation *self, DcSctpBlocks *to, DcSctpBlock *blocks)
{
  if (blocks != NULL && merge (to->last, blocks)) {
    self->n_pending_packets += blocks->n;
    return blocks;
  }
  while (blocks != NULL && self->n_pending < MAX_PENDING) {
    DcSctpBlock *next = g_steal_pointer (&blocks->next);

    add_block (to, blocks);
    self->n_pending++;
    self->n_pending_packets += blocks->n;
    blocks = next;
  }
  return blocks;
}

gboolean
dc_sctp_packets_submit (DcSctpAssociation *self)
{
  DcSctpBlock *left[DC_SCTP_N_QUEUES];

  if (!dc_sctp_packets_is_collecting (self))
    return FALSE;
  g_mutex_lock (&self->output_lock);
  for (guint i = 0; i < DC_SCTP_N_QUEUES; i++)
    left[i] = submit (self, &self->pending[i], self->collecting[i].first);
  g_mutex_unlock (&self->output_lock);
  for (guint i = 0; i < DC_SCTP_N_QUEUES; i++) {
    free_blocks (self, left[i]);
    self->collecting[i] = (DcSctpBlocks){NULL, NULL};
  }
  return TRUE;
}

static gboolean
is_pending_locked (const DcSctpAssociation *self)
{
  return !self->gone && (self->pending[DC_SCTP_PACED].first != NULL || self->pending[DC_SCTP_UNPACED].first != NULL);
}

/* Of @block, as many packets as may leave now; 0: not yet. */
static guint
take_credit (DcSctpAssociation *self, const DcSctpBlock *block)
{
  gsize credit = dc_sctp_pace_get_credit (self), bytes = 0;
  guint n = block->n_out;

  for (; n < block->n && bytes < credit; n++)
    bytes += block->packets[n].size;
  dc_sctp_pace_take (self, bytes);
  return n - block->n_out;
}

static void
put_out (DcSctpAssociation *self, DcPacket *packets, guint n)
{
  for (guint i = 0; i < n; i++)
    dc_crc32c_put (packets[i].data, packets[i].size);
  self->callbacks.output (packets, n, self->user_data);
}

/* The block is off the queue meanwhile, so that nobody adds to it. */
static DcSctpBlock *
take_first (DcSctpAssociation *self, DcSctpBlocks *queue, guint n)
{
  DcSctpBlock *block = queue->first;

  self->n_pending_packets -= n;
  self->n_pending--;
  queue->first = g_steal_pointer (&block->next);
  if (queue->first == NULL)
    queue->last = NULL;
  return block;
}

static void
put_back (DcSctpAssociation *self, DcSctpBlocks *queue, DcSctpBlock *block)
{
  if (block->n_out == block->n) {
    free_blocks (self, block);
    return;
  }
  block->next = queue->first;
  queue->first = block;
  if (queue->last == NULL)
    queue->last = block;
  self->n_pending++;
}

/* Returns: whether anything may leave yet, which has then. */
static gboolean
put_some_out (DcSctpAssociation *self)
{
  gboolean paced = self->pending[DC_SCTP_UNPACED].first == NULL;
  DcSctpBlocks *queue = &self->pending[paced ? DC_SCTP_PACED : DC_SCTP_UNPACED];
  guint n = paced ? take_credit (self, queue->first) : queue->first->n;
  DcSctpBlock *block;

  if (n == 0)
    return FALSE;
  block = take_first (self, queue, n);
  g_mutex_unlock (&self->output_lock);
  put_out (self, block->packets + block->n_out, n);
  g_mutex_lock (&self->output_lock);
  block->n_out += n;
  put_back (self, queue, block);
  return TRUE;
}

static void
put_due_out (DcSctpAssociation *self)
{
  self->outputting = TRUE;
  while (is_pending_locked (self) && put_some_out (self))
    ;
  self->outputting = FALSE;
}

void
dc_sctp_packets_flush (DcSctpAssociation *self, guint at_least)
{
  gboolean ask;

  g_mutex_lock (&self->output_lock);
  if (self->outputting || self->gone || self->n_pending_packets < at_least) {
    g_mutex_unlock (&self->output_lock);
    return;
  }
  put_due_out (self);
  ask = is_pending_locked (self) && !self->pace_asked;
  self->pace_asked = self->pace_asked || ask;
  g_mutex_unlock (&self->output_lock);
  if (ask)
    dc_sctp_stack_pace (self);
}

gboolean
dc_sctp_packets_pace (DcSctpAssociation *self)
{
  gboolean again;

  g_mutex_lock (&self->output_lock);
  if (!self->outputting && !self->gone)
    put_due_out (self);
  again = self->pace_asked = is_pending_locked (self);
  g_mutex_unlock (&self->output_lock);
  return again;
}

void
dc_sctp_packets_clear (DcSctpAssociation *self)
{
  for (guint i = 0; i < DC_SCTP_N_QUEUES; i++) {
    free_blocks (self, self->collecting[i].first);
    free_blocks (self, self->pending[i].first);
    self->collecting[i] = self->pending[i] = (DcSctpBlocks){NULL, NULL};
  }
  g_clear_pointer (&self->spare, g_free);
}
