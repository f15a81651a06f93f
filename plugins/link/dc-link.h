/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-link.h: the link protocol on one ordered, reliable message channel; sans-IO. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * Sans-IO: messages and a clock (microseconds, monotonic) go in; messages, items and a next deadline come out. No call
 * blocks, reads a clock, starts a thread or calls back. Not thread-safe: the caller holds its own lock.
 *
 * What the application hands over and gets is an *item*: a buffer (DATA) or what must stay in order with buffers (CAPS,
 * SEGMENT, EVENT, FIN).
 */

#define DC_LINK_PROTOCOL "datachannel.link.v1"
#define DC_LINK_NONE G_MAXUINT64
/* Streams are numbered from 0. What waits on one does not hold up another: each is consumed and acknowledged by itself. */
#define DC_LINK_MAX_STREAMS 256
#define DC_LINK_DEFAULT_MAX_ITEM (64 * 1024 * 1024)
#define DC_LINK_MAX_LANES 7u

typedef enum {
  DC_LINK_ITEM_DATA,
  DC_LINK_ITEM_CAPS,    /* payload: the caps as a string, UTF-8, no NUL */
  DC_LINK_ITEM_SEGMENT, /* segment */
  DC_LINK_ITEM_EVENT,   /* event, payload */
  DC_LINK_ITEM_FIN,     /* received only: the far side has sent everything, see dc_link_accept_fin() */
} DcLinkItemKind;

/* The payloads are texts in GStreamer's notation; the link does not look at them. */
typedef enum {
  DC_LINK_EVENT_EOS = 1,         /* the stream ends; others may go on */
  DC_LINK_EVENT_GAP = 2,         /* a structure: timestamp, duration */
  DC_LINK_EVENT_TAGS = 3,        /* a tag list */
  DC_LINK_EVENT_CUSTOM = 4,      /* a structure: name of the event type, and the event's own structure */
  DC_LINK_EVENT_FLUSH_START = 5, /* a structure: number; overtakes on a stream of its own */
  DC_LINK_EVENT_FLUSH_STOP = 6,  /* a structure: number, reset-time; in its place in the stream */
} DcLinkEvent;

typedef enum {
  DC_LINK_FLAG_DISCONT = 1 << 0,
  DC_LINK_FLAG_DELTA_UNIT = 1 << 1,
  DC_LINK_FLAG_HEADER = 1 << 2,
  DC_LINK_FLAG_GAP = 1 << 3,
  DC_LINK_FLAG_MARKER = 1 << 4,
  DC_LINK_FLAG_RESYNC = 1 << 5,
  DC_LINK_FLAG_DROPPABLE = 1 << 6,
  DC_LINK_FLAG_CORRUPTED = 1 << 7,
  DC_LINK_FLAG_TEXT = 1 << 8, /* UTF-8 text, as a WebRTC string message */
} DcLinkFlags;

/* The numbers of a GstSegment; the link does not interpret them. */
typedef struct {
  guint32 flags;
  guint32 format;
  gdouble rate;
  gdouble applied_rate;
  guint64 base, offset, start, stop, time, position, duration;
} DcLinkSegment;

typedef struct {
  DcLinkItemKind kind;
  guint16 stream;
  guint32 flags;              /* DcLinkFlags; DATA */
  guint32 event;              /* DcLinkEvent; EVENT */
  guint64 pts, dts, duration; /* nanoseconds or DC_LINK_NONE; DATA */
  guint64 offset, offset_end; /* or DC_LINK_NONE; DATA */
  DcLinkSegment segment;      /* SEGMENT */
  GBytes *payload; /* (nullable): DATA, CAPS, EVENT; empty and NULL are the same. Received: not NULL in these three */
} DcLinkItem;

/* Times and offsets are DC_LINK_NONE. Only this function makes items: a link keeps more beside them than is seen. */
DcLinkItem *dc_link_item_new (DcLinkItemKind kind);
void dc_link_item_free (DcLinkItem *item);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcLinkItem, dc_link_item_free)

