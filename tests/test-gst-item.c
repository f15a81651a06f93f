/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-gst-item.c: buffers, caps and segments become items and come back the same; what the network made up is refused. */
#include <math.h>
#include <string.h>

#include "plugins/dc-gst-item.h"
#include "plugins/peer/dc-error.h"

static GstBuffer *
round_trip (GstBuffer *buffer)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DcLinkItem) item = dc_gst_item_from_buffer (buffer, &error);

  g_assert_no_error (error);
  g_assert_cmpint (item->kind, ==, DC_LINK_ITEM_DATA);
  return dc_gst_item_to_buffer (item);
}

static void
assert_same_buffer (GstBuffer *a, GstBuffer *b)
{
  GstMapInfo map;

  g_assert_cmpuint (GST_BUFFER_PTS (a), ==, GST_BUFFER_PTS (b));
  g_assert_cmpuint (GST_BUFFER_DTS (a), ==, GST_BUFFER_DTS (b));
  g_assert_cmpuint (GST_BUFFER_DURATION (a), ==, GST_BUFFER_DURATION (b));
  g_assert_cmpuint (GST_BUFFER_OFFSET (a), ==, GST_BUFFER_OFFSET (b));
  g_assert_cmpuint (GST_BUFFER_OFFSET_END (a), ==, GST_BUFFER_OFFSET_END (b));
  g_assert_cmpuint (
      GST_BUFFER_FLAGS (a) & ~GST_BUFFER_FLAG_TAG_MEMORY, ==, GST_BUFFER_FLAGS (b) & ~GST_BUFFER_FLAG_TAG_MEMORY);
  g_assert_cmpuint (gst_buffer_get_size (a), ==, gst_buffer_get_size (b));
  g_assert_true (gst_buffer_map (a, &map, GST_MAP_READ));
  g_assert_cmpint (gst_buffer_memcmp (b, 0, map.data, map.size), ==, 0);
  gst_buffer_unmap (a, &map);
}

static GstBuffer *
new_buffer (const char *text)
{
  return gst_buffer_new_memdup (text, strlen (text));
}

static void
test_buffer (void)
{
  g_autoptr (GstBuffer) buffer = new_buffer ("some bytes");
  g_autoptr (GstBuffer) back = NULL;

  GST_BUFFER_PTS (buffer) = 1;
  GST_BUFFER_DTS (buffer) = 2;
  GST_BUFFER_DURATION (buffer) = 3;
  GST_BUFFER_OFFSET (buffer) = 4;
  GST_BUFFER_OFFSET_END (buffer) = 5;
  back = round_trip (buffer);
  assert_same_buffer (buffer, back);
}

static void
test_buffer_without_times (void)
{
  g_autoptr (GstBuffer) buffer = new_buffer ("x");
  g_autoptr (GstBuffer) back = round_trip (buffer);

  assert_same_buffer (buffer, back);
  g_assert_false (GST_BUFFER_PTS_IS_VALID (back));
  g_assert_false (GST_BUFFER_DTS_IS_VALID (back));
}

static void
test_buffer_flags (void)
{
  static const GstBufferFlags flags[] = {
      GST_BUFFER_FLAG_DISCONT,
      GST_BUFFER_FLAG_DELTA_UNIT,
      GST_BUFFER_FLAG_HEADER,
      GST_BUFFER_FLAG_GAP,
      GST_BUFFER_FLAG_MARKER,
      GST_BUFFER_FLAG_RESYNC,
      GST_BUFFER_FLAG_DROPPABLE,
      GST_BUFFER_FLAG_CORRUPTED,
  };

  for (gsize i = 0; i < G_N_ELEMENTS (flags); i++) {
    g_autoptr (GstBuffer) buffer = new_buffer ("x");
    g_autoptr (GstBuffer) back = NULL;
    GST_BUFFER_FLAG_SET (buffer, flags[i]);
    back = round_trip (buffer);
    assert_same_buffer (buffer, back);
  }
}

static void
test_buffer_is_not_copied (void)
{
  GstBuffer *buffer = new_buffer ("some bytes");
  g_autoptr (DcLinkItem) item = dc_gst_item_from_buffer (buffer, NULL);
  g_autoptr (GstBuffer) back = dc_gst_item_to_buffer (item);
  GstMapInfo map, back_map;

  g_assert_true (gst_buffer_map (buffer, &map, GST_MAP_READ));
  g_assert_true (gst_buffer_map (back, &back_map, GST_MAP_READ));
  g_assert_true (map.data == back_map.data);
  gst_buffer_unmap (back, &back_map);
  gst_buffer_unmap (buffer, &map);
  /* The bytes outlive the buffer that they came from. */
  gst_buffer_unref (buffer);
  g_assert_cmpmem (g_bytes_get_data (item->payload, NULL), g_bytes_get_size (item->payload), "some bytes", 10);
}

static void
test_buffer_of_many_memories (void)
{
  g_autoptr (GstBuffer) buffer = gst_buffer_append (new_buffer ("some "), new_buffer ("bytes"));
  g_autoptr (GstBuffer) back = NULL;

  g_assert_cmpuint (gst_buffer_n_memory (buffer), ==, 2);
  back = round_trip (buffer);
  assert_same_buffer (buffer, back);
}

