/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-gst-downstream.c: whether everything behind a pad has handled the end of the stream. */
#include "plugins/dc-gst-downstream.h"

/*
 * A pushed EOS event comes back at once where a queue takes it, so its return proves nothing about the sinks. The DRAIN
 * query does not help: before EOS it can deadlock a pipeline that waits for EOS to preroll; after EOS a queue answers it without
 * asking the next one, and a multiqueue never does. So we look: a pad keeps EOS as a sticky event, and the core stores that on a
 * sink pad only after the element's event function has returned, for a sink after the last byte was written.
 */

typedef struct {
  GQueue sinkpads;     /* (element-type GstPad): owned; still to be looked at */
  GHashTable *visited; /* pads: branches meet again in muxers */
} Walk;

static void
walk_add_peer (Walk *walk, GstPad *srcpad)
{
  GstPad *peer = gst_pad_get_peer (srcpad);

  if (peer == NULL)
    return;
  if (g_hash_table_add (walk->visited, gst_object_ref (peer)))
    g_queue_push_tail (&walk->sinkpads, peer);
  else
    gst_object_unref (peer);
}

/* Follows @sinkpad through its element. FALSE: the way ends here. */
static gboolean
walk_follow (Walk *walk, GstPad *sinkpad)
{
  GstIterator *links = gst_pad_iterate_internal_links (sinkpad);
  GValue value = G_VALUE_INIT;
  gboolean any = FALSE, more = links != NULL;

  while (more) {
    switch (gst_iterator_next (links, &value)) {
      case GST_ITERATOR_OK:
        any = TRUE;
        walk_add_peer (walk, g_value_get_object (&value));
        g_value_reset (&value);
        break;
      case GST_ITERATOR_RESYNC: /* what was visited stays so */
        gst_iterator_resync (links);
        break;
      default:
        more = FALSE;
    }
  }
  g_value_unset (&value);
  g_clear_pointer (&links, gst_iterator_free);
  return any;
}

/* The flag changes under the pad's lock. */
static gboolean
is_eos (GstPad *sinkpad)
{
  gboolean eos;

  GST_OBJECT_LOCK (sinkpad);
  eos = GST_PAD_IS_EOS (sinkpad);
  GST_OBJECT_UNLOCK (sinkpad);
  return eos;
}

gboolean
dc_gst_downstream_is_eos (GstPad *srcpad)
{
  Walk walk = {G_QUEUE_INIT, g_hash_table_new_full (NULL, NULL, gst_object_unref, NULL)};
  GstPad *sinkpad;
  gboolean eos = TRUE;

  walk_add_peer (&walk, srcpad);
  while (eos && (sinkpad = g_queue_pop_head (&walk.sinkpads)) != NULL) {
    eos = walk_follow (&walk, sinkpad) || is_eos (sinkpad);
    gst_object_unref (sinkpad);
  }
  g_queue_clear_full (&walk.sinkpads, gst_object_unref);
  g_hash_table_unref (walk.visited);
  return eos;
}
