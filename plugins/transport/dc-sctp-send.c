/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-send.c: messages on their way down, and when there is room for them.
 *
 * Theory of operation
 * -------------------
 * usrsctp takes a message whole if its send buffer has room for it, or says EWOULDBLOCK; it tells nobody when there is room again, but how much is
 * buffered can be asked for. So it is asked after each call while somebody waits. There is room once a quarter of what was
 * buffered has gone, which spares a wake-up for each acknowledgement, and fits both limits: bytes, and chunks, which usrsctp counts, too. It says so
 * as well of a stream that the far side wants to be reset, whatever is buffered; so there is none before something has come, or who tries whenever there
 * is would do nothing else.
 */
#include "plugins/transport/dc-sctp-association-private.h"

#include <errno.h>

/* In FreeBSD's <netinet/sctp.h> and <netinet/sctp_uio.h>, whose code this is, but not in usrsctp.h. */
#define GET_SNDBUF_USE 0x00001101
typedef struct {
  sctp_assoc_t association;
  guint32 sending, receiving; /* bytes */
} BufferUse;

guint32
dc_sctp_buffered_locked (DcSctpAssociation *self)
{
  BufferUse use = {0};
  socklen_t size = sizeof use;

  if (self->socket == NULL || usrsctp_getsockopt (self->socket, IPPROTO_SCTP, GET_SNDBUF_USE, &use, &size) != 0)
    return 0;
  return use.sending;
}

gboolean
dc_sctp_check_room_locked (DcSctpAssociation *self)
{
  if (!self->writable_wanted || self->state < DC_SCTP_UP)
    return FALSE;
  if (self->state == DC_SCTP_UP && (self->nothing_new || dc_sctp_buffered_locked (self) > self->room_below))
    return FALSE;
  self->writable_wanted = FALSE;
  return TRUE;
}

static void
want_room_locked (DcSctpAssociation *self)
{
  guint32 buffered = dc_sctp_buffered_locked (self);

  self->room_below = buffered - buffered / 4;
  self->writable_wanted = TRUE;
  self->nothing_new = self->state == DC_SCTP_UP;
}

static guint16
policy_of (const DcSctpSendInfo *info)
{
  switch (info->reliability) {
    case DC_SCTP_RETRANSMITS:
      return SCTP_PR_SCTP_RTX;
    case DC_SCTP_LIFETIME:
      return SCTP_PR_SCTP_TTL;
    case DC_SCTP_RELIABLE:
      break;
  }
  return SCTP_PR_SCTP_NONE;
}

static DcSctpSent
sent_of_errno (int error)
{
  switch (error) {
    case EWOULDBLOCK:
      return DC_SCTP_WOULD_BLOCK;
    case EMSGSIZE:
      return DC_SCTP_TOO_LONG;
    default:
      return DC_SCTP_CLOSED;
  }
}

static DcSctpSent
send_locked (DcSctpAssociation *self, const DcSctpSendInfo *info, gconstpointer data, gsize size)
{
  struct sctp_sendv_spa spa = {.sendv_flags = SCTP_SEND_SNDINFO_VALID};

  if (self->state < DC_SCTP_UP && !self->shutting)
    return DC_SCTP_WOULD_BLOCK;
  if (self->state != DC_SCTP_UP || self->shutting || info->stream >= self->out_streams
      || g_hash_table_contains (self->resetting, GUINT_TO_POINTER (info->stream)))
    return DC_SCTP_CLOSED;

  spa.sendv_sndinfo.snd_sid = info->stream;
  spa.sendv_sndinfo.snd_ppid = g_htonl (info->ppid);
  spa.sendv_sndinfo.snd_flags = info->unordered ? SCTP_UNORDERED : 0;
  if (info->reliability != DC_SCTP_RELIABLE) {
    spa.sendv_flags |= SCTP_SEND_PRINFO_VALID;
    spa.sendv_prinfo.pr_policy = policy_of (info);
    spa.sendv_prinfo.pr_value = info->limit;
  }
  if (usrsctp_sendv (self->socket, data, size, NULL, 0, &spa, sizeof spa, SCTP_SENDV_SPA, 0) < 0)
    return sent_of_errno (errno);
  dc_sctp_reset_note_use_locked (self, info->stream);
  self->stats.messages_sent++;
  self->stats.bytes_sent += size;
  if (!dc_sctp_packets_is_collecting (self))
    dc_sctp_floor_locked (self);
  return DC_SCTP_SENT;
}

static void
leave (DcSctpAssociation *self, gboolean hold)
{
  if (hold)
    dc_sctp_leave_holding (self);
  else
    dc_sctp_leave (self);
}

DcSctpSent
dc_sctp_association_send (DcSctpAssociation *self, const DcSctpSendInfo *info, gconstpointer data, gsize size)
{
  DcSctpSent sent;
  gboolean hold;

  g_return_val_if_fail (size > 0, DC_SCTP_TOO_LONG);
  dc_sctp_enter (self);
  hold = dc_sctp_hold_locked (self, size);
  sent = send_locked (self, info, data, size);
  if (sent == DC_SCTP_WOULD_BLOCK)
    want_room_locked (self);
  leave (self, hold && sent == DC_SCTP_SENT);
  return sent;
}

void
dc_sctp_association_want_room (DcSctpAssociation *self, guint32 below)
{
  dc_sctp_enter (self);
  self->room_below = self->writable_wanted ? MAX (self->room_below, below) : below;
  self->writable_wanted = TRUE;
  self->nothing_new = FALSE;
  dc_sctp_leave (self);
}
