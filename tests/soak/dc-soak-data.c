/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-soak-data.c: bytes that do not repeat themselves, and the sum by which the other end knows that it has the same. */
#include "tests/soak/dc-soak-data.h"

#include <string.h>

/* Odd, and without a pattern. */
#define FACTOR G_GUINT64_CONSTANT (0x9e3779b97f4a7c15)

GBytes *
dc_soak_data_make (DcSoakData *data, gsize size)
{
  guint64 *words = g_malloc (size);
  GBytes *bytes;

  for (gsize i = 0; i < size / sizeof *words; i++) {
    data->state += FACTOR;
    words[i] = (data->state ^ (data->state >> 29)) * FACTOR;
  }
  bytes = g_bytes_new_take (words, size);
  dc_soak_data_count (data, bytes);
  return bytes;
}

void
dc_soak_data_count (DcSoakData *data, GBytes *bytes)
{
  gsize size;
  const guint8 *at = g_bytes_get_data (bytes, &size);

  data->bytes += size;
  for (gsize i = 0; i + sizeof (guint64) <= size; i += sizeof (guint64)) {
    guint64 word;

    memcpy (&word, at + i, sizeof word);
    data->sum = (data->sum ^ word) * FACTOR + (data->sum >> 32);
  }
  data->sum += size % sizeof (guint64);
}
