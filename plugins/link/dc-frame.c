/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-frame.c: frames to bytes and back. */
#include "plugins/link/dc-frame.h"

#include <string.h>

#define HELLO_MAGIC 0x44434c4b /* "DCLK" */
#define HELLO_SIZE 60
/* The part of a HELLO that is the same in every version, so that two that do not understand each other can say so. */
#define HELLO_COMMON_SIZE 8
#define DATA_HEAD_SIZE 52
#define SEGMENT_SIZE 80
#define ANY_SIZE G_MAXUINT32

typedef struct {
  const char *name;
  guint32 head;   /* bytes in front of the payload; in sequenced types of the START frame only */
  guint32 tail;   /* the most bytes that may follow the head */
  gboolean whole; /* never fragmented */
  gboolean (*parse) (DcFrame *frame, const guint8 *body, GError **error);
  guint8 *(*write) (const DcFrame *frame, guint8 *p);
} FrameClass;

static guint16
get16 (const guint8 **p)
{
  guint16 value;

  memcpy (&value, *p, sizeof value);
  *p += sizeof value;
  return GUINT16_FROM_BE (value);
}

static guint32
get32 (const guint8 **p)
{
  guint32 value;

  memcpy (&value, *p, sizeof value);
  *p += sizeof value;
  return GUINT32_FROM_BE (value);
}

static guint64
get64 (const guint8 **p)
{
  guint64 value;

  memcpy (&value, *p, sizeof value);
  *p += sizeof value;
  return GUINT64_FROM_BE (value);
}

static gdouble
get_double (const guint8 **p)
{
  guint64 bits = get64 (p);
  gdouble value;

  memcpy (&value, &bits, sizeof value);
  return value;
}

static guint8 *
put16 (guint8 *p, guint16 value)
{
  value = GUINT16_TO_BE (value);
  memcpy (p, &value, sizeof value);
  return p + sizeof value;
}

static guint8 *
put32 (guint8 *p, guint32 value)
{
  value = GUINT32_TO_BE (value);
  memcpy (p, &value, sizeof value);
  return p + sizeof value;
}

static guint8 *
put64 (guint8 *p, guint64 value)
{
  value = GUINT64_TO_BE (value);
  memcpy (p, &value, sizeof value);
  return p + sizeof value;
}

static guint8 *
put_double (guint8 *p, gdouble value)
{
  guint64 bits;

  memcpy (&bits, &value, sizeof bits);
  return put64 (p, bits);
}

gboolean
dc_frame_refuse (GError **error, const char *format, ...)
{
  va_list args;

  if (error) {
    va_start (args, format);
    *error = g_error_new_valist (DC_LINK_ERROR, DC_LINK_ERROR_PROTOCOL, format, args);
    va_end (args);
  }
  return FALSE;
}

static gboolean
check_window (const DcFrame *frame, guint32 bytes, guint32 frames, GError **error)
{
  if (bytes >= DC_FRAME_MIN_WINDOW_BYTES && bytes <= DC_FRAME_MAX_WINDOW && frames >= DC_FRAME_MIN_WINDOW_FRAMES
      && frames <= DC_FRAME_MAX_WINDOW)
    return TRUE;

  return dc_frame_refuse (error,
      "%s frame with a window of %u bytes and %u frames where from %u bytes and %u frames to %u of each are due",
      dc_frame_type_get_name (frame->type), bytes, frames, DC_FRAME_MIN_WINDOW_BYTES, DC_FRAME_MIN_WINDOW_FRAMES,
      DC_FRAME_MAX_WINDOW);
}

static char *
describe_versions (guint min, guint max)
{
  return min == max ? g_strdup_printf ("%u", min) : g_strdup_printf ("%u to %u", min, max);
}

