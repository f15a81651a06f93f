/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-gst-event.c: events become items and come back the same; what the network made up is refused or left out. */
#include <string.h>

#include "plugins/dc-gst-event.h"
#include "plugins/dc-gst-text.h"
#include "plugins/peer/dc-error.h"

/* --- Round trips ---------------------------------------------------------------------------------------------------------------- */

static GstEvent *
round_trip (GstEvent *event, DcGstStream stream)
{
  g_autoptr (DcLinkItem) item = dc_gst_event_to_item (event, stream);
  g_autoptr (GError) error = NULL;
  GstEvent *back;

  g_assert_nonnull (item);
  g_assert_cmpint (item->kind, ==, DC_LINK_ITEM_EVENT);
  g_assert_cmpuint (item->stream, ==, stream);
  back = dc_gst_event_from_item (item, &error);
  g_assert_no_error (error);
  g_assert_nonnull (back);
  g_assert_cmpint (GST_EVENT_TYPE (back), ==, GST_EVENT_TYPE (event));
  return back;
}

static void
assert_same_structure (const GstStructure *a, const GstStructure *b)
{
  g_autofree char *text_a = a != NULL ? gst_structure_to_string (a) : NULL;
  g_autofree char *text_b = b != NULL ? gst_structure_to_string (b) : NULL;

  g_assert_cmpstr (text_a, ==, text_b);
}

static void
test_gap (void)
{
  static const GstClockTime durations[] = {0, 40 * GST_MSECOND, GST_CLOCK_TIME_NONE};

  for (gsize i = 0; i < G_N_ELEMENTS (durations); i++) {
    g_autoptr (GstEvent) event = gst_event_new_gap (7 + i, durations[i]);
    g_autoptr (GstEvent) back = NULL;
    GstClockTime timestamp, duration;
    GstGapFlags flags;
    gst_event_set_gap_flags (event, GST_GAP_FLAG_MISSING_DATA);
    back = round_trip (event, DC_GST_STREAM_DATA);
    gst_event_parse_gap (back, &timestamp, &duration);
    gst_event_parse_gap_flags (back, &flags);
    g_assert_cmpuint (timestamp, ==, 7 + i);
    g_assert_cmpuint (duration, ==, durations[i]);
    g_assert_cmpuint (flags, ==, GST_GAP_FLAG_MISSING_DATA);
  }
}

static GstTagList *
round_trip_tags (GstTagList *tags)
{
  g_autoptr (GstEvent) event = gst_event_new_tag (gst_tag_list_ref (tags));
  g_autoptr (GstEvent) back = round_trip (event, DC_GST_STREAM_DATA);
  GstTagList *back_tags;

  gst_event_parse_tag (back, &back_tags);
  return gst_tag_list_ref (back_tags);
}

static void
test_tags (void)
{
  g_autoptr (GstDateTime) date_time = gst_date_time_new (2.0f, 2024, 2, 29, 23, 59, 58);
  g_autoptr (GDate) date = g_date_new_dmy (29, G_DATE_FEBRUARY, 2024);
  g_autoptr (GstTagList) tags = gst_tag_list_new (GST_TAG_TITLE, "a \"title\", with=all; \\ \xc3\xa4", GST_TAG_ARTIST,
      "one", GST_TAG_ARTIST, "two", GST_TAG_BITRATE, 128000u, GST_TAG_DURATION, (guint64) 5, GST_TAG_TRACK_GAIN, -3.5,
      GST_TAG_DATE, date, GST_TAG_DATE_TIME, date_time, NULL);
  g_autoptr (GstTagList) back = NULL;

  gst_tag_list_set_scope (tags, GST_TAG_SCOPE_GLOBAL);
  back = round_trip_tags (tags);
  g_assert_true (gst_tag_list_is_equal (tags, back));
  g_assert_cmpint (gst_tag_list_get_scope (back), ==, GST_TAG_SCOPE_GLOBAL);
  gst_tag_list_set_scope (tags, GST_TAG_SCOPE_STREAM);
  g_clear_pointer (&back, gst_tag_list_unref);
  back = round_trip_tags (tags);
  g_assert_cmpint (gst_tag_list_get_scope (back), ==, GST_TAG_SCOPE_STREAM);
}

