/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-webrtc.c: one webrtcbin in a pipeline of its own, set up right and taken down without hanging.
 *
 * Theory of operation
 * -------------------
 * webrtcbin lives in a private GstPipeline: its sinks never see EOS, it has no preroll, and its errors would end the pipeline of
 * whoever uses an element. Here is all that one must know of its inside:
 *
 *  - Association ids: sctpenc and sctpdec find their usrsctp association by a 16-bit number in a table of the process, and webrtcbin
 *    draws it at random: two connections that draw the same number would share one. So each gets the next number here, as soon as
 *    both elements appear (they take it when they leave READY, which webrtcbin forbids until DTLS is up).
 *  - usrsctp: when the last association of the process goes, GStreamer's plugin ends usrsctp, which refuses while a closed socket still has
 *    something to do, as after a cut; the plugin does not look, and begins it anew for the next association, over locks and a timer
 *    thread in use. So one association, which does nothing, stays for as long as the process does.
 *  - DTLS: the first of its elements makes a certificate for the whole process, of RSA, which takes some tenths of a second: so one is made while
 *    nobody waits for it.
 *  - NiceAgent: UPnP is off (it costs 200 ms of every set-up and opens ports in routers unasked); connectivity checks as
 *    keepalives are on, without which ICE never notices that the far side is gone. Loopback is offered where it is the only
 *    interface, so that two programs on an isolated machine meet, and where a server is there. TCP candidates are off unless the user
 *    wants them: where packets are lost, libnice may settle on a pair of them although one of UDP works, and TCP's delays are ours.
 *    Without them nomination is aggressive (RFC 5245, section 8.1.1.2): left to itself, libnice takes the better of the first two pairs that work, which are
 *    often two ways through a TURN server; so it takes the first, and changes over to each better one that works while checks go on.
 *  - A channel that is closed on both sides is freed, though what sctpdec has for its stream still goes there: a far side that used the
 *    stream again would write to freed memory. So each channel is kept as long as its webrtcbin.
 *  - sctpdec hands messages over by a queue and a thread for each stream, and throws them away when the far side closes the channel:
 *    what says so waits until all that came before was given to the channels, and what says so too early until that has come.
 *  - usrsctp frees an association that the far side aborts while another thread may just be sending on it, which then waits for a lock that is no
 *    more, for good, or crashes. So it does not get to see the ABORT; we end everything on it.
 *  - Messages are repaired on their way into sctpenc: empty ones, and the limits of partially reliable ones.
 *  - A channel that the far side has opened is said to be open before the answer to that is queued: who sends then might come before it. So
 *    the answer is told when it comes to sctpenc.
 *  - set_state (NULL) waits for the streaming threads, and a sctpenc whose usrsctp buffer is full holds one for ever: FLUSH_START on
 *    its sink pads lets it go first. It also takes usrsctp's socket from under a thread that sends on it just then: so each is waited for, also
 *    those that webrtcbin's thread has begun meanwhile.
 *  - sctpdec adds a pad when something comes on a new stream, and crashes if it is stopped meanwhile: so first nothing comes to it any more,
 *    and what is under way is waited for.
 *  - What webrtcbin's thread has not come to when it ends is dropped, with its promise: GStreamer warns if that was the last reference, and what
 *    waits for it waits for good. So we keep each, and interrupt it. (One that expires forgets what its destroy function is to get.)
 *  - webrtcbin's own thread may be about to add a transport, because of a description that was set a moment ago, and starts that even if
 *    the bin is being stopped: it would run for good, with its thread and sockets. So that thread first does what it was told. */
#include "plugins/peer/dc-webrtc.h"

#include <gst/sctp/sctpsendmeta.h>
#include <gst/webrtc/webrtc.h>
#include <interfaces.h>
#include <stdio.h>

