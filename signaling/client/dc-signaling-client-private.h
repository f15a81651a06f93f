/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-signaling-client-private.h: what the two files of a signaling client share:
 *   dc-signaling-client-base.c  its states: attempts, what comes, reconnecting
 *   dc-signaling-client.c       the object, and what is asked of it */
#pragma once

#include "signaling/client/dc-backoff.h"
#include "signaling/client/dc-client-session.h"
#include "signaling/client/dc-signaling-client.h"
#include "signaling/client/dc-signaling-setup.h"
#include "signaling/client/dc-signaling-transport.h"

G_BEGIN_DECLS

typedef enum {
  STATE_NEW,        /* no transport, no timer */
  STATE_CONNECTING, /* transport, timer: the attempt's limit */
  STATE_REGISTERED, /* transport, no timer */
  STATE_WAITING,    /* no transport, timer: the backoff */
  STATE_CLOSING,    /* perhaps a transport, timer: the farewell's limit */
  STATE_CLOSED,     /* neither */
  STATE_FAILED,     /* neither */
} State;

struct _DcSignalingClient {
  GObject parent_instance;
  GMainContext *context;

  DcSignalingSetup *setup;
  DcClientSession *session;

  State state;
  DcTransport *transport;
  GSource *timer;
  DcBackoff backoff;
  gint64 registered_at;    /* monotonic; 0: never */
  gboolean polling;        /* this attempt, or the next, polls */
  gboolean polling_proven; /* it registered, the WebSocket did not */
  const char *transport_name;

  gboolean may_linger;   /* the server may hold a session of ours that we cannot resume */
  gint64 id_taken_since; /* monotonic; 0: it was not */
  char *farewell;        /* (nullable): the reason in our bye */
};

gboolean dc_signaling_client_is_manual (DcSignalingClient *self);
/* In the place of the one that there was. */
void dc_signaling_client_set_timer (DcSignalingClient *self, guint milliseconds, GSourceFunc func);
/* With its timer. */
void dc_signaling_client_drop_transport (DcSignalingClient *self);
/* To CONNECTING; there is no transport. */
void dc_signaling_client_attempt (DcSignalingClient *self);
/* On a transport that has registered. */
void dc_signaling_client_say_bye (DcSignalingClient *self);
/* To CLOSED. @self: the client */
gboolean dc_signaling_client_finish_close_cb (gpointer self);

G_END_DECLS
