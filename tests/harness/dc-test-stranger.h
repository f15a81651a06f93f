/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-stranger.h: a peer made of nothing but the signaling client and webrtcbin, which says on its channel what it is told to. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Calls @remote_id as soon as that is in the room and opens one channel. Lives in the default main context; functions that wait run
 * it, bounded by the watchdog. */
typedef struct _DcTestStranger DcTestStranger;

DcTestStranger *dc_test_stranger_new (
    const char *signaling, const char *remote_id, const char *label, const char *protocol);
void dc_test_stranger_free (DcTestStranger *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcTestStranger, dc_test_stranger_free)

/* The offer to be made is without this ("a=fingerprint:"). To be called before there is anybody to call. */
void dc_test_stranger_hide (DcTestStranger *self, const char *attribute);
/* Once connected, something is sent on @n streams of SCTP on which no channel was announced. To be called before as well. */
void dc_test_stranger_use_streams (DcTestStranger *self, guint n);
/* One more channel on the same connection. */
void dc_test_stranger_open_another (DcTestStranger *self, const char *label);
/* Until the other side has closed that. */
void dc_test_stranger_wait_another_closed (DcTestStranger *self);
/* Ends the connection by DTLS close_notify, without closing the channel. */
void dc_test_stranger_leave (DcTestStranger *self);
void dc_test_stranger_wait_open (DcTestStranger *self);
/* Until the other side has closed the channel or said bye. */
void dc_test_stranger_wait_closed (DcTestStranger *self);
void dc_test_stranger_send (DcTestStranger *self, const void *bytes, gsize length);
/* Whatever comes to one, or came before, is said by the other. Both are open. */
void dc_test_stranger_relay (DcTestStranger *self, DcTestStranger *other);
void dc_test_stranger_send_text (DcTestStranger *self, const char *text);

G_END_DECLS
