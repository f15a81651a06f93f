/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-link.c: a link fed with whatever the far side likes, while its application sends, takes and waits. */

/*
 * The input is a program of one-byte instructions, each with its operands behind it. The two that matter deliver a
 * message: raw bytes, which mostly test the first checks, or frames whose header is made right (length, and the number
 * that is due), which get further. Missing operands read as 0. After each instruction the bounds that the link promises
 * are checked.
 */
#include "plugins/link/dc-frame.h"
#include "plugins/link/dc-link.h"

#include <stdint.h>
#include <string.h>

#include "tests/fuzz/fuzz-input.h"

#define WINDOW_BYTES 4096
#define WINDOW_FRAMES 16
#define MAX_ITEM 16384
#define MAX_MESSAGE 2048

#define SESSION 7 /* of the far side */
#define OUR_SESSION 9
#define FIRST_SEQUENCE (G_MAXUINT32 - 4) /* of both */

/* More would only be more of the same. */
#define MAX_INSTRUCTIONS 4096

typedef struct {
  FuzzInput input;
  DcLink *link;
  gint64 now;
  guint32 sequence; /* of the next sequenced frame to the link */
  GByteArray *message;
  guint stream; /* what the application and the frames made here use */
  gboolean fin_popped;
} Run;

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* Up to @size bytes of the input into the message. */
static void
add_bytes (Run *run, gsize size)
{
  const guint8 *bytes = fuzz_bytes (&run->input, &size);

  if (size > 0)
    g_byte_array_append (run->message, bytes, size);
}

static void
deliver (Run *run)
{
  g_autoptr (GBytes) message = g_byte_array_free_to_bytes (run->message);
  g_autoptr (GError) error = NULL;
  gboolean ok = dc_link_receive (run->link, message, run->now, &error);

  run->message = g_byte_array_new ();
  g_assert_true (ok == (error == NULL));
  g_assert_true (ok == (dc_link_get_error (run->link) == NULL));
}

static void
add_hello (Run *run)
{
  DcFrame frame = {
      .type = DC_FRAME_HELLO,
      .hello =
          {
              .version_min = 1,
              .version_max = 1,
              .session = SESSION,
              .first_sequence = run->sequence,
              .window_bytes = DC_FRAME_MIN_WINDOW_BYTES + fuzz_short (&run->input),
              .window_frames = 1 + fuzz_byte (&run->input),
              .max_message = DC_FRAME_MIN_MESSAGE + fuzz_short (&run->input),
              .max_item = fuzz_short (&run->input),
          },
  };

  dc_frame_write (run->message, &frame);
}

/* The HELLO that takes the link up again, more or less. */
static void
add_resume (Run *run)
{
  guint8 odd = fuzz_byte (&run->input);
  DcFrame frame = {
      .type = DC_FRAME_HELLO,
      .hello =
          {
              .version_min = 1,
              .version_max = 1,
              .session = SESSION + (odd == 1),
              .resume = odd == 2 ? 0 : OUR_SESSION,
              .first_sequence = run->sequence,
              .next_expected = odd == 2 ? 0 : FIRST_SEQUENCE + fuzz_byte (&run->input),
              .window_bytes = DC_FRAME_MIN_WINDOW_BYTES,
              .window_frames = 1,
              .max_message = odd == 3 ? DC_FRAME_MIN_MESSAGE : 65536,
              .max_item = odd == 4 ? 0 : 65536,
          },
  };

  dc_frame_write (run->message, &frame);
}

static void
add_credit (Run *run)
{
  guint32 acknowledged = fuzz_byte (&run->input);
  guint32 bytes = fuzz_short (&run->input);
  DcFrame frame = {
      .type = DC_FRAME_CREDIT,
      .stream = run->stream,
      .credit = {acknowledged, DC_FRAME_MIN_WINDOW_BYTES + bytes, 1 + fuzz_byte (&run->input)},
  };

  dc_frame_write (run->message, &frame);
}

static void
add_frame (Run *run)
{
  guint8 header[DC_FRAME_HEADER_SIZE] = {0};
  guint type = fuzz_byte (&run->input) % (DC_FRAME_FIN + 1);
  gsize start = run->message->len;
  guint32 length;

  header[0] = type;
  header[1] = fuzz_byte (&run->input);
  header[3] = header[1] >> 6;
  header[1] &= 7;
  if (type & DC_FRAME_SEQUENCED) {
    guint32 sequence = GUINT32_TO_BE (run->sequence);

    memcpy (header + 8, &sequence, sizeof sequence);
    run->sequence++;
  } else
    header[1] = header[3] = 0;

  length = fuzz_short (&run->input) % MAX_MESSAGE;
  g_byte_array_append (run->message, header, sizeof header);
  add_bytes (run, length);
  length = GUINT32_TO_BE (run->message->len - start - sizeof header);
  memcpy (run->message->data + start + 4, &length, sizeof length);
}

/* DATA with a head that fits its payload, to get to reassembly. */
static void
add_data (Run *run)
{
  guint8 flags = fuzz_byte (&run->input) & 7;
  guint total = fuzz_short (&run->input);
  guint8 payload[600];
  DcFrame frame = {
      .type = DC_FRAME_DATA,
      .flags = flags,
      .stream = run->stream,
      .sequence = run->sequence++,
      .start = {.total = total},
      .payload = payload,
      .payload_size = fuzz_short (&run->input) % sizeof payload,
  };

  memset (payload, flags, sizeof payload);
  if ((flags & DC_FRAME_FLAG_WHOLE) == DC_FRAME_FLAG_WHOLE)
    frame.start.total = frame.payload_size;
  dc_frame_write (run->message, &frame);
}

