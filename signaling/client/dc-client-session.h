/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-client-session.h: what a client keeps from one connection to the next; sans-IO, internal to signaling/client. */
#pragma once

#include "signaling/client/dc-outbox.h"
#include "signaling/client/dc-signaling-setup.h"

G_BEGIN_DECLS

typedef struct {
  const DcSignalingSetup *setup; /* the client's */
  DcMessage *hello;              /* room, meta and token are set once; id and resume are those of the last welcome */
  guint64 last_seen;             /* the number of the last message that was taken */
  DcOutbox *outbox;
  gsize max_message; /* what the server takes */
} DcClientSession;

/* @setup must outlive it. */
DcClientSession *dc_client_session_new (const DcSignalingSetup *setup);
void dc_client_session_free (DcClientSession *self);

/* The JSON of a hello that resumes if it can. (transfer full) */
char *dc_client_session_make_hello (DcClientSession *self);
/* The server went on with the session or began a new one. What the outbox then has is to be sent. */
void dc_client_session_take_welcome (DcClientSession *self, const DcMessage *welcome);

typedef enum {
  DC_CLIENT_NUMBER_NEXT,  /* it is taken, and counted */
  DC_CLIENT_NUMBER_SEEN,  /* a replay */
  DC_CLIENT_NUMBER_SKIPS, /* something is missing before it */
} DcClientNumber;
DcClientNumber dc_client_session_take_number (DcClientSession *self, guint64 seq);

/* Numbers and keeps a copy of @message and returns its JSON (transfer full), or NULL with a sentence. */
char *dc_client_session_push (DcClientSession *self, DcMessage *message, GError **error);

G_END_DECLS
