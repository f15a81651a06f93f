/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-channel-options.c: what a data channel is to be: its name, what runs on it, and how reliable it is. */
#include "plugins/peer/dc-channel-options.h"

#include <string.h>

#include "plugins/peer/dc-error.h"

/* The labels of all channels of a peer have to fit its meta at the signaling server. */
#define MAX_LABEL_LENGTH 128
#define MAX_PROTOCOL_LENGTH 128
/* webrtcbin negotiates 1024 streams. */
#define MAX_ID 1023
#define MAX_RELIABILITY G_MAXUINT16 /* as the W3C's API has it */

G_DEFINE_BOXED_TYPE (DcChannelOptions, dc_channel_options, dc_channel_options_copy, dc_channel_options_free)

/**
 * dc_channel_options_new:
 * @label: (nullable): name of the channel; %NULL: "data"
 *
 * Makes options for a channel in link mode that is used in both directions, ordered and reliable. Its fields may be changed
 * until it is handed to dc_peer_add_channel(), which copies it.
 *
 * Returns: (transfer full): the options
 */
DcChannelOptions *
dc_channel_options_new (const char *label)
{
  DcChannelOptions *options = g_new0 (DcChannelOptions, 1);

  options->label = g_strdup (label != NULL ? label : DC_CHANNEL_DEFAULT_LABEL);
  options->mode = DC_MODE_LINK;
  options->wants = DC_DIRECTION_BOTH;
  options->ordered = TRUE;
  options->max_retransmits = -1;
  options->max_packet_lifetime = -1;
  options->id = -1;
  options->max_message_size = DC_CHANNEL_DEFAULT_MAX_MESSAGE_SIZE;
  options->window = DC_CHANNEL_DEFAULT_WINDOW;
  return options;
}

/**
 * dc_channel_options_copy:
 * @options: options
 *
 * Copies @options.
 *
 * Returns: (transfer full): the same once more
 */
DcChannelOptions *
dc_channel_options_copy (const DcChannelOptions *options)
{
  DcChannelOptions *copy = g_memdup2 (options, sizeof *options);

  copy->label = g_strdup (options->label);
  copy->protocol = g_strdup (options->protocol);
  return copy;
}

/**
 * dc_channel_options_free:
 * @options: (transfer full): options
 *
 * Frees what dc_channel_options_new() or dc_channel_options_copy() made.
 */
void
dc_channel_options_free (DcChannelOptions *options)
{
  g_free (options->label);
  g_free (options->protocol);
  g_free (options);
}

/**
 * dc_channel_options_set_label:
 * @options: options
 * @label: name of the channel
 *
 * Sets the label, for languages that cannot write a string into a field.
 */
void
dc_channel_options_set_label (DcChannelOptions *options, const char *label)
{
  g_free (options->label);
  options->label = g_strdup (label);
}

/**
 * dc_channel_options_set_protocol:
 * @options: options
 * @protocol: (nullable): raw mode: name of what the application speaks on the channel (RFC 8832, section 6)
 *
 * Sets the protocol, for languages that cannot write a string into a field.
 */
void
dc_channel_options_set_protocol (DcChannelOptions *options, const char *protocol)
{
  g_free (options->protocol);
  options->protocol = g_strdup (protocol);
}

static gboolean
refuse (GError **error, const DcChannelOptions *options, const char *what)
{
  g_set_error (error, DC_ERROR, DC_ERROR_USAGE, "the channel \"%s\": %s",
      options->label != NULL && g_utf8_validate (options->label, -1, NULL) ? options->label : "", what);
  return FALSE;
}

static gboolean
is_text (const char *text, gsize max_length)
{
  return strlen (text) <= max_length && g_utf8_validate (text, -1, NULL);
}

static gboolean
is_like_a_link (const DcChannelOptions *options)
{
  return !options->any_label && options->ordered && options->max_retransmits < 0 && options->max_packet_lifetime < 0
         && !options->negotiated && (options->protocol == NULL || *options->protocol == '\0');
}

/**
 * dc_channel_options_check:
 * @options: options
 * @error: return location: %DC_ERROR_USAGE
 *
 * Looks whether a channel can be like that. dc_peer_add_channel() does so too.
 *
 * Returns: %FALSE if they contradict each other or are out of range
 */
gboolean
dc_channel_options_check (const DcChannelOptions *options, GError **error)
{
  if (options->label == NULL || *options->label == '\0' || !is_text (options->label, MAX_LABEL_LENGTH))
    return refuse (error, options, "its label must be 1 to 128 bytes of UTF-8");
  if (options->protocol != NULL && !is_text (options->protocol, MAX_PROTOCOL_LENGTH))
    return refuse (error, options, "its protocol must be at most 128 bytes of UTF-8");
  if (options->mode == DC_MODE_LINK && !is_like_a_link (options))
    return refuse (error, options,
        "the link protocol needs an ordered, reliable channel of its own protocol that is announced in band; other "
        "kinds are for raw mode");
  if (options->max_retransmits >= 0 && options->max_packet_lifetime >= 0)
    return refuse (error, options, "a limit on retransmissions and one on the lifetime of packets exclude each other");
  if (options->max_retransmits > MAX_RELIABILITY || options->max_packet_lifetime > MAX_RELIABILITY)
    return refuse (error, options, "at most 65535 retransmissions or milliseconds of lifetime can be asked for");
  if (options->negotiated ? options->id < 0 || options->id > MAX_ID : options->id >= 0)
    return refuse (error, options, "an id, 0 to 1023, is for negotiated channels, and they need one");
  if (options->max_message_size < 1 || options->max_message_size > DC_CHANNEL_MAX_MESSAGE_SIZE)
    return refuse (error, options, "the longest message must be of 1 to 4194304 bytes");
  if (options->window < DC_CHANNEL_MIN_WINDOW)
    return refuse (error, options, "the window must be of at least 65536 bytes");
  if (options->streams > DC_CHANNEL_MAX_STREAMS)
    return refuse (error, options, "there may be 1 to 8 streams, or 0: as many as help");
  return TRUE;
}
