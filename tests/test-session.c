/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-session.c: datachannelsink and datachannelsrc that share a connection, over a fake peer. */
#include <string.h>

#include "plugins/gstdatachannelsink.h"
#include "plugins/gstdatachannelsrc.h"
#include "tests/harness/dc-test-element.h"
#include "tests/harness/dc-test.h"

#define SINK(more) "appsrc name=in format=time ! datachannelsink name=dc session=s " more " "
#define SRC(more)                                                                                                      \
  "datachannelsrc name=from session=s " more " ! fakesink name=out sync=false async=false signal-handoffs=true "

/* --- Helpers -------------------------------------------------------------------------------------------------------------------- */

static void
play (DcTestElement *f, const char *description)
{
  dc_test_element_launch (f, description);
  gst_element_set_state (f->pipeline, GST_STATE_PLAYING);
  f->peer = dc_fake_wait_peer ();
  g_assert_false (dc_fake_has_peer ());
}

static void
push (DcTestElement *f)
{
  g_autoptr (GstBuffer) buffer = gst_buffer_new_memdup ("there", 5);
  GstFlowReturn flow;

  g_signal_emit_by_name (dc_test_element_get (f, "in"), "push-buffer", buffer, &flow);
  g_assert_cmpint (flow, ==, GST_FLOW_OK);
}

static void
take_kind (DcChannel *channel, DcLinkItemKind kind)
{
  g_autoptr (DcLinkItem) item = dc_fake_channel_take (channel);

  g_assert_cmpint (item->kind, ==, kind);
}

static void
give_data (DcChannel *channel)
{
  DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_DATA);

  item->payload = g_bytes_new_static ("back", 4);
  dc_fake_channel_give (channel, item);
}

typedef struct {
  GMutex lock;
  GCond cond;
  guint buffers;
} Arrivals;

static void
handoff_cb (GstElement *sink, GstBuffer *buffer, GstPad *pad, gpointer data)
{
  Arrivals *arrivals = data;

  g_mutex_lock (&arrivals->lock);
  arrivals->buffers++;
  g_cond_signal (&arrivals->cond);
  g_mutex_unlock (&arrivals->lock);
}

static void
wait_arrival (Arrivals *arrivals)
{
  g_mutex_lock (&arrivals->lock);
  while (arrivals->buffers == 0)
    g_cond_wait (&arrivals->cond, &arrivals->lock);
  g_mutex_unlock (&arrivals->lock);
}

/* --- Cases ---------------------------------------------------------------------------------------------------------------------- */

/* A sink pushes into the channel from which a source pulls, and each direction ends by itself. */
static void
test_two_way (void)
{
  g_auto (DcTestElement) f = {0};
  Arrivals arrivals = {0};

  play (&f, SINK ("") SRC (""));
  g_signal_connect (dc_test_element_get (&f, "out"), "handoff", G_CALLBACK (handoff_cb), &arrivals);
  g_assert_cmpuint (dc_fake_peer_count_options (f.peer), ==, 1);
  g_assert_cmpint (dc_fake_peer_get_options (f.peer, 0)->wants, ==, DC_DIRECTION_BOTH);
  f.channel = dc_fake_peer_open (f.peer);
  push (&f);
  take_kind (f.channel, DC_LINK_ITEM_SEGMENT);
  take_kind (f.channel, DC_LINK_ITEM_DATA);
  give_data (f.channel);
  wait_arrival (&arrivals);

  GstFlowReturn flow;
  g_signal_emit_by_name (dc_test_element_get (&f, "in"), "end-of-stream", &flow);
  take_kind (f.channel, DC_LINK_ITEM_EVENT);
  take_kind (f.channel, DC_LINK_ITEM_FIN);
  dc_fake_channel_acknowledge_fin (f.channel);
  g_assert_false (dc_fake_channel_is_accepted (f.channel));
  dc_fake_channel_give (f.channel, dc_link_item_new (DC_LINK_ITEM_FIN));
  dc_fake_channel_wait_accepted (f.channel);
  dc_test_element_wait_eos (&f);
  dc_test_element_stop (&f);
  g_assert_true (dc_fake_channel_is_closed (f.channel));
  g_assert_null (dc_fake_channel_dup_abort (f.channel));
}