static GstSample *
new_picture (gsize size)
{
  g_autoptr (GstBuffer) buffer = gst_buffer_new_allocate (NULL, size, NULL);
  g_autoptr (GstCaps) caps = gst_caps_from_string ("image/jpeg, sof-marker=(int)0");

  gst_buffer_memset (buffer, 0, 0xa5, size);
  return gst_sample_new (buffer, caps, NULL, gst_structure_new ("GstTagImageInfo", "image-type", G_TYPE_INT, 3, NULL));
}

static void
test_tags_with_a_picture (void)
{
  g_autoptr (GstSample) picture = new_picture (10000), back_picture = NULL;
  g_autoptr (GstTagList) tags = gst_tag_list_new (GST_TAG_IMAGE, picture, NULL), back = round_trip_tags (tags);
  GstBuffer *buffer;

  g_assert_true (gst_tag_list_get_sample (back, GST_TAG_IMAGE, &back_picture));
  buffer = gst_sample_get_buffer (back_picture);
  g_assert_cmpuint (gst_buffer_get_size (buffer), ==, 10000);
  g_assert_true (gst_caps_is_equal (gst_sample_get_caps (picture), gst_sample_get_caps (back_picture)));
  assert_same_structure (gst_sample_get_info (picture), gst_sample_get_info (back_picture));
}

/* Two characters for a byte: this one is above the limit, and the rest crosses without it. */
static void
test_tags_with_a_picture_too_large (void)
{
  g_autoptr (GstSample) picture = new_picture (3 * 1024 * 1024);
  g_autoptr (GstTagList) tags = gst_tag_list_new (GST_TAG_IMAGE, picture, GST_TAG_TITLE, "kept", NULL);
  g_autoptr (GstTagList) back = round_trip_tags (tags);
  g_autofree char *title = NULL;

  g_assert_cmpint (gst_tag_list_n_tags (back), ==, 1);
  g_assert_true (gst_tag_list_get_string (back, GST_TAG_TITLE, &title));
  g_assert_cmpstr (title, ==, "kept");
}

static const struct {
  GstEventType type;
  DcGstStream stream;
} kinds[] = {
    {GST_EVENT_CUSTOM_DOWNSTREAM, DC_GST_STREAM_DATA},
    {GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, DC_GST_STREAM_DATA},
    {GST_EVENT_CUSTOM_BOTH, DC_GST_STREAM_DATA},
    {GST_EVENT_CUSTOM_DOWNSTREAM_OOB, DC_GST_STREAM_OUT_OF_BAND},
    {GST_EVENT_CUSTOM_BOTH_OOB, DC_GST_STREAM_OUT_OF_BAND},
    {GST_EVENT_CUSTOM_UPSTREAM, DC_GST_STREAM_UPSTREAM},
    {GST_EVENT_CUSTOM_BOTH, DC_GST_STREAM_UPSTREAM},
    {GST_EVENT_CUSTOM_BOTH_OOB, DC_GST_STREAM_UPSTREAM},
    {GST_EVENT_NAVIGATION, DC_GST_STREAM_UPSTREAM},
};

static void
test_custom (void)
{
  static const char *const texts[] = {
      "empty;",
      "numbers, i=(int)-5, u=(uint)4294967295, l=(gint64)-9223372036854775808, m=(guint64)18446744073709551615;",
      "others, b=(boolean)true, d=(double)-1.5, f=(fraction)30000/1001, s=(string)\"a \\\"b\\\" \\\\ =;,\";",
      "nested, s=(structure)[inner, t=(structure)[innermost, n=(int)1]], c=(GstCaps)[video/x-raw, width=(int)3];",
      "lists, a=(int)< 1, 2, 3 >, l=(string){ x, \"y z\" }, b=(buffer)00ff10, m=(bitmask)0x0000000000000003;",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++) {
    for (gsize j = 0; j < G_N_ELEMENTS (texts); j++) {
      g_autoptr (GstEvent) event = gst_event_new_custom (kinds[i].type, gst_structure_from_string (texts[j], NULL));
      g_autoptr (GstEvent) back = round_trip (event, kinds[i].stream);
      assert_same_structure (gst_event_get_structure (event), gst_event_get_structure (back));
    }
  }
}