/**
 * DcLinkError:
 * @DC_LINK_ERROR_PROTOCOL: the far side broke the protocol; an ABORT was queued for it
 * @DC_LINK_ERROR_VERSION: the far side speaks a version that we cannot
 * @DC_LINK_ERROR_ABORTED: the far side aborted; the message is its reason, with control characters blanked. Or
 * dc_link_abort()
 * @DC_LINK_ERROR_TIMEOUT: the far side has been silent too long, or the channel was lost, and there is no resuming
 * @DC_LINK_ERROR_RESUME: no new channel came about within the resume timeout, or the far side does not have its end of the link any more
 * @DC_LINK_ERROR_TOO_LARGE: an item is larger than the far side takes; the link goes on
 */
typedef enum {
  DC_LINK_ERROR_PROTOCOL,
  DC_LINK_ERROR_VERSION,
  DC_LINK_ERROR_ABORTED,
  DC_LINK_ERROR_TIMEOUT,
  DC_LINK_ERROR_RESUME,
  DC_LINK_ERROR_TOO_LARGE,
} DcLinkError;
#define DC_LINK_ERROR (dc_link_error_quark ())
GQuark dc_link_error_quark (void);

typedef struct {
  guint64 session;   /* random and not 0: names this end of the link in its HELLO */
  gsize max_message; /* a message of ours is at most this long, bytes; 0: 65536. The far HELLO may lower it. */
  guint32
      window_bytes; /* the most body bytes that the far side may ever have in flight to us; 0: 4 MiB. The window begins at
                           * 64 KiB (or this, if that is less) and follows the bandwidth-delay product */
  guint32 window_frames;  /* the most frames likewise; 0: one for each 256 bytes of window_bytes */
  gsize max_item;         /* the largest item that we take, bytes; 0: 64 MiB */
  gint64 heartbeat;       /* a PING after this much silence of ours, microseconds; 0: 1 s */
  gint64 timeout;         /* this much silence of theirs is a dead channel, microseconds; 0: 5 s */
  gint64 resume_timeout;  /* how long the link outlives its channel, microseconds; 0: not at all */
  guint32 first_sequence; /* number of the first frame that we send; a HELLO tells it, so any will do */
  guint lanes; /* further ones below the channel that the far side may use, to be told it; at most DC_LINK_MAX_LANES */
} DcLinkConfig;

typedef struct {
  guint64 items_sent, items_acked, items_received; /* all kinds but FIN; acked: the far application consumed it */
  guint64 buffers_sent, buffers_received;          /* those of them that are DATA */
  guint64 bytes_sent, bytes_received;              /* payload of DATA; what is sent again after a resume counts once */
  guint64 send_rate, receive_rate;                 /* of that payload, bytes a second, over the last second or so */
  guint64 frames_sent, frames_received, messages_sent, messages_received;
  gsize in_flight_bytes; /* body bytes sent and not acknowledged: what is retained for a resume */
  guint in_flight_frames;
  guint64 waiting_bytes;        /* body bytes that wait for credit */
  guint32 window_bytes;         /* what the far side grants us */
  guint32 receive_window_bytes; /* what we grant it */
  gsize queued_bytes;           /* received and not yet consumed */
  gint64 rtt;                   /* last, microseconds, -1 before the first PONG */
  gint64 rtt_smoothed;          /* RFC 6298 */
  gint64 rtt_min;               /* of the last minute */
  guint resumes;                /* how often the link has gone on over a new channel */
  guint64 frames_resent;        /* what that cost */
} DcLinkStats;

typedef struct _DcLink DcLink;

DcLink *dc_link_new (const DcLinkConfig *config, gint64 now);
void dc_link_free (DcLink *link);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcLink, dc_link_free)

/* TRUE from the first far HELLO on, until an error; suspended or not. */
gboolean dc_link_is_open (const DcLink *link);
/* As DcLinkConfig.lanes, for the channels to come: the HELLO that was not sent yet tells it. */
void dc_link_set_lanes (DcLink *link, guint lanes);
/* What the far HELLO on this channel has said likewise; 0 until it has come. */
guint dc_link_get_far_lanes (const DcLink *link);
/* The error that ended the link, or NULL. */
const GError *dc_link_get_error (const DcLink *link);