/* Different labels: two channels on one connection. */
static void
test_two_channels (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcChannel) back = NULL;
  Arrivals arrivals = {0};
  gboolean there_first;

  play (&f, SINK ("label=there") SRC ("label=back"));
  g_signal_connect (dc_test_element_get (&f, "out"), "handoff", G_CALLBACK (handoff_cb), &arrivals);
  g_assert_cmpuint (dc_fake_peer_count_options (f.peer), ==, 2);
  there_first = g_str_equal (dc_fake_peer_get_options (f.peer, 0)->label, "there");
  back = dc_fake_peer_open_as (f.peer, there_first ? 1 : 0, "far", G_MAXUINT);
  f.channel = dc_fake_peer_open_as (f.peer, there_first ? 0 : 1, "far", G_MAXUINT);
  push (&f);
  take_kind (f.channel, DC_LINK_ITEM_SEGMENT);
  take_kind (f.channel, DC_LINK_ITEM_DATA);
  give_data (back);
  wait_arrival (&arrivals);
}

/* The property of one is the property of all. */
static void
test_settings_are_shared (void)
{
  g_auto (DcTestElement) f = {0};
  g_autofree char *room = NULL, *id = NULL;

  play (&f, SINK ("room=r") SRC ("peer-id=me"));
  g_object_get (f.peer, "room", &room, "id", &id, NULL);
  g_assert_cmpstr (room, ==, "r");
  g_assert_cmpstr (id, ==, "me");
}

static void
assert_refused (const char *description, const char *hint)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  dc_test_element_launch (&f, description);
  g_assert_cmpint (gst_element_set_state (f.pipeline, GST_STATE_PLAYING), ==, GST_STATE_CHANGE_FAILURE);
  message = dc_test_element_wait_message (&f, GST_MESSAGE_ERROR);
  gst_message_parse_error (message, &error, NULL);
  g_assert_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS);
  g_assert_nonnull (strstr (error->message, hint));
  dc_test_element_stop (&f);
  if (dc_fake_has_peer ())
    f.peer = dc_fake_wait_peer ();
}

static void
test_contradictions (void)
{
  assert_refused (SINK ("room=a") SRC ("room=b"), "has another \"room\" than the others");
  assert_refused (SINK ("") "fakesrc ! datachannelsink session=s", "there are two sinks with the label \"data\"");
  assert_refused (SINK ("mode=raw") SRC (""), "have different values of \"mode\"");
}

/* Without the session they would be two. */
static void
test_other_session (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (DcPeer) other = NULL;

  dc_test_element_launch (&f, SINK ("") "datachannelsrc session=t ! fakesink");
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  f.peer = dc_fake_wait_peer ();
  other = dc_fake_wait_peer ();
  g_assert_true (f.peer != other);
}

/* Who was not there when the connection was started cannot have a channel on it. */
static void
test_too_late (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (GstElement) late = gst_object_ref_sink (gst_element_factory_make ("datachannelsrc", NULL));
  g_autoptr (GstBus) bus = gst_bus_new ();
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  play (&f, SINK (""));
  gst_element_set_bus (late, bus);
  g_object_set (late, "session", "s", "label", "late", NULL);
  g_assert_cmpint (gst_element_set_state (late, GST_STATE_PAUSED), ==, GST_STATE_CHANGE_FAILURE);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  g_assert_nonnull (message);
  gst_message_parse_error (message, &error, NULL);
  g_assert_nonnull (strstr (error->message, "put all elements of the session in READY"));
  gst_element_set_state (late, GST_STATE_NULL);
  gst_element_set_bus (late, NULL);
}