static void
test_custom_without_structure (void)
{
  g_autoptr (GstEvent) event = gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM, NULL);
  g_autoptr (GstEvent) back = round_trip (event, DC_GST_STREAM_DATA);

  g_assert_null (gst_event_get_structure (back));
}

/* As the video library makes it. */
static void
test_force_key_unit (void)
{
  g_autoptr (GstEvent) event = gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM,
      gst_structure_new ("GstForceKeyUnit", "running-time", GST_TYPE_CLOCK_TIME, 3 * GST_SECOND, "all-headers",
          G_TYPE_BOOLEAN, TRUE, "count", G_TYPE_UINT, 9, NULL));
  g_autoptr (GstEvent) back = round_trip (event, DC_GST_STREAM_UPSTREAM);

  assert_same_structure (gst_event_get_structure (event), gst_event_get_structure (back));
}

/* Offsets of pads that it passed on its way count, and do not cross. */
static void
test_force_key_unit_offset (void)
{
  static const struct {
    gint64 offset;
    guint64 time, expected;
  } cases[] = {
      {2, 3, 5},
      {-2, 3, 1},
      {-4, 3, 0},
      {2, GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstEvent) event = gst_event_new_custom (GST_EVENT_CUSTOM_UPSTREAM,
        gst_structure_new ("GstForceKeyUnit", "running-time", GST_TYPE_CLOCK_TIME, cases[i].time, NULL));
    g_autoptr (GstEvent) back = NULL;
    guint64 time;
    gst_event_set_running_time_offset (event, cases[i].offset);
    back = round_trip (event, DC_GST_STREAM_UPSTREAM);
    g_assert_true (gst_structure_get_uint64 (gst_event_get_structure (back), "running-time", &time));
    g_assert_cmpuint (time, ==, cases[i].expected);
    g_assert_cmpint (gst_event_get_running_time_offset (back), ==, 0);
  }
}

/* What means nothing on another machine is lost, and the rest crosses. */
static void
test_custom_leaves_out (void)
{
  g_autoptr (GstElement) element = gst_object_ref_sink (gst_pipeline_new (NULL));
  g_autoptr (GstEvent) event = gst_event_new_custom (
      GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new ("s", "pointer", G_TYPE_POINTER, &kinds, "object",
                                       GST_TYPE_ELEMENT, element, "kept", G_TYPE_INT, 1, NULL));
  g_autoptr (GstEvent) back = round_trip (event, DC_GST_STREAM_DATA);
  const GstStructure *structure = gst_event_get_structure (back);

  g_assert_cmpint (gst_structure_n_fields (structure), ==, 1);
  g_assert_true (gst_structure_has_field (structure, "kept"));
}

/* On which stream what travels is a rule of both sides. */
static void
test_does_not_cross (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++) {
    for (guint stream = 0; stream < 3; stream++) {
      g_autoptr (GstEvent) event = gst_event_new_custom (kinds[i].type, gst_structure_new_empty ("x"));
      g_autoptr (DcLinkItem) item = dc_gst_event_to_item (event, (DcGstStream) stream);
      gboolean belongs = FALSE;
      for (gsize j = 0; j < G_N_ELEMENTS (kinds); j++)
        belongs |= kinds[j].type == kinds[i].type && kinds[j].stream == stream;
      g_assert_cmpint (item != NULL, ==, belongs);
    }
  }
}

static void
test_too_large_to_cross (void)
{
  g_autofree char *long_text = g_strnfill (DC_GST_EVENT_MAX_LENGTH, 'x');
  g_autoptr (GstEvent) event = gst_event_new_custom (
      GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new ("s", "text", G_TYPE_STRING, long_text, NULL));
  g_autoptr (GstEvent) latency = gst_event_new_latency (1);

  g_assert_null (dc_gst_event_to_item (event, DC_GST_STREAM_DATA));
  g_assert_null (dc_gst_event_to_item (latency, DC_GST_STREAM_UPSTREAM));
}

/* --- Flushes -------------------------------------------------------------------------------------------------------------------- */

