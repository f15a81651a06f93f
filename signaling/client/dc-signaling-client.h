/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-signaling-client.h: a peer's session with dcsignald, over WebSocket or HTTP long polling. */
#pragma once

#include <gio/gio.h>
#include "signaling/protocol/dc-description.h"
#include "signaling/protocol/dc-message.h"
#include "signaling/protocol/dc-signaling-error.h"

G_BEGIN_DECLS

/**
 * DcSignalingTransport:
 * @DC_SIGNALING_TRANSPORT_AUTO: WebSocket; polling where the URL is http(s): or the upgrade is refused
 * @DC_SIGNALING_TRANSPORT_WEBSOCKET: WebSocket only
 * @DC_SIGNALING_TRANSPORT_POLLING: HTTP long polling only
 * @DC_SIGNALING_TRANSPORT_MANUAL: none: people copy and paste; what the URL DC_SIGNALING_MANUAL means
 */
typedef enum {
  DC_SIGNALING_TRANSPORT_AUTO,
  DC_SIGNALING_TRANSPORT_WEBSOCKET,
  DC_SIGNALING_TRANSPORT_POLLING,
  DC_SIGNALING_TRANSPORT_MANUAL,
} DcSignalingTransport;

/* The URL of no server: there is one other peer, called "remote", and what we would send to it is told by "described", for people to carry. */
#define DC_SIGNALING_MANUAL "manual:"

/**
 * DcSignalingConfig:
 * @uri: ws://, wss://, http:// or https:// and host, port and path prefix; or HOST[:PORT] which means ws:// and port 8443.
 *   A scheme without a port means 80 or 443. Or DC_SIGNALING_MANUAL.
 * @room: the room
 * @id: (nullable): the wanted id; the hub makes one up
 * @meta: (nullable): an object that the others in the room see
 * @token: (nullable): admission token
 * @tls_ca: (nullable): a PEM file whose certificates are trusted instead of the system's
 * @proxy: (nullable): [http://|https://|socks5://][USER:PASSWORD@]HOST:PORT; what the environment says (https_proxy, http_proxy, no_proxy)
 * @transport: how to speak
 * @attempt_timeout_ms: how long an attempt may take until the server's welcome, and a request until its answer; 0: 10 s
 * @keepalive: seconds between pings (polling: the longest time that a request is parked); three times that in
 *   silence is a lost connection; 0: 20 s
 */
typedef struct {
  const char *uri;
  const char *room;
  const char *id;
  JsonNode *meta;
  const char *token;
  const char *tls_ca;
  const char *proxy;
  DcSignalingTransport transport;
  guint attempt_timeout_ms;
  guint keepalive;
} DcSignalingConfig;

#define DC_TYPE_SIGNALING_CLIENT (dc_signaling_client_get_type ())
G_DECLARE_FINAL_TYPE (DcSignalingClient, dc_signaling_client, DC, SIGNALING_CLIENT, GObject)

/*
 * Threads: everything, signals too, happens in the main context that was thread-default when the client was made. What was under way
 * when the client ends (a cancelled request, a socket that is being closed) completes in that context a few iterations later; run it
 * until nothing is pending before giving it up.
 *
 * Signals:
 *   "registered" (DcMessage *welcome)          each time a connection stands; welcome->resumed tells whether the session went on
 *   "message" (DcMessage *message)             joined, left, away, back, offer .. bye (with from), and errors about one message
 *                                              (unknown-peer, mailbox-full, too-large, rate-limited, bad-message), in order, each once
 *   "disconnected" (GError *error, guint retry_ms)   an attempt failed or a connection was lost; the next attempt is in retry_ms.
 *                                              It never gives up by itself on what may pass (DC_SIGNALING_ERROR_UNREACHABLE).
 *   "failed" (GError *error)                   given up for good (wrong path, bad certificate, id taken, ...); nothing follows
 *                                              but the answer to dc_signaling_client_close()
 *   "described" (char *text, gboolean complete)   manual: our description, each time that there is another candidate in it; @complete:
 *                                              these are all
 *   "closed"                                   answer to dc_signaling_client_close(); nothing follows
 *
 * What is wrong with the address or the server (no such host, no dcsignald there, certificate not trusted) fails an attempt
 * for good only before the first registration; later the same is a passing disturbance, such as a network that wants a
 * login first, and the client goes on trying.
 *
 * Messages that the server has not confirmed when a session is lost for good (server restarted) are sent again in the next one.
 */

/* Checks the configuration: DC_SIGNALING_ERROR_INVALID with a sentence. */
DcSignalingClient *dc_signaling_client_new (const DcSignalingConfig *config, GError **error);
void dc_signaling_client_start (DcSignalingClient *self);
/* Numbers, keeps and sends @message (transfer none; offer .. bye with to). Kept, up to a bound (512 messages, 1 MiB), while there is
 * no connection; FALSE with an error when the bound is reached or the message is larger than the server takes. */
gboolean dc_signaling_client_send (DcSignalingClient *self, DcMessage *message, GError **error);
/* Manual: the description that people have brought from the other side, which may come again with more candidates in it.
 * DC_SIGNALING_ERROR_REFUSED with a sentence if it does not fit in. */
gboolean dc_signaling_client_take_description (DcSignalingClient *self, const DcDescription *remote, GError **error);
/* The network has changed: leaves the connection, if there is one, which may be dead without showing it, and makes a new one at once. The
 * session goes on. Harmless before the start and after the end. */
void dc_signaling_client_reconnect (DcSignalingClient *self);
/* Says bye, waits at most half a second for it to be sent, emits "closed" (not before it has returned). May be called in any state, also
 * twice. */
void dc_signaling_client_close (DcSignalingClient *self, const char *reason);
/* "WebSocket", "HTTP polling", "copy and paste" or NULL before the first connection. */
const char *dc_signaling_client_get_transport_name (DcSignalingClient *self);
/* The URL as understood, for people. */
const char *dc_signaling_client_get_uri (DcSignalingClient *self);

G_END_DECLS
