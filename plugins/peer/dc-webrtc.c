/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-webrtc.c: one webrtcbin in a pipeline of its own, set up right and taken down without hanging.
 *
 * Theory of operation
 * -------------------
 * webrtcbin lives in a private GstPipeline: its sinks never see EOS, it has no preroll, and its errors would end the pipeline of
 * whoever uses an element. Here is all that one must know of its inside:
 *
 *  - What webrtcbin's thread has not come to when it ends is dropped, with its promise: GStreamer warns if that was the last reference, and what
 *    waits for it waits for good. So we keep each, and interrupt it. (One that expires forgets what its destroy function is to get.)
 *  - It makes SCTP's and DTLS's elements on a thread of its own: that one chooses ours, as the first that it does.
 *  - webrtcbin's own thread may be about to add a transport, because of a description that was set a moment ago, and starts that even if
 *    the bin is being stopped: it would run for good, with its thread and sockets. So that thread first does what it was told. */
#include "plugins/peer/dc-webrtc.h"

#include <gst/webrtc/webrtc.h>

#include "plugins/peer/dc-ice-agent.h"
#include "plugins/peer/dc-preparation.h"
#include "plugins/transport/dc-closed-channels.h"

/* What webrtcbin's thread has still to do at the end is a matter of milliseconds. */
#define TASKS_TIMEOUT (200 * G_TIME_SPAN_MILLISECOND)

struct _DcWebrtc {
  GstElement *pipeline;
  GstElement *bin;
  NiceAgent *agent;
  DcSctpPath *path;
  DcTransport *transport; /* (nullable) */
  GPtrArray *promises;    /* (element-type GstPromise) */
  DcSctpPathCallbacks callbacks;
  gpointer user_data;
};

/* Errors of the inner pipeline end the connection, not the application's pipeline; nobody reads this bus otherwise. */
static GstBusSyncReply
on_bus_message (GstBus *bus, GstMessage *message, gpointer user_data)
{
  DcWebrtc *self = user_data;
  g_autoptr (GError) error = NULL;
  g_autofree char *sentence = NULL;

  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    gst_message_parse_error (message, &error, NULL);
    sentence = g_strdup_printf ("%s (from %s)", error->message, GST_MESSAGE_SRC_NAME (message));
    self->callbacks.error (sentence, self->user_data);
  }
  gst_message_unref (message);
  return GST_BUS_DROP;
}

