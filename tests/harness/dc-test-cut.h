/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-cut.h: cuts the network between the webrtcbins of this process, or has one leave. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* After gst_init(), before the first webrtcbin. */
void dc_test_cut_init (void);
/* TRUE: what webrtcbins send and receive (DTLS and all above it) vanishes from now on; FALSE: it passes again. From any thread. */
void dc_test_cut_set (gboolean cut);
/* Something passes here: TRUE: it is to vanish. */
gboolean dc_test_cut_loses (void);
/* How many packets have vanished since it was set last. */
guint dc_test_cut_count_lost (void);
/* The first socket of the fast path's that gets something from now on is dead. */
void dc_test_cut_break_socket (void);
/* How many alerts of DTLS have been sent by this process so far, whichever way; of ordinary ones there is close_notify. */
guint dc_test_cut_count_alerts (void);
/* The webrtcbin that has had SCTP for the longest, of those that there are, sends close_notify and nothing else, as close() of a browser's connection
 * does. A caller has it before the called. */
void dc_test_cut_end_oldest (void);
/* The same one aborts its SCTP association, as a browser does first. */
void dc_test_cut_abort_oldest (void);
/* The same one says, once, that @stream ends with the next message, before it sends that. */
void dc_test_cut_reset_oldest (guint stream);

G_END_DECLS
