/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-frame.h: the frames of the link protocol and their bytes; private to the link. See data/link-protocol.md. */
#pragma once

#include "plugins/link/dc-link.h"

G_BEGIN_DECLS

/*
 * A message is one frame or more, back to back. Every number is in network byte order.
 *
 *    0                   1                   2                   3
 *    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *   +---------------+---------------+-------------------------------+
 *   |     type      |     flags     |            stream             |
 *   +---------------+---------------+-------------------------------+
 *   |                     length of the body                        |
 *   +---------------------------------------------------------------+
 *   |          sequence (0 in the frames that have none)            |
 *   +---------------------------------------------------------------+
 *   |                     body: head, payload ...                   |
 */
#define DC_FRAME_HEADER_SIZE 12

/* The oldest and the newest version of the protocol that this code speaks. */
#define DC_FRAME_VERSION_MIN 1
#define DC_FRAME_VERSION_MAX 1

/* The least that a HELLO may offer: every control frame fits the message, every head fits a quarter of the window. */
#define DC_FRAME_MIN_MESSAGE 1200
#define DC_FRAME_MIN_WINDOW_BYTES 1024
#define DC_FRAME_MIN_WINDOW_FRAMES 1
/* Bytes or frames; far below half the number space, as RFC 1982 wants. */
#define DC_FRAME_MAX_WINDOW (1u << 30)
/* A stream with nothing in flight may send one frame with a body of this size whatever the others hold of the window. */
#define DC_FRAME_RESERVE 1024

#define DC_FRAME_MAX_REASON 1024
/* Bits of capabilities: how many lanes there may be below the channel beside the first. */
#define DC_FRAME_LANES 7u

/* Bit 4 is set in the sequenced types, whose other bits are the DcLinkItemKind. */
#define DC_FRAME_SEQUENCED 0x10

typedef enum {
  DC_FRAME_HELLO = 1,   /* the first frame of each side on each channel, once */
  DC_FRAME_CREDIT = 2,  /* what was consumed of a stream, and what may be sent */
  DC_FRAME_PING = 3,    /* to be answered at once */
  DC_FRAME_PONG = 4,    /* with the PING's number */
  DC_FRAME_FIN_ACK = 5, /* everything up to and with the FIN was accepted, on every stream */
  DC_FRAME_ABORT = 6,   /* the link is over, and why; allowed at any time */
  DC_FRAME_DATA = DC_FRAME_SEQUENCED | DC_LINK_ITEM_DATA,
  DC_FRAME_CAPS = DC_FRAME_SEQUENCED | DC_LINK_ITEM_CAPS,
  DC_FRAME_SEGMENT = DC_FRAME_SEQUENCED | DC_LINK_ITEM_SEGMENT,
  DC_FRAME_EVENT = DC_FRAME_SEQUENCED | DC_LINK_ITEM_EVENT,
  DC_FRAME_FIN = DC_FRAME_SEQUENCED | DC_LINK_ITEM_FIN, /* the last sequenced frame of a side */
} DcFrameType;

/* Of sequenced frames only. */
typedef enum {
  DC_FRAME_FLAG_START = 1 << 0,   /* the first of an item: the body begins with the head */
  DC_FRAME_FLAG_END = 1 << 1,     /* the last of an item */
  DC_FRAME_FLAG_ACK_NOW = 1 << 2, /* acknowledge the item without delay once it is consumed */
} DcFrameFlags;
#define DC_FRAME_FLAG_WHOLE (DC_FRAME_FLAG_START | DC_FRAME_FLAG_END)

typedef enum {
  DC_FRAME_ABORT_PROTOCOL = 1,    /* the receiver of the ABORT broke the protocol */
  DC_FRAME_ABORT_VERSION = 2,     /* no version in common */
  DC_FRAME_ABORT_APPLICATION = 3, /* the application wanted so */
  DC_FRAME_ABORT_TIMEOUT = 4,     /* the sender of the ABORT has heard nothing for too long */
  DC_FRAME_ABORT_SESSION = 5,     /* the two HELLOs are not of the same link */
} DcFrameAbortCode;

typedef struct {
  guint16 version_min, version_max;
  guint64 session;                     /* names the sender's end; not 0 */
  guint64 resume;                      /* the session of the far end that is taken up again; 0: a new link */
  guint32 first_sequence;              /* of the next sequenced frame that the sender sends */
  guint32 next_expected;               /* the first sequenced frame that it has not yet got; 0 in a new link */
  guint32 window_bytes, window_frames; /* the first limits; without meaning when resuming */
  guint32 max_message;                 /* the longest message that it takes */
  guint32 capabilities;                /* DC_FRAME_LANES; all else is ignored */
  guint64 max_item;                    /* the largest payload of an item that it takes */
  guint32 heartbeat;                   /* milliseconds */
} DcFrameHello;

/* All three count since the link began, modulo 2^32. */
typedef struct {
  guint32 acknowledged;              /* frames of the stream that were consumed */
  guint32 limit_bytes, limit_frames; /* bodies and frames of all streams that may have been sent */
} DcFrameCredit;

/* What a START frame says of its item. */
typedef struct {
  guint64 total;   /* bytes of payload in all its frames */
  DcLinkItem item; /* without payload */
} DcFrameStart;

typedef struct {
  DcFrameType type;
  guint8 flags;
  guint16 stream;
  guint32 sequence;
  guint32 length; /* of the body; found by parsing, not needed for writing */
  union {
    DcFrameHello hello;
    DcFrameCredit credit;
    guint64 ping; /* PING, PONG: opaque */
    guint16 code; /* ABORT: DcFrameAbortCode or what later versions know */
    DcFrameStart start;
  };
  const guint8 *payload; /* DATA, CAPS, EVENT: a part of the item; ABORT: the sentence; not owned */
  gsize payload_size;
} DcFrame;

/* Sets DC_LINK_ERROR_PROTOCOL with a sentence on the frame that broke the rules. Returns FALSE. */
gboolean dc_frame_refuse (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

const char *dc_frame_type_get_name (DcFrameType type);
/* Bytes of the body in front of the payload. */
gsize dc_frame_get_head_size (DcFrameType type, guint8 flags);

/* Reads the frame at *@position of a message and moves on behind it. All that one frame alone can tell is checked.
 * @error: DC_LINK_ERROR_PROTOCOL or _VERSION; worded so that both sides can read it. */
gboolean dc_frame_parse (const guint8 *message, gsize size, gsize *position, DcFrame *frame, GError **error);
void dc_frame_write (GByteArray *message, const DcFrame *frame);

G_END_DECLS
