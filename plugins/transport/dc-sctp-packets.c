/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-packets.c: what usrsctp puts out, from where it stands to the output callback.
 *
 * Theory of operation
 * -------------------
 * usrsctp puts packets out one by one, with locks held, and takes its memory back. They are copied into blocks, with room around each for DTLS,
 * and collected until the call ends; then they become pending, in the order of the calls. Whoever submits to an association that nobody
 * puts out for does it, for all that comes meanwhile: a thread that reads does not wait for one that is stuck in a full socket, and
 * packets with data are never out of order. Where these are paced (dc-sctp-pace.c), the stack's pacer puts out what may not leave yet. What piles up behind a socket that takes nothing is bounded: beyond it packets are lost, as on any path.
 */
#include "plugins/transport/dc-sctp-association-private.h"

#include "plugins/transport/dc-crc32c.h"

#include <string.h>

#define BLOCK_BYTES (DC_PACKETS_MAX * 1280)
#define MAX_PENDING 128
#define COMMON_HEADER 12
#define TYPE_DATA 0

struct _DcSctpBlock {
  DcSctpBlock *next;
  guint n;
  guint n_out;   /* of them are out already */
  gboolean data; /* any has */
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
  block->data = FALSE;
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

/* The last block, or a new one behind it. */
static DcSctpBlock *
block_with_room (DcSctpAssociation *self, gsize size)
{
  DcSctpBlock *block = self->last_collecting;

  if (block != NULL && block->n < DC_PACKETS_MAX && block->used + space_of (size) <= BLOCK_BYTES)
    return block;
  block = new_block (self);
  if (self->collecting == NULL)
    self->collecting = block;
  else
    self->last_collecting->next = block;
  self->last_collecting = block;
  return block;
}

/* A packet is one that is sent again if its first chunk is. */
static void
count (DcSctpAssociation *self, const guint8 *packet, gsize size)
{
  guint32 tsn;

  self->stats.packets_sent++;
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

void
dc_sctp_packets_collect (DcSctpAssociation *self, const guint8 *packet, gsize size)
{
  if (size < COMMON_HEADER || size > DC_SCTP_MTU_MAX)
    return;
  append (block_with_room (self, size), packet, size);
  if (packet[COMMON_HEADER] == TYPE_DATA)
    self->last_collecting->data = TRUE;
  count (self, packet, size);
  dc_sctp_guard_note_locked (self, packet, size);
}

/* What was put out in many short calls leaves in one piece, since who puts it out pays for each. */
static gboolean
merge (DcSctpBlock *into, const DcSctpBlock *block)
{
  if (block->next != NULL || into->n + block->n > DC_PACKETS_MAX || into->used + block->used > BLOCK_BYTES)
    return FALSE;
  for (guint i = 0; i < block->n; i++)
    append (into, block->packets[i].data, block->packets[i].size);
  into->data = into->data || block->data;
  return TRUE;
}

static void
add_pending (DcSctpAssociation *self, DcSctpBlock *first, DcSctpBlock *last)
{
  if (self->pending == NULL)
    self->pending = first;
  else
    self->last_pending->next = first;
  self->last_pending = last;
  for (; first != NULL; first = first->next) {
    self->n_pending++;
    self->n_pending_packets += first->n;
  }
}

/* What has no data passes what waits for its time. */
static void
add_pending_first (DcSctpAssociation *self, DcSctpBlock *block)
{
  block->next = self->pending;
  self->pending = block;
  self->n_pending++;
  self->n_pending_packets += block->n;
}

gboolean
dc_sctp_packets_submit (DcSctpAssociation *self)
{
  DcSctpBlock *first = self->collecting, *last = self->last_collecting;

  if (first == NULL)
    return FALSE;
  self->collecting = self->last_collecting = NULL;

  g_mutex_lock (&self->output_lock);
  if (self->pending != NULL && self->pending->data && self->pace > 0 && first == last && !first->data) {
    add_pending_first (self, g_steal_pointer (&first));
  } else if (self->pending != NULL && merge (self->last_pending, first)) {
    self->n_pending_packets += first->n;
  } else if (self->n_pending < MAX_PENDING) {
    add_pending (self, g_steal_pointer (&first), last);
  }
  g_mutex_unlock (&self->output_lock);
  free_blocks (self, first);
  return TRUE;
}

/* Of the first block that waits, as many packets as may leave now; 0: not yet. */
static guint
count_due (DcSctpAssociation *self, gsize *bytes)
{
  const DcSctpBlock *block = self->pending;
  gsize credit = block->data ? dc_sctp_pace_get_credit (self) : G_MAXSIZE;
  guint n = block->n_out;

  for (*bytes = 0; n < block->n && *bytes < credit; n++)
    *bytes += block->packets[n].size;
  return n - block->n_out;
}

static void
put_out (DcSctpAssociation *self, DcPacket *packets, guint n)
{
  for (guint i = 0; i < n; i++)
    dc_crc32c_put (packets[i].data, packets[i].size);
  self->callbacks.output (packets, n, self->user_data);
}

/* The block is off the list meanwhile, so that nobody adds to it. */
static DcSctpBlock *
take_first (DcSctpAssociation *self, guint n)
{
  DcSctpBlock *block = self->pending;

  self->n_pending_packets -= n;
  self->n_pending--;
  self->pending = g_steal_pointer (&block->next);
  if (self->pending == NULL)
    self->last_pending = NULL;
  return block;
}

static void
put_back (DcSctpAssociation *self, DcSctpBlock *block)
{
  if (block->n_out == block->n) {
    free_blocks (self, block);
    return;
  }
  block->next = self->pending;
  self->pending = block;
  if (self->last_pending == NULL)
    self->last_pending = block;
  self->n_pending++;
}

static void
put_due_out (DcSctpAssociation *self)
{
  guint n;
  gsize bytes;

  self->outputting = TRUE;
  while (self->pending != NULL && !self->gone && (n = count_due (self, &bytes)) > 0) {
    DcSctpBlock *block = take_first (self, n);

    dc_sctp_pace_take (self, bytes);
    g_mutex_unlock (&self->output_lock);
    put_out (self, block->packets + block->n_out, n);
    g_mutex_lock (&self->output_lock);
    block->n_out += n;
    put_back (self, block);
  }
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
  ask = self->pending != NULL && !self->gone && !self->pace_asked;
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
  again = self->pace_asked = self->pending != NULL && !self->gone;
  g_mutex_unlock (&self->output_lock);
  return again;
}

void
dc_sctp_packets_clear (DcSctpAssociation *self)
{
  free_blocks (self, self->collecting);
  free_blocks (self, self->pending);
  self->collecting = self->last_collecting = self->pending = self->last_pending = NULL;
  g_clear_pointer (&self->spare, g_free);
}
