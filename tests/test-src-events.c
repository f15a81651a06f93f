/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-src-events.c: datachannelsrc over a fake peer, in a GstHarness: events both ways, and raw messages. */
#include <string.h>

#include "plugins/dc-gst-event.h"
#include "plugins/gstdatachannelsrc.h"
#include "tests/harness/dc-test-element.h"
#include "tests/harness/dc-test-source.h"
#include "tests/harness/dc-test.h"

#define NONE GST_CLOCK_TIME_NONE

static GstEvent *
new_custom (GstEventType type, const char *name)
{
  return gst_event_new_custom (type, gst_structure_new (name, "n", G_TYPE_INT, 7, NULL));
}

static void
pull_data (DcTestSource *f, const char *text)
{
  gst_buffer_unref (dc_test_source_pull_data (f, text));
}

/* --- Downstream ----------------------------------------------------------------------------------------------------------------- */

/* In their place between the buffers. */
static void
test_downstream (void)
{
  g_auto (DcTestSource) f = {0};
  g_autoptr (GstEvent) tag = NULL, gap = NULL, custom = NULL, sticky = NULL;
  GstClockTime timestamp, duration;
  GstTagList *tags;

  dc_test_source_play (&f, "datachannelsrc");
  dc_test_give_segment (f.channel, GST_FORMAT_TIME, 0, NONE);
  dc_test_give_event (f.channel, 0, gst_event_new_tag (gst_tag_list_new (GST_TAG_TITLE, "a title", NULL)));
  dc_test_give_data (f.channel, "one", 0, NONE);
  dc_test_give_event (f.channel, 0, gst_event_new_gap (5, 6));
  dc_test_give_event (f.channel, 0, new_custom (GST_EVENT_CUSTOM_DOWNSTREAM, "passing"));
  dc_test_give_event (f.channel, 0, new_custom (GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, "staying"));
  dc_test_give_data (f.channel, "two", 11, NONE);
  tag = dc_test_source_pull_event (&f, GST_EVENT_TAG);
  gst_event_parse_tag (tag, &tags);
  g_assert_cmpint (gst_tag_list_n_tags (tags), ==, 1);
  gap = dc_test_source_pull_event (&f, GST_EVENT_GAP);
  gst_event_parse_gap (gap, &timestamp, &duration);
  g_assert_cmpuint (timestamp, ==, 5);
  g_assert_cmpuint (duration, ==, 6);
  custom = dc_test_source_pull_event (&f, GST_EVENT_CUSTOM_DOWNSTREAM);
  g_assert_true (gst_event_has_name (custom, "passing"));
  sticky = dc_test_source_pull_event (&f, GST_EVENT_CUSTOM_DOWNSTREAM_STICKY);
  g_assert_true (gst_event_has_name (sticky, "staying"));
  pull_data (&f, "one");
  pull_data (&f, "two");
}

/* A pad keeps one of each name: a sender that goes on inventing names is stopped. */
static void
test_too_many_sticky (void)
{
  g_auto (DcTestElement) f = {0};
  g_autoptr (GstMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  dc_test_element_play (&f, "datachannelsrc name=dc ! fakesink");
  dc_test_give_segment (f.channel, GST_FORMAT_TIME, 0, NONE);
  for (guint i = 0; i < 40; i++) {
    g_autofree char *name = g_strdup_printf ("name-%u", i);
    dc_test_give_event (f.channel, 0, new_custom (GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, name));
  }
  message = dc_test_element_wait_message (&f, GST_MESSAGE_ERROR);
  gst_message_parse_error (message, &error, NULL);
  g_assert_nonnull (strstr (error->message, "name-32"));
}

/* Nobody knows what it means here: it is left out, and the stream goes on. */
static void
test_of_a_later_version (void)
{
  g_auto (DcTestSource) f = {0};
  DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_EVENT);

  item->event = (DcLinkEvent) 77;
  dc_test_source_play (&f, "datachannelsrc");
  dc_fake_channel_give (f.channel, item);
  dc_test_give_data (f.channel, "one", NONE, NONE);
  pull_data (&f, "one");
}

