/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-resolver.c: names that are known, unknown, or asked about in vain. */
#include "tests/harness/dc-test-resolver.h"

G_DEFINE_FINAL_TYPE (DcTestResolver, dc_test_resolver, G_TYPE_RESOLVER)

static void
on_cancelled (GCancellable *cancellable, GTask *task)
{
  g_task_return_error_if_cancelled (task);
}

static void
lookup_with_flags_async (GResolver *resolver, const char *name, GResolverNameLookupFlags flags,
    GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  DcTestResolver *self = DC_TEST_RESOLVER (resolver);
  g_autoptr (GTask) task = g_task_new (resolver, cancellable, callback, user_data);

  if (self->silent)
    g_cancellable_connect (cancellable, G_CALLBACK (on_cancelled), g_object_ref (task), g_object_unref);
  else if (self->fails)
    g_task_return_new_error (task, G_RESOLVER_ERROR, (gint) self->failure, "Error resolving “%s”: as told", name);
  else
    g_task_return_pointer (task, g_list_prepend (NULL, g_inet_address_new_from_string ("127.0.0.1")),
        (GDestroyNotify) g_resolver_free_addresses);
}

static void
lookup_async (
    GResolver *resolver, const char *name, GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
  lookup_with_flags_async (resolver, name, G_RESOLVER_NAME_LOOKUP_FLAGS_DEFAULT, cancellable, callback, user_data);
}

static GList *
lookup_finish (GResolver *resolver, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
dc_test_resolver_class_init (DcTestResolverClass *klass)
{
  GResolverClass *resolver_class = G_RESOLVER_CLASS (klass);

  resolver_class->lookup_by_name_async = lookup_async;
  resolver_class->lookup_by_name_finish = lookup_finish;
  resolver_class->lookup_by_name_with_flags_async = lookup_with_flags_async;
  resolver_class->lookup_by_name_with_flags_finish = lookup_finish;
}

static void
dc_test_resolver_init (DcTestResolver *self)
{
}

DcTestResolver *
dc_test_resolver_new (void)
{
  DcTestResolver *self = g_object_new (DC_TEST_TYPE_RESOLVER, NULL);

  self->before = g_resolver_get_default ();
  g_resolver_set_default (G_RESOLVER (self));
  return self;
}

void
dc_test_resolver_free (DcTestResolver *self)
{
  g_resolver_set_default (self->before);
  g_clear_object (&self->before);
  g_object_unref (self);
}