static void
test_flush (void)
{
  static const guint32 numbers[] = {0, 1, G_MAXINT32, (guint32) G_MAXINT32 + 1, G_MAXUINT32};

  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++) {
    g_autoptr (DcLinkItem) start = dc_gst_event_new_flush_start (numbers[i]);
    g_autoptr (DcLinkItem) stop = dc_gst_event_new_flush_stop (numbers[i], i % 2 == 1);
    g_autoptr (GError) error = NULL;
    guint32 number = 77;
    gboolean reset_time = TRUE;
    g_assert_cmpuint (start->stream, ==, DC_GST_STREAM_OUT_OF_BAND);
    g_assert_cmpuint (stop->stream, ==, DC_GST_STREAM_DATA);
    g_assert_true (dc_gst_event_parse_flush (start, &number, &reset_time, &error));
    g_assert_cmpuint (number, ==, numbers[i]);
    g_assert_false (reset_time);
    g_assert_true (dc_gst_event_parse_flush (stop, &number, &reset_time, &error));
    g_assert_cmpuint (number, ==, numbers[i]);
    g_assert_cmpint (reset_time, ==, i % 2 == 1);
    g_assert_no_error (error);
  }
}

/* --- What the network made up --------------------------------------------------------------------------------------------------- */

static DcLinkItem *
new_item (DcLinkEvent event, DcGstStream stream, GBytes *payload)
{
  DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_EVENT);

  item->event = event;
  item->stream = (guint16) stream;
  item->payload = payload;
  return item;
}

static void
assert_refused (DcLinkEvent event, DcGstStream stream, GBytes *payload)
{
  g_autoptr (DcLinkItem) item = new_item (event, stream, payload);
  g_autoptr (GError) error = NULL;

  g_assert_null (dc_gst_event_from_item (item, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_DATA);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_assert_cmpuint (strlen (error->message), <, 300);
}

static GBytes *
bytes (const char *text)
{
  return g_bytes_new_static (text, strlen (text));
}

static void
test_refused (void)
{
  static const struct {
    DcLinkEvent event;
    DcGstStream stream;
    const char *text;
  } payloads[] = {
      {DC_LINK_EVENT_GAP, DC_GST_STREAM_DATA, ""},
      {DC_LINK_EVENT_GAP, DC_GST_STREAM_DATA, "gap"},
      {DC_LINK_EVENT_GAP, DC_GST_STREAM_DATA, "gap, timestamp=(int)1"},
      {DC_LINK_EVENT_GAP, DC_GST_STREAM_DATA, "gap, timestamp=(guint64)18446744073709551615"},
      {DC_LINK_EVENT_GAP, DC_GST_STREAM_OUT_OF_BAND, "gap, timestamp=(guint64)1"},
      {DC_LINK_EVENT_TAGS, DC_GST_STREAM_UPSTREAM, "taglist, title=(string)x"},
      {DC_LINK_EVENT_TAGS, DC_GST_STREAM_DATA, "no-taglist, title=(string)x"},
      {DC_LINK_EVENT_TAGS, DC_GST_STREAM_DATA, "taglist, title"},
      {DC_LINK_EVENT_TAGS, DC_GST_STREAM_DATA, "taglist, title=(string)\"\xc3\""},
      {DC_LINK_EVENT_CUSTOM, DC_GST_STREAM_DATA, "custom"},
      {DC_LINK_EVENT_CUSTOM, DC_GST_STREAM_DATA, "custom, type=(string)eos"},
      {DC_LINK_EVENT_CUSTOM, DC_GST_STREAM_DATA, "custom, type=(string)flush-start"},
      {DC_LINK_EVENT_CUSTOM, DC_GST_STREAM_DATA, "custom, type=(int)5"},
      {DC_LINK_EVENT_CUSTOM, DC_GST_STREAM_DATA, "custom, type=(string)custom-upstream"},
      {DC_LINK_EVENT_CUSTOM, DC_GST_STREAM_UPSTREAM, "custom, type=(string)custom-downstream"},
      {DC_LINK_EVENT_CUSTOM, DC_GST_STREAM_OUT_OF_BAND, "custom, type=(string)navigation"},
      {DC_LINK_EVENT_CUSTOM, (DcGstStream) 9, "custom, type=(string)navigation"},
      {DC_LINK_EVENT_CUSTOM, DC_GST_STREAM_DATA, "custom, type=(string)custom-downstream, structure=(structure)[x"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (payloads); i++)
    assert_refused (payloads[i].event, payloads[i].stream, bytes (payloads[i].text));
  assert_refused (DC_LINK_EVENT_CUSTOM, DC_GST_STREAM_DATA, NULL);
}

static void
test_flush_refused (void)
{
  static const char *const texts[] = {"", "flush-stop", "flush-stop, number=(int)-1", "flush-stop, number=(uint)-1",
      "flush-stop, number=(uint)4294967296", "flush-stop, reset-time=(boolean)true", "<<<"};

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (DcLinkItem) item = new_item (DC_LINK_EVENT_FLUSH_STOP, DC_GST_STREAM_DATA, bytes (texts[i]));
    g_autoptr (GError) error = NULL;
    guint32 number;
    gboolean reset_time;
    g_assert_false (dc_gst_event_parse_flush (item, &number, &reset_time, &error));
    g_assert_error (error, DC_ERROR, DC_ERROR_DATA);
  }
}

static void
test_empty_buffer (void)
{
  g_autoptr (GstBuffer) empty = gst_buffer_new ();
  g_autoptr (GstEvent) event =
      gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM, gst_structure_new ("s", "b", GST_TYPE_BUFFER, empty, NULL));
  g_autoptr (GstEvent) back = round_trip (event, DC_GST_STREAM_DATA);
  const GValue *value = gst_structure_get_value (gst_event_get_structure (back), "b");

  g_assert_cmpuint (gst_buffer_get_size (gst_value_get_buffer (value)), ==, 0);
}

