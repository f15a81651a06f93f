/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-session-private.h: what the files of a session share. Each uses those below it:
 *   dc-session.c             calls, messages, life
 *   dc-session-channels.c    what the channels tell
 *   dc-session-connection.c  one connection after another
 *   dc-session-base.c        state, telling, ending, statistics */
#pragma once

#include "plugins/peer/dc-channel-private.h"
#include "plugins/peer/dc-session.h"

G_BEGIN_DECLS

typedef enum {
  DC_SESSION_NEW,     /* no connection */
  DC_SESSION_CALLING, /* a connection is being made, for the first time */
  DC_SESSION_OPEN,    /* a connection stands */
  DC_SESSION_LOST,    /* a connection is being made, or there is none */
  DC_SESSION_ENDED,   /* the owner was told; it closes us next */
  DC_SESSION_CLOSING, /* connections are saying goodbye */
  DC_SESSION_CLOSED,
} DcSessionState;

struct _DcSession {
  gatomicrefcount refs;
  GMainContext *context;
  gint64 start, resume_timeout;
  char *remote_id, *id, *secret;
  const DcIceConfig *ice;
  DcSessionCallbacks callbacks;
  gpointer user_data;

  GPtrArray *channels; /* (element-type DcChannel): constant until closed, then NULL */
  DcSessionState state;
  DcConnection *connection; /* (nullable) */
  DcConnection *parting;    /* (nullable) (unowned): the one that takes leave for the session */
  guint n_closing;          /* connections that were given up and are not gone */
  gboolean is_caller;
  gboolean patient;    /* people carry the descriptions */
  gboolean ended_lost; /* there was no connection on which the far side could have heard of the end */
  GSource *retry;      /* lost: until the next call */
  gint64 lost_at;
  guint n_attempts; /* since then, that came to nothing */

  GMutex lock;    /* what statistics show, for other threads; `channels` changing; and: */
  GQueue notices; /* what the channels have told */
  const char *state_name;
  gint64 opened_at;
  guint reconnects;
  GstStructure *pair; /* (nullable): the last "selected-pair" */
};

/* dc-session-base.c */
/* @name: what statistics call it. */
void dc_session_set_state (DcSession *self, DcSessionState state, const char *name);
GstStructure *dc_session_new_event (DcSession *self, const char *name);
void dc_session_send_bye (DcSession *self, const char *call, const char *reason);
/* Ready and not ended: in use, or waiting to be again. */
guint dc_session_count_live_channels (DcSession *self);
/* (transfer full) (nullable): why the channels that were in use have ended; NULL: as agreed. */
GError *dc_session_dup_channel_error (DcSession *self);
/* Tells the owner, once. */
void dc_session_end (DcSession *self, const GError *error);

typedef void (*DcSessionNoticeFunc) (DcSession *self, DcChannel *channel, const GError *error);
/* Any thread. Runs @func on the worker, in the order of the posts. */
void dc_session_post (DcSession *self, DcChannel *channel, const GError *error, DcSessionNoticeFunc func);
/* What the channels have told so far is dealt with now. */
void dc_session_take_notices (DcSession *self);

/* dc-session-connection.c */
/* FALSE: the session has ended. */
gboolean dc_session_make_connection (DcSession *self, const char *call);
void dc_session_emit_call (DcSession *self, const char *name, const char *call);
/* Lost: we call, after some time. */
void dc_session_call_again (DcSession *self, guint milliseconds);
/* From open: another connection is needed, if any channel can go on. */
void dc_session_lose_connection (DcSession *self, const GError *why);
/* The connection says goodbye by itself; `closed` follows. */
void dc_session_let_go (DcSession *self, const char *reason);
/* Closed, if nothing is left that takes leave. */
void dc_session_check_closed (DcSession *self);

/* dc-session-channels.c */
extern const DcChannelCallbacks dc_session_channel_callbacks;

G_END_DECLS