/* What webrtcbin's thread has still to do at the end is a matter of milliseconds. */
#define TASKS_TIMEOUT (200 * G_TIME_SPAN_MILLISECOND)
/* So is the next message that has come, unless an application holds webrtcbin's thread; and there may be many. */
#define DRAIN_STEP (250 * G_TIME_SPAN_MILLISECOND)
#define DRAIN_STEPS 20
/* libnice's timers begin before the way to a TURN server over TCP stands (names, a proxy, TLS), and would give it up after 2 s. With so many
 * retransmissions they wait for 9.5 s. */
#define TUNNEL_RETRANSMISSIONS 5

#define PPID_DCEP 50 /* RFC 8832, section 8.1 */

struct _DcWebrtc {
  GstElement *pipeline;
  GstElement *bin;
  NiceAgent *agent;
  DcSctpWatch *watch;
  guint association_id;
  GPtrArray *promises; /* (element-type GstPromise) */
  DcWebrtcCallbacks callbacks;
  gpointer user_data;
  gint deaf; /* atomic: what comes in does not count any more */
  GstBuffer *
      early; /* (nullable): a packet with a reset, before which something is missing; of the thread that receives, as is: */
  gboolean passing; /* a packet is given to SCTP that was looked at before */

  GMutex lock;
  GCond drained;
  GstElement *sctpenc, *sctpdec; /* once webrtcbin has made them */
  GPtrArray *channels;           /* (element-type GstWebRTCDataChannel): all there were */
  guint n_begun;                 /* of them, by the far side */
};

static guint
next_association_id (void)
{
  static gint counter = 0;

  return (guint) g_atomic_int_add (&counter, 1) % G_MAXUINT16;
}

/* None of those above has its number. */
static void
keep_usrsctp (void)
{
  static GstElement *sctpdec = NULL;
  GstElement *element;

  if (!g_once_init_enter (&sctpdec))
    return;
  element = gst_object_ref_sink (gst_element_factory_make ("sctpdec", NULL));
  g_object_set (element, "sctp-association-id", G_MAXUINT16, NULL);
  gst_element_set_state (element, GST_STATE_PAUSED);
  g_once_init_leave (&sctpdec, element);
}

static gpointer
make_certificate (gpointer data)
{
  g_autoptr (GstElement) dtlsdec = gst_element_factory_make ("dtlsdec", NULL);

  if (dtlsdec != NULL)
    gst_object_ref_sink (dtlsdec);
  return NULL;
}

static GMutex preparation_lock;
static gboolean is_prepared;
static GThread *preparation;

void
dc_webrtc_prepare (void)
{
  g_mutex_lock (&preparation_lock);
  if (!is_prepared)
    preparation = g_thread_new ("dc-certificate", make_certificate, NULL);
  is_prepared = TRUE;
  g_mutex_unlock (&preparation_lock);
}

void
dc_webrtc_wait_prepared (void)
{
  g_mutex_lock (&preparation_lock);
  g_clear_pointer (&preparation, g_thread_join);
  g_mutex_unlock (&preparation_lock);
}

static gboolean
is_made_by (GstElement *element, const char *factory_name)
{
  GstElementFactory *factory = gst_element_get_factory (element);

  return factory != NULL && g_strcmp0 (GST_OBJECT_NAME (factory), factory_name) == 0;
}

/* webrtcbin sends an empty message as an empty packet, which usrsctp refuses, and that ends the association. RFC 8831, section 6.6, wants one
 * byte of zero, and the PPIDs that webrtcbin has put there say that it does not count. */
static GstBuffer *
fill_empty_message (GstBuffer *empty)
{
  const GstSctpSendMeta *meta = gst_sctp_buffer_get_send_meta (empty);
  GstBuffer *filled;

  if (gst_buffer_get_size (empty) > 0 || meta == NULL)
    return empty;
  filled = gst_buffer_new_allocate (NULL, 1, NULL);
  gst_buffer_memset (filled, 0, 0, 1);
  gst_sctp_buffer_add_send_meta (filled, meta->ppid, meta->ordered, meta->pr, meta->pr_param);
  gst_buffer_unref (empty);
  return filled;
}

