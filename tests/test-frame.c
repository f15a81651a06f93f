/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-frame.c: the link protocol's frames against data/link-vectors.json. */
#include "plugins/link/dc-frame.h"

#include <string.h>

#include "tests/data-file.h"

static JsonObject *vectors;

static GBytes *
from_hex (const char *hex)
{
  gsize n = strlen (hex) / 2;
  guint8 *data = g_malloc (n);

  for (gsize i = 0; i < n; i++)
    data[i] = g_ascii_xdigit_value (hex[2 * i]) << 4 | g_ascii_xdigit_value (hex[2 * i + 1]);
  return g_bytes_new_take (data, n);
}

static char *
to_hex (const guint8 *data, gsize size)
{
  GString *hex = g_string_new (NULL);

  for (gsize i = 0; i < size; i++)
    g_string_append_printf (hex, "%02x", data[i]);
  return g_string_free (hex, FALSE);
}

/* A number, or a number in a string; 0 where there is none. */
static guint64
get_number (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  if (!node)
    return 0;
  if (json_node_get_value_type (node) == G_TYPE_STRING)
    return g_ascii_strtoull (json_node_get_string (node), NULL, 0);
  return json_node_get_int (node);
}

static guint8
get_flags (JsonObject *object)
{
  static const char *const names[] = {"START", "END", "ACK_NOW"};
  JsonArray *array;
  guint8 flags = 0;

  if (!json_object_has_member (object, "flags"))
    return 0;
  array = json_object_get_array_member (object, "flags");
  for (guint i = 0; i < json_array_get_length (array); i++)
    for (guint j = 0; j < G_N_ELEMENTS (names); j++)
      if (g_str_equal (json_array_get_string_element (array, i), names[j]))
        flags |= 1 << j;
  return flags;
}

#define CHECK(object, field, name) g_assert_cmphex (field, ==, get_number (object, name))

static void
check_hello (JsonObject *expected, const DcFrameHello *hello)
{
  CHECK (expected, hello->version_min, "version_min");
  CHECK (expected, hello->version_max, "version_max");
  CHECK (expected, hello->session, "session");
  CHECK (expected, hello->resume, "resume");
  CHECK (expected, hello->first_sequence, "first_sequence");
  CHECK (expected, hello->next_expected, "next_expected");
  CHECK (expected, hello->window_bytes, "window_bytes");
  CHECK (expected, hello->window_frames, "window_frames");
  CHECK (expected, hello->max_message, "max_message");
  CHECK (expected, hello->capabilities, "capabilities");
  CHECK (expected, hello->max_item, "max_item");
  CHECK (expected, hello->heartbeat, "heartbeat");
}

static void
check_segment (JsonObject *expected, const DcLinkSegment *segment)
{
  CHECK (expected, segment->flags, "segment_flags");
  CHECK (expected, segment->format, "format");
  g_assert_cmpfloat (segment->rate, ==, json_object_get_double_member (expected, "rate"));
  g_assert_cmpfloat (segment->applied_rate, ==, json_object_get_double_member (expected, "applied_rate"));
  CHECK (expected, segment->base, "base");
  CHECK (expected, segment->offset, "offset");
  CHECK (expected, segment->start, "start");
  CHECK (expected, segment->stop, "stop");
  CHECK (expected, segment->time, "time");
  CHECK (expected, segment->position, "position");
  CHECK (expected, segment->duration, "duration");
}

static void
check_start (JsonObject *expected, const DcFrame *frame)
{
  const DcLinkItem *item = &frame->start.item;

  g_assert_cmpuint (item->kind | DC_FRAME_SEQUENCED, ==, frame->type);
  g_assert_cmpuint (item->stream, ==, frame->stream);
  CHECK (expected, frame->start.total, "total");
  CHECK (expected, item->event, "event");
  if (frame->type == DC_FRAME_DATA) {
    CHECK (expected, item->flags, "buffer_flags");
    CHECK (expected, item->pts, "pts");
    CHECK (expected, item->dts, "dts");
    CHECK (expected, item->duration, "duration");
    CHECK (expected, item->offset, "offset");
    CHECK (expected, item->offset_end, "offset_end");
  }
  if (frame->type == DC_FRAME_SEGMENT)
    check_segment (expected, &item->segment);
}

static void
check_frame (JsonObject *expected, const DcFrame *frame)
{
  g_autofree char *payload = to_hex (frame->payload, frame->payload_size);

  g_assert_cmpstr (dc_frame_type_get_name (frame->type), ==, json_object_get_string_member (expected, "type"));
  g_assert_cmphex (frame->flags, ==, get_flags (expected));
  CHECK (expected, frame->stream, "stream");
  CHECK (expected, frame->sequence, "sequence");
  g_assert_cmpstr (payload, ==, json_object_get_string_member_with_default (expected, "payload", ""));

  if (frame->type == DC_FRAME_HELLO)
    check_hello (expected, &frame->hello);
  if (frame->type == DC_FRAME_CREDIT) {
    CHECK (expected, frame->credit.acknowledged, "acknowledged");
    CHECK (expected, frame->credit.limit_bytes, "limit_bytes");
    CHECK (expected, frame->credit.limit_frames, "limit_frames");
  }
  if (frame->type == DC_FRAME_PING || frame->type == DC_FRAME_PONG)
    CHECK (expected, frame->ping, "ping");
  if (frame->type == DC_FRAME_ABORT)
    CHECK (expected, frame->code, "code");
  if (frame->flags & DC_FRAME_FLAG_START)
    check_start (expected, frame);
}

static JsonArray *
get_vectors (const char *name)
{
  JsonArray *array = json_object_get_array_member (vectors, name);

  g_assert_cmpuint (json_array_get_length (array), >, 0);
  return array;
}

