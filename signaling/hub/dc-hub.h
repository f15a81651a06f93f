/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-hub.h: peers, rooms, sessions and mailboxes; sans-IO. */
#pragma once

#include "signaling/protocol/dc-message.h"

G_BEGIN_DECLS

/*
 * Sans-IO: texts and a clock (microseconds, monotonic) go in; texts go out through the connection interface, what happened
 * goes out as events, and a next deadline can be asked for. No sockets, threads, clocks or randomness of its own.
 * Not thread-safe. The hub calls the vfuncs of a connection last, when its own state is whole: they may call the hub again, and what
 * that causes is called after they have returned. The event function must not call the hub.
 */
typedef struct _DcHub DcHub;
typedef struct _DcHubSession DcHubSession;

/* A connection, as the hub sees it: WebSocket, long polling, later others. The implementer embeds this as its first member, zeroed but
 * for klass and origin, and keeps it until its close was called or dc_hub_detach() has returned. */
typedef struct _DcHubConnection DcHubConnection;
typedef struct {
  /* One JSON message for the peer. @seq is its number, 0 for welcome, ack and error. Numbered messages stay in the mailbox until
   * acknowledged, so an implementation that fetches them with dc_hub_session_collect() may ignore @text where @seq > 0. */
  void (*send) (DcHubConnection *connection, const char *text, gsize length, guint64 seq);
  /* The hub is done with this connection: flush what was sent, then close it. It is detached already, and what still comes in on it is
   * ignored. @code and @reason (one sentence) say why; DC_CODE_SESSION_EXPIRED: the peer itself said bye. */
  void (*close) (DcHubConnection *connection, DcCode code, const char *reason);
} DcHubConnectionClass;

struct _DcHubConnection {
  const DcHubConnectionClass *klass;
  DcHubSession *session; /* the hub's: NULL before hello and after close */
  gboolean closed;       /* the hub's */
  char *origin;          /* owned by the implementer: "WebSocket 192.0.2.1:4711", for events */
};

/* A text longer than max_message is refused by its seq and the session goes on; one longer than this times max_message is not even
 * read and ends its connection. Transports should let that much in. */
#define DC_HUB_READ_FACTOR 4

typedef struct {
  gsize max_message;          /* bytes of JSON; 0: 65536 */
  gsize max_meta;             /* bytes of a peer's meta; 0: 4096 */
  guint max_mailbox_messages; /* 0: 1024; presence (joined, left, away, back) may fill a quarter more */
  gsize max_mailbox_bytes;    /* 0: 1 MiB; likewise */
  gsize max_mailboxes_bytes;  /* of all mailboxes together: nothing is relayed beyond it; 0: 256 MiB */
  guint max_room_peers;       /* 0: 1024 */
  guint max_peers;            /* 0: 10000 */
  guint messages_per_second;  /* refill of each session's bucket; 0: 50 */
  guint message_burst;        /* size of the bucket; 0: 500 */
  gint64 resume_time;         /* microseconds; 0: 30 s */
  JsonNode *ice_servers;      /* (nullable): for welcome */
} DcHubConfig;

typedef enum {
  DC_HUB_EVENT_REGISTERED, /* peer, room, origin */
  DC_HUB_EVENT_RESUMED,    /* peer, room, origin */
  DC_HUB_EVENT_AWAY,       /* peer, room: connection lost */
  DC_HUB_EVENT_LEFT,       /* peer, room, detail: why */
  DC_HUB_EVENT_RELAYED,    /* peer, room, to, type */
  DC_HUB_EVENT_REFUSED,    /* peer and room if known, to, origin, code, detail */
} DcHubEventKind;

typedef struct {
  DcHubEventKind kind;
  const char *peer, *room, *to, *origin, *detail;
  DcMessageType type;
  DcCode code;
} DcHubEvent;

typedef struct {
  guint peers, away, rooms; /* now; peers: those that are away too */
  guint64 registered, relayed, refused;
  gsize mailbox_bytes; /* of all mailboxes now */
} DcHubStats;

typedef void (*DcHubEventFunc) (const DcHubEvent *event, gpointer user_data);
/* Fills @buffer with unpredictable bytes (tests: predictable ones). */
typedef void (*DcHubRandomFunc) (guint8 *buffer, gsize length, gpointer user_data);

DcHub *dc_hub_new (
    const DcHubConfig *config, DcHubRandomFunc random_func, DcHubEventFunc event_func, gpointer user_data);
/* All connections must have been closed (dc_hub_shut_down) or detached. */
void dc_hub_free (DcHub *hub);

/* One text from @connection: the first must be a hello. Bad input is answered with an error; what cannot go on is closed.
 * Takes any bytes. */
void dc_hub_receive (DcHub *hub, DcHubConnection *connection, const char *text, gsize length, gint64 now);
/* @connection is lost: its session, if any, goes away and waits for the resume time. */
void dc_hub_detach (DcHub *hub, DcHubConnection *connection, gint64 now);

/* For connections that fetch (long polling). Finds a session by its public name and checks its resume token; NULL if either is wrong
 * or it is over. */
DcHubSession *dc_hub_find_session (DcHub *hub, const char *session, const char *resume);
/* Makes @connection the one of @session, as a resume would, but without a welcome and without a replay: what is in the mailbox is there for
 * dc_hub_session_collect(). An earlier connection is closed with DC_CODE_REPLACED. */
void dc_hub_attach (DcHub *hub, DcHubSession *session, DcHubConnection *connection, gint64 now);
DcHubConnection *dc_hub_session_get_connection (DcHubSession *session);
/* Acknowledges up to @after (a number that was never given out acknowledges nothing), and returns the texts still in the mailbox,
 * oldest first, as one JSON array; NULL if there are none. (transfer full) */
char *dc_hub_session_collect (DcHubSession *session, guint64 after);

gint64 dc_hub_get_deadline (const DcHub *hub); /* or -1 */
void dc_hub_advance (DcHub *hub, gint64 now);

/* Sends `bye` without `seq` and `from` to every session, ends it and closes its connection with DC_CODE_SHUTTING_DOWN. Later receives are
 * answered with that error. Connections that have not said hello yet are the caller's to close. */
void dc_hub_shut_down (DcHub *hub, const char *reason);

void dc_hub_get_stats (const DcHub *hub, DcHubStats *stats);

G_END_DECLS