/* sctpenc gives the number of retransmissions or milliseconds to usrsctp in network byte order, which wants the host's: a limit of one became
 * one of 16777216. Turned round here, it comes out right. */
static GstBuffer *
turn_reliability (GstBuffer *buffer)
{
  GstSctpSendMeta *meta = gst_sctp_buffer_get_send_meta (buffer);

  if (meta == NULL || meta->pr == GST_SCTP_SEND_META_PARTIAL_RELIABILITY_NONE)
    return buffer;
  buffer = gst_buffer_make_writable (buffer);
  meta = gst_sctp_buffer_get_send_meta (buffer);
  meta->pr_param = g_htonl (meta->pr_param);
  return buffer;
}

static void
tell_announced (DcWebrtc *self, GstPad *pad, GstBuffer *buffer)
{
  const GstSctpSendMeta *meta = gst_sctp_buffer_get_send_meta (buffer);
  guint stream;

  if (meta != NULL && meta->ppid == PPID_DCEP && sscanf (GST_PAD_NAME (pad), "sink_%u", &stream) == 1)
    self->callbacks.announced (stream, self->user_data);
}

static GstPadProbeReturn
on_message_in (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  tell_announced (user_data, pad, GST_PAD_PROBE_INFO_BUFFER (info));
  GST_PAD_PROBE_INFO_DATA (info) = turn_reliability (fill_empty_message (GST_PAD_PROBE_INFO_BUFFER (info)));
  return GST_PAD_PROBE_OK;
}

/* Who waits for this answer may end the packets, on another thread: so it is told when DTLS has it. */
static GstFlowReturn
push_answer (DcWebrtc *self, GstPad *pad, GstBuffer *packet)
{
  g_autoptr (GstPad) peer = gst_pad_get_peer (pad);
  GstFlowReturn flow = GST_FLOW_NOT_LINKED;

  if (peer != NULL)
    flow = gst_pad_chain (peer, packet);
  else
    gst_buffer_unref (packet);
  if (dc_sctp_watch_answered (self->watch))
    self->callbacks.answered (self->user_data);
  return flow;
}

static GstPadProbeReturn
watch_sent (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  DcWebrtc *self = user_data;
  GstBuffer *packet = GST_PAD_PROBE_INFO_BUFFER (info);
  gboolean answers = FALSE;
  GstMapInfo map;

  if (gst_buffer_map (packet, &map, GST_MAP_READ)) {
    answers = dc_sctp_watch_sent (self->watch, map.data, map.size);
    gst_buffer_unmap (packet, &map);
  }
  if (!answers)
    return GST_PAD_PROBE_OK;
  GST_PAD_PROBE_INFO_FLOW_RETURN (info) = push_answer (self, pad, packet);
  return GST_PAD_PROBE_HANDLED;
}

/* FALSE: the time for one step is over. */
static gboolean
wait_for_drain_locked (DcWebrtc *self)
{
  gint64 deadline = g_get_monotonic_time () + DRAIN_STEP;
  gboolean in_time = TRUE;

  while (!g_atomic_int_get (&self->deaf) && !dc_sctp_watch_is_drained (self->watch) && in_time)
    in_time = g_cond_wait_until (&self->drained, &self->lock, deadline);
  return in_time;
}

/* As long as it goes on. */
static void
wait_until_drained (DcWebrtc *self)
{
  guint waiting = G_MAXUINT, before;

  g_mutex_lock (&self->lock);
  for (guint i = 0; i < DRAIN_STEPS && !wait_for_drain_locked (self); i++) {
    before = waiting;
    waiting = dc_sctp_watch_get_waiting (self->watch);
    if (waiting >= before)
      break;
  }
  g_mutex_unlock (&self->lock);
}

static void
wake_drained (DcWebrtc *self)
{
  g_mutex_lock (&self->lock);
  g_cond_broadcast (&self->drained);
  g_mutex_unlock (&self->lock);
}

