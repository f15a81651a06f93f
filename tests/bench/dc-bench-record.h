/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-bench-record.h: what a benchmark sends: records that tell their place, their time and whether they are whole. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * A record is one buffer of the sender; at the far side it may arrive in pieces of any size. Integers are of this machine's byte order.
 *
 *      0               8               16              24
 *     +---------------+---------------+---------------+------------------------------
 *     | magic         | sequence      | time          | contents, which the
 *     |               | from 0        | ns, monotonic | sequence determines
 *     +---------------+---------------+---------------+------------------------------
 */
#define DC_BENCH_RECORD_HEADER_LENGTH 24
#define DC_BENCH_RECORD_MAX_LENGTH (1024 * 1024)
/* Instead of a sequence: sent before the measurement, and not counted. */
#define DC_BENCH_RECORD_WARM_UP G_MAXUINT64

/* Fills the @length bytes at @data with a record. @contents: of dc_bench_record_new_contents (@length). From any thread. */
void dc_bench_record_write (guint8 *data, gsize length, const guint8 *contents, guint64 sequence, gint64 time);
/* What the contents of records of @length are cut from, always the same. (transfer full) */
guint8 *dc_bench_record_new_contents (gsize length);

typedef struct _DcBenchReader DcBenchReader;
/* A whole record with the right contents has come. Those that were lost in between show as a gap in the sequence. */
typedef void (*DcBenchRecordFunc) (guint64 sequence, gint64 time, gpointer user_data);

/* For a stream of records of @length bytes; not thread-safe. */
DcBenchReader *dc_bench_reader_new (gsize length, DcBenchRecordFunc func, gpointer user_data);
void dc_bench_reader_free (DcBenchReader *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcBenchReader, dc_bench_reader_free)

/* The next piece of the stream. Bytes that are no whole record are left out. */
void dc_bench_reader_push (DcBenchReader *self, const guint8 *data, gsize length);

G_END_DECLS