static void
test_buffer_empty (void)
{
  g_autoptr (GstBuffer) buffer = gst_buffer_new ();
  g_autoptr (GstBuffer) hollow = gst_buffer_new_allocate (NULL, 0, NULL);
  g_autoptr (GstBuffer) back = round_trip (buffer);
  g_autoptr (GstBuffer) hollow_back = round_trip (hollow);

  g_assert_cmpuint (gst_buffer_get_size (back), ==, 0);
  g_assert_cmpuint (gst_buffer_get_size (hollow_back), ==, 0);
}

static void
test_caps (void)
{
  static const char *const texts[] = {
      "audio/x-raw, format=S16LE, layout=interleaved, rate=48000, channels=2, channel-mask=(bitmask)0x3",
      "video/x-raw, width=320, height=240, framerate=30/1, title=\"a \\\"b\\\" <c>, d\"",
      "audio/x-vorbis, streamheader=(buffer)< 01766f72626973, 03766f72626973 >",
      "application/x-id3",
      "a/b, list=(int)< 1, 2 >, nested=(structure)< [s, t=(string)x], [u, v=(fraction)1/2] >, empty=(string)\"\"",
      "a/b, inner=(GstCaps)[ c/d, e=(gint64)-5 ], f=(guint64)18446744073709551615, g=(boolean)true, h=(double)1.5e+10",
      "video/x-vp8, multiview-mode=(string)mono, "
      "multiview-flags=(GstVideoMultiviewFlagsSet)0:ffffffff:/right-view-first/left-flipped/left-flopped",
      "a/b, s=(string)\"\\303\\244 \\\"\", word=(string)\"NULL\"",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (GstCaps) caps = gst_caps_from_string (texts[i]);
    g_autoptr (DcLinkItem) item = dc_gst_item_from_caps (caps);
    g_autoptr (GError) error = NULL;
    g_autoptr (GstCaps) back = dc_gst_item_to_caps (item, &error);
    g_assert_no_error (error);
    g_assert_true (gst_caps_is_equal (caps, back));
  }
}

