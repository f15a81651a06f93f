/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-source.h: the far side of a datachannelsrc over a fake peer, and one alone in a GstHarness. */
#pragma once

#include <gst/check/gstharness.h>

#include "tests/harness/dc-fake-peer.h"

G_BEGIN_DECLS

/* --- What a sender sends ------------------------------------------------------------------------------------------------------- */

void dc_test_give_caps (DcChannel *channel, const char *text);
/* From @start to @stop; stream time, position and @start are the same. */
void dc_test_give_segment (DcChannel *channel, GstFormat format, guint64 start, guint64 stop);
void dc_test_give_data (DcChannel *channel, const char *text, guint64 pts, guint64 dts);
/* A string message of a raw channel. */
void dc_test_give_text (DcChannel *channel, const char *text);
/* @event: transfer full */
void dc_test_give_event (DcChannel *channel, guint stream, GstEvent *event);
void dc_test_give_flush_start (DcChannel *channel, guint32 number);
void dc_test_give_flush_stop (DcChannel *channel, guint32 number, gboolean reset_time);
/* EOS and FIN. */
void dc_test_give_end (DcChannel *channel);

/* --- A source alone -------------------------------------------------------------------------------------------------------------- */

/* Begins as zeros; a test case keeps it with g_auto. The harness has a test clock; it is what follows the source. */
typedef struct {
  GstHarness *harness;
  DcPeer *peer;
  DcChannel *channel;
} DcTestSource;

/* @description: "datachannelsrc", with properties. In NULL. Starts the watchdog. */
void dc_test_source_make (DcTestSource *f, const char *description);
/* To PLAYING, with an open channel. */
void dc_test_source_play (DcTestSource *f, const char *description);
void dc_test_source_clear (DcTestSource *f);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (DcTestSource, dc_test_source_clear)

/* The next event of @type; what comes before is dropped. (transfer full) */
GstEvent *dc_test_source_pull_event (DcTestSource *f, GstEventType type);
/* The next buffer says @text. (transfer full) */
GstBuffer *dc_test_source_pull_data (DcTestSource *f, const char *text);
/* Of what follows the source. */
GstClockTime dc_test_source_get_running_time (DcTestSource *f, GstClockTime time);

G_END_DECLS