static gboolean
check_version (const DcFrameHello *hello, GError **error)
{
  g_autofree char *theirs = NULL;
  g_autofree char *ours = NULL;

  if (hello->version_min > hello->version_max)
    return dc_frame_refuse (
        error, "HELLO frame with the versions %u to %u, which is no range", hello->version_min, hello->version_max);
  if (hello->version_min <= DC_FRAME_VERSION_MAX && hello->version_max >= DC_FRAME_VERSION_MIN)
    return TRUE;

  theirs = describe_versions (hello->version_min, hello->version_max);
  ours = describe_versions (DC_FRAME_VERSION_MIN, DC_FRAME_VERSION_MAX);
  g_set_error (error, DC_LINK_ERROR, DC_LINK_ERROR_VERSION,
      "the two sides have no version of the link protocol in common: one sent a HELLO for version %s, the other speaks "
      "version %s; update the older program",
      theirs, ours);
  return FALSE;
}

static gboolean
check_hello (const DcFrame *frame, GError **error)
{
  const DcFrameHello *hello = &frame->hello;

  if (!check_window (frame, hello->window_bytes, hello->window_frames, error))
    return FALSE;
  if (hello->max_message < DC_FRAME_MIN_MESSAGE)
    return dc_frame_refuse (error, "HELLO frame that allows messages of %u bytes where at least %u are due",
        hello->max_message, DC_FRAME_MIN_MESSAGE);
  if (hello->session == 0)
    return dc_frame_refuse (error, "HELLO frame of the session 0, which is none");
  if (hello->resume == 0 && hello->next_expected != 0)
    return dc_frame_refuse (
        error, "HELLO frame of a new link that expects frame %u where 0 is due", hello->next_expected);
  return TRUE;
}

static gboolean
parse_hello (DcFrame *frame, const guint8 *body, GError **error)
{
  DcFrameHello *hello = &frame->hello;
  guint32 magic = get32 (&body);

  if (magic != HELLO_MAGIC)
    return dc_frame_refuse (error, "HELLO frame that begins with %08x where %08x is due", magic, HELLO_MAGIC);
  hello->version_min = get16 (&body);
  hello->version_max = get16 (&body);
  if (!check_version (hello, error))
    return FALSE;
  if (frame->length < HELLO_SIZE)
    return dc_frame_refuse (
        error, "HELLO frame with a body of %u bytes where at least %u are due", frame->length, HELLO_SIZE);

  hello->session = get64 (&body);
  hello->resume = get64 (&body);
  hello->first_sequence = get32 (&body);
  hello->next_expected = get32 (&body);
  hello->window_bytes = get32 (&body);
  hello->window_frames = get32 (&body);
  hello->max_message = get32 (&body);
  hello->capabilities = get32 (&body);
  hello->max_item = get64 (&body);
  hello->heartbeat = get32 (&body);
  return check_hello (frame, error);
}

static guint8 *
write_hello (const DcFrame *frame, guint8 *p)
{
  const DcFrameHello *hello = &frame->hello;

  p = put32 (p, HELLO_MAGIC);
  p = put16 (p, hello->version_min);
  p = put16 (p, hello->version_max);
  p = put64 (p, hello->session);
  p = put64 (p, hello->resume);
  p = put32 (p, hello->first_sequence);
  p = put32 (p, hello->next_expected);
  p = put32 (p, hello->window_bytes);
  p = put32 (p, hello->window_frames);
  p = put32 (p, hello->max_message);
  p = put32 (p, hello->capabilities);
  p = put64 (p, hello->max_item);
  return put32 (p, hello->heartbeat);
}

static gboolean
parse_credit (DcFrame *frame, const guint8 *body, GError **error)
{
  frame->credit.acknowledged = get32 (&body);
  frame->credit.limit_bytes = get32 (&body);
  frame->credit.limit_frames = get32 (&body);
  return TRUE;
}

static guint8 *
write_credit (const DcFrame *frame, guint8 *p)
{
  p = put32 (p, frame->credit.acknowledged);
  p = put32 (p, frame->credit.limit_bytes);
  return put32 (p, frame->credit.limit_frames);
}