static void
assert_caps_refused (GBytes *payload)
{
  g_autoptr (DcLinkItem) item = dc_link_item_new (DC_LINK_ITEM_CAPS);
  g_autoptr (GError) error = NULL;

  item->payload = payload;
  g_assert_null (dc_gst_item_to_caps (item, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_DATA);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
}

static GBytes *
repeated (const char *head, const char *middle, gsize times)
{
  GString *text = g_string_new (head);

  for (gsize i = 0; i < times; i++)
    g_string_append (text, middle);
  return g_string_free_to_bytes (text);
}

/* What GStreamer itself makes of texts that people write. */
static void
test_caps_by_hand (void)
{
  static const char *const texts[] = {
      "video/x-raw,width=3,height=4 , framerate=25/1,ok=true,name=plain;",
      "video/x-raw, n=1.5, quoted=\"two words\", i=(int)08",
      "a/b, old=(structure)\"inner\\,\\ x\\=\\(int\\)3\\;\"",
      "a/b,",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_autoptr (GstCaps) caps = gst_caps_from_string (texts[i]);
    g_autoptr (DcLinkItem) item = dc_link_item_new (DC_LINK_ITEM_CAPS);
    g_autoptr (GError) error = NULL;
    g_autoptr (GstCaps) back = NULL;
    item->payload = g_bytes_new_static (texts[i], strlen (texts[i]));
    back = dc_gst_item_to_caps (item, &error);
    if (caps == NULL) {
      g_assert_null (back);
      continue;
    }
    g_assert_no_error (error);
    g_assert_true (gst_caps_is_equal (caps, back));
  }
}

static char *
in_base64 (const char *text)
{
  char *base64 = g_base64_encode ((const guchar *) text, strlen (text) + 1);

  return g_strdelimit (base64, "=", '_');
}

/* Faults that a search for brackets does not see. */
static void
test_caps_refused_inside (void)
{
  g_autoptr (GBytes) hostile = repeated ("a/b, x=", "<", 100000);
  g_autofree char *text = g_strndup (g_bytes_get_data (hostile, NULL), g_bytes_get_size (hostile));
  g_autofree char *base64 = in_base64 (text);
  char *in_sample = g_strdup_printf ("a/b, x=(sample)00:%s:None:None", base64);

  assert_caps_refused (g_bytes_new_take (in_sample, strlen (in_sample)));
  assert_caps_refused (repeated ("a/b, x=(GstCaps)\"c/d, y=", "\\074", 100000));
  /* A name for each, kept for good; and each is compared with each. */
  assert_caps_refused (repeated ("a/b, x=1", ", y=(int)1", 200000));
}

static void
test_caps_refused (void)
{
  static const char *const texts[] = {
      "",
      "no caps at all",
      "ANY",
      "EMPTY",
      "video/x-raw, width=[1, 100]",
      "video/x-raw; audio/x-raw",
      "video/x-raw, width=(nonsense)1",
      "a/b, t=\"\xc3\xa4\xc3",
      "a/b, codec_data=(buffer)0z",
      "a/b, codec_data=(buffer)012",
      "a/b, f=(fraction)1/0",
      "a/b, f=(fraction)-2147483648/1",
      "a/b, i=(int)2147483648",
      "a/b, d=(double)nan",
      "a/b, x=(GstElement)NULL",
      "a/b, x=(GEnum)1",
      "a/b, x=(GstFormat)nonsense",
      "a/b, x=(GstVideoMultiviewFlagsSet)nonsense",
      "a/b, x=(GstVideoMultiviewFlagsSet)0",
      "a/b, x=(GstVideoMultiviewFlagsSet)0:1ffffffff",
      "a/b, x=<1, 1.5>",
      "a/b, x=(int)1 y",
      "a/b, x",
      "a/b, =1",
      "a/b(memory:NVMM), x=1",
      "video/x-raw-yuv, x=1",
      "a/b, x=(sample)00:_:None:None",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++) {
    g_test_message ("%s", g_utf8_validate (texts[i], -1, NULL) ? texts[i] : "not UTF-8");
    assert_caps_refused (g_bytes_new (texts[i], strlen (texts[i])));
  }
  assert_caps_refused (NULL);
  assert_caps_refused (g_bytes_new ("a/b\0c", 5));
  /* Each of these overruns the stack of GStreamer's parser. */
  assert_caps_refused (repeated ("a/b, x=", "<", 100000));
  assert_caps_refused (repeated ("a/b, x=", "(structure)[a, b=", 100000));
  assert_caps_refused (repeated ("a/b, x=", "{", 100000));
  assert_caps_refused (repeated ("a/b, x=", "y", 5 * 1024 * 1024));
}

static GstSegment
sample_segment (GstFormat format)
{
  GstSegment segment;

  gst_segment_init (&segment, format);
  segment.flags = GST_SEGMENT_FLAG_RESET | GST_SEGMENT_FLAG_TRICKMODE;
  segment.rate = 2.0;
  segment.applied_rate = -1.5;
  segment.base = 1;
  segment.offset = 2;
  segment.start = 3;
  segment.stop = 1000;
  segment.time = 5;
  segment.position = 6;
  segment.duration = 7;
  return segment;
}

static void
test_segment (void)
{
  static const GstFormat formats[] = {
      GST_FORMAT_DEFAULT, GST_FORMAT_BYTES, GST_FORMAT_TIME, GST_FORMAT_BUFFERS, GST_FORMAT_PERCENT};

  for (gsize i = 0; i < G_N_ELEMENTS (formats); i++) {
    GstSegment segment = sample_segment (formats[i]), back;
    g_autoptr (DcLinkItem) item = dc_gst_item_from_segment (&segment);
    g_autoptr (GError) error = NULL;
    g_assert_true (dc_gst_item_to_segment (item, &back, &error));
    g_assert_no_error (error);
    g_assert_true (gst_segment_is_equal (&segment, &back));
  }
}

static void
test_segment_refused (void)
{
  static const DcLinkSegment good = {.format = GST_FORMAT_TIME, .rate = 1, .applied_rate = 1, .stop = DC_LINK_NONE};
  DcLinkSegment bad[] = {good, good, good, good, good, good, good};

  bad[0].format = GST_FORMAT_UNDEFINED;
  bad[1].format = 77;
  bad[2].rate = 0;
  bad[3].rate = NAN;
  bad[4].applied_rate = INFINITY;
  bad[5].applied_rate = 0;
  bad[6].start = 10;
  bad[6].stop = 9;
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (DcLinkItem) item = dc_link_item_new (DC_LINK_ITEM_SEGMENT);
    g_autoptr (GError) error = NULL;
    GstSegment segment;
    item->segment = bad[i];
    g_assert_false (dc_gst_item_to_segment (item, &segment, &error));
    g_assert_error (error, DC_ERROR, DC_ERROR_DATA);
  }
}

int
main (int argc, char **argv)
{
  gst_init (&argc, &argv);
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/gst-item/buffer/fields", test_buffer);
  g_test_add_func ("/gst-item/buffer/without-times", test_buffer_without_times);
  g_test_add_func ("/gst-item/buffer/flags", test_buffer_flags);
  g_test_add_func ("/gst-item/buffer/not-copied", test_buffer_is_not_copied);
  g_test_add_func ("/gst-item/buffer/many-memories", test_buffer_of_many_memories);
  g_test_add_func ("/gst-item/buffer/empty", test_buffer_empty);
  g_test_add_func ("/gst-item/caps/same", test_caps);
  g_test_add_func ("/gst-item/caps/by-hand", test_caps_by_hand);
  g_test_add_func ("/gst-item/caps/refused", test_caps_refused);
  g_test_add_func ("/gst-item/caps/refused-inside", test_caps_refused_inside);
  g_test_add_func ("/gst-item/segment/same", test_segment);
  g_test_add_func ("/gst-item/segment/refused", test_segment_refused);
  return g_test_run ();
}