/* An event of a later version is no fault. */
static void
test_unknown_is_ignored (void)
{
  g_autoptr (DcLinkItem) item = new_item ((DcLinkEvent) 99, DC_GST_STREAM_DATA, bytes ("<<<<"));
  g_autoptr (GError) error = NULL;

  g_assert_null (dc_gst_event_from_item (item, &error));
  g_assert_no_error (error);
}

/* Types that a text may not make: no plugin is loaded for them, no object made, no pointer believed. */
static void
test_types_left_out (void)
{
  static const char *const values[] = {"(GstElement)fakesrc", "(GstPipeline)x", "(gpointer)1234", "(GType)GstBin",
      "(GstNoSuchType)1", "(GObject)NULL", "(GstBuffer)zz", "(int)99999999999", "(double)nan",
      "(GstFormat)no-such-format", "(fraction)1/0", "(GValueArray)<1>", "(GstSegment)x", "(gchararray)NULL",
      "(GstTagList)x", "(GstAllocator)x", "(GstMemory)x", "(taglist)\"taglist, a=1\"", "(GError)x", "(GStrv)x"};

  for (gsize i = 0; i < G_N_ELEMENTS (values); i++) {
    char *text =
        g_strdup_printf ("custom, type=(string)custom-both, structure=(structure)[s, bad=%s, kept=(int)1]", values[i]);
    g_autoptr (DcLinkItem) item =
        new_item (DC_LINK_EVENT_CUSTOM, DC_GST_STREAM_DATA, g_bytes_new_take (text, strlen (text)));
    g_autoptr (GError) error = NULL;
    g_autoptr (GstEvent) event = dc_gst_event_from_item (item, &error);
    g_assert_no_error (error);
    g_test_message ("%s", values[i]);
    g_assert_true (gst_structure_has_field (gst_event_get_structure (event), "kept"));
    g_assert_cmpint (gst_structure_n_fields (gst_event_get_structure (event)), ==, 1);
  }
}

/* An application that asks for a title gets a string or nothing. */
static void
test_tags_of_the_wrong_type (void)
{
  g_autoptr (DcLinkItem) item = new_item (DC_LINK_EVENT_TAGS, DC_GST_STREAM_DATA,
      bytes ("taglist, title=(int)5, artist=(int){ 1, 2 }, bitrate=(uint)7, no-such-tag=(string)x, image=(string)x"));
  g_autoptr (GError) error = NULL;
  g_autoptr (GstEvent) event = dc_gst_event_from_item (item, &error);
  GstTagList *tags;

  g_assert_no_error (error);
  gst_event_parse_tag (event, &tags);
  g_assert_cmpint (gst_tag_list_n_tags (tags), ==, 1);
  g_assert_cmpstr (gst_tag_list_nth_tag_name (tags, 0), ==, GST_TAG_BITRATE);
}