static gboolean
parse_ping (DcFrame *frame, const guint8 *body, GError **error)
{
  frame->ping = get64 (&body);
  return TRUE;
}

static guint8 *
write_ping (const DcFrame *frame, guint8 *p)
{
  return put64 (p, frame->ping);
}

static gboolean
parse_abort (DcFrame *frame, const guint8 *body, GError **error)
{
  frame->code = get16 (&body);
  frame->payload = body;
  frame->payload_size = frame->length - 2;
  if (g_utf8_validate_len ((const char *) body, frame->payload_size, NULL))
    return TRUE;
  return dc_frame_refuse (error, "ABORT frame with a reason that is not UTF-8");
}

static guint8 *
write_abort (const DcFrame *frame, guint8 *p)
{
  return put16 (p, frame->code);
}

/* The rest of a sequenced frame's body, and whether its size can be: each fragment brings something, and a first one
 * says the truth about what follows. */
static gboolean
take_payload (DcFrame *frame, const guint8 *payload, gsize size, GError **error)
{
  const char *name = dc_frame_type_get_name (frame->type);
  guint64 total = frame->start.total;

  frame->payload = payload;
  frame->payload_size = size;

  if (size == 0 && (frame->flags & DC_FRAME_FLAG_WHOLE) != DC_FRAME_FLAG_WHOLE)
    return dc_frame_refuse (error, "%s frame %u is a fragment without a byte of payload", name, frame->sequence);
  if (!(frame->flags & DC_FRAME_FLAG_START))
    return TRUE;
  if ((frame->flags & DC_FRAME_FLAG_END) && size != total)
    return dc_frame_refuse (error,
        "%s frame %u has %" G_GSIZE_FORMAT " bytes of payload where %" G_GUINT64_FORMAT " are due", name,
        frame->sequence, size, total);
  if (!(frame->flags & DC_FRAME_FLAG_END) && size >= total)
    return dc_frame_refuse (error,
        "%s frame %u has %" G_GSIZE_FORMAT " of %" G_GUINT64_FORMAT " bytes of payload and is not the last of its item",
        name, frame->sequence, size, total);
  return TRUE;
}

static gboolean
parse_data (DcFrame *frame, const guint8 *body, GError **error)
{
  const guint8 *end = body + frame->length;
  DcLinkItem *item = &frame->start.item;

  if (frame->flags & DC_FRAME_FLAG_START) {
    frame->start.total = get64 (&body);
    item->flags = get32 (&body);
    item->pts = get64 (&body);
    item->dts = get64 (&body);
    item->duration = get64 (&body);
    item->offset = get64 (&body);
    item->offset_end = get64 (&body);
  }
  return take_payload (frame, body, end - body, error);
}

static guint8 *
write_data (const DcFrame *frame, guint8 *p)
{
  const DcLinkItem *item = &frame->start.item;

  p = put64 (p, frame->start.total);
  p = put32 (p, item->flags);
  p = put64 (p, item->pts);
  p = put64 (p, item->dts);
  p = put64 (p, item->duration);
  p = put64 (p, item->offset);
  return put64 (p, item->offset_end);
}

static gboolean
parse_caps (DcFrame *frame, const guint8 *body, GError **error)
{
  const guint8 *end = body + frame->length;

  if (frame->flags & DC_FRAME_FLAG_START)
    frame->start.total = get64 (&body);
  return take_payload (frame, body, end - body, error);
}

static guint8 *
write_caps (const DcFrame *frame, guint8 *p)
{
  return put64 (p, frame->start.total);
}

static gboolean
parse_event (DcFrame *frame, const guint8 *body, GError **error)
{
  const guint8 *end = body + frame->length;

  if (frame->flags & DC_FRAME_FLAG_START) {
    frame->start.total = get64 (&body);
    frame->start.item.event = get32 (&body);
  }
  return take_payload (frame, body, end - body, error);
}

static guint8 *
write_event (const DcFrame *frame, guint8 *p)
{
  p = put64 (p, frame->start.total);
  return put32 (p, frame->start.item.event);
}