static void
tell_drained (DcWebrtc *self)
{
  wake_drained (self);
  self->callbacks.drained (self->user_data);
}

/* Somebody might not repeat it, such as aiortc. */
static GstPadProbeReturn
keep_early (DcWebrtc *self, GstBuffer *packet)
{
  gst_buffer_replace (&self->early, packet);
  return GST_PAD_PROBE_DROP;
}

static gboolean
is_early_due (DcWebrtc *self)
{
  gboolean early = TRUE;
  GstMapInfo map;

  if (self->early != NULL && gst_buffer_map (self->early, &map, GST_MAP_READ)) {
    early = dc_sctp_watch_is_early (self->watch, map.data, map.size);
    gst_buffer_unmap (self->early, &map);
  }
  return !early;
}

/* @packet brings what was missing before the one that came early, which comes here again behind it. */
static GstFlowReturn
pass_with_early (DcWebrtc *self, GstPad *pad, GstBuffer *packet)
{
  GstBuffer *early = g_steal_pointer (&self->early);
  GstFlowReturn flow;

  self->passing = TRUE;
  flow = gst_pad_chain (pad, packet);
  self->passing = FALSE;
  if (flow == GST_FLOW_OK)
    return gst_pad_chain (pad, early);
  gst_buffer_unref (early);
  return flow;
}

/* SCTP has not seen it yet: who learns from SCTP that the far side closes a channel finds here what had arrived before. */
static GstPadProbeReturn
watch_received (GstPad *pad, GstPadProbeInfo *info, gpointer user_data)
{
  DcWebrtc *self = user_data;
  DcSctpPacket packet = 0;
  GstMapInfo map;

  if (g_atomic_int_get (&self->deaf))
    return GST_PAD_PROBE_DROP;
  if (self->passing)
    return GST_PAD_PROBE_OK;
  if (gst_buffer_map (GST_PAD_PROBE_INFO_BUFFER (info), &map, GST_MAP_READ)) {
    packet = dc_sctp_watch_received (self->watch, map.data, map.size);
    gst_buffer_unmap (GST_PAD_PROBE_INFO_BUFFER (info), &map);
  }
  if (dc_sctp_watch_is_aborted (self->watch)) {
    self->callbacks.error ("the far side has ended the SCTP association", self->user_data);
    return GST_PAD_PROBE_DROP;
  }
  if (packet & DC_SCTP_PACKET_EARLY)
    return keep_early (self, GST_PAD_PROBE_INFO_BUFFER (info));
  if (packet & DC_SCTP_PACKET_DELIVERED)
    self->callbacks.delivered (self->user_data);
  if (packet & DC_SCTP_PACKET_RESETS)
    wait_until_drained (self);
  if (!is_early_due (self))
    return GST_PAD_PROBE_OK;
  GST_PAD_PROBE_INFO_FLOW_RETURN (info) = pass_with_early (self, pad, GST_PAD_PROBE_INFO_BUFFER (info));
  return GST_PAD_PROBE_HANDLED;
}

/* What it still had is gone. */
static void
on_sctpdec_pad_removed (GstElement *sctpdec, GstPad *pad, DcWebrtc *self)
{
  guint stream;

  if (sscanf (GST_PAD_NAME (pad), "src_%u", &stream) == 1 && dc_sctp_watch_forget (self->watch, (guint16) stream))
    tell_drained (self);
}

/* After the handlers of those whose channel it is. */
static void
on_message (GstWebRTCDataChannel *channel, gpointer message, DcWebrtc *self)
{
  gint id;

  g_object_get (channel, "id", &id, NULL);
  if (dc_sctp_watch_given (self->watch, (guint16) id))
    tell_drained (self);
}

static void
watch_pad (DcWebrtc *self, GstElement *element, const char *name, GstPadProbeCallback callback)
{
  g_autoptr (GstPad) pad = gst_element_get_static_pad (element, name);

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, callback, self, NULL);
}