static GBytes *
repeated (const char *head, const char *middle, gsize times, const char *tail)
{
  GString *text = g_string_new (head);

  for (gsize i = 0; i < times; i++)
    g_string_append (text, middle);
  g_string_append (text, tail);
  return g_string_free_to_bytes (text);
}

/* GStreamer's own reader needs minutes, or its whole stack, for these. */
static void
test_hostile_sizes (void)
{
  static const char *const openings[] = {"<", "{", "[a, b=", "(structure)[a, b=", "(int)<"};
  const char *head = "custom, type=(string)custom-both, structure=";

  for (gsize i = 0; i < G_N_ELEMENTS (openings); i++)
    assert_refused (DC_LINK_EVENT_CUSTOM, DC_GST_STREAM_DATA, repeated (head, openings[i], 10000, ""));
  assert_refused (DC_LINK_EVENT_CUSTOM, DC_GST_STREAM_DATA, repeated (head, "x", DC_GST_EVENT_MAX_LENGTH, ""));
  assert_refused (
      DC_LINK_EVENT_TAGS, DC_GST_STREAM_DATA, repeated ("taglist, title=", "x", DC_GST_EVENT_MAX_TAGS_LENGTH, ""));
  assert_refused (DC_LINK_EVENT_TAGS, DC_GST_STREAM_DATA, repeated ("taglist, title={ x", ", x", 1000000, " }"));
  assert_refused (DC_LINK_EVENT_CUSTOM, DC_GST_STREAM_DATA, repeated ("custom", ", a=<1, 2>", 20000, ""));
}

static GBytes *
many_fields (guint n)
{
  GString *text = g_string_new ("taglist");

  for (guint i = 0; i < n; i++)
    g_string_append_printf (text, ", some-field-%u=(int)1", i);
  return g_string_free_to_bytes (text);
}

static void
test_too_many_fields (void)
{
  g_autoptr (DcLinkItem) enough = new_item (DC_LINK_EVENT_TAGS, DC_GST_STREAM_DATA, many_fields (500));
  g_autoptr (GError) error = NULL;
  g_autoptr (GstEvent) event = dc_gst_event_from_item (enough, &error);

  g_assert_no_error (error);
  g_assert_nonnull (event);
  assert_refused (DC_LINK_EVENT_TAGS, DC_GST_STREAM_DATA, many_fields (600));
  /* It gave up where there were too many. */
  g_assert_cmpuint (g_quark_try_string ("some-field-599"), ==, 0);
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gst-event/gap", test_gap);
  g_test_add_func ("/gst-event/tags/same", test_tags);
  g_test_add_func ("/gst-event/tags/picture", test_tags_with_a_picture);
  g_test_add_func ("/gst-event/tags/picture-too-large", test_tags_with_a_picture_too_large);
  g_test_add_func ("/gst-event/tags/wrong-type", test_tags_of_the_wrong_type);
  g_test_add_func ("/gst-event/custom/same", test_custom);
  g_test_add_func ("/gst-event/custom/without-structure", test_custom_without_structure);
  g_test_add_func ("/gst-event/custom/empty-buffer", test_empty_buffer);
  g_test_add_func ("/gst-event/custom/force-key-unit", test_force_key_unit);
  g_test_add_func ("/gst-event/custom/force-key-unit-offset", test_force_key_unit_offset);
  g_test_add_func ("/gst-event/custom/leaves-out", test_custom_leaves_out);
  g_test_add_func ("/gst-event/custom/types-left-out", test_types_left_out);
  g_test_add_func ("/gst-event/does-not-cross", test_does_not_cross);
  g_test_add_func ("/gst-event/too-large-to-cross", test_too_large_to_cross);
  g_test_add_func ("/gst-event/flush/same", test_flush);
  g_test_add_func ("/gst-event/flush/refused", test_flush_refused);
  g_test_add_func ("/gst-event/refused", test_refused);
  g_test_add_func ("/gst-event/unknown-ignored", test_unknown_is_ignored);
  g_test_add_func ("/gst-event/hostile/sizes", test_hostile_sizes);
  g_test_add_func ("/gst-event/hostile/fields", test_too_many_fields);
  return g_test_run ();
}
