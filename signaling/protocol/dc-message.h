/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-message.h: one message of the signaling protocol datachannel.v1, and its JSON. */
#pragma once

#include <glib.h>
#include <glib-object.h>
#include <json-glib/json-glib.h>

G_BEGIN_DECLS

/*
 * Theory of the protocol (the whole is in data/signaling-protocol.md).
 *
 * A *session* between a peer and the hub outlives the connections that carry it. In each direction the
 * messages that matter are numbered from 1 (`seq`), kept by their sender until acknowledged (`ack`, cumulative) and sent
 * again after a reconnect; the receiver drops what it has seen. Not numbered: hello, welcome, ack and error.
 *
 *   peer -> hub   hello, offer, answer, candidate, end-of-candidates, bye, ack
 *   hub  -> peer  welcome, joined, left, away, back, offer, answer, candidate, end-of-candidates, bye, ack, error
 *
 * The hub answers each numbered message of a peer with an ack once it is stored for its receiver, or with an
 * error that names its seq; either means that the peer need not keep it.
 */

/* The order counts: joined .. bye are numbered, offer .. bye go from peer to peer. */
typedef enum {
  DC_MESSAGE_HELLO,
  DC_MESSAGE_WELCOME,
  DC_MESSAGE_JOINED, /* a peer is new in the room */
  DC_MESSAGE_LEFT,   /* its session ended */
  DC_MESSAGE_AWAY,   /* its connection is lost, its session lives on */
  DC_MESSAGE_BACK,   /* it resumed */
  DC_MESSAGE_OFFER,
  DC_MESSAGE_ANSWER,
  DC_MESSAGE_CANDIDATE,
  DC_MESSAGE_END_OF_CANDIDATES,
  DC_MESSAGE_BYE, /* with `to`: ends a call; without: ends the session */
  DC_MESSAGE_ACK,
  DC_MESSAGE_ERROR,
} DcMessageType;

/* What an error message says; the strings on the wire are these names in lower case with dashes. */
typedef enum {
  DC_CODE_BAD_MESSAGE,     /* not JSON, a member missing or of the wrong kind */
  DC_CODE_UNSUPPORTED,     /* a message type or a version this hub does not know */
  DC_CODE_NOT_REGISTERED,  /* hello must be first */
  DC_CODE_SESSION_EXPIRED, /* HTTP only: no such session any more, say hello anew */
  DC_CODE_BAD_ROOM,
  DC_CODE_BAD_ID,
  DC_CODE_ID_TAKEN,
  DC_CODE_TOKEN_REFUSED,
  DC_CODE_UNKNOWN_PEER,
  DC_CODE_MAILBOX_FULL,
  DC_CODE_TOO_LARGE,
  DC_CODE_RATE_LIMITED,
  DC_CODE_ROOM_FULL,
  DC_CODE_SERVER_FULL,
  DC_CODE_REPLACED, /* another connection took this session over */
  DC_CODE_SHUTTING_DOWN,
} DcCode;

typedef struct {
  char *id;
  JsonNode *meta; /* (nullable): an object */
  gboolean away;
} DcPeerInfo;

/* Members are set only where the type has them (see each); strings are owned. */
typedef struct {
  gatomicrefcount refs;
  DcMessageType type;
  guint64 seq; /* numbered types: > 0. ack: the last seq received. error: the refused message's, or 0 */
  guint64 ack; /* hello (resuming), welcome: the last seq received from the other side, or 0 */

  char *to;        /* offer .. bye, peer -> hub; error: (nullable): whom the refused message was for */
  char *from;      /* offer .. bye, hub -> peer */
  char *call;      /* offer .. bye: (nullable): the offerer's name for this call; the answerer repeats it */
  char *continues; /* offer: (nullable): the first call of a connection that was lost, which this one takes up again */
  char *sdp;       /* offer, answer */
  char *candidate; /* candidate: "candidate:..." */
  char *mid;       /* candidate: (nullable) */
  guint mline;     /* candidate */
  char *nat;       /* end-of-candidates: (nullable): how the sender's NAT maps */
  char *reason;    /* bye: (nullable): a sentence for people */

  char *room;            /* hello, welcome */
  char *id;              /* hello (nullable): wanted; welcome: given; joined, left, away, back: whose */
  JsonNode *meta;        /* hello, joined: (nullable): an object */
  char *token;           /* hello: (nullable): admission */
  char *resume;          /* hello: (nullable); welcome: what resumes this session */
  char *session;         /* welcome: the name of the session in URLs; not a secret */
  gboolean resumed;      /* welcome: the session went on; otherwise it is new */
  GPtrArray *peers;      /* welcome: (element-type DcPeerInfo): who was there before */
  JsonNode *ice_servers; /* welcome: (nullable): array of RTCIceServer objects */
  JsonNode *limits;      /* welcome: (nullable): object of numbers */

  DcCode code;   /* error */
  char *message; /* error: a sentence for people */
} DcMessage;

#define DC_TYPE_MESSAGE (dc_message_get_type ())
GType dc_message_get_type (void);

DcMessage *dc_message_new (DcMessageType type);
DcMessage *dc_message_ref (DcMessage *message);
void dc_message_unref (DcMessage *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcMessage, dc_message_unref)

DcPeerInfo *dc_peer_info_new (const char *id, JsonNode *meta, gboolean away);
void dc_peer_info_free (DcPeerInfo *info);

/* What a message may have at most, in bytes; the hub's limits on what it takes are lower (see DcHubConfig). A welcome that lists a
 * full room is the longest. */
#define DC_MESSAGE_MAX_LENGTH (2 * 1024 * 1024)
#define DC_MESSAGE_MAX_CALL 64
#define DC_MESSAGE_MAX_MID 64
#define DC_MESSAGE_MAX_NAT 64
#define DC_MESSAGE_MAX_CANDIDATE 1024
#define DC_MESSAGE_MAX_REASON 1024
#define DC_MESSAGE_MAX_META_DEPTH 16
/* Sequence numbers are exact in JavaScript too. */
#define DC_MESSAGE_MAX_SEQ ((G_GUINT64_CONSTANT (1) << 53) - 1)

/* Errors: DC_SIGNALING_ERROR_MESSAGE with a sentence. Members that the type does not have are ignored, and null is the same as a
 * member that is not there. An error code that is not known reads as DC_CODE_UNSUPPORTED. */
DcMessage *dc_message_new_from_json (const char *text, gssize length, GError **error);
DcMessage *dc_message_new_from_node (JsonNode *node, GError **error);
/* One line, compact, `type` first, then `seq`, then the others in a fixed order; what is not set is left out. */
char *dc_message_to_json (const DcMessage *message);
JsonNode *dc_message_to_node (const DcMessage *message);

const char *dc_message_type_to_string (DcMessageType type);
gboolean dc_message_type_from_string (const char *string, DcMessageType *type);
gboolean dc_message_type_is_numbered (DcMessageType type);
/* offer, answer, candidate, end-of-candidates and bye: what goes from one peer to another. */
gboolean dc_message_type_is_relayed (DcMessageType type);
const char *dc_code_to_string (DcCode code);
gboolean dc_code_from_string (const char *string, DcCode *code);

/* A peer id or a room: 1 to 64 of [A-Za-z0-9._-], not beginning with a dot or a dash. */
gboolean dc_name_is_valid (const char *name);

G_END_DECLS
