/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-hub-private.h: what the hub's files share. */
#pragma once

#include "signaling/hub/dc-hub.h"

G_BEGIN_DECLS

/*
 * Each uses those below it, never one above:
 *
 *   dc-hub.c          the hub: its interface, and deadlines
 *   dc-hub-intake.c   what comes in
 *   dc-hub-room.c     rooms: hello, presence, who is who
 *   dc-hub-session.c  one session: mailbox, numbering, rate
 *   dc-hub-outbox.c   what goes out
 */
typedef struct {
  char *name;
  GHashTable *sessions; /* id -> DcHubSession, not owned */
  GQueue members;       /* of DcHubSession's room_link: in the order in which they came */
  gsize bytes;          /* what the members are together in a welcome, at most */
} DcHubRoom;

struct _DcHubSession {
  DcHub *hub;
  DcHubRoom *room;
  GList room_link;
  char *id;
  char *name;       /* public: in the URLs of long polling */
  char *resume;     /* secret */
  char *resume_key; /* its SHA-256, under which the hub finds it: a hash table compares in a time that tells */
  JsonNode *meta;   /* (nullable) */
  gsize bytes;      /* its share of room->bytes */

  DcHubConnection *connection; /* NULL: away */
  gint64 expires;              /* while away */
  GList away_link;             /* in hub->away while away */
  gboolean doomed;             /* in hub->doomed: cannot be told what it must know, ends before the hub is left */

  guint64 received;    /* the last seq of the peer's that was stored or refused */
  guint64 sent;        /* the last seq of ours */
  GQueue mailbox;      /* of Letter: what was numbered and not acknowledged, oldest first */
  gsize mailbox_bytes; /* of those letters */

  gint64 busy_until; /* the rate: see dc_hub_session_charge() */
  guint strikes;     /* messages refused in a row because of the rate */
};

struct _DcHub {
  DcHubConfig config; /* no zeros left */
  JsonNode *limits;   /* for welcome */
  DcHubRandomFunc random_func;
  DcHubEventFunc event_func;
  gpointer user_data;

  GHashTable *rooms;    /* name -> DcHubRoom, owned */
  GHashTable *sessions; /* public name -> DcHubSession, owned */
  GHashTable *resumes;  /* SHA-256 of resume token -> DcHubSession */
  GQueue away;          /* of away_link, by expires: it is one span for all, so the order of going away */
  GQueue doomed;        /* of DcHubSession */
  GQueue outbox;        /* of Post: calls of vfuncs that are due, in order */
  GString *scratch;     /* the text that is being sent */
  guint depth;          /* calls into the hub that have not returned */
  gint64 now;           /* never runs backwards */
  gboolean shut_down;
  DcHubStats stats;
};

/* -- dc-hub-outbox.c -- */
/* @text: a reference is taken. */
void dc_hub_queue_text (DcHub *hub, DcHubConnection *connection, const char *text, guint64 seq);
void dc_hub_queue_message (DcHub *hub, DcHubConnection *connection, const DcMessage *message);
/* The connection belongs to no session any more. */
void dc_hub_queue_close (DcHub *hub, DcHubConnection *connection, DcCode code, const char *reason);
/* @connection is lost: nothing may reach it any more. */
void dc_hub_forget_posts (DcHub *hub, DcHubConnection *connection);
/* Calls what is queued, and what that queues, until nothing is left. */
void dc_hub_deliver_posts (DcHub *hub);
/* @out = @text with its seq put in; 0: as it is. */
void dc_hub_stamp (const char *text, guint64 seq, GString *out);
void dc_hub_emit (
    DcHub *hub, DcHubEventKind kind, DcHubSession *session, DcHubConnection *connection, const char *detail);

/* Answers with an error message, and tells the event function. */
typedef struct {
  DcCode code;
  guint64 seq;    /* of the refused message, or 0 */
  const char *to; /* (nullable) */
} DcRefusal;
void dc_hub_refuse (DcHub *hub, DcHubConnection *connection, const DcRefusal *refusal, const char *format, ...)
    G_GNUC_PRINTF (4, 5);

/* -- dc-hub-session.c -- */
DcHubSession *dc_hub_session_new (DcHub *hub, const char *id, JsonNode *meta);
void dc_hub_session_free (DcHubSession *session);
gboolean dc_hub_session_check_resume (const DcHubSession *session, const char *resume);
char *dc_hub_make_resume_key (const char *resume);
char *dc_hub_make_id (DcHub *hub);
/* Whether a relayed text of @length fits. */
gboolean dc_hub_session_has_room (const DcHubSession *session, gsize length);
/* Numbers @text, which has no seq yet, keeps and sends it. FALSE: not even presence fits any more. */
gboolean dc_hub_session_post (DcHubSession *session, const char *text);
void dc_hub_session_replay (DcHubSession *session);
/* FALSE: @seq was never sent. @news (optional): whether something was acknowledged that was not yet. */
gboolean dc_hub_session_acknowledge (DcHubSession *session, guint64 seq, gboolean *news);
/* Whether the session's rate lets @messages through now. */
gboolean dc_hub_session_charge (DcHubSession *session, guint messages);

/* -- dc-hub-room.c -- */
void dc_hub_room_free (DcHubRoom *room);
/* A first message that is a hello: a welcome or an error with a close. */
void dc_hub_hello (DcHub *hub, DcHubConnection *connection, const DcMessage *hello);
/* Puts @connection, which has no session, in the place of the session's own. */
void dc_hub_session_bind (DcHubSession *session, DcHubConnection *connection);
/* The connection is gone: others learn it, the resume time runs. */
void dc_hub_session_go_away (DcHubSession *session);
/* Frees @session; the others learn it. A connection is closed with @code, with an error message first if @tell. */
void dc_hub_session_end (DcHubSession *session, DcCode code, gboolean tell, const char *detail);

/* -- dc-hub-intake.c -- */
/* Any bytes from a connection that is not closed. */
void dc_hub_take_text (DcHub *hub, DcHubConnection *connection, const char *text, gsize length);

G_END_DECLS