static void
check_valid (JsonObject *vector)
{
  const char *hex = json_object_get_string_member (vector, "hex");
  JsonArray *frames = json_object_get_array_member (vector, "frames");
  g_autoptr (GBytes) message = from_hex (hex);
  g_autoptr (GByteArray) written = g_byte_array_new ();
  g_autofree char *again = NULL;
  gsize size, position = 0;
  const guint8 *data = g_bytes_get_data (message, &size);

  g_test_message ("%s", json_object_get_string_member (vector, "name"));
  for (guint i = 0; i < json_array_get_length (frames); i++) {
    g_autoptr (GError) error = NULL;
    DcFrame frame;

    dc_frame_parse (data, size, &position, &frame, &error);
    g_assert_no_error (error);
    check_frame (json_array_get_object_element (frames, i), &frame);
    dc_frame_write (written, &frame);
  }
  g_assert_cmpuint (position, ==, size);

  again = to_hex (written->data, written->len);
  if (json_object_get_boolean_member_with_default (vector, "canonical", TRUE))
    g_assert_cmpstr (again, ==, hex);
}

/* The frames are read as in the vector, and written back they are the same bytes. */
static void
test_valid (void)
{
  JsonArray *array = get_vectors ("valid");

  for (guint i = 0; i < json_array_get_length (array); i++)
    check_valid (json_array_get_object_element (array, i));
}

static GError *
parse_all (GBytes *message)
{
  gsize size, position = 0;
  const guint8 *data = g_bytes_get_data (message, &size);
  GError *error = NULL;
  DcFrame frame;

  while (position < size && dc_frame_parse (data, size, &position, &frame, &error))
    ;
  return error;
}

/* One sentence, fit to follow "the far side broke the link protocol: ". */
static void
check_sentence (const GError *error)
{
  g_assert_true (error->domain == DC_LINK_ERROR);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_assert_null (strchr (error->message, '\n'));
  g_assert_false (g_str_has_suffix (error->message, "."));
  g_assert_cmpuint (strlen (error->message), <=, DC_FRAME_MAX_REASON);
}

static void
check_invalid (JsonObject *vector)
{
  const char *sentence = json_object_get_string_member (vector, "sentence");
  gboolean version = g_str_equal (json_object_get_string_member (vector, "error"), "VERSION");
  g_autoptr (GBytes) message = from_hex (json_object_get_string_member (vector, "hex"));
  g_autoptr (GError) error = parse_all (message);

  g_test_message ("%s", json_object_get_string_member (vector, "name"));
  g_assert_error (error, DC_LINK_ERROR, (int) (version ? DC_LINK_ERROR_VERSION : DC_LINK_ERROR_PROTOCOL));
  g_test_message ("  %s", error->message);
  g_assert_nonnull (strstr (error->message, sentence));
  check_sentence (error);
}

static void
test_invalid (void)
{
  JsonArray *array = get_vectors ("invalid");

  for (guint i = 0; i < json_array_get_length (array); i++)
    check_invalid (json_array_get_object_element (array, i));
}

/* Whatever of a message is missing at its end is missed, without a look beyond (which the sanitizer would see). */
static void
test_cut_short (void)
{
  JsonArray *array = get_vectors ("valid");

  for (guint i = 0; i < json_array_get_length (array); i++) {
    JsonObject *vector = json_array_get_object_element (array, i);
    guint n_frames = json_array_get_length (json_object_get_array_member (vector, "frames"));
    g_autoptr (GBytes) message = from_hex (json_object_get_string_member (vector, "hex"));

    for (gsize size = 1; n_frames == 1 && size < g_bytes_get_size (message); size++) {
      g_autoptr (GBytes) part = g_bytes_new (g_bytes_get_data (message, NULL), size);
      g_autoptr (GError) error = parse_all (part);

      g_assert_error (error, DC_LINK_ERROR, DC_LINK_ERROR_PROTOCOL);
      check_sentence (error);
    }
  }
}

/* A random byte anywhere in a valid message: an error, or frames that are written as they were read. */
static void
test_mutations (void)
{
  JsonArray *array = get_vectors ("valid");
  g_autoptr (GRand) rand = g_rand_new_with_seed (4711);

  for (guint i = 0; i < 20000; i++) {
    JsonObject *vector = json_array_get_object_element (array, i % json_array_get_length (array));
    g_autoptr (GBytes) original = from_hex (json_object_get_string_member (vector, "hex"));
    gsize size, position = 0;
    g_autofree guint8 *data = g_bytes_unref_to_data (g_steal_pointer (&original), &size);
    g_autoptr (GError) error = NULL;
    DcFrame frame;

    data[g_rand_int_range (rand, 0, size)] = g_rand_int_range (rand, 0, 256);
    while (position < size) {
      g_autoptr (GByteArray) written = g_byte_array_new ();
      gsize start = position;

      if (!dc_frame_parse (data, size, &position, &frame, &error))
        break;
      dc_frame_write (written, &frame);
      if (frame.type != DC_FRAME_HELLO)
        g_assert_cmpmem (written->data, written->len, data + start, position - start);
    }
    if (error)
      check_sentence (error);
  }
}

int
main (int argc, char **argv)
{
  g_autoptr (JsonNode) root = NULL;

  g_test_init (&argc, &argv, NULL);
  root = data_file_parse ("link-vectors.json");
  vectors = json_node_get_object (root);
  g_test_add_func ("/frame/valid", test_valid);
  g_test_add_func ("/frame/invalid", test_invalid);
  g_test_add_func ("/frame/cut-short", test_cut_short);
  g_test_add_func ("/frame/mutations", test_mutations);
  return g_test_run ();
}