static void
send_item (Run *run)
{
  DcLinkItem *item = dc_link_item_new (fuzz_byte (&run->input) % DC_LINK_ITEM_FIN);
  gsize size = fuzz_short (&run->input);
  g_autofree char *payload = g_strnfill (size, 'x');

  item->stream = run->stream;
  item->payload = g_bytes_new (payload, size);
  if (item->kind == DC_LINK_ITEM_SEGMENT)
    g_clear_pointer (&item->payload, g_bytes_unref);
  if (dc_link_can_send (run->link, run->stream))
    dc_link_send (run->link, item, fuzz_byte (&run->input) & 1, NULL);
  else
    dc_link_item_free (item);
}

static void
pop_item (Run *run)
{
  gboolean has = dc_link_has_item (run->link, run->stream);
  g_autoptr (DcLinkItem) item = dc_link_pop (run->link, run->stream);

  g_assert_true (has == (item != NULL));
  if (!item)
    return;
  g_assert_false (run->fin_popped && run->stream == 0);
  run->fin_popped |= item->kind == DC_LINK_ITEM_FIN;
  if (item->payload)
    g_assert_cmpuint (g_bytes_get_size (item->payload), <=, MAX_ITEM);
  if (item->kind == DC_LINK_ITEM_CAPS)
    g_assert_true (
        g_utf8_validate_len (g_bytes_get_data (item->payload, NULL), g_bytes_get_size (item->payload), NULL));
}

static void
transmit (Run *run)
{
  GBytes *message;

  while ((message = dc_link_poll_transmit (run->link, run->now))) {
    gsize size, position = 0;
    const guint8 *data = g_bytes_get_data (message, &size);
    DcFrame frame;

    g_assert_cmpuint (size, <=, MAX_MESSAGE);
    while (position < size)
      g_assert_true (dc_frame_parse (data, size, &position, &frame, NULL));
    g_bytes_unref (message);
  }
}

static void
check (Run *run)
{
  const GError *error = dc_link_get_error (run->link);
  DcLinkStats stats;

  dc_link_get_stats (run->link, &stats);
  g_assert_cmpuint (stats.queued_bytes, <=, WINDOW_BYTES + 2 * MAX_ITEM + DC_LINK_MAX_STREAMS * DC_FRAME_RESERVE);
  g_assert_cmpuint (stats.in_flight_bytes, <=, (64 << 20) + DC_LINK_MAX_STREAMS * DC_FRAME_RESERVE);
  if (!error)
    return;
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_assert_false (dc_link_is_open (run->link));
  g_assert_cmpint (dc_link_get_deadline (run->link), ==, -1);
}

static void
execute (Run *run, guint8 instruction)
{
  switch (instruction % 19) {
    case 0:
      add_bytes (run, fuzz_short (&run->input));
      deliver (run);
      break;
    case 1:
      add_frame (run);
      break;
    case 2:
      add_data (run);
      break;
    case 3:
      add_hello (run);
      break;
    case 4:
      deliver (run);
      break;
    case 5:
      send_item (run);
      break;
    case 6:
      pop_item (run);
      break;
    case 7:
      dc_link_consume (run->link, run->stream, run->now);
      break;
    case 8:
      transmit (run);
      break;
    case 9:
      run->now += fuzz_short (&run->input) * 100;
      dc_link_advance (run->link, run->now);
      break;
    case 10:
      dc_link_finish (run->link);
      break;
    case 11:
      if (run->fin_popped)
        dc_link_accept_fin (run->link, run->now);
      break;
    case 13:
      run->stream = fuzz_byte (&run->input);
      break;
    case 14:
      dc_link_suspend (run->link, run->now, "the input says so");
      break;
    case 15:
      if (dc_link_is_open (run->link))
        dc_link_resume (run->link, run->now);
      break;
    case 16:
      add_resume (run);
      break;
    case 17:
      add_credit (run);
      break;
    case 18:
      dc_link_discard (run->link, run->stream);
      break;
    default:
      if (fuzz_byte (&run->input) == 0xff)
        dc_link_abort (run->link, "enough");
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const DcLinkConfig config = {
      .window_bytes = WINDOW_BYTES,
      .window_frames = WINDOW_FRAMES,
      .max_item = MAX_ITEM,
      .max_message = MAX_MESSAGE,
      .session = OUR_SESSION,
      .resume_timeout = 30 * G_TIME_SPAN_SECOND,
      .first_sequence = FIRST_SEQUENCE,
  };
  Run run = {.input = {data, size}, .sequence = FIRST_SEQUENCE};

  run.link = dc_link_new (&config, 0);
  run.message = g_byte_array_new ();
  for (guint i = 0; run.input.left > 0 && i < MAX_INSTRUCTIONS; i++) {
    execute (&run, fuzz_byte (&run.input));
    check (&run);
  }
  transmit (&run);
  check (&run);
  g_byte_array_unref (run.message);
  dc_link_free (run.link);
  return 0;
}
