/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-session.h: what we have with one remote peer: its channels, carried by one connection after another. */
#pragma once

#include "plugins/peer/dc-connection.h"
#include "plugins/peer/dc-ice-config.h"

G_BEGIN_DECLS

/*
 * Threads: everything is called and told on the worker, but for dc_session_dup_stats(), which any thread may call.
 */
typedef struct _DcSession DcSession;

typedef struct {
  GMainContext *context; /* the worker's */
  gint64 start;          /* monotonic time that events count from */
  const char *remote_id;
  const char *call;               /* name of the first call, which is the session's too */
  GPtrArray *options;             /* (element-type DcChannelOptions): the channels that it may have */
  gint64 resume_timeout;          /* microseconds */
  gboolean patient;               /* people carry the descriptions, see DcConnectionConfig */
  const char *secret;             /* (nullable): to be proved on each channel */
  const DcIceConfig *ice;         /* as it is when a connection is made; outlives the session */
  const DcWebrtcSettings *webrtc; /* likewise */
} DcSessionConfig;

typedef struct {
  void (*event) (DcSession *session, GstStructure *event, gpointer user_data); /* (transfer full) */
  void (*signal) (
      DcSession *session, DcMessage *message, gpointer user_data); /* to the remote; to and call are filled in */
  void (*channel) (DcSession *session, DcChannel *channel, gpointer user_data); /* may be used */
  /* Once: all channels have ended, or none came about; (nullable) @error: why, NULL: as agreed. Close it. */
  void (*ended) (DcSession *session, const GError *error, gpointer user_data);
  void (*closed) (DcSession *session, gpointer user_data); /* after dc_session_close(); nothing follows */
} DcSessionCallbacks;

DcSession *dc_session_new (const DcSessionConfig *config, const DcSessionCallbacks *callbacks, gpointer user_data);
DcSession *dc_session_ref (DcSession *self);
void dc_session_unref (DcSession *self);

const char *dc_session_get_remote_id (DcSession *self);
/* TRUE if we called first. */
gboolean dc_session_is_caller (DcSession *self);
/* TRUE if a channel was handed out. */
gboolean dc_session_was_open (DcSession *self);
/* TRUE if a connection stands. */
gboolean dc_session_is_open (DcSession *self);
/* TRUE if @call (nullable: of a peer that names none) is the session's first, or the one that is being made or stands. */
gboolean dc_session_has_call (DcSession *self, const char *call);
/* TRUE if an offer of ours has been sent, and not answered yet. */
gboolean dc_session_is_calling (DcSession *self);
/* TRUE if no channel was handed out and there is no path to the remote yet: what signaling still carries is needed. */
gboolean dc_session_needs_signaling (DcSession *self);
/* Seconds since the first channel was handed out, or 0. */
gdouble dc_session_get_duration (DcSession *self);
/* Payload of all its channels. */
void dc_session_get_bytes (DcSession *self, guint64 *sent, guint64 *received);
guint dc_session_get_reconnects (DcSession *self);
/* What has been reached so far, as the end of the sentence "no connection to X: ...". (transfer full) */
char *dc_session_describe_progress (DcSession *self);
/* (transfer full): "connection" of dc-event.h. From any thread. */
GstStructure *dc_session_dup_stats (DcSession *self);

/* We call. */
void dc_session_call (DcSession *self);
/* The remote calls, for the first time or again. */
void dc_session_take_offer (DcSession *self, const char *call, const char *sdp);
/* TRUE if an offer that continues @call is for this session. */
gboolean dc_session_is_continued_by (DcSession *self, const char *call);
/* answer, candidate, end-of-candidates, bye of one of its calls. */
void dc_session_take_message (DcSession *self, const DcMessage *message);
/* The remote, or the server for it, says that it will not go on; while it is open that is an end in error. */
void dc_session_refuse (DcSession *self, const char *reason);
/* Something has changed that lets a call succeed: if one is due, it is made now. */
void dc_session_hurry (DcSession *self);
/* Its channels end with @error; "ended" is not told. */
void dc_session_fail (DcSession *self, const GError *error);
/* This machine's addresses are @addresses now: a connection that needs another is lost at once; one that is looked for is looked for anew. */
void dc_session_network_changed (DcSession *self, GList *addresses);

/* Ends channels and connection; the far side hears @reason if it has not finished. May be called in any state, also twice. */
void dc_session_close (DcSession *self, const char *reason);

G_END_DECLS