static gboolean
parse_segment (DcFrame *frame, const guint8 *body, GError **error)
{
  DcLinkSegment *segment = &frame->start.item.segment;

  segment->flags = get32 (&body);
  segment->format = get32 (&body);
  segment->rate = get_double (&body);
  segment->applied_rate = get_double (&body);
  segment->base = get64 (&body);
  segment->offset = get64 (&body);
  segment->start = get64 (&body);
  segment->stop = get64 (&body);
  segment->time = get64 (&body);
  segment->position = get64 (&body);
  segment->duration = get64 (&body);
  return TRUE;
}

static guint8 *
write_segment (const DcFrame *frame, guint8 *p)
{
  const DcLinkSegment *segment = &frame->start.item.segment;

  p = put32 (p, segment->flags);
  p = put32 (p, segment->format);
  p = put_double (p, segment->rate);
  p = put_double (p, segment->applied_rate);
  p = put64 (p, segment->base);
  p = put64 (p, segment->offset);
  p = put64 (p, segment->start);
  p = put64 (p, segment->stop);
  p = put64 (p, segment->time);
  p = put64 (p, segment->position);
  return put64 (p, segment->duration);
}

static gboolean
parse_empty (DcFrame *frame, const guint8 *body, GError **error)
{
  return TRUE;
}

static guint8 *
write_empty (const DcFrame *frame, guint8 *p)
{
  return p;
}

/* A HELLO may be longer than this version's: what is behind is for later ones. */
static const FrameClass classes[] = {
    [DC_FRAME_HELLO] = {"HELLO", HELLO_COMMON_SIZE, ANY_SIZE, FALSE, parse_hello, write_hello},
    [DC_FRAME_CREDIT] = {"CREDIT", 12, 0, FALSE, parse_credit, write_credit},
    [DC_FRAME_PING] = {"PING", 8, 0, FALSE, parse_ping, write_ping},
    [DC_FRAME_PONG] = {"PONG", 8, 0, FALSE, parse_ping, write_ping},
    [DC_FRAME_FIN_ACK] = {"FIN-ACK", 0, 0, FALSE, parse_empty, write_empty},
    [DC_FRAME_ABORT] = {"ABORT", 2, DC_FRAME_MAX_REASON, FALSE, parse_abort, write_abort},
    [DC_FRAME_DATA] = {"DATA", DATA_HEAD_SIZE, ANY_SIZE, FALSE, parse_data, write_data},
    [DC_FRAME_CAPS] = {"CAPS", 8, ANY_SIZE, FALSE, parse_caps, write_caps},
    [DC_FRAME_SEGMENT] = {"SEGMENT", SEGMENT_SIZE, 0, TRUE, parse_segment, write_segment},
    [DC_FRAME_EVENT] = {"EVENT", 12, ANY_SIZE, FALSE, parse_event, write_event},
    [DC_FRAME_FIN] = {"FIN", 0, 0, TRUE, parse_empty, write_empty},
};
G_STATIC_ASSERT (G_N_ELEMENTS (classes) == DC_FRAME_FIN + 1);

const char *
dc_frame_type_get_name (DcFrameType type)
{
  return type < G_N_ELEMENTS (classes) ? classes[type].name : NULL;
}

gsize
dc_frame_get_head_size (DcFrameType type, guint8 flags)
{
  if ((type & DC_FRAME_SEQUENCED) && !(flags & DC_FRAME_FLAG_START))
    return 0;
  return classes[type].head;
}

