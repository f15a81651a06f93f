/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-ice-server.h: STUN and TURN server addresses in the three forms they come in. */
#pragma once

#include <glib.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/*
 * Read:    stun:host[:port]  stun://host[:port]  host:port (STUN only)         (RFC 7064)
 *          turn:host[:port][?transport=udp|tcp]  turn://user:pass@host[:port][?transport=udp|tcp]   (RFC 7065, and what webrtcbin takes)
 *          turns: likewise (TLS); user and password percent-escaped; IPv6 hosts in brackets
 * Written: as an RTCIceServer object for the wire, as the URL that webrtcbin takes.
 */
typedef enum { DC_ICE_SERVER_STUN, DC_ICE_SERVER_TURN } DcIceServerKind;
typedef enum { DC_ICE_TRANSPORT_UDP, DC_ICE_TRANSPORT_TCP, DC_ICE_TRANSPORT_TLS } DcIceTransport;

typedef struct {
  DcIceServerKind kind;
  DcIceTransport transport;
  char *host;       /* without brackets */
  guint16 port;     /* 3478, or 5349 for TLS, where none was given */
  char *username;   /* TURN: (nullable), unescaped */
  char *credential; /* TURN: (nullable), unescaped */
} DcIceServer;

/* Errors: DC_SIGNALING_ERROR_INVALID with a sentence that quotes what is wrong, never a password, and shows a right example. */
DcIceServer *dc_ice_server_parse (const char *text, DcIceServerKind kind, GError **error);
DcIceServer *dc_ice_server_copy (const DcIceServer *server);
void dc_ice_server_free (DcIceServer *server);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcIceServer, dc_ice_server_free)

/* "stun://host:port" or "turn(s)://user:pass@host:port?transport=.." with what must be escaped escaped. */
char *dc_ice_server_to_gst_uri (const DcIceServer *server);
/* The same for people: without the password. */
char *dc_ice_server_to_display (const DcIceServer *server);
/* (element-type DcIceServer) -> [{"urls":["turn:h:p?transport=udp"],"username":..,"credential":..}, ..] */
JsonNode *dc_ice_servers_to_node (GPtrArray *servers);
/* The other way, at most DC_ICE_SERVERS_MAX; entries that are not understood are left out, @skipped (nullable) counts them. */
#define DC_ICE_SERVERS_MAX 32
GPtrArray *dc_ice_servers_from_node (JsonNode *node, guint *skipped);

G_END_DECLS
