/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-mdns-message.h: the messages of multicast DNS that find the address behind a name: questions and answers. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * Sans-IO.
 *
 * A message (RFC 1035, section 4.1), all numbers in network byte order:
 *
 *    0        2        4          6         8           10           12
 *   +--------+--------+----------+---------+-----------+------------+-----------+---------+-----+
 *   | ID     | flags  | QDCOUNT  | ANCOUNT | NSCOUNT   | ARCOUNT    | questions | answers | ... |
 *   +--------+--------+----------+---------+-----------+------------+-----------+---------+-----+
 *
 *   question:  name, type (16), class (16)
 *   record:    name, type (16), class (16), TTL (32), length (16), data
 *   name:      labels, each behind its length (0-63), to the empty one; or, instead of the rest, 11 and 14 bits: where in the message it is
 */
#define DC_MDNS_PORT 5353
#define DC_MDNS_GROUP_4 "224.0.0.251"
#define DC_MDNS_GROUP_6 "ff02::fb"
/* RFC 6762, section 17. */
#define DC_MDNS_MAX_SIZE 9000
#define DC_MDNS_MAX_ADDRESSES 8

typedef enum { DC_MDNS_A = 1, DC_MDNS_AAAA = 28 } DcMdnsType;

/* What asks for the addresses of @name of one kind. NULL: @name is none of multicast DNS, "SOMETHING.local", or too long. (transfer full)
 * (nullable) */
GBytes *dc_mdns_make_query (const char *name, DcMdnsType type);
/* The addresses of both kinds that a message says @name has, in its order, DC_MDNS_MAX_ADDRESSES at most. NULL: none, or it is no answer or
 * breaks off. (transfer full) (element-type GInetAddress) (nullable) */
GList *dc_mdns_read_answer (const guint8 *message, gsize size, const char *name);

G_END_DECLS
