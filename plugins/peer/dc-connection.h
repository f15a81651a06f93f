/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-connection.h: one call to one remote peer, from the first description to the last goodbye; it carries the channels of a session. */
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
  const char *call;      /* name of the call, the offerer's choice */
  const char *continues; /* (nullable): the first call of a lost connection that this one takes up again */
  GPtrArray *channels;   /* (element-type DcChannel): what it may carry; those that have ended are left out */
  guint timeout;         /* milliseconds until dc_connection_set_open() */
  gboolean
      patient; /* people carry the descriptions: `timeout` only begins with the answer, and an offer may get more candidates */
  const char *secret;             /* (nullable): to be proved on each channel */
  const DcIceConfig *ice;         /* as it is when the connection is made; outlives it */
  const DcWebrtcSettings *webrtc; /* likewise */
} DcConnectionConfig;

typedef struct {
  void (*event) (DcConnection *connection, GstStructure *event, gpointer user_data); /* (transfer full) */
  void (*signal) (
      DcConnection *connection, DcMessage *message, gpointer user_data); /* to the remote; to and call are filled in */
  void (*ended) (DcConnection *connection, const GError *error,
      gpointer user_data);                                       /* once: it broke, or came to nothing. Close it. */
  void (*closed) (DcConnection *connection, gpointer user_data); /* after dc_connection_close(); nothing follows */
} DcConnectionCallbacks;

DcConnection *dc_connection_new (
    const DcConnectionConfig *config, const DcConnectionCallbacks *callbacks, gpointer user_data, GError **error);
DcConnection *dc_connection_ref (DcConnection *self);
void dc_connection_unref (DcConnection *self);

/* TRUE if the remote description has been given: an offer was answered, or is being answered. */
gboolean dc_connection_is_answered (DcConnection *self);
/* TRUE if no channel is in use and ICE has found no path yet. */
gboolean dc_connection_needs_signaling (DcConnection *self);
/* The remote, or the server for it, says that it will not go on. */
void dc_connection_refuse (DcConnection *self, const char *reason);
const char *dc_connection_get_call (DcConnection *self);
/* A channel on it is in use: it has succeeded, and there is no timeout any more. */
void dc_connection_set_open (DcConnection *self);
gboolean dc_connection_was_open (DcConnection *self);
/* (transfer full) (nullable): our address, if the selected pair's is none of @addresses (of this machine, as texts) any more. */
char *dc_connection_find_lost_address (DcConnection *self, GList *addresses);
/* It is of no use any more: ends it with PEER_GONE, or CONNECTION if it was not open. */
void dc_connection_give_up (DcConnection *self, const char *why);
/* Lets go of the channels, which another connection shall carry; none can be attached any more. */
void dc_connection_drop_channels (DcConnection *self);
/* All channels are closing; those that it carries have nothing left that the far side must get: there is nothing to wait for. */
void dc_connection_check_settled (DcConnection *self);
/* What has been reached so far, as the end of the sentence "no connection to X: ...". (transfer full) */
char *dc_connection_describe_progress (DcConnection *self);

/* Offerer: makes the channels and the offer. */
void dc_connection_call (DcConnection *self);
/* Answerer: takes the offer and answers it. */
void dc_connection_take_offer (DcConnection *self, const char *sdp);
void dc_connection_take_answer (DcConnection *self, const char *sdp);
void dc_connection_take_candidate (DcConnection *self, const char *candidate);
/* @nat: (nullable): what the far side says of its NAT */
void dc_connection_take_end_of_candidates (DcConnection *self, const char *nat);

/* Ends it without leaving the far side in doubt: what it must still get of the channels, which are closing or have ended, is waited for,
 * half a second at most, then the goodbye. May be called in any state, also twice. */
void dc_connection_close (DcConnection *self, const char *reason);

G_END_DECLS