/* One that starts when the channel is open already gets it; the peer stays until the last has stopped. */
static void
test_one_after_the_other (void)
{
  g_auto (DcTestElement) f = {0};
  Arrivals arrivals = {0};
  GstElement *from, *out;

  dc_test_element_launch (&f, SINK ("") SRC (""));
  from = dc_test_element_get (&f, "from");
  out = dc_test_element_get (&f, "out");
  g_signal_connect (out, "handoff", G_CALLBACK (handoff_cb), &arrivals);
  gst_element_set_state (f.pipeline, GST_STATE_READY);
  gst_element_set_locked_state (from, TRUE);
  gst_element_set_locked_state (out, TRUE);
  gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
  f.peer = dc_fake_wait_peer ();
  f.channel = dc_fake_peer_open (f.peer);
  gst_element_set_locked_state (from, FALSE);
  gst_element_set_locked_state (out, FALSE);
  gst_element_sync_state_with_parent (out);
  gst_element_sync_state_with_parent (from);
  give_data (f.channel);
  wait_arrival (&arrivals);
  g_assert_false (dc_fake_has_peer ());

  gst_element_set_locked_state (dc_test_element_get (&f, "dc"), TRUE); /* else the pipeline starts it anew */
  gst_element_set_state (dc_test_element_get (&f, "dc"), GST_STATE_READY);
  g_assert_false (dc_fake_peer_is_stopped (f.peer));
  gst_element_set_locked_state (from, TRUE);
  gst_element_set_state (from, GST_STATE_READY);
  g_assert_true (dc_fake_peer_is_stopped (f.peer));
  gst_element_set_state (dc_test_element_get (&f, "dc"), GST_STATE_NULL);
  gst_element_set_state (from, GST_STATE_NULL);
}

static void
test_plays_again (void)
{
  g_auto (DcTestElement) f = {0};

  dc_test_element_launch (&f, SINK ("") SRC (""));
  for (guint i = 0; i < 3; i++) {
    g_clear_object (&f.peer);
    g_clear_object (&f.channel);
    gst_element_set_state (f.pipeline, GST_STATE_PLAYING);
    f.peer = dc_fake_wait_peer ();
    f.channel = dc_fake_peer_open (f.peer);
    push (&f);
    take_kind (f.channel, DC_LINK_ITEM_SEGMENT);
    take_kind (f.channel, DC_LINK_ITEM_DATA);
    gst_element_set_state (f.pipeline, GST_STATE_READY);
    g_assert_true (dc_fake_peer_is_stopped (f.peer));
  }
}

/* Each member says what goes on. */
static void
test_messages (void)
{
  g_auto (DcTestElement) f = {0};

  play (&f, SINK ("") SRC (""));
  dc_fake_peer_tell (f.peer, gst_structure_new ("registered", "id", G_TYPE_STRING, "a", NULL));
  for (guint i = 0; i < 2; i++) {
    g_autoptr (GstMessage) message = dc_test_element_wait_message (&f, GST_MESSAGE_ELEMENT);
    g_assert_true (gst_message_has_name (message, "datachannel-registered"));
  }
}

/* A flush of the sink does not disturb the source, which pulls from the same channel. */
static void
test_flush_one_way (void)
{
  g_auto (DcTestElement) f = {0};
  Arrivals arrivals = {0};
  GstPad *pad;

  play (&f, SINK ("") SRC (""));
  g_signal_connect (dc_test_element_get (&f, "out"), "handoff", G_CALLBACK (handoff_cb), &arrivals);
  pad = GST_BASE_SINK_PAD (dc_test_element_get (&f, "dc"));
  f.channel = dc_fake_peer_open_with_window (f.peer, 0);
  push (&f);
  dc_fake_channel_wait_blocked (f.channel);
  gst_pad_send_event (pad, gst_event_new_flush_start ());
  give_data (f.channel);
  wait_arrival (&arrivals);
  gst_pad_send_event (pad, gst_event_new_flush_stop (TRUE));
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (&argc, &argv);
  GST_ELEMENT_REGISTER (datachannelsink, NULL);
  GST_ELEMENT_REGISTER (datachannelsrc, NULL);

  g_test_add_func ("/session/two-way", test_two_way);
  g_test_add_func ("/session/two-channels", test_two_channels);
  g_test_add_func ("/session/settings-are-shared", test_settings_are_shared);
  g_test_add_func ("/session/contradictions", test_contradictions);
  g_test_add_func ("/session/other-session", test_other_session);
  g_test_add_func ("/session/too-late", test_too_late);
  g_test_add_func ("/session/one-after-the-other", test_one_after_the_other);
  g_test_add_func ("/session/plays-again", test_plays_again);
  g_test_add_func ("/session/messages", test_messages);
  g_test_add_func ("/session/flush-one-way", test_flush_one_way);
  return g_test_run ();
}
