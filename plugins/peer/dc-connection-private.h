/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-connection-private.h: what the files of a connection share. Each uses those below it:
 *   dc-connection.c            negotiation
 *   dc-connection-channels.c   webrtcbin's channels
 *   dc-connection-life.c       whether anybody is there still
 *   dc-connection-close.c      closing
 *   dc-connection-transport.c  the states of ICE, DTLS and SCTP; identity
 *   dc-connection-ice.c        candidates
 *   dc-connection-base.c       handing over to the worker, telling the owner, ending */
#pragma once

#include <gst/webrtc/webrtc.h>

#include "plugins/peer/dc-connection.h"
#include "plugins/peer/dc-identity.h"

G_BEGIN_DECLS

typedef enum {
  DC_PHASE_NEGOTIATING, /* until a channel is in use; any failure is "no connection" */
  DC_PHASE_OPEN,        /* a channel is in use; any failure is "peer gone" */
  DC_PHASE_ENDED,       /* the owner was told; it closes us next */
  DC_PHASE_CLOSING,     /* lingering, saying goodbye */
  DC_PHASE_CLOSED,      /* webrtcbin is gone; what threads still post is dropped */
} DcPhase;

typedef enum { DC_VERDICT_NONE, DC_VERDICT_SAME, DC_VERDICT_OTHER } DcVerdict;

/* Candidates of one side, for the trace and for the sentence that explains a failure. */
typedef struct {
  guint count;
  DcCandidateSet types;
  DcNatMapping nat; /* theirs: as the far side says */
  gboolean done;
} DcCandidates;

struct _DcConnection {
  gatomicrefcount refs;
  GMainContext *context;
  gint64 start, opened_at;
  char *remote_id, *call, *continues, *secret;
  const DcIceConfig *ice_config;
  const DcWebrtcSettings *webrtc_settings;
  guint timeout_ms;
  gboolean patient;
  DcConnectionCallbacks callbacks;
  gpointer user_data;

  DcPhase phase;
  gboolean channel_open; /* one of webrtcbin's */
  DcWebrtc *webrtc;
  GPtrArray *
      channels; /* (element-type DcChannel): constant; they may be attached to webrtcbin's channels here or elsewhere */
  GHashTable *announced;   /* ids of channels for which DCEP has spoken, and that are not known to be open */
  GHashTable *unannounced; /* Carried by id: open, but the answer to the far side is not on its way */
  GSource *close_timer;
  GSource *life_timer;              /* (nullable): see dc-connection-life.c */
  guint life_seen, life_unanswered; /* packets that had come; how often we have asked since then */
  GSourceFunc linger_end;           /* while lingering: what comes next */
  gboolean is_caller;
  GCancellable *cancellable; /* name look-ups */

  gboolean remote_known;     /* the remote description was given to webrtcbin */
  gboolean remote_set;       /* and taken by it */
  GQueue early_candidates;   /* (element-type utf8): came before that */
  guint resolving;           /* candidates whose name is looked up */
  gboolean remote_end_waits; /* end-of-candidates came, but names are still looked up */
  DcCandidates local, remote;
  GSource *head_start; /* (nullable): of the pairs without a relay, while it lasts */
  gboolean relays_may; /* it is over, or there is none */
  gboolean gathered;   /* our candidates; relays, too, if they were asked for before */
  GQueue held_remote;  /* (element-type utf8): relays of theirs, until they may */

  GstWebRTCSCTPTransport *sctp; /* the three are NULL until webrtcbin has made them */
  GstWebRTCDTLSTransport *dtls;
  GstWebRTCICETransport *ice;
  gint gathering_state, ice_state, dtls_state, sctp_state; /* as last told */
  GstStructure *pair;                                      /* (nullable): likewise */
  gboolean fast, fast_told;                                /* likewise: whether packets go past the elements */
  const char *left;                                        /* how the far side has left; NULL: it has not */
  guint left_waiting, left_steps; /* how many messages were not given then, and how often that was looked at */
  GSource *timeout;               /* while negotiating, and once the far side has left */

  GMutex attach_lock; /* webrtcbin's thread against the worker */
  gboolean gone;      /* nothing may be attached any more */

