/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-closed-channels.c: what webrtcbin leaves of a channel that was closed.
 *
 * Theory of operation
 * -------------------
 * A channel of webrtcbin has two bins, one with an appsrc before sctpenc, one with an appsink behind sctpdec. webrtcbin before 1.24.9 keeps both, with the
 * appsrc's thread, until it ends itself: a far side that opens and closes channels makes it grow. So they are stopped and taken out when the
 * channel says that it is closed. Not earlier: it counts what leaves its appsrc to know when it is.
 *
 * The channel has no way to its bins. But webrtcbin tells of each channel while it makes it ("prepare-data-channel"), and adds the bins next, on
 * the same thread. It goes on to point to them, without a reference, and may look at their pads once more; so the channel is given one.
 */
#include "plugins/transport/dc-closed-channels.h"

#define MARK "dc-closed-channels"
#define N_BINS 2u

typedef struct {
  GstElement *webrtcbin; /* while they are being added */
  GstElement *bins[N_BINS];
  guint n;
} Bins;

/* Of this thread: those of the channel that is being made. */
static _Thread_local Bins *making;

static void
bins_free (gpointer data)
{
  Bins *bins = data;

  if (making == bins)
    making = NULL;
  for (guint i = 0; i < bins->n; i++)
    gst_object_unref (bins->bins[i]);
  g_free (bins);
}

/* A thread of GStreamer's. */
static void
retire (GstElement *bin, gpointer user_data)
{
  g_autoptr (GstObject) webrtcbin = gst_object_get_parent (GST_OBJECT (bin));

  gst_element_set_locked_state (bin, TRUE);
  gst_element_set_state (bin, GST_STATE_NULL);
  if (webrtcbin != NULL)
    gst_bin_remove (GST_BIN (webrtcbin), bin);
}

static gboolean
is_closed (GObject *channel)
{
  GParamSpecEnum *spec = G_PARAM_SPEC_ENUM (g_object_class_find_property (G_OBJECT_GET_CLASS (channel), "ready-state"));
  gint state;

  g_object_get (channel, "ready-state", &state, NULL);
  return state == g_enum_get_value_by_nick (spec->enum_class, "closed")->value;
}

/* With nothing locked, on webrtcbin's thread, which must not wait for the appsrc's. */
static void
on_state (GObject *channel, GParamSpec *spec, gpointer user_data)
{
  Bins *bins = g_object_get_data (channel, MARK);

  if (!is_closed (channel))
    return;
  for (guint i = 0; i < bins->n; i++)
    gst_element_call_async (bins->bins[i], retire, NULL, NULL);
}

static void
on_prepare (GstElement *webrtcbin, GObject *channel, gboolean is_local, gpointer user_data)
{
  making = g_new0 (Bins, 1);
  making->webrtcbin = webrtcbin;
  g_object_set_data_full (channel, MARK, making, bins_free);
  g_signal_connect (channel, "notify::ready-state", G_CALLBACK (on_state), NULL);
}

static void
on_added (GstElement *webrtcbin, GstElement *element, gpointer user_data)
{
  if (making == NULL || making->webrtcbin != webrtcbin || !GST_IS_BIN (element))
    return;
  making->bins[making->n++] = gst_object_ref (element);
  if (making->n == N_BINS)
    making = NULL;
}

static gboolean
leaves_them (void)
{
  guint major, minor, micro, nano;

  gst_version (&major, &minor, &micro, &nano);
  return major == 1 && (minor < 24 || (minor == 24 && micro < 9));
}

void
dc_closed_channels_watch (GstElement *webrtcbin)
{
  gboolean first;

  if (!leaves_them ())
    return;
  GST_OBJECT_LOCK (webrtcbin);
  first = g_object_replace_data (G_OBJECT (webrtcbin), MARK, NULL, (gpointer) MARK, NULL, NULL);
  GST_OBJECT_UNLOCK (webrtcbin);
  if (!first)
    return;
  g_signal_connect (webrtcbin, "prepare-data-channel", G_CALLBACK (on_prepare), NULL);
  g_signal_connect (webrtcbin, "element-added", G_CALLBACK (on_added), NULL);
}
