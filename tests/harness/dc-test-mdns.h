/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-mdns.h: somebody on the local network who is asked by multicast DNS. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/* For one thread; hears what is asked in the default main context. */
typedef struct _DcTestMdns DcTestMdns;

/* @n: how many of the questions that this one is (1: the first); @from: who asks, by unicast. */
typedef void (*DcTestMdnsFunc) (DcTestMdns *responder, guint n, GSocketAddress *from, gpointer user_data);

/* On the interface @interface, it knows @address of @name, and hears of questions for that. */
DcTestMdns *dc_test_mdns_new (
    const char *interface, const char *name, const char *address, DcTestMdnsFunc func, gpointer user_data);
void dc_test_mdns_free (DcTestMdns *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcTestMdns, dc_test_mdns_free)

/* As browsers do: to the group, without a question. */
void dc_test_mdns_answer_group (DcTestMdns *self);
/* As Avahi answers who asks from a port of its own: with the question, and the name by a pointer to it. */
void dc_test_mdns_answer_to (DcTestMdns *self, GSocketAddress *to);

/* The answer that @address is @name's; (transfer full) */
GBytes *dc_test_mdns_make_answer (const char *name, const char *address);
/* @message from @port of @from, an address of this machine, to @to (nullable): the group of IPv4. */
void dc_test_mdns_send (const char *from, guint port, GSocketAddress *to, GBytes *message);

G_END_DECLS