  GMutex identity_lock; /* DTLS's thread against the worker */
  DcIdentity *identity;
  DcVerdict verdict;
};

typedef void (*DcConnectionFunc) (DcConnection *self, gpointer data);
/* Runs @func on the worker, in the order of the posts; not at all once the connection is closed. From any thread. */
void dc_connection_post (DcConnection *self, DcConnectionFunc func, gpointer data, GDestroyNotify destroy);
/* A new event about this peer; from any thread. dc_connection_emit() takes it, on the worker only. */
GstStructure *dc_connection_event (DcConnection *self, const char *name);
void dc_connection_emit (DcConnection *self, GstStructure *event);
/* To the remote, by signaling; fills in to and call. @message: (transfer full). Worker. */
void dc_connection_send (DcConnection *self, DcMessage *message);
/* Tells the owner, once, that it is over. Worker. */
void dc_connection_end (DcConnection *self, const GError *error);
/* (Re)starts the timer of the closing steps. Worker. */
void dc_connection_close_after (DcConnection *self, guint milliseconds, GSourceFunc func);
/* Nothing is to be waited for any more: ends the lingering, if that is going on. Worker. */
void dc_connection_hurry (DcConnection *self);
/* Something went wrong: it ends with @code. Worker. */
void dc_connection_fail (DcConnection *self, DcError code, const char *format, ...) G_GNUC_PRINTF (3, 4);
/* Closures that keep the connection alive while a handler runs. */
void dc_connection_connect (DcConnection *self, gpointer instance, const char *signal, GCallback callback);

void dc_connection_forget_candidates (DcConnection *self);
/* libnice's. Once there is an ICE transport. */
guint dc_connection_get_stream_id (DcConnection *self);

/* dc-connection-channels.c */
void dc_connection_init_channels (DcConnection *self);
/* The caller makes all channels; the called peer those that are not announced in band. FALSE, and the connection failed, if one cannot be. */
gboolean dc_connection_make_channels (DcConnection *self, gboolean only_negotiated);
/* Answerer. webrtcbin emits this when a channel is open, with its lock held; attaching it here loses no message. */
void dc_connection_on_data_channel (GstElement *bin, GstWebRTCDataChannel *rtc, DcConnection *self);
/* See DcSctpPathCallbacks. Any thread. */
void dc_connection_on_announced (guint stream, gpointer user_data);
/* The longest message that is neither cut nor refused on its way through webrtcbin: with GStreamer's elements, see dc-sdp.h. */
guint dc_connection_get_message_limit (DcConnection *self);
/* What we take: the link protocol needs its 65536 bytes; raw channels say what they take. */
guint dc_connection_get_max_message_size (DcConnection *self);
/* See DcSctpPathCallbacks. Any thread. */
void dc_connection_on_spread (guint n, gpointer user_data);
/* More of what the channels have sent may have arrived. */
void dc_connection_check_delivered (DcConnection *self);

/* dc-connection-life.c: from now on. */
void dc_connection_watch_life (DcConnection *self);

/* dc-connection-ice.c */
void dc_connection_on_local_candidate (GstElement *bin, guint mline, const char *candidate, DcConnection *self);
/* libnice has gathered all that it knew to gather. Worker. */
void dc_connection_gathered (DcConnection *self);
/* A new webrtcbin is to look for candidates. FALSE: @error says why it cannot. */
gboolean dc_connection_begin_candidates (DcConnection *self, GError **error);
void dc_connection_flush_candidates (DcConnection *self);
char *dc_connection_describe_ice (DcConnection *self);

/* dc-connection-transport.c */
void dc_connection_watch_transports (DcConnection *self);
void dc_connection_unwatch_transports (DcConnection *self);
gboolean dc_connection_check_identity (DcConnection *self);
/* The far side has left, as @how (static) tells. What came before may still be on its way to the channels. Worker. */
void dc_connection_far_side_left (DcConnection *self, const char *how);
/* It may have left, and what came before may have been given to the channels: then the connection ends. Worker. */
void dc_connection_check_left (DcConnection *self);

/* dc-connection-fast.c: after another pair was selected, and when DTLS is connected. */
void dc_connection_check_fast (DcConnection *self);

G_END_DECLS