static gboolean
check_header (const DcFrame *frame, GError **error)
{
  const char *name = dc_frame_type_get_name (frame->type);
  gboolean sequenced = (frame->type & DC_FRAME_SEQUENCED) != 0;
  gboolean of_link = frame->type == DC_FRAME_FIN || (!sequenced && frame->type != DC_FRAME_CREDIT);
  guint8 unknown = sequenced ? frame->flags & ~(DC_FRAME_FLAG_WHOLE | DC_FRAME_FLAG_ACK_NOW) : frame->flags;

  if (!name)
    return dc_frame_refuse (error, "frame of the unknown type %u", frame->type);
  if (unknown)
    return dc_frame_refuse (error, "%s frame with the unknown flags 0x%02x", name, unknown);
  if (!sequenced && frame->sequence != 0)
    return dc_frame_refuse (error, "%s frame with the number %u where 0 is due", name, frame->sequence);
  if (of_link && frame->stream != 0)
    return dc_frame_refuse (error, "%s frame of the stream %u where 0 is due", name, frame->stream);
  if (frame->stream >= DC_LINK_MAX_STREAMS)
    return dc_frame_refuse (
        error, "%s frame of the stream %u where at most %u is due", name, frame->stream, DC_LINK_MAX_STREAMS - 1);
  if (classes[frame->type].whole && (frame->flags & DC_FRAME_FLAG_WHOLE) != DC_FRAME_FLAG_WHOLE)
    return dc_frame_refuse (error, "%s frame %u is a fragment, which this type cannot be", name, frame->sequence);
  return TRUE;
}

static gboolean
check_length (const DcFrame *frame, gsize left, GError **error)
{
  const char *name = dc_frame_type_get_name (frame->type);
  gsize head = dc_frame_get_head_size (frame->type, frame->flags);
  guint32 tail = classes[frame->type].tail;

  if (frame->length > left)
    return dc_frame_refuse (error, "%s frame with a body of %u bytes in a message that has %" G_GSIZE_FORMAT " left",
        name, frame->length, left);
  if (frame->length < head)
    return dc_frame_refuse (error, "%s frame with a body of %u bytes where at least %" G_GSIZE_FORMAT " are due", name,
        frame->length, head);
  if (frame->length - head > tail)
    return dc_frame_refuse (error, "%s frame with a body of %u bytes where at most %" G_GSIZE_FORMAT " are due", name,
        frame->length, head + tail);
  return TRUE;
}

gboolean
dc_frame_parse (const guint8 *message, gsize size, gsize *position, DcFrame *frame, GError **error)
{
  const guint8 *p = message + *position;
  gsize left = size - *position;

  if (left < DC_FRAME_HEADER_SIZE)
    return dc_frame_refuse (
        error, "message that ends after %" G_GSIZE_FORMAT " of the %u bytes of a header", left, DC_FRAME_HEADER_SIZE);

  memset (frame, 0, sizeof *frame);
  frame->type = *p++;
  frame->flags = *p++;
  frame->stream = get16 (&p);
  frame->length = get32 (&p);
  frame->sequence = get32 (&p);
  if (!check_header (frame, error) || !check_length (frame, left - DC_FRAME_HEADER_SIZE, error))
    return FALSE;

  if (frame->type & DC_FRAME_SEQUENCED) {
    frame->start.item.kind = frame->type & ~DC_FRAME_SEQUENCED;
    frame->start.item.stream = frame->stream;
  }
  *position += DC_FRAME_HEADER_SIZE + frame->length;
  return classes[frame->type].parse (frame, p, error);
}

void
dc_frame_write (GByteArray *message, const DcFrame *frame)
{
  guint8 buffer[DC_FRAME_HEADER_SIZE + MAX (HELLO_SIZE, SEGMENT_SIZE)];
  guint8 *body = buffer + DC_FRAME_HEADER_SIZE;
  guint8 *end = body;
  guint8 *p = buffer;

  if (!(frame->type & DC_FRAME_SEQUENCED) || (frame->flags & DC_FRAME_FLAG_START))
    end = classes[frame->type].write (frame, body);

  *p++ = frame->type;
  *p++ = frame->flags;
  p = put16 (p, frame->stream);
  p = put32 (p, end - body + frame->payload_size);
  put32 (p, frame->sequence);

  g_byte_array_append (message, buffer, end - buffer);
  if (frame->payload_size > 0)
    g_byte_array_append (message, frame->payload, frame->payload_size);
}
