/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-connection.h: one call to one remote peer, from the first description to the last goodbye. */
#pragma once

#include "plugins/peer/dc-channel.h"
#include "plugins/peer/dc-peer.h"
#include "plugins/peer/dc-webrtc.h"
#include "signaling/protocol/dc-message.h"

G_BEGIN_DECLS

/*
 * Threads: made, used and told on the worker, whose main context is in the configuration. webrtcbin's threads only hand over to it.
 */
typedef struct _DcConnection DcConnection;

typedef struct {
  GMainContext *context; /* the worker's */
  gint64 start;          /* monotonic time that events count from */
  const char *remote_id;
  const char *call; /* name of the call, the offerer's choice */
  const char *label;
  DcMode mode;
  guint timeout; /* milliseconds until the channel must be usable */
  DcWebrtcConfig webrtc;
} DcConnectionConfig;

typedef struct {
  void (*event) (DcConnection *connection, GstStructure *event, gpointer user_data); /* (transfer full) */
  void (*signal) (
      DcConnection *connection, DcMessage *message, gpointer user_data); /* to the remote; to and call are filled in */
  void (*channel) (DcConnection *connection, DcChannel *channel, gpointer user_data); /* may be used; once */
  void (*ended) (
      DcConnection *connection, const GError *error, gpointer user_data); /* once; (nullable): as agreed. Close it. */
  void (*closed) (DcConnection *connection, gpointer user_data); /* after dc_connection_close(); nothing follows */
} DcConnectionCallbacks;

DcConnection *dc_connection_new (
    const DcConnectionConfig *config, const DcConnectionCallbacks *callbacks, gpointer user_data, GError **error);
DcConnection *dc_connection_ref (DcConnection *self);
void dc_connection_unref (DcConnection *self);

/* TRUE if dc_connection_call() made it: we called. */
gboolean dc_connection_is_caller (DcConnection *self);
/* TRUE if the remote description has been given: an offer was answered, or is being answered. */
gboolean dc_connection_is_answered (DcConnection *self);
/* The remote, or the server for it, says that it will not go on. */
void dc_connection_refuse (DcConnection *self, const char *reason);
/* (nullable): the channel once it was handed out, until the connection is closed. */
DcChannel *dc_connection_get_channel (DcConnection *self);
/* Seconds since the channel was handed out, or 0. */
gdouble dc_connection_get_duration (DcConnection *self);
const char *dc_connection_get_remote_id (DcConnection *self);
const char *dc_connection_get_call (DcConnection *self);
/* TRUE if the channel was handed out. */
gboolean dc_connection_was_open (DcConnection *self);
/* What has been reached so far, as the end of the sentence "no connection to X: ...". (transfer full) */
char *dc_connection_describe_progress (DcConnection *self);

/* Offerer: makes the channel and the offer. */
void dc_connection_call (DcConnection *self);
/* Answerer: takes the offer and answers it. */
void dc_connection_take_offer (DcConnection *self, const char *sdp);
void dc_connection_take_answer (DcConnection *self, const char *sdp);
void dc_connection_take_candidate (DcConnection *self, const char *candidate, guint mline);
void dc_connection_take_end_of_candidates (DcConnection *self);

/* Ends it without leaving the far side in doubt: what it must still get is waited for, up to a second and a half, then the goodbye. May be
 * called in any state, also twice. */
void dc_connection_close (DcConnection *self, const char *reason);

G_END_DECLS
