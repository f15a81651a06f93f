/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-bench-record.c: writes records, and finds them again in a stream of bytes. */

/*
 * Theory of operation
 * -------------------
 * The reader copies what comes into room for one record. When that is full and a record, it is told and the room is empty again; if
 * not, everything before the next magic number in it is left out and the rest moves to the front. Every byte is copied and compared, which is
 * about what a consumer of a stream does with it.
 */
#include "tests/bench/dc-bench-record.h"

#include <string.h>

#define MAGIC G_GUINT64_CONSTANT (0x9d3fc7a1e5b80246)

typedef struct {
  guint64 magic;
  guint64 sequence;
  gint64 time;
} Header;

G_STATIC_ASSERT (sizeof (Header) == DC_BENCH_RECORD_HEADER_LENGTH);

/* Neighbours have different contents: two that have lost half each must not pass for one. */
#define N_CONTENTS 4

struct _DcBenchReader {
  gsize length;
  DcBenchRecordFunc func;
  gpointer user_data;

  guint8 *contents; /* what the records' are cut from */
  guint8 *record;
  gsize filled; /* of `record` */
};

static const guint8 *
find_contents (const guint8 *contents, gsize length, guint64 sequence)
{
  return contents + sequence % N_CONTENTS * (length - DC_BENCH_RECORD_HEADER_LENGTH);
}

void
dc_bench_record_write (guint8 *data, gsize length, const guint8 *contents, guint64 sequence, gint64 time)
{
  Header header = {MAGIC, sequence, time};

  memcpy (data, &header, sizeof header);
  memcpy (data + sizeof header, find_contents (contents, length, sequence), length - sizeof header);
}

guint8 *
dc_bench_record_new_contents (gsize length)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  gsize n_bytes = N_CONTENTS * (length - DC_BENCH_RECORD_HEADER_LENGTH);
  guint8 *contents = g_malloc (n_bytes);

  for (gsize i = 0; i < n_bytes; i++)
    contents[i] = g_rand_int (rand) >> 24;
  return contents;
}

DcBenchReader *
dc_bench_reader_new (gsize length, DcBenchRecordFunc func, gpointer user_data)
{
  DcBenchReader *self = g_new0 (DcBenchReader, 1);

  self->length = length;
  self->func = func;
  self->user_data = user_data;
  self->contents = dc_bench_record_new_contents (length);
  self->record = g_malloc (length);
  return self;
}

void
dc_bench_reader_free (DcBenchReader *self)
{
  g_free (self->contents);
  g_free (self->record);
  g_free (self);
}

static gboolean
is_whole (DcBenchReader *self, const Header *header)
{
  return header->magic == MAGIC
         && memcmp (self->record + sizeof *header, find_contents (self->contents, self->length, header->sequence),
                self->length - sizeof *header)
                == 0;
}

/* Where the next record may begin, behind the first byte. A magic number that is cut by the end counts as far as it goes. */
static gsize
find_next (DcBenchReader *self)
{
  const guint64 magic = MAGIC;
  const guint8 *found = memmem (self->record + 1, self->length - 1, &magic, sizeof magic);

  if (found)
    return found - self->record;
  for (gsize length = sizeof magic - 1; length > 0; length--)
    if (memcmp (self->record + self->length - length, &magic, length) == 0)
      return self->length - length;
  return self->length;
}

static void
take_record (DcBenchReader *self)
{
  Header header;

  memcpy (&header, self->record, sizeof header);
  if (is_whole (self, &header)) {
    self->filled = 0;
    self->func (header.sequence, header.time, self->user_data);
    return;
  }

  gsize next = find_next (self);
  memmove (self->record, self->record + next, self->length - next);
  self->filled = self->length - next;
}

void
dc_bench_reader_push (DcBenchReader *self, const guint8 *data, gsize length)
{
  while (length > 0) {
    gsize part = MIN (length, self->length - self->filled);

    memcpy (self->record + self->filled, data, part);
    self->filled += part;
    data += part;
    length -= part;
    if (self->filled == self->length)
      take_record (self);
  }
}
