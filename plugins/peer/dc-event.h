/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-event.h: what DcPeer's "event" signal tells: the names and fields of its structures. */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

/*
 * Every structure has `t` (gdouble): seconds since dc_peer_start(). Those about one remote peer have `peer` (string). All strings are
 * UTF-8. The same names and fields are dcpeer's --json lines ({"event": NAME, "t": .., ..}).
 *
 * name                     fields
 * signaling-connecting     url
 * registered               id, room, url, transport ("WebSocket"), resumed (boolean), peers (uint: how many are there), peer-ids (string: "bob, carol")
 * signaling-lost           reason, retry (double, seconds)
 * peer-joined, -left, -away, -back   peer
 * ice-server               kind ("stun", "turn"), url (no password), source ("given", "signaling server"), used (boolean), reason (if not used)
 * stun-answered            url, address, port (uint: what it sees of us), rtt (double, seconds)
 * stun-failed              url, reason
 * stun-chosen              url                      of several STUN servers, the first that answers, if one does
 * nat                      mapping ("none", "endpoint-independent", "address-dependent")    how the NAT before us chooses ports (RFC 4787)
 * turn-connected           url, tls ("TLS 1.3", if so)      there is a connection to a TURN server over TCP
 * turn-failed              url, reason              there is none
 * calling                  peer, call, resume (boolean: to go on with what was lost)      we are sending an offer
 * called                   peer, call, resume      an offer came
 * description-refused      reason    manual: what was brought does not fit in
 * local-description,
 * remote-description       peer, type ("offer", "answer"), sdp
 * local-candidate,
 * remote-candidate         peer, candidate (as on the wire), foundation, component (uint), protocol ("UDP"), priority (uint), address,
 *                          port (uint), type ("host", "srflx", "prflx", "relay"), tcptype (if TCP), base-address, base-port (uint)
 *                          (srflx, prflx and relay: raddr and rport, if told), used (boolean), reason (if not used)
 * local-candidates-done, remote-candidates-done   peer, count (uint)
 * gathering-state          peer, state ("new", "gathering", "complete")
 * ice-state                peer, state ("new", "checking", "connected", "completed", "failed", "disconnected", "closed")
 * dtls-state               peer, state ("new", "connecting", "connected", "failed", "closed")
 * sctp-state               peer, state ("new", "connecting", "connected", "closed")
 * identity                 peer, verified (boolean), algorithm, expected, presented (fingerprints)
 * secret-proved            peer, label     the far side knows the secret and sees the same certificates (if there is a secret)
 * selected-pair            peer, local-type, local-address, local-port, local-protocol, remote-type, remote-address, remote-port,
 *                          remote-protocol, local-relay (if relay: "UDP", "TCP", "TLS": how we reach the TURN server)
 * transport                peer, fast (boolean), reason (if not)   whether packets go past GStreamer's elements; told with `fast` auto alone
 * streams                  peer, count (uint)   link mode: on so many SCTP associations our data goes from now on; told when that changes. A connection begins with one
 * channel-open             peer, label, protocol, id (int), ordered (boolean), max-retransmits (int, -1: none), max-packet-lifetime (int),
 *                          mode ("link", "raw"), max-message-size (uint64)
 * connection-lost          peer, reason, timeout (double: seconds for which a new connection is looked for)   its channels go on, on a new one
 * connection-resumed       peer, after (double: seconds since it was lost), reconnects (uint)
 * connection-closed        peer, reason, clean (boolean), code (int: the DcError, -1 if clean), duration (double), bytes-sent, bytes-received (uint64)
 * busy                     peer            a caller was turned away, or the called one is busy
 *
 * Statistics ("stats" of DcPeer): a structure `datachannel-statistics` with
 *   t (double), id, room (strings), registered (boolean), reconnects (uint, of all connections),
 *   bytes-sent, bytes-received (uint64, payload of all channels since the start),
 *   connections (GST_TYPE_LIST of structures `connection`):
 *     peer, state ("connecting", "open", "lost"), since (double: `t` when it was first open, -1 before), reconnects (uint),
 *     and, once known, the fields of selected-pair;
 *     channels (GST_TYPE_LIST of structures `channel`):
 *       label, mode, state ("open", "suspended", "closed"), bytes-sent, bytes-received, buffers-sent, buffers-received, items-acknowledged,
 *       messages-sent, messages-received (uint64), send-rate, receive-rate (uint64, bytes a second),
 *       rtt, rtt-smoothed, rtt-min (double, seconds, -1: not known), window (uint: what the far side grants), receive-window (uint: what we grant),
 *       in-flight (uint64, bytes sent and not acknowledged, which is what is retained for a resume), waiting (uint64, bytes that wait for credit or,
 *       in raw mode, are buffered), queued (uint64, bytes received and not taken yet), resumes (uint)
 */

/* With `t` filled in; @start: monotonic time of dc_peer_start(), microseconds. (transfer full) */
GstStructure *dc_event_new (const char *name, gint64 start);
/* An event or statistics as a dictionary, a{sv} (floating): the name as "event", and the fields; lists as aa{sv}. */
GVariant *dc_event_to_variant (const GstStructure *event);

G_END_DECLS
