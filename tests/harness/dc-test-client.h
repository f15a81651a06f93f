/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-client.h: a peer of the signaling protocol that knows only libsoup, for tests of the daemon. */
#pragma once

#include "signaling/protocol/dc-message.h"

G_BEGIN_DECLS

typedef enum { DC_TEST_WEBSOCKET, DC_TEST_POLLING } DcTestTransport;

/* Lives in the default main context; the waiting functions run it. Under a watchdog. */
typedef struct _DcTestClient DcTestClient;

/* @url: "ws://127.0.0.1:41234" or "wss://..."; @ca: (nullable): PEM file to trust. */
DcTestClient *dc_test_client_new (const char *url, DcTestTransport transport, const char *ca);
/* Opens the WebSocket without saying hello, and waits for it. FALSE if it cannot be opened. */
gboolean dc_test_client_connect (DcTestClient *client);
/* Connects and says hello; goes on with the session that it had if @resume. Does not wait. A polling client polls from the welcome on. */
void dc_test_client_hello (DcTestClient *client, const char *room, const char *id, gboolean resume);
/* A numbered message. @type: "offer", ..; @members: (nullable): further members of the object: "\"sdp\":\"x\"" */
void dc_test_client_send (DcTestClient *client, const char *type, const char *to, const char *members);
/* Any text; a WebSocket connects first if need be. */
void dc_test_client_send_text (DcTestClient *client, const char *text);
/* Acknowledges what was received. A polling client does so with its next poll anyway. */
void dc_test_client_ack (DcTestClient *client);
/* Waits for the next message. (transfer full) */
DcMessage *dc_test_client_wait_any (DcTestClient *client);
/* Waits for the next message of @type and drops those before it. (transfer full) */
DcMessage *dc_test_client_wait (DcTestClient *client, DcMessageType type);
/* Likewise for an error with @code. */
DcMessage *dc_test_client_wait_error (DcTestClient *client, DcCode code);
/* hello and wait for the welcome */
void dc_test_client_register (DcTestClient *client, const char *room, const char *id);
/* Waits until the other side has closed, and returns the WebSocket's close code, or the status of the request that failed. */
guint dc_test_client_wait_closed (DcTestClient *client);
/* As if the network had gone: nothing is said. */
void dc_test_client_cut (DcTestClient *client);
/* HTTP status of the last answer to a hello or a message (polling). */
guint dc_test_client_get_status (DcTestClient *client);
/* Messages that were received and not waited for. */
guint dc_test_client_get_pending (DcTestClient *client);
const char *dc_test_client_get_resume (DcTestClient *client);
const char *dc_test_client_get_session (DcTestClient *client);
void dc_test_client_free (DcTestClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcTestClient, dc_test_client_free)

/* One HTTP request, blocking. @url: as above; @bearer, @body: (nullable). Returns the body; @status is 0 if there was no answer. */
char *dc_test_http (
    const char *url, const char *method, const char *path, const char *bearer, const char *body, guint *status);

G_END_DECLS
