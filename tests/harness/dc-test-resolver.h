/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-resolver.h: names that are known, unknown, or asked about in vain. */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

#define DC_TEST_TYPE_RESOLVER (dc_test_resolver_get_type ())
G_DECLARE_FINAL_TYPE (DcTestResolver, dc_test_resolver, DC_TEST, RESOLVER, GResolver)

/* Knows every name as 127.0.0.1, unless it is to do otherwise. */
struct _DcTestResolver {
  GResolver parent_instance;
  gboolean silent; /* says nothing until it is cancelled */
  gboolean fails;  /* with @failure */
  GResolverError failure;
  GResolver *before;
};

/* The default one of this process, until it is freed. */
DcTestResolver *dc_test_resolver_new (void);
void dc_test_resolver_free (DcTestResolver *self);

G_END_DECLS
