/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-stream.h: a GIOStream that counts what leaves, reads fairly and closes at once. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * A layer between SoupWebsocketConnection and the network that gives what libsoup 3.2 does not:
 *  - the number of bytes really written, from which the length of libsoup's output queue follows;
 *  - reading in portions: after DC_STREAM_PORTION bytes a read says "would block" once, so that the main loop, and with it every
 *    other connection, has its turn even when one client sends as fast as it can (libsoup reads until it would block);
 *  - a close that never waits: the socket is closed, without a TLS closing alert (WebSocket says goodbye by itself).
 */
#define DC_STREAM_PORTION (64 * 1024)

#define DC_TYPE_STREAM (dc_stream_get_type ())
G_DECLARE_FINAL_TYPE (DcStream, dc_stream, DC, STREAM, GIOStream)

/* @base: pollable streams over @socket. */
GIOStream *dc_stream_new (GIOStream *base, GSocket *socket);
guint64 dc_stream_get_written (DcStream *stream);

G_END_DECLS