static void
on_sctpenc_pad_added (GstElement *sctpenc, GstPad *pad, DcWebrtc *self)
{
  if (gst_pad_get_direction (pad) == GST_PAD_SINK)
    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, on_message_in, self, NULL);
}

static void
on_deep_element_added (GstBin *bin, GstBin *sub_bin, GstElement *element, DcWebrtc *self)
{
  gboolean encoder = is_made_by (element, "sctpenc");

  if (!encoder && !is_made_by (element, "sctpdec"))
    return;
  g_object_set (element, "sctp-association-id", self->association_id, NULL);
  g_mutex_lock (&self->lock);
  gst_object_replace ((GstObject **) (encoder ? &self->sctpenc : &self->sctpdec), GST_OBJECT (element));
  g_mutex_unlock (&self->lock);
  if (encoder) {
    g_signal_connect (element, "pad-added", G_CALLBACK (on_sctpenc_pad_added), self);
    watch_pad (self, element, "src", watch_sent);
  } else {
    g_signal_connect (element, "pad-removed", G_CALLBACK (on_sctpdec_pad_removed), self);
    watch_pad (self, element, "sink", watch_received);
  }
}

static void
on_prepare_data_channel (GstElement *bin, GstWebRTCDataChannel *channel, gboolean is_local, DcWebrtc *self)
{
  guint n;

  g_signal_connect_after (channel, "on-message-data", G_CALLBACK (on_message), self);
  g_signal_connect_after (channel, "on-message-string", G_CALLBACK (on_message), self);
  g_mutex_lock (&self->lock);
  g_ptr_array_add (self->channels, g_object_ref (channel));
  self->n_begun += !is_local;
  n = self->n_begun;
  g_mutex_unlock (&self->lock);
  if (!is_local)
    self->callbacks.begun (n, self->user_data);
}

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

static void
add_address (NiceAgent *agent, const char *text)
{
  NiceAddress address;

  nice_address_init (&address);
  if (nice_address_set_from_string (&address, text))
    nice_agent_add_local_address (agent, &address);
}

/* libnice leaves loopback out, and ties each socket to its interface, so that a server on 127.0.0.1 could not be reached. Once one address
 * is given to it, it takes no others by itself. */
static void
offer_loopback (NiceAgent *agent)
{
  GList *addresses = nice_interfaces_get_local_ips (TRUE);

  for (GList *item = addresses; item != NULL; item = item->next)
    add_address (agent, item->data);
  g_list_free_full (addresses, g_free);
}

/* Where ICE looks for candidates. */
static gboolean
offer_addresses (NiceAgent *agent, const DcIceConfig *config, GError **error)
{
  g_autoptr (GPtrArray) addresses = dc_ice_config_list_addresses (config, error);

  if (addresses == NULL)
    return FALSE;
  for (guint i = 0; config->interfaces != NULL && i < addresses->len; i++)
    add_address (agent, g_ptr_array_index (addresses, i));
  if (config->interfaces == NULL && (config->loopback || addresses->len == 0))
    offer_loopback (agent);
  return TRUE;
}

/* The property is construct-only, and webrtcbin constructs; the agent itself looks at it with each check. With TCP candidates it must stay regular
 * (RFC 6544, section 8). */
static void
nominate_aggressively (NiceAgent *agent)
{
  GObjectClass *klass = G_OBJECT_GET_CLASS (agent);
  GParamSpec *spec = g_object_class_find_property (klass, "nomination-mode");
  g_auto (GValue) mode = G_VALUE_INIT;

  if (spec == NULL)
    return;
  g_value_init (&mode, spec->value_type);
  g_value_set_enum (&mode, NICE_NOMINATION_MODE_AGGRESSIVE);
  klass->set_property (G_OBJECT (agent), spec->param_id, &mode, spec);
}

