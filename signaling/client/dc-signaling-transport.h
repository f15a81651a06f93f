/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-signaling-transport.h: one connection attempt and the connection that comes of it; internal to signaling/client. */
#pragma once

#include <gio/gio.h>
#include <libsoup/soup.h>
#include "signaling/client/dc-signaling-uri.h"
#include "signaling/protocol/dc-description.h"
#include "signaling/protocol/dc-message.h"
#include "signaling/protocol/dc-signaling-error.h"

G_BEGIN_DECLS

/* The largest thing taken from the server: one message, or polling's array of all that is in a mailbox (1 MiB by default). */
#define DC_TRANSPORT_MAX_INCOMING (2 * DC_MESSAGE_MAX_LENGTH)

typedef enum {
  DC_TRANSPORT_LOSS_CLOSED,     /* answer to dc_transport_close(); no error */
  DC_TRANSPORT_LOSS_CONNECTION, /* the code of the error says whether it may pass (UNREACHABLE, MESSAGE) or not (REFUSED) */
  DC_TRANSPORT_LOSS_UPGRADE_REFUSED, /* WebSocket is refused by someone who speaks HTTP: polling may work */
} DcTransportLoss;

typedef struct _DcTransport DcTransport;

/* All in the main context of the transport. Nothing is called after `lost`, nor after dc_transport_abandon(). */
typedef struct {
  void (*message) (DcMessage *message, gpointer user_data);
  void (*lost) (DcTransportLoss loss, const GError *error, gpointer user_data);
  /* Without a server: what the other side is to be brought, each time that there is more in it. */
  void (*described) (const DcDescription *local, gpointer user_data);
} DcTransportCallbacks;

typedef struct {
  void (*open) (DcTransport *transport, const char *hello);
  void (*send) (DcTransport *transport, const char *text);
  void (*acknowledge) (DcTransport *transport, guint64 seq);
  void (*close) (DcTransport *transport);
  /* Cancels everything at once; pending operations hold references and end soon after. */
  void (*abandon) (DcTransport *transport);
  void (*finalize) (DcTransport *transport);
} DcTransportClass;

typedef struct {
  const DcSignalingUri *uri;  /* copied into URLs at once; NULL: there is no server */
  GTlsDatabase *tls_database; /* (nullable): the system's */
  GProxyResolver *proxy;
  guint keepalive;         /* seconds; three times that in silence is a dead connection */
  guint answer_timeout_ms; /* for each HTTP request that does not wait on purpose */
  GMainContext *context;   /* thread-default where the transport is used */
} DcTransportOptions;

struct _DcTransport {
  const DcTransportClass *klass;
  grefcount refs;
  const DcTransportCallbacks *callbacks; /* NULL: lost or abandoned */
  gpointer user_data;
  GMainContext *context;
  SoupSession *session;      /* NULL: there is no server */
  GCancellable *cancellable; /* of everything */
  char *base;                /* "ws://host:port/prefix", for sentences */
  guint keepalive;
  guint answer_timeout_ms;
  gboolean hello_sent; /* the server may have registered us */
};

DcTransport *dc_websocket_transport_new (
    const DcTransportOptions *options, const DcTransportCallbacks *callbacks, gpointer user_data);
DcTransport *dc_poll_transport_new (
    const DcTransportOptions *options, const DcTransportCallbacks *callbacks, gpointer user_data);

/* Who is in a room without a server, if we have not been given another id. */
#define DC_TRANSPORT_MANUAL_LOCAL "local"
#define DC_TRANSPORT_MANUAL_REMOTE "remote"
DcTransport *dc_manual_transport_new (
    const DcTransportOptions *options, const DcTransportCallbacks *callbacks, gpointer user_data);
/* What the other side printed: its first description, or the same one with more candidates. DC_SIGNALING_ERROR_REFUSED with a sentence if it
 * does not fit in. */
gboolean dc_manual_transport_take (DcTransport *transport, const DcDescription *remote, GError **error);

/* Connects and says @hello (JSON). The welcome comes as the first message. */
void dc_transport_open (DcTransport *transport, const char *hello);
/* One message (JSON), after the welcome. */
void dc_transport_send (DcTransport *transport, const char *text);
/* Numbered messages up to @seq were taken. Told to the server soon, together with others. */
void dc_transport_acknowledge (DcTransport *transport, guint64 seq);
/* Sends what is queued, closes, and reports DC_TRANSPORT_LOSS_CLOSED; the caller bounds the time. */
void dc_transport_close (DcTransport *transport);
/* Ends it at once, without a callback, and gives up the caller's reference. */
void dc_transport_abandon (DcTransport *transport);

/* For the transports themselves. */
void dc_transport_init (DcTransport *transport, const DcTransportClass *klass, const DcTransportOptions *options,
    gboolean http, const DcTransportCallbacks *callbacks, gpointer user_data);
DcTransport *dc_transport_ref (DcTransport *transport);
void dc_transport_unref (DcTransport *transport);
gboolean dc_transport_is_live (const DcTransport *transport);
/* One JSON text from the server. FALSE: the transport is no longer live. */
gboolean dc_transport_deliver (DcTransport *transport, const char *text, gsize length);
void dc_transport_lose (DcTransport *transport, DcTransportLoss loss, const GError *error);
void dc_transport_lose_printf (
    DcTransport *transport, DcTransportLoss loss, DcSignalingError code, const char *format, ...) G_GNUC_PRINTF (4, 5);
/* UNREACHABLE for an HTTP status that tells of a passing trouble of the server or a proxy, REFUSED for any other. */
DcSignalingError dc_transport_judge_status (guint status);
/* A connection could not be made, or broke: puts what GIO, libsoup or TLS say into a sentence. @msg (nullable) knows the certificate. */
void dc_transport_lose_io (DcTransport *transport, SoupMessage *msg, const GError *cause);
GSource *dc_transport_add_timeout (DcTransport *transport, guint milliseconds, GSourceFunc func);
void dc_transport_clear_source (GSource **source);
/* @text from the network, fit for a terminal and a log, and to be part of a sentence: no control characters, no full stop at the end,
 * at most 200 characters. (transfer full) */
char *dc_transport_sanitize (const char *text);

G_END_DECLS
