/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-element-choice.c: whose elements a thread gets when it makes one by name, ours or GStreamer's.
 *
 * GStreamer's registry has one element of a name for the whole process, and webrtcbin asks for no more than the name. But each webrtcbin makes its
 * transports on a thread of its own. So a class of ours, asked for an object, gives one of GStreamer's type where the thread has not chosen ours: a
 * constructor may (GObject takes what it returns as an object that was there before). Other webrtcbins of the process never meet ours so.
 *
 * GObject then sets what else was asked for, by the class that was asked: which passes it on to the object. */
#include "plugins/transport/gst-element-choice.h"

#include <gst/gst.h>

static GPrivate choice;

/* Of a type of ours. */
typedef struct {
  GType stock;
  void (*set_property) (GObject *object, guint id, const GValue *value, GParamSpec *spec);
} Choice;

static GQuark
choice_quark (void)
{
  return g_quark_from_static_string ("gst-dc-element-choice");
}

/* The name is the only property that is needed to make one. */
static GObject *
make_stock (GType stock, guint n, const GObjectConstructParam *params)
{
  const char *name = NULL;

  for (guint i = 0; i < n; i++)
    if (g_str_equal (params[i].pspec->name, "name"))
      name = g_value_get_string (params[i].value);
  return name != NULL ? g_object_new (stock, "name", name, NULL) : g_object_new (stock, NULL);
}

static GObject *
construct (GType type, guint n, GObjectConstructParam *params)
{
  gpointer parent = g_type_class_peek (g_type_parent (type));
  const Choice *made = g_type_get_qdata (type, choice_quark ());

  if (g_private_get (&choice) == NULL)
    return make_stock (made->stock, n, params);
  return G_OBJECT_CLASS (parent)->constructor (type, n, params);
}

static void
set_property (GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
  const Choice *made = g_type_get_qdata (spec->owner_type, choice_quark ());

  if (G_TYPE_CHECK_INSTANCE_TYPE (object, spec->owner_type))
    made->set_property (object, id, value, spec);
  else
    g_object_set_property (object, spec->name, value);
}

/* For as long as the process. */
static void
put_before (GType ours, GType stock)
{
  GObjectClass *class = g_type_class_ref (ours);
  Choice *made = g_new (Choice, 1);

  *made = (Choice){stock, class->set_property};
  g_type_set_qdata (ours, choice_quark (), made);
  class->constructor = construct;
  class->set_property = set_property;
}

gboolean
gst_dc_element_choice_add (const char *name, GType ours)
{
  g_autoptr (GstElementFactory) factory = gst_element_factory_find (name);
  GstPluginFeature *loaded = factory != NULL ? gst_plugin_feature_load (GST_PLUGIN_FEATURE (factory)) : NULL;
  GType stock;

  if (loaded == NULL)
    return FALSE;
  /* Its elements go on naming the factory when the registry has let go of it: so @loaded is never given back. */
  stock = gst_element_factory_get_element_type (GST_ELEMENT_FACTORY (loaded));
  if (stock != ours)
    put_before (ours, stock);
  return TRUE;
}

void
gst_dc_element_choice_set (gboolean ours)
{
  g_private_set (&choice, GINT_TO_POINTER (ours));
}
