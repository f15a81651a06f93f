/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-peer-private.h: what the files of DcPeer share. Each uses those below it:
 *   dc-peer.c           the object, its threads, what the application calls
 *   dc-peer-stats.c     statistics
 *   dc-peer-signaling.c what comes from the server, and which session it is for
 *   dc-peer-room.c      who is there, whom to call, our sessions with them
 *   dc-peer-base.c      telling the application, letting connections go, giving up and saying why */
#pragma once

#include "plugins/peer/dc-ice-config.h"
#include "plugins/peer/dc-network-watch.h"
#include "plugins/peer/dc-pairing.h"
#include "plugins/peer/dc-peer.h"
#include "plugins/peer/dc-session.h"
#include "signaling/client/dc-signaling-client.h"

G_BEGIN_DECLS

/* Somebody in the room. */
typedef struct {
  char *id;
  DcProfile *profile;
  gboolean away;      /* its connection to the server is lost: a call would wait */
  gboolean was_first; /* it was in the room before us */
  gint64 retry_at;    /* do not call before: monotonic time; 0: at once; G_MAXINT64: not until it joins or comes back */
  gboolean busy;      /* it just said so */
  guint failures;     /* calls in a row that came to nothing */
} DcRemote;

struct _DcPeer {
  GObject parent_instance;

  /* Properties; constant once started. */
  char *signaling, *room, *wanted_id, *remote_peer, *token, *secret, *certificate;
  DcProfile profile;
  DcIceSettings ice_settings;
  DcWebrtcSettings webrtc_settings;
  gboolean polling, once;
  gboolean manual; /* `signaling` says so: people carry the descriptions, and there is one call */
  guint connect_timeout, resume_timeout, max_connections;

  GThread *thread;
  GMainContext *context;
  GMainLoop *loop;
  gint64 start;

  /* The worker's own. */
  DcSignalingClient *client;
  DcIceConfig *ice;
  DcNetworkWatch *network;
  GPtrArray *remotes;   /* (element-type DcRemote): in the order of their coming */
  GPtrArray *sessions;  /* (element-type DcSession): being made or in use; changed with `lock` held */
  GQueue brought;       /* (element-type DcDescription): manual: before it could be judged */
  gboolean described;   /* manual: our own description has been told */
  GQueue held;          /* (element-type DcMessage): came before the ICE servers were chosen */
  GPtrArray *closing;   /* (element-type DcSession): saying goodbye */
  GSource *deadline;    /* connect-timeout */
  GSource *stats_timer; /* stats-interval */
  GSource *retry;       /* the earliest retry_at of those who may be called */
  gboolean registered;  /* at least once */
  gboolean served;      /* there was a channel, once */
  gboolean left;        /* `once` is over: we have left the room */
  gboolean stopping;
  gboolean signaling_closed;
  GError *signaling_error; /* the last one, while there is no connection to the server */
  gboolean signaling_dead; /* the client gave up */
  GError *call_error;      /* why the last call came to nothing */

  /* Shared with the application's threads. */
  GMutex lock;
  GCond cond;
  GQueue channels;                              /* (element-type DcChannel): open and not waited for yet */
  guint64 past_bytes_sent, past_bytes_received; /* of sessions that have ended */
  guint past_reconnects;
  gboolean connected; /* to the server */
  guint stats_interval;
  GError *error; /* the peer has given up */
  char *id;      /* as registered */
  gboolean flushing;
};

/* dc-peer-class.c */
void dc_peer_class_install (GObjectClass *object_class);

/* dc-peer-base.c */
/* Calls @func with @data on the worker, unless that ends before. @destroy: (nullable) */
void dc_peer_invoke (DcPeer *self, GSourceFunc func, gpointer data, GDestroyNotify destroy);
void dc_peer_emit (DcPeer *self, GstStructure *event);
void dc_peer_hand_out (DcPeer *self, DcChannel *channel);
/* Gives up with @error (transfer full), unless it has already. */
void dc_peer_give_up (DcPeer *self, GError *error);
/* Starts the time until a channel must be open, unless it runs. */
void dc_peer_arm_deadline (DcPeer *self);
void dc_peer_disarm_deadline (DcPeer *self);
DcRemote *dc_peer_find_remote (DcPeer *self, const char *id);
/* FALSE if the user named another remote. */
gboolean dc_peer_wants (DcPeer *self, const char *id);
gboolean dc_peer_has_open_session (DcPeer *self);
/* From in use to saying goodbye: the session no longer counts, and messages for it are stale. */
void dc_peer_let_go (DcPeer *self, DcSession *session, const char *reason);
void dc_peer_end_calls (DcPeer *self, const char *reason);
/* One step of stopping is done. */
void dc_peer_check_stopped (DcPeer *self);

/* dc-peer-stats.c */
/* Emits "statistics" every stats-interval, from now on. Worker. */
void dc_peer_start_stats (DcPeer *self);

/* dc-peer-room.c */
void dc_remote_free (gpointer remote);
/* Replaces what was known of a remote with that id. */
DcRemote *dc_peer_add_remote (DcPeer *self, const char *id, JsonNode *meta, gboolean away, gboolean was_first);
/* Our session with the server is new: its welcome says who is there. */
void dc_peer_meet_room (DcPeer *self, const DcMessage *welcome);
/* Calls whom the rules give to us, if it is time. */
void dc_peer_look_around (DcPeer *self);
/* Returns: (transfer none) (nullable): our session with the remote */
DcSession *dc_peer_find_session (DcPeer *self, const char *remote_id);
/* Returns: (transfer none) */
DcSession *dc_peer_add_session (DcPeer *self, const char *remote_id, const char *call);
void dc_peer_emit_closed (DcPeer *self, DcSession *session, const GError *error);
/* @call: (nullable) */
void dc_peer_emit_call (DcPeer *self, const char *name, const char *remote_id, const char *call);

/* dc-peer-signaling.c */
void dc_peer_connect_client (DcPeer *self);
/* Manual: @description (transfer full) came from the other side. Any thread. */
void dc_peer_bring (DcPeer *self, DcDescription *description);
/* It is known which ICE servers are used: what waited for that goes on. @user_data: the peer */
void dc_peer_on_ice_ready (gpointer user_data);
/* A DcNetworkWatchFunc. */
void dc_peer_on_network_changed (GList *addresses, gpointer user_data);

G_END_DECLS