static gboolean
tune_agent (DcWebrtc *self, const DcIceConfig *config, GError **error)
{
  g_autoptr (GstWebRTCICE) ice = NULL;

  g_object_get (self->bin, "ice-agent", &ice, NULL);
  g_object_get (ice, "agent", &self->agent, NULL);
  g_object_set (self->agent, "upnp", FALSE, "keepalive-conncheck", TRUE, "ice-tcp", config->tcp, NULL);
  if (!config->tcp)
    nominate_aggressively (self->agent);
  if (config->tunnels != NULL)
    g_object_set (self->agent, "stun-max-retransmissions", TUNNEL_RETRANSMISSIONS, NULL);
  if (config->max_port > 0)
    g_object_set (ice, "max-rtp-port", (guint) config->max_port, "min-rtp-port", (guint) config->min_port, NULL);
  return offer_addresses (self->agent, config, error);
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

static gboolean
add_servers (DcWebrtc *self, const DcIceConfig *config, GError **error)
{
  if (config->stun_server != NULL)
    g_object_set (self->bin, "stun-server", config->stun_server, NULL);
  for (guint i = 0; i < config->turn_servers->len; i++) {
    gboolean added = FALSE;
    g_signal_emit_by_name (self->bin, "add-turn-server", g_ptr_array_index (config->turn_servers, i), &added);
    if (!added) {
      g_set_error (error, DC_ERROR, DC_ERROR_CONNECTION, "webrtcbin refuses TURN server number %u", i + 1);
      return FALSE;
    }
  }
  return TRUE;
}

DcWebrtc *
dc_webrtc_new (const DcIceConfig *config, const DcWebrtcCallbacks *callbacks, gpointer user_data, GError **error)
{
  g_autoptr (DcWebrtc) self = NULL;
  g_autoptr (GstBus) bus = NULL;

  if (!check_plugins (error))
    return NULL;
  keep_usrsctp ();
  self = g_new0 (DcWebrtc, 1);
  g_mutex_init (&self->lock);
  g_cond_init (&self->drained);
  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->watch = dc_sctp_watch_new ();
  self->association_id = next_association_id ();
  self->promises = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_promise_unref);
  self->channels = g_ptr_array_new_with_free_func (g_object_unref);
  self->pipeline = gst_object_ref_sink (gst_pipeline_new (NULL));
  self->bin = gst_object_ref_sink (gst_element_factory_make ("webrtcbin", NULL));
  gst_bin_add (GST_BIN (self->pipeline), self->bin);
  gst_util_set_object_arg (G_OBJECT (self->bin), "bundle-policy", "max-bundle");
  gst_util_set_object_arg (
      G_OBJECT (self->bin), "ice-transport-policy", config->policy == DC_ICE_POLICY_RELAY ? "relay" : "all");
  g_signal_connect (self->bin, "deep-element-added", G_CALLBACK (on_deep_element_added), self);
  g_signal_connect (self->bin, "prepare-data-channel", G_CALLBACK (on_prepare_data_channel), self);
  bus = gst_element_get_bus (self->pipeline);
  gst_bus_set_sync_handler (bus, on_bus_message, self, NULL);
  if (!tune_agent (self, config, error) || !add_servers (self, config, error))
    return NULL;
  if (gst_element_set_state (self->pipeline, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
    g_set_error_literal (
        error, DC_ERROR, DC_ERROR_CONNECTION, "webrtcbin does not start; GST_DEBUG=webrtcbin:5 tells why");
    return NULL;
  }
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

DcSctpWatch *
dc_webrtc_get_sctp_watch (DcWebrtc *self)
{
  return self->watch;
}

GstPromise *
dc_webrtc_new_promise (DcWebrtc *self, GstPromiseChangeFunc func, gpointer user_data, GDestroyNotify destroy)
{
  GstPromise *promise = gst_promise_new_with_change_func (func, user_data, destroy);

  g_ptr_array_add (self->promises, promise);
  return promise;
}

static void
forget_instance (gpointer instance, gpointer self)
{
  g_signal_handlers_disconnect_by_data (instance, self);
}

static void
interrupt (gpointer promise, gpointer user_data)
{
  gst_promise_interrupt (promise);
}

/* @element: sctpenc or sctpdec. (transfer full) (nullable) */
static GstElement *
dup_element (DcWebrtc *self, GstElement *const *element)
{
  GstElement *copy;

  g_mutex_lock (&self->lock);
  copy = *element != NULL ? gst_object_ref (*element) : NULL;
  g_mutex_unlock (&self->lock);
  return copy;
}

void
dc_webrtc_say_goodbye (DcWebrtc *self)
{
  g_autoptr (GstElement) sctpenc = dup_element (self, &self->sctpenc);
  g_autoptr (GstPad) pad = sctpenc != NULL ? gst_element_get_static_pad (sctpenc, "src") : NULL;

  /* dtlsenc turns EOS into close_notify. */
  if (pad != NULL && gst_pad_is_active (pad))
    gst_pad_push_event (pad, gst_event_new_eos ());
}

void
dc_webrtc_ask_for_life (DcWebrtc *self)
{
  g_autoptr (GstElement) sctpenc = dup_element (self, &self->sctpenc);
  g_autoptr (GstPad) pad = sctpenc != NULL ? gst_element_get_static_pad (sctpenc, "src") : NULL;
  GBytes *heartbeat = pad != NULL && gst_pad_is_active (pad) ? dc_sctp_watch_make_heartbeat (self->watch) : NULL;

  if (heartbeat != NULL)
    gst_pad_push (pad, gst_buffer_new_wrapped_bytes (heartbeat));
  g_clear_pointer (&heartbeat, g_bytes_unref);
}

static gboolean
flush_pad (GstElement *element, GstPad *pad, gpointer user_data)
{
  gst_pad_send_event (pad, gst_event_new_flush_start ());
  GST_PAD_STREAM_LOCK (pad);
  GST_PAD_STREAM_UNLOCK (pad);
  return TRUE;
}

static void
deafen (DcWebrtc *self)
{
  g_autoptr (GstElement) sctpdec = dup_element (self, &self->sctpdec);
  g_autoptr (GstPad) pad = sctpdec != NULL ? gst_element_get_static_pad (sctpdec, "sink") : NULL;

  g_atomic_int_set (&self->deaf, TRUE);
  wake_drained (self);
  if (pad == NULL)
    return;
  GST_PAD_STREAM_LOCK (pad);
  GST_PAD_STREAM_UNLOCK (pad);
}

static void
flush (DcWebrtc *self)
{
  g_autoptr (GstElement) sctpenc = dup_element (self, &self->sctpenc);

  if (sctpenc != NULL)
    gst_element_foreach_sink_pad (sctpenc, flush_pad, NULL);
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

  g_signal_handlers_disconnect_by_data (self->bin, self);
  deafen (self);
  flush (self);
  wait_for_tasks (self);
  flush (self);
  gst_element_set_state (self->pipeline, GST_STATE_NULL);
  g_ptr_array_foreach (self->promises, interrupt, NULL);
  g_ptr_array_unref (self->promises);
  gst_bus_set_sync_handler (bus, NULL, NULL, NULL);
  g_ptr_array_foreach (self->channels, forget_instance, self);
  if (self->sctpenc != NULL)
    forget_instance (self->sctpenc, self);
  if (self->sctpdec != NULL)
    forget_instance (self->sctpdec, self);
  gst_clear_buffer (&self->early);
  g_clear_object (&self->agent);
  gst_clear_object (&self->sctpenc);
  gst_clear_object (&self->sctpdec);
  gst_object_unref (self->bin);
  gst_object_unref (self->pipeline);
  g_ptr_array_unref (self->channels);
  dc_sctp_watch_unref (self->watch);
  g_cond_clear (&self->drained);
  g_mutex_clear (&self->lock);
  g_free (self);
}