/* Even while the stream stands still. */
static void
test_out_of_band (void)
{
  g_auto (DcTestSource) f = {0};

  dc_test_source_play (&f, "datachannelsrc");
  for (guint i = 0; i < 100; i++) {
    g_autoptr (GstEvent) event = NULL;
    g_autofree char *name = g_strdup_printf ("number-%u", i);
    dc_test_give_event (f.channel, 1, new_custom (GST_EVENT_CUSTOM_DOWNSTREAM_OOB, name));
    if (i % 3 == 0) /* come at once */
      dc_test_give_event (f.channel, 1, new_custom (GST_EVENT_CUSTOM_BOTH_OOB, "other"));
    event = dc_test_source_pull_event (&f, GST_EVENT_CUSTOM_DOWNSTREAM_OOB);
    g_assert_true (gst_event_has_name (event, name));
  }
}

static void
test_out_of_band_nonsense (void)
{
  g_auto (DcTestSource) f = {0};
  DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_EVENT);
  g_autoptr (GstEvent) event = NULL;

  item->event = DC_LINK_EVENT_FLUSH_START;
  item->stream = 1;
  item->payload = g_bytes_new_static ("<<<<", 4);
  dc_test_source_play (&f, "datachannelsrc");
  dc_fake_channel_give (f.channel, item);
  item = dc_link_item_new (DC_LINK_ITEM_DATA);
  item->stream = 1;
  dc_fake_channel_give (f.channel, item);
  dc_test_give_event (f.channel, 1, new_custom (GST_EVENT_CUSTOM_DOWNSTREAM_OOB, "good"));
  event = dc_test_source_pull_event (&f, GST_EVENT_CUSTOM_DOWNSTREAM_OOB);
  g_assert_true (gst_event_has_name (event, "good"));
  dc_test_give_data (f.channel, "one", NONE, NONE);
  pull_data (&f, "one");
}

/* --- Upstream ------------------------------------------------------------------------------------------------------------------- */

static void
take_event (DcTestSource *f, GstEventType type, const char *name)
{
  g_autoptr (DcLinkItem) item = dc_fake_channel_take_stream (f->channel, DC_GST_STREAM_UPSTREAM);
  g_autoptr (GError) error = NULL;
  g_autoptr (GstEvent) event = dc_gst_event_from_item (item, &error);

  g_assert_no_error (error);
  g_assert_cmpint (GST_EVENT_TYPE (event), ==, type);
  g_assert_true (gst_event_has_name (event, name));
}

static void
test_upstream (void)
{
  static const GstEventType types[] = {
      GST_EVENT_CUSTOM_UPSTREAM, GST_EVENT_CUSTOM_BOTH, GST_EVENT_CUSTOM_BOTH_OOB, GST_EVENT_NAVIGATION};
  g_auto (DcTestSource) f = {0};

  dc_test_source_play (&f, "datachannelsrc");
  dc_test_give_data (f.channel, "one", NONE, NONE);
  pull_data (&f, "one");
  for (gsize i = 0; i < G_N_ELEMENTS (types); i++) {
    g_assert_true (gst_harness_push_upstream_event (f.harness, new_custom (types[i], "from-downstream")));
    take_event (&f, types[i], "from-downstream");
  }
  g_assert_true (
      gst_element_send_event (f.harness->element, new_custom (GST_EVENT_CUSTOM_UPSTREAM, "from-application")));
  take_event (&f, GST_EVENT_CUSTOM_UPSTREAM, "from-application");
  g_assert_true (gst_element_send_event (f.harness->element, new_custom (GST_EVENT_NAVIGATION, "from-application")));
  take_event (&f, GST_EVENT_NAVIGATION, "from-application");
}

/* Whoever sends it learns that it went nowhere. */
static void
test_upstream_without_a_way (void)
{
  g_auto (DcTestSource) alone = {0}, raw = {0};

  dc_test_source_make (&alone, "datachannelsrc");
  gst_harness_play (alone.harness);
  alone.peer = dc_fake_wait_peer ();
  g_assert_false (gst_harness_push_upstream_event (alone.harness, new_custom (GST_EVENT_CUSTOM_UPSTREAM, "x")));
  dc_test_source_play (&raw, "datachannelsrc mode=raw");
  dc_test_give_data (raw.channel, "one", NONE, NONE);
  pull_data (&raw, "one");
  g_assert_false (gst_harness_push_upstream_event (raw.harness, new_custom (GST_EVENT_CUSTOM_UPSTREAM, "x")));
}

/* --- Raw ------------------------------------------------------------------------------------------------------------------------ */

static void
assert_caps (DcTestSource *f, const char *text)
{
  g_autoptr (GstCaps) caps = gst_pad_get_current_caps (f->harness->sinkpad);
  g_autoptr (GstCaps) expected = gst_caps_from_string (text);

  g_assert_true (gst_caps_is_equal (caps, expected));
}