static gboolean
check_plugins (GError **error)
{
  static const struct {
    const char *factory, *plugin, *package;
  } needed[] = {
      {"webrtcbin", "webrtc", "gstreamer1.0-plugins-bad"},
      {"dtlssrtpenc", "dtls", "gstreamer1.0-plugins-bad"},
      {"sctpenc", "sctp", "gstreamer1.0-plugins-bad"},
      {"srtpenc", "srtp", "gstreamer1.0-plugins-bad"},
      {"rtpbin", "rtpmanager", "gstreamer1.0-plugins-good"},
      {"nicesink", "nice", "gstreamer1.0-nice"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (needed); i++) {
    g_autoptr (GstElementFactory) factory = gst_element_factory_find (needed[i].factory);
    if (factory == NULL) {
      g_set_error (error, DC_ERROR, DC_ERROR_CONNECTION,
          "GStreamer's element \"%s\" (plugin %s) is missing; Debian has it in the package %s", needed[i].factory,
          needed[i].plugin, needed[i].package);
      return FALSE;
    }
  }
  return TRUE;
}

static void
on_element (GstBin *bin, GstBin *sub_bin, GstElement *element, DcTransport *transport)
{
  dc_transport_add (transport, element);
}

static void
add_transport (DcWebrtc *self, guint max_message_size)
{
  self->transport = dc_transport_new (max_message_size);
  g_signal_connect (self->bin, "deep-element-added", G_CALLBACK (on_element), self->transport);
}

/* Both ours and GStreamer's take it until they are started. What it says of the certificate goes into the description. */
static void
give_certificate (GstBin *bin, GstBin *sub_bin, GstElement *element, const char *pem)
{
  GstElementFactory *factory = gst_element_get_factory (element);

  if (factory != NULL && g_str_equal (GST_OBJECT_NAME (factory), "dtlsdec"))
    g_object_set (element, "pem", pem, NULL);
}

static void
free_pem (gpointer pem, GClosure *closure)
{
  g_free (pem);
}

static void
choose_ours (GstPromise *promise, gpointer user_data)
{
  if (gst_promise_wait (promise) == GST_PROMISE_RESULT_REPLIED)
    dc_transport_choose (TRUE);
}

/* Statistics are asked for only to come to webrtcbin's thread. */
static void
have_ours_chosen (DcWebrtc *self)
{
  g_signal_emit_by_name (self->bin, "get-stats", NULL, dc_webrtc_new_promise (self, choose_ours, NULL, NULL));
}

DcWebrtc *
dc_webrtc_new (const DcWebrtcSettings *settings, const DcIceConfig *config, const DcSctpPathCallbacks *callbacks,
    gpointer user_data, GError **error)
{
  gboolean fast = settings->fast == DC_FAST_AUTO && dc_preparation_wait ();
  g_autoptr (DcWebrtc) self = NULL;
  g_autoptr (GstBus) bus = NULL;

  if (!check_plugins (error))
    return NULL;
  self = g_new0 (DcWebrtc, 1);
  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->promises = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_promise_unref);
  self->pipeline = gst_object_ref_sink (gst_pipeline_new (NULL));
  self->bin = gst_object_ref_sink (gst_element_factory_make ("webrtcbin", NULL));
  gst_bin_add (GST_BIN (self->pipeline), self->bin);
  gst_util_set_object_arg (G_OBJECT (self->bin), "bundle-policy", "max-bundle");
  dc_closed_channels_watch (self->bin);
  if (fast)
    add_transport (self, settings->max_message_size);
  if (settings->pem != NULL)
    g_signal_connect_data (self->bin, "deep-element-added", G_CALLBACK (give_certificate), g_strdup (settings->pem),
        free_pem, (GConnectFlags) 0);
  self->path = dc_sctp_path_new (self->bin, callbacks, user_data);
  bus = gst_element_get_bus (self->pipeline);
  gst_bus_set_sync_handler (bus, on_bus_message, self, NULL);
  self->agent = dc_ice_agent_set_up (self->bin, config, error);
  if (self->agent == NULL)
    return NULL;
  if (gst_element_set_state (self->pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
    g_set_error_literal (
        error, DC_ERROR, DC_ERROR_CONNECTION, "webrtcbin does not start; GST_DEBUG=webrtcbin:5 tells why");
    return NULL;
  }
  if (fast)
    have_ours_chosen (self);
  return g_steal_pointer (&self);
}

GstElement *
dc_webrtc_get_bin (DcWebrtc *self)
{
  return self->bin;
}

NiceAgent *
dc_webrtc_get_agent (DcWebrtc *self)
{
  return self->agent;
}

DcSctpPath *
dc_webrtc_get_path (DcWebrtc *self)
{
  return self->path;
}

DcTransport *
dc_webrtc_get_transport (DcWebrtc *self)
{
  return self->transport;
}

GstPromise *
dc_webrtc_new_promise (DcWebrtc *self, GstPromiseChangeFunc func, gpointer user_data, GDestroyNotify destroy)
{
  GstPromise *promise = gst_promise_new_with_change_func (func, user_data, destroy);

  g_ptr_array_add (self->promises, promise);
  return promise;
}

static void
interrupt (gpointer promise, gpointer user_data)
{
  gst_promise_interrupt (promise);
}

/* A wait for webrtcbin's thread. Its reply may come after nobody waits any more. */
typedef struct {
  gatomicrefcount refs;
  GMutex lock;
  GCond cond;
  gboolean reached;
} Fence;

static void
fence_unref (gpointer data)
{
  Fence *fence = data;

  if (!g_atomic_ref_count_dec (&fence->refs))
    return;
  g_mutex_clear (&fence->lock);
  g_cond_clear (&fence->cond);
  g_free (fence);
}

static void
on_fence_reached (GstPromise *promise, gpointer user_data)
{
  Fence *fence = user_data;

  g_mutex_lock (&fence->lock);
  fence->reached = TRUE;
  g_cond_signal (&fence->cond);
  g_mutex_unlock (&fence->lock);
}

/* webrtcbin does one thing after the other; statistics are asked for only to know when it comes to them. */
static void
wait_for_tasks (DcWebrtc *self)
{
  gint64 deadline = g_get_monotonic_time () + TASKS_TIMEOUT;
  Fence *fence = g_new0 (Fence, 1);
  GstPromise *promise;
  gboolean in_time = TRUE;

  g_atomic_ref_count_init (&fence->refs);
  g_atomic_ref_count_inc (&fence->refs);
  g_mutex_init (&fence->lock);
  g_cond_init (&fence->cond);
  promise = dc_webrtc_new_promise (self, on_fence_reached, fence, fence_unref);
  g_signal_emit_by_name (self->bin, "get-stats", NULL, promise);
  g_mutex_lock (&fence->lock);
  while (!fence->reached && in_time)
    in_time = g_cond_wait_until (&fence->cond, &fence->lock, deadline);
  g_mutex_unlock (&fence->lock);
  fence_unref (fence);
}

void
dc_webrtc_free (DcWebrtc *self)
{
  g_autoptr (GstBus) bus = gst_element_get_bus (self->pipeline);

  g_signal_handlers_disconnect_by_data (self->bin, self->path);
  dc_sctp_path_deafen (self->path);
  if (self->transport != NULL) {
    g_signal_handlers_disconnect_by_data (self->bin, self->transport);
    dc_transport_part (self->transport);
  }
  dc_sctp_path_flush (self->path);
  wait_for_tasks (self);
  dc_sctp_path_flush (self->path);
  gst_element_set_state (self->pipeline, GST_STATE_NULL);
  g_ptr_array_foreach (self->promises, interrupt, NULL);
  g_ptr_array_unref (self->promises);
  gst_bus_set_sync_handler (bus, NULL, NULL, NULL);
  dc_sctp_path_free (self->path);
  g_clear_pointer (&self->transport, dc_transport_free);
  g_clear_object (&self->agent);
  gst_object_unref (self->bin);
  gst_object_unref (self->pipeline);
  g_free (self);
}