/* The channel under an open link is lost: nothing is transmitted or taken until dc_link_resume(), while items are sent (as far as the
 * credit goes), popped and consumed as ever. A link that has never been open, or has no resume_timeout, ends with DC_LINK_ERROR_TIMEOUT and
 * @reason. A link suspends itself when the far side is silent for too long. Harmless when suspended or ended. */
void dc_link_suspend (DcLink *link, gint64 now, const char *reason);
gboolean dc_link_is_suspended (const DcLink *link);
/* There is a new channel: a HELLO is ready to be transmitted on it, and the far side's is expected. (It stays "suspended" until that has
 * come; the resume timeout goes on.) dc_link_suspend() may follow at any time, also before that. */
void dc_link_resume (DcLink *link, gint64 now);

/* TRUE while it is suspended and on no channel: nothing goes on before dc_link_resume(). Also when a channel that was to resume it
 * stayed silent. */
gboolean dc_link_needs_channel (const DcLink *link);

/* Sending. dc_link_can_send(): the link is open, dc_link_finish() was not called, and what the stream has queued and in flight does
 * not yet fill its part of the credit; so several small items share a message, and one large item may be queued beyond the credit.
 * @item: transfer full, also on failure. */
gboolean dc_link_can_send (const DcLink *link, guint stream);
gboolean dc_link_send (DcLink *link, DcLinkItem *item, gboolean ack_now, GError **error);
/* Takes back what is queued on @stream and of which nothing was sent yet (items already begun go on): for flushing. Returns the number of items. */
guint dc_link_discard (DcLink *link, guint stream);
/* Queues FIN behind everything sent, on all streams. dc_link_is_finished(): the FIN-ACK came. */
void dc_link_finish (DcLink *link);
gboolean dc_link_is_finished (const DcLink *link);
/* Queues an ABORT that overtakes what is queued, with a sentence for the far side. The link is then closed for sending
 * and receiving (DC_LINK_ERROR_ABORTED). */
void dc_link_abort (DcLink *link, const char *reason);

/* Something was heard of the far side below the link, such as an acknowledgement of the transport's: the channel is alive, though a message
 * may be held up. */
void dc_link_heard (DcLink *link, gint64 now);
/* TRUE if @message begins with an ABORT, whatever else is in it. */
gboolean dc_link_is_abort (GBytes *message);
/* Receiving. FALSE: the link is in error (see dc_link_get_error()), what must still be transmitted (ABORT) is queued.
 * Items that came whole before the error can still be popped. */
gboolean dc_link_receive (DcLink *link, GBytes *message, gint64 now, GError **error);
/* The next item of @stream, in order, or NULL. FIN comes on stream 0, once everything on it was popped. (transfer full) */
DcLinkItem *dc_link_pop (DcLink *link, guint stream);
/* One more than the highest stream on which something has come. */
guint dc_link_get_n_streams (const DcLink *link);
/* Whether dc_link_pop() has something. */
gboolean dc_link_has_item (const DcLink *link, guint stream);
/* Says that the application is done with every item of @stream popped so far: credit goes back to the far side. */
void dc_link_consume (DcLink *link, guint stream, gint64 now);
/* After a popped FIN: the application has done what it had to with everything before it; sends FIN-ACK. */
void dc_link_accept_fin (DcLink *link, gint64 now);

/* TRUE if nothing is on its way that the far side still must get before the channel is closed: our FIN-ACK. FALSE for good
 * after an error, and while suspended if a FIN-ACK is not known to have arrived. */
gboolean dc_link_is_settled (const DcLink *link);

/* The next message to put on the channel, or NULL. Call until NULL after every other call. (transfer full) */
GBytes *dc_link_poll_transmit (DcLink *link, gint64 now);

/* When dc_link_advance() and dc_link_poll_transmit() must be called at the latest, or -1 (the link has ended). */
gint64 dc_link_get_deadline (const DcLink *link);
void dc_link_advance (DcLink *link, gint64 now);

void dc_link_get_stats (const DcLink *link, DcLinkStats *stats);

G_END_DECLS
