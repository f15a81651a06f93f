/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-bench-record.c: a benchmark's records are found in any pieces, behind any gap, and only if they are whole. */
#include "tests/bench/dc-bench-record.h"

#include <string.h>

#define LENGTH 100
#define N_RECORDS 5

typedef struct {
  guint8 stream[N_RECORDS * LENGTH];
  DcBenchReader *reader;
  GString *seen; /* sequences */
} Fixture;

static void
record_cb (guint64 sequence, gint64 time, gpointer user_data)
{
  Fixture *f = user_data;

  g_assert_cmpint (time, ==, 1000 + (gint64) sequence);
  g_string_append_printf (f->seen, "%" G_GUINT64_FORMAT " ", sequence);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  g_autofree guint8 *contents = dc_bench_record_new_contents (LENGTH);

  for (gsize i = 0; i < N_RECORDS; i++)
    dc_bench_record_write (f->stream + i * LENGTH, LENGTH, contents, i, 1000 + i);
  f->seen = g_string_new (NULL);
  f->reader = dc_bench_reader_new (LENGTH, record_cb, f);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  dc_bench_reader_free (f->reader);
  g_string_free (f->seen, TRUE);
}

static void
test_pieces (Fixture *f, gconstpointer data)
{
  for (gsize piece = 1; piece <= sizeof f->stream; piece++) {
    g_string_truncate (f->seen, 0);
    for (gsize at = 0; at < sizeof f->stream; at += piece)
      dc_bench_reader_push (f->reader, f->stream + at, MIN (piece, sizeof f->stream - at));
    g_assert_cmpstr (f->seen->str, ==, "0 1 2 3 4 ");
  }
}

/* Wherever something is missing, of whatever length, the records that are whole are found, and no others. */
static void
test_gap (Fixture *f, gconstpointer data)
{
  /* A byte or two may be right by chance. */
  for (gsize from = LENGTH; from < 2 * LENGTH - 8; from++)
    for (gsize missing = 1; missing < LENGTH; missing++) {
      g_autoptr (DcBenchReader) reader = dc_bench_reader_new (LENGTH, record_cb, f);
      gboolean takes_second = from + missing > 2 * LENGTH;

      g_string_truncate (f->seen, 0);
      dc_bench_reader_push (reader, f->stream, from);
      dc_bench_reader_push (reader, f->stream + from + missing, sizeof f->stream - from - missing);
      g_assert_cmpstr (f->seen->str, ==, takes_second ? "0 3 4 " : "0 2 3 4 ");
    }
}

static void
test_damage (Fixture *f, gconstpointer data)
{
  for (gsize at = 2 * LENGTH; at < 3 * LENGTH; at++) {
    /* The time may have any value, and most of the sequence too. */
    if (at >= 2 * LENGTH + 8 && at < 2 * LENGTH + DC_BENCH_RECORD_HEADER_LENGTH)
      continue;
    g_autoptr (DcBenchReader) reader = dc_bench_reader_new (LENGTH, record_cb, f);

    g_string_truncate (f->seen, 0);
    f->stream[at] ^= 1;
    dc_bench_reader_push (reader, f->stream, sizeof f->stream);
    f->stream[at] ^= 1;
    g_assert_cmpstr (f->seen->str, ==, "0 1 3 4 ");
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/bench-record/pieces", Fixture, NULL, set_up, test_pieces, tear_down);
  g_test_add ("/bench-record/gap", Fixture, NULL, set_up, test_gap, tear_down);
  g_test_add ("/bench-record/damage", Fixture, NULL, set_up, test_damage, tear_down);
  return g_test_run ();
}
