/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-transport.h: SCTP, DTLS and UDP of one webrtcbin, joined past its pads. */
#pragma once

#include <gio/gio.h>
#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct _DcTransport DcTransport;

/* From here on a thread that has chosen ours gets ours when it makes sctpenc, sctpdec, dtlsenc or dtlsdec by name, as webrtcbin does; all others in this process
 * get GStreamer's. After gst_init(); on any thread; again does no harm. FALSE: a plugin of GStreamer's is missing, of which webrtcbin needs more than these. */
gboolean dc_transport_register (void);
/* What the calling thread gets from now on. */
void dc_transport_choose (gboolean ours);

/* @max_message_size: the longest message of SCTP that is taken. */
DcTransport *dc_transport_new (guint max_message_size);
/* Not before dc_transport_part(). */
void dc_transport_free (DcTransport *self);
/* @element: any of the webrtcbin's; if it is one of the four, it is kept. Any thread. */
void dc_transport_add (DcTransport *self, GstElement *element);

/* What follows is for one thread, which none of webrtcbin's waits for. */

/* The way past the pads broke; dc_transport_join() says why. On a thread of the transport's, until dc_transport_part(). */
typedef void (*DcTransportBroken) (gpointer user_data);
/* Packets go by @fd, a socket of the ICE agent's, to @remote and back, until dc_transport_part(). Where they do already, nothing changes. G_IO_ERROR_NOT_SUPPORTED
 * where that cannot be, and what the socket failed with where it @broke meanwhile: everything is to go by the pads then. */
gboolean dc_transport_join (
    DcTransport *self, int fd, GSocketAddress *remote, DcTransportBroken broke, gpointer user_data, GError **error);
/* They go by the pads again; none is lost. */
void dc_transport_part (DcTransport *self);
/* Parts them, and the far side hears nothing more, no goodbye either. */
void dc_transport_silence (DcTransport *self);
/* Whether the far side has sent a longer message than that, which was the end of the association. */
gboolean dc_transport_got_too_long (DcTransport *self);

G_END_DECLS
