/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-channel-options.h: what a data channel is to be: its name, what runs on it, and how reliable it is. */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS

/**
 * DcMode:
 * @DC_MODE_LINK: the link protocol's frames: nothing lost, back-pressure by credit, resumed after a lost connection
 * @DC_MODE_RAW: a message is a message and nothing else crosses; for browsers and other stacks
 *
 * What runs on a channel.
 */
typedef enum { DC_MODE_LINK, DC_MODE_RAW } DcMode;
GType dc_mode_get_type (void);
#define DC_TYPE_MODE (dc_mode_get_type ())

/**
 * DcDirection:
 * @DC_DIRECTION_SEND: from here to the remote peer
 * @DC_DIRECTION_RECEIVE: from the remote peer to here
 * @DC_DIRECTION_BOTH: both
 *
 * Which way data goes, seen from here.
 */
typedef enum { DC_DIRECTION_SEND = 1, DC_DIRECTION_RECEIVE = 2, DC_DIRECTION_BOTH = 3 } DcDirection;
GType dc_direction_get_type (void);
#define DC_TYPE_DIRECTION (dc_direction_get_type ())

/**
 * DC_CHANNEL_DEFAULT_LABEL:
 *
 * The label of a channel that was given none.
 */
#define DC_CHANNEL_DEFAULT_LABEL "data"
/**
 * DC_CHANNEL_DEFAULT_MAX_MESSAGE_SIZE:
 *
 * The longest message that a raw channel takes, in bytes, unless it is told otherwise; of GStreamer's own elements ([property@Peer:fast]
 * is off) no more than 65536.
 */
#define DC_CHANNEL_DEFAULT_MAX_MESSAGE_SIZE 262144
/**
 * DC_CHANNEL_MAX_MESSAGE_SIZE:
 *
 * The longest message that a raw channel can be told to take, in bytes.
 */
#define DC_CHANNEL_MAX_MESSAGE_SIZE (4 * 1024 * 1024)
/**
 * DC_CHANNEL_DEFAULT_WINDOW:
 *
 * The most bytes that the far side of a link may have in flight to us, unless another bound is set.
 */
#define DC_CHANNEL_DEFAULT_WINDOW (4 * 1024 * 1024)
/**
 * DC_CHANNEL_MIN_WINDOW:
 *
 * The least that this bound may be, in bytes: the window that a link begins with.
 */
#define DC_CHANNEL_MIN_WINDOW (64 * 1024)

/**
 * DC_CHANNEL_STREAMS_AUTO:
 *
 * More SCTP associations than one only on a path where they are faster.
 */
#define DC_CHANNEL_STREAMS_AUTO 0
/**
 * DC_CHANNEL_MAX_STREAMS:
 *
 * The most SCTP associations that a channel may go over.
 */
#define DC_CHANNEL_MAX_STREAMS 8

/**
 * DcChannelOptions:
 * @label: name of the channel, 1 to 128 bytes; what the two sides know it by. Bindings: dc_channel_options_set_label()
 * @any_label: raw mode, a called peer: a channel that the caller opens under a label that we have not is taken for this one
 * @mode: what runs on it; the same on both sides
 * @wants: what we want of it: who only sends matches who receives, and so on
 * @protocol: (nullable): raw mode: name of what the application speaks on it (RFC 8832, section 6). Bindings:
 *   dc_channel_options_set_protocol()
 * @ordered: raw mode: messages arrive in the order in which they were sent
 * @max_retransmits: raw mode: a message is given up after so many retransmissions; -1: never
 * @max_packet_lifetime: raw mode: a message is given up after so many milliseconds; -1: never. Not together with @max_retransmits
 * @negotiated: raw mode: both sides make the channel with the same @id, nothing is said about it in band (RFC 8832, section 4)
 * @id: 0 to 1023, if @negotiated; otherwise -1
 * @max_message_size: raw mode: the longest message that we take, in bytes, 1 to 4194304, and, of all channels the most, that we send, if the far side takes as
 *   much; more than 262144 needs [property@Peer:fast], and with GStreamer's own elements no more than 65536 count. SCTP's buffers become twice as large
 * @window: link mode: the most bytes that the far side may ever have in flight to us, at least 65536
 * @streams: link mode: on how many SCTP associations the data may go, 1 to 8; %DC_CHANNEL_STREAMS_AUTO: on as many as help. Where the far side has no more than one, or
 *   the fast path is not at work, it is one
 *
 * What a data channel is to be.
 *
 * The caller's options count for the channel that is made; a called peer's say by @label, @mode and @wants which channels it takes.
 */
typedef struct {
  char *label;
  gboolean any_label;
  DcMode mode;
  DcDirection wants;
  char *protocol;
  gboolean ordered;
  gint max_retransmits;
  gint max_packet_lifetime;
  gboolean negotiated;
  gint id;
  guint max_message_size;
  guint window;
  guint streams;
} DcChannelOptions;

#define DC_TYPE_CHANNEL_OPTIONS (dc_channel_options_get_type ())
GType dc_channel_options_get_type (void);

/* The defaults: link mode, both directions, ordered and reliable. @label: (nullable): "data". */
DcChannelOptions *dc_channel_options_new (const char *label);
DcChannelOptions *dc_channel_options_copy (const DcChannelOptions *options);
void dc_channel_options_free (DcChannelOptions *options);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcChannelOptions, dc_channel_options_free)

/* For languages that cannot write a string into a field. */
void dc_channel_options_set_label (DcChannelOptions *options, const char *label);
/* @protocol: (nullable). */
void dc_channel_options_set_protocol (DcChannelOptions *options, const char *protocol);

/* DC_ERROR_USAGE with a sentence if they contradict each other or are out of range. */
gboolean dc_channel_options_check (const DcChannelOptions *options, GError **error);

G_END_DECLS
