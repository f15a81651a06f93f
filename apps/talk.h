/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* talk.h: the exchange of messages on one open channel. */
#pragma once

#include "apps/options.h"
#include "apps/trace.h"
#include "plugins/peer/dc-channel.h"

G_BEGIN_DECLS

/* dc_talk_interrupt() may be called from any thread, the rest from the one that runs the talk. */
typedef struct _DcTalk DcTalk;

/* @own_id is for the default message. @options and @trace must outlive the talk. */
DcTalk *dc_talk_new (DcChannel *channel, const char *own_id, const DcOptions *options, DcTrace *trace);
DcTalk *dc_talk_ref (DcTalk *talk);
void dc_talk_unref (DcTalk *talk);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcTalk, dc_talk_unref)

/* Sends and receives until both sides have finished, and closes the channel. FALSE: it broke off; DC_ERROR_FLUSHING after an
 * interruption. */
gboolean dc_talk_run (DcTalk *talk, GError **error);

/* Tells the far side @reason and ends dc_talk_run() soon; as agreed if it only waits for the far side to close a raw channel. */
void dc_talk_interrupt (DcTalk *talk, const char *reason);

/* After dc_talk_run(): the "summary" event (see trace.h) without `pair`. (transfer full) */
GstStructure *dc_talk_summarize (DcTalk *talk);

G_END_DECLS
