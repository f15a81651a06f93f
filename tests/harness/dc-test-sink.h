/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-sink.h: what is pushed into a datachannelsink behind an appsrc named in, and what its receivers get, over a fake peer. */
#pragma once

#include "tests/harness/dc-test-element.h"

G_BEGIN_DECLS

/* --- Into the sink -------------------------------------------------------------------------------------------------------------- */

/* @flags: GstBufferFlags */
GstFlowReturn dc_test_sink_try_push (DcTestElement *f, const char *text, guint64 pts, guint flags);
void dc_test_sink_push_flagged (DcTestElement *f, const char *text, guint64 pts, guint flags);
void dc_test_sink_push_at (DcTestElement *f, const char *text, guint64 pts);
/* Without a time. */
void dc_test_sink_push (DcTestElement *f, const char *text);
void dc_test_sink_end_stream (DcTestElement *f);

/* An encoder upstream that is asked for a key unit. Begins as zeros, and outlives the pipeline's playing. */
typedef struct {
  GMutex lock;
  GCond cond;
  guint requests;
} DcTestEncoder;

void dc_test_encoder_watch (DcTestEncoder *encoder, DcTestElement *f);
/* Until it was asked, once or more. */
void dc_test_encoder_wait (DcTestEncoder *encoder);

/* --- Its receivers -------------------------------------------------------------------------------------------------------------- */

/* Opens the channel to another one. (transfer full) */
DcChannel *dc_test_sink_join (DcTestElement *f, const char *id);
/* The same; pushes block while @items wait to be taken. */
DcChannel *dc_test_sink_join_with_window (DcTestElement *f, const char *id, guint items);

/* --- Out of a channel of it ----------------------------------------------------------------------------------------------------- */

void dc_test_take_kind (DcChannel *channel, DcLinkItemKind kind);
/* Caps and segment. */
void dc_test_take_format (DcChannel *channel);
void dc_test_assert_data (const DcLinkItem *item, const char *text);
/* Returns the item's flags. */
guint dc_test_take_data (DcChannel *channel, const char *text);
/* The end of the stream and of the channel. */
void dc_test_take_end (DcChannel *channel);

G_END_DECLS
