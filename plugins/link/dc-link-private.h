/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-link-private.h: what the files of one end of a link share. */
#pragma once

#include "plugins/link/dc-heartbeat.h"
#include "plugins/link/dc-rate.h"
#include "plugins/link/dc-receiver.h"
#include "plugins/link/dc-sender.h"

G_BEGIN_DECLS

struct _DcLink {
  DcLinkConfig config; /* defaults filled in */
  DcSender sender;
  DcReceiver receiver;
  DcHeartbeat heartbeat;

  gboolean opened;      /* a far HELLO has come once */
  guint64 far_session;  /* what it said */
  gboolean resuming;    /* the channel is not the first */
  gboolean has_channel; /* FALSE: the channel is lost, and no other there yet */
  /* On this channel: */
  gboolean hello_sent, hello_received;
  guint far_lanes; /* the far HELLO's, once it was received */

  gint64 suspended_at; /* when the channel was lost, until HELLOs were exchanged on another; or -1 */
  char *lost_reason;   /* and why */

  GError *error;      /* set: ended */
  char *abort_reason; /* to be sent, or NULL */
  DcFrameAbortCode abort_code;

  gint64 last_sent, last_received;
  guint64 received_at_ping; /* sequenced frames, when the latest PING was sent */
  gint64 credit_deadline;   /* or -1 */
  gboolean fin_ack_queued;
  guint64 fin_ack_ping;     /* the PING sent right behind our FIN-ACK; 0: none yet */
  gboolean fin_ack_arrived; /* it was answered */
  guint n_probes;           /* PINGs that are still to follow the last message soon, see write_ping() */
  guint64 probes_from;      /* the first of them */

  DcRate send_rate, receive_rate; /* of payload of DATA */
  guint64 frames_sent, frames_received, messages_sent, messages_received;
  guint resumes;
};

/* dc-link-base.c */
/* Ends the link with @error (transfer full); @reason: what the far side is told, or NULL. */
void dc_link_end (DcLink *self, GError *error, DcFrameAbortCode code, const char *reason);

/* dc-link.c */
/* Sees to it that what was consumed is told in time. */
void dc_link_schedule_credit (DcLink *self, gint64 now);

/* dc-link-session.c: HELLO and the change of channels */
void dc_link_write_hello (DcLink *self, GByteArray *message);
/* FALSE: @fault says what was wrong, or the link has ended for another reason. */
gboolean dc_link_take_hello (DcLink *self, const DcFrameHello *hello, gint64 now, GError **fault);
/* When silence, or the lack of a channel, is to be acted upon. */
gint64 dc_link_get_session_deadline (const DcLink *self);

/* dc-link-transmit.c */
gint64 dc_link_get_ping_deadline (const DcLink *self);

G_END_DECLS