static void
test_raw_text_and_binary (void)
{
  g_auto (DcTestSource) f = {0};

  dc_test_source_play (&f, "datachannelsrc mode=raw");
  for (guint i = 0; i < 3; i++) {
    dc_test_give_text (f.channel, "words");
    pull_data (&f, "words");
    assert_caps (&f, "text/x-raw, format=utf8");
    dc_test_give_text (f.channel, "");
    pull_data (&f, "");
    assert_caps (&f, "text/x-raw, format=utf8");
    dc_test_give_data (f.channel, "", NONE, NONE);
    pull_data (&f, "");
    assert_caps (&f, "application/octet-stream");
    dc_test_give_data (f.channel, "\x01", NONE, NONE);
    pull_data (&f, "\x01");
    assert_caps (&f, "application/octet-stream");
  }
}

static void
test_raw_fixed_caps (void)
{
  g_auto (DcTestSource) f = {0};

  dc_test_source_make (&f, "datachannelsrc mode=raw");
  gst_harness_set_sink_caps_str (f.harness, "application/x-mine, a=1");
  gst_harness_play (f.harness);
  f.peer = dc_fake_wait_peer ();
  f.channel = dc_fake_peer_open (f.peer);
  dc_test_give_text (f.channel, "words");
  dc_test_give_data (f.channel, "bytes", NONE, NONE);
  pull_data (&f, "words");
  pull_data (&f, "bytes");
  assert_caps (&f, "application/x-mine, a=1");
}

/* Bytes alone may be anything, and somebody downstream may find out. */
static void
test_raw_binary (void)
{
  g_auto (DcTestSource) f = {0};
  g_autoptr (GstCaps) caps = NULL;

  dc_test_source_play (&f, "datachannelsrc mode=raw");
  dc_test_give_data (f.channel, "one", NONE, NONE);
  dc_test_give_data (f.channel, "two", NONE, NONE);
  pull_data (&f, "one");
  pull_data (&f, "two");
  caps = gst_pad_get_current_caps (f.harness->sinkpad);
  g_assert_null (caps);
}

/* What follows comes to want something else. */
static void
test_raw_renegotiates (void)
{
  g_auto (DcTestSource) f = {0};

  dc_test_source_play (&f, "datachannelsrc mode=raw");
  dc_test_give_text (f.channel, "one");
  pull_data (&f, "one");
  assert_caps (&f, "text/x-raw, format=utf8");
  gst_harness_set_sink_caps_str (f.harness, "application/x-mine, a=1");
  dc_test_give_data (f.channel, "two", NONE, NONE);
  pull_data (&f, "two");
  assert_caps (&f, "application/x-mine, a=1");
}

/* Something was relinked downstream, and takes anything as before. */
static void
test_raw_renegotiates_to_the_same (void)
{
  g_auto (DcTestSource) f = {0};

  dc_test_source_play (&f, "datachannelsrc mode=raw");
  dc_test_give_text (f.channel, "one");
  pull_data (&f, "one");
  assert_caps (&f, "text/x-raw, format=utf8");
  g_assert_true (gst_harness_push_upstream_event (f.harness, gst_event_new_reconfigure ()));
  dc_test_give_data (f.channel, "\xff", NONE, NONE);
  pull_data (&f, "\xff");
  assert_caps (&f, "application/octet-stream");
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (&argc, &argv);
  GST_ELEMENT_REGISTER (datachannelsrc, NULL);

  g_test_add_func ("/src-events/downstream", test_downstream);
  g_test_add_func ("/src/events/too-many-sticky", test_too_many_sticky);
  g_test_add_func ("/src-events/later-version", test_of_a_later_version);
  g_test_add_func ("/src-events/out-of-band", test_out_of_band);
  g_test_add_func ("/src-events/out-of-band-nonsense", test_out_of_band_nonsense);
  g_test_add_func ("/src-events/upstream", test_upstream);
  g_test_add_func ("/src-events/upstream-without-a-way", test_upstream_without_a_way);
  g_test_add_func ("/src-events/raw/text-and-binary", test_raw_text_and_binary);
  g_test_add_func ("/src-events/raw-binary", test_raw_binary);
  g_test_add_func ("/src-events/raw/fixed-caps", test_raw_fixed_caps);
  g_test_add_func ("/src-events/raw/renegotiates", test_raw_renegotiates);
  g_test_add_func ("/src-events/raw/renegotiates-to-the-same", test_raw_renegotiates_to_the_same);
  return g_test_run ();
}
