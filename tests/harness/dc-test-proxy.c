/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-proxy.c: a TCP forwarder that misbehaves on demand. */
#include "tests/harness/dc-test-proxy.h"
#include <string.h>

/*
 * Each connection is a Link of two Pumps, one a direction: read, change, write all, again. A Link ends as a whole when either
 * side ends or dc_test_proxy_cut() comes: its cancellable ends what is pending, and each pending operation holds a reference.
 *
 * A thread runs the context. Calls from outside are carried out in it, one after the other, while the caller waits.
 */

struct _DcTestProxy {
  GThread *thread;
  GMainContext *context;
  GMainLoop *loop;
  GSocketService *service; /* NULL while refusing */
  guint16 target_port;
  guint16 port;
  gint accepted; /* atomic */

  /* Below: in the thread alone. */
  GPtrArray *links; /* of Link, not owned: those that have not ended */
  gboolean frozen;
  char *deny_upgrade;
  DcTestProxyFilter filter;
  gpointer filter_data;
};

typedef struct _Link Link;

typedef struct {
  Link *link;
  GIOStream *from, *to; /* not owned: the link's */
  gboolean from_server;
  guint8 buffer[32 * 1024];
  GByteArray *pending; /* read and not yet passed on */
  GByteArray *writing; /* being written */
  gboolean is_websocket;
  gboolean inspected; /* client: the head of the first request was looked at; server: of the first answer */
  gboolean held;      /* has read something while frozen */
} Pump;

struct _Link {
  gatomicrefcount refs;
  DcTestProxy *proxy;
  GIOStream *client, *server;
  GCancellable *cancellable;
  gboolean ended;
  Pump up, down;
};

static void pump_read (Pump *pump);

static Link *
link_ref (Link *link)
{
  g_atomic_ref_count_inc (&link->refs);
  return link;
}

static void
link_unref (Link *link)
{
  if (!g_atomic_ref_count_dec (&link->refs))
    return;
  g_clear_object (&link->client);
  g_clear_object (&link->server);
  g_object_unref (link->cancellable);
  g_byte_array_unref (link->up.pending);
  g_byte_array_unref (link->up.writing);
  g_byte_array_unref (link->down.pending);
  g_byte_array_unref (link->down.writing);
  g_free (link);
}

static void
link_end (Link *link)
{
  if (link->ended)
    return;
  link->ended = TRUE;
  g_ptr_array_remove_fast (link->proxy->links, link);
  g_cancellable_cancel (link->cancellable);
  g_io_stream_close (link->client, NULL, NULL);
  if (link->server != NULL)
    g_io_stream_close (link->server, NULL, NULL);
  link_unref (link);
}

/* The length of the frame at the head of @data with its header, which goes to @header; 0: not all there. */
static gsize
frame_length (const GByteArray *data, gsize *header)
{
  const guint8 *b = data->data;
  guint64 payload;

  if (data->len < 2)
    return 0;
  *header = (b[1] & 0x7f) == 127 ? 10 : (b[1] & 0x7f) == 126 ? 4 : 2;
  if (data->len < *header)
    return 0;
  payload = b[1] & 0x7f;
  if (*header > 2) {
    payload = 0;
    for (gsize i = 2; i < *header; i++)
      payload = payload << 8 | b[i];
  }
  return data->len >= *header + payload ? *header + payload : 0;
}

static void
move_bytes (GByteArray *from, gsize length, GByteArray *to)
{
  g_byte_array_append (to, from->data, length);
  g_byte_array_remove_range (from, 0, length);
}

static void
filter_bytes (Pump *pump, guint8 *data, gsize length)
{
  DcTestProxy *proxy = pump->link->proxy;

  if (proxy->filter != NULL && pump->from_server && length > 0)
    proxy->filter (data, length, proxy->filter_data);
}

static const char *
find_head_end (const GByteArray *data)
{
  const char *end = data->len > 0 ? memmem (data->data, data->len, "\r\n\r\n", 4) : NULL;

  return end != NULL ? end + 4 : NULL;
}

/* The client's first request. FALSE: it was denied. */
static gboolean
inspect_request (Pump *pump)
{
  const char *status = pump->link->proxy->deny_upgrade;
  const char *end = find_head_end (pump->pending);
  g_autofree char *head = NULL;
  g_autofree char *answer = NULL;

  if (end == NULL)
    return TRUE;
  pump->inspected = TRUE;
  head = g_ascii_strdown ((const char *) pump->pending->data, end - (const char *) pump->pending->data);
  if (status == NULL || strstr (head, "upgrade: websocket") == NULL)
    return TRUE;
  if (*status != '\0') {
    answer = g_strdup_printf ("HTTP/1.1 %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", status);
    g_output_stream_write_all (g_io_stream_get_output_stream (pump->from), answer, strlen (answer), NULL, NULL, NULL);
  }
  link_end (pump->link);
  return FALSE;
}

/* The server's first answer: after a 101 come frames. */
static void
inspect_answer (Pump *pump)
{
  const char *end = find_head_end (pump->pending);

  if (end == NULL)
    return;
  pump->inspected = TRUE;
  pump->is_websocket = g_str_has_prefix ((const char *) pump->pending->data, "HTTP/1.1 101");
  if (pump->is_websocket)
    move_bytes (pump->pending, end - (const char *) pump->pending->data, pump->writing);
}

/* Moves from pending to writing what may pass. */
static void
pump_prepare (Pump *pump)
{
  gsize header, length;

  if (!pump->inspected && pump->from_server)
    inspect_answer (pump);
  if (!pump->inspected)
    return;
  if (!pump->is_websocket) {
    filter_bytes (pump, pump->pending->data, pump->pending->len);
    move_bytes (pump->pending, pump->pending->len, pump->writing);
    return;
  }
  while ((length = frame_length (pump->pending, &header)) > 0) {
    filter_bytes (pump, pump->pending->data + header, length - header);
    move_bytes (pump->pending, length, pump->writing);
  }
}

static void
written_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Pump *pump = user_data;

  if (!g_output_stream_write_all_finish (G_OUTPUT_STREAM (source), result, NULL, NULL))
    link_end (pump->link);
  g_byte_array_set_size (pump->writing, 0);
  if (!pump->link->ended)
    pump_read (pump);
  link_unref (pump->link);
}

static void
pump_pass (Pump *pump)
{
  if (!pump->inspected && !pump->from_server && !inspect_request (pump))
    return;
  pump_prepare (pump);
  if (pump->writing->len == 0) {
    pump_read (pump);
    return;
  }
  link_ref (pump->link);
  g_output_stream_write_all_async (g_io_stream_get_output_stream (pump->to), pump->writing->data, pump->writing->len,
      G_PRIORITY_DEFAULT, pump->link->cancellable, written_cb, pump);
}

static void
read_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Pump *pump = user_data;
  gssize count = g_input_stream_read_finish (G_INPUT_STREAM (source), result, NULL);

  if (count <= 0) {
    link_end (pump->link);
  } else {
    g_byte_array_append (pump->pending, pump->buffer, count);
    if (pump->link->proxy->frozen)
      pump->held = TRUE;
    else
      pump_pass (pump);
  }
  link_unref (pump->link);
}

static void
pump_read (Pump *pump)
{
  link_ref (pump->link);
  g_input_stream_read_async (g_io_stream_get_input_stream (pump->from), pump->buffer, sizeof pump->buffer,
      G_PRIORITY_DEFAULT, pump->link->cancellable, read_cb, pump);
}

static void
pump_init (Pump *pump, Link *link, gboolean from_server)
{
  pump->link = link;
  pump->from = from_server ? link->server : link->client;
  pump->to = from_server ? link->client : link->server;
  pump->from_server = from_server;
  pump_read (pump);
}

static void
connected_cb (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Link *link = user_data;
  GSocketConnection *server = g_socket_client_connect_to_host_finish (G_SOCKET_CLIENT (source), result, NULL);

  if (link->ended || server == NULL) {
    g_clear_object (&server);
    link_end (link);
  } else {
    link->server = G_IO_STREAM (server);
    pump_init (&link->up, link, FALSE);
    pump_init (&link->down, link, TRUE);
  }
  link_unref (link);
}

static gboolean
incoming_cb (GSocketService *service, GSocketConnection *connection, GObject *source, gpointer user_data)
{
  DcTestProxy *proxy = user_data;
  g_autoptr (GSocketClient) client = g_socket_client_new ();
  Link *link = g_new0 (Link, 1);

  g_atomic_int_inc (&proxy->accepted);
  g_atomic_ref_count_init (&link->refs);
  link->proxy = proxy;
  link->client = g_object_ref (G_IO_STREAM (connection));
  link->cancellable = g_cancellable_new ();
  link->up.pending = g_byte_array_new ();
  link->up.writing = g_byte_array_new ();
  link->down.pending = g_byte_array_new ();
  link->down.writing = g_byte_array_new ();
  g_ptr_array_add (proxy->links, link);
  g_socket_client_set_enable_proxy (client, FALSE);
  g_socket_client_connect_to_host_async (
      client, "127.0.0.1", proxy->target_port, link->cancellable, connected_cb, link_ref (link));
  return TRUE;
}

/* ---- Control ---- */

typedef struct {
  DcTestProxy *proxy;
  void (*func) (DcTestProxy *proxy, gpointer data);
  gpointer data;
  GMutex mutex;
  GCond cond;
  gboolean done;
} Call;

static gboolean
call_cb (gpointer user_data)
{
  Call *call = user_data;

  call->func (call->proxy, call->data);
  g_mutex_lock (&call->mutex);
  call->done = TRUE;
  g_cond_signal (&call->cond);
  g_mutex_unlock (&call->mutex);
  return G_SOURCE_REMOVE;
}

static void
call_in_thread (DcTestProxy *proxy, void (*func) (DcTestProxy *proxy, gpointer data), gpointer data)
{
  Call call = {.proxy = proxy, .func = func, .data = data};
  g_autoptr (GSource) source = g_idle_source_new ();

  g_mutex_init (&call.mutex);
  g_cond_init (&call.cond);
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, call_cb, &call, NULL);
  g_source_attach (source, proxy->context);
  g_mutex_lock (&call.mutex);
  while (!call.done)
    g_cond_wait (&call.cond, &call.mutex);
  g_mutex_unlock (&call.mutex);
  g_mutex_clear (&call.mutex);
  g_cond_clear (&call.cond);
}

static void
do_listen (DcTestProxy *proxy, gpointer data)
{
  g_autoptr (GSocketAddress) address = g_inet_socket_address_new_from_string ("127.0.0.1", proxy->port);
  g_autoptr (GSocketAddress) effective = NULL;
  g_autoptr (GError) error = NULL;

  if (proxy->service != NULL)
    return;
  proxy->service = g_socket_service_new ();
  g_socket_listener_add_address (G_SOCKET_LISTENER (proxy->service), address, G_SOCKET_TYPE_STREAM,
      G_SOCKET_PROTOCOL_TCP, NULL, &effective, &error);
  g_assert_no_error (error);
  proxy->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (effective));
  g_signal_connect (proxy->service, "incoming", G_CALLBACK (incoming_cb), proxy);
}

static void
do_refuse (DcTestProxy *proxy, gpointer data)
{
  if (proxy->service == NULL)
    return;
  g_signal_handlers_disconnect_by_data (proxy->service, proxy);
  g_socket_service_stop (proxy->service);
  g_socket_listener_close (G_SOCKET_LISTENER (proxy->service));
  g_clear_object (&proxy->service);
}

static void
do_cut (DcTestProxy *proxy, gpointer data)
{
  while (proxy->links->len > 0)
    link_end (g_ptr_array_index (proxy->links, 0));
}

static void
do_freeze (DcTestProxy *proxy, gpointer data)
{
  proxy->frozen = GPOINTER_TO_INT (data);
  if (proxy->frozen)
    return;
  g_autoptr (GPtrArray) links = g_ptr_array_copy (proxy->links, (GCopyFunc) link_ref, NULL);
  g_ptr_array_set_free_func (links, (GDestroyNotify) link_unref);
  for (guint i = 0; i < links->len; i++) {
    Link *link = g_ptr_array_index (links, i);
    Pump *pumps[] = {&link->up, &link->down};
    for (guint k = 0; k < G_N_ELEMENTS (pumps); k++) {
      if (!link->ended && pumps[k]->held) {
        pumps[k]->held = FALSE;
        pump_pass (pumps[k]);
      }
    }
  }
}

static void
do_deny (DcTestProxy *proxy, gpointer data)
{
  g_free (proxy->deny_upgrade);
  proxy->deny_upgrade = g_strdup (data);
}

static void
do_filter (DcTestProxy *proxy, gpointer data)
{
  gpointer *pair = data;

  proxy->filter = *(DcTestProxyFilter *) pair[0];
  proxy->filter_data = pair[1];
}

static void
do_quit (DcTestProxy *proxy, gpointer data)
{
  do_refuse (proxy, NULL);
  do_cut (proxy, NULL);
  g_main_loop_quit (proxy->loop);
}

static gpointer
thread_main (gpointer user_data)
{
  DcTestProxy *proxy = user_data;

  g_main_context_push_thread_default (proxy->context);
  g_main_loop_run (proxy->loop);
  /* What was cancelled completes. */
  while (g_main_context_iteration (proxy->context, FALSE))
    ;
  g_main_context_pop_thread_default (proxy->context);
  return NULL;
}

DcTestProxy *
dc_test_proxy_new (guint16 target_port)
{
  DcTestProxy *proxy = g_new0 (DcTestProxy, 1);

  proxy->target_port = target_port;
  proxy->links = g_ptr_array_new ();
  proxy->context = g_main_context_new ();
  proxy->loop = g_main_loop_new (proxy->context, FALSE);
  proxy->thread = g_thread_new ("test-proxy", thread_main, proxy);
  call_in_thread (proxy, do_listen, NULL);
  return proxy;
}

void
dc_test_proxy_free (DcTestProxy *proxy)
{
  call_in_thread (proxy, do_quit, NULL);
  g_thread_join (proxy->thread);
  g_main_loop_unref (proxy->loop);
  g_main_context_unref (proxy->context);
  g_ptr_array_unref (proxy->links);
  g_free (proxy->deny_upgrade);
  g_free (proxy);
}

guint16
dc_test_proxy_get_port (DcTestProxy *proxy)
{
  return proxy->port;
}

char *
dc_test_proxy_dup_url (DcTestProxy *proxy, const char *scheme)
{
  return g_strdup_printf ("%s://127.0.0.1:%u", scheme, proxy->port);
}

guint
dc_test_proxy_get_accepted (DcTestProxy *proxy)
{
  return (guint) g_atomic_int_get (&proxy->accepted);
}

void
dc_test_proxy_cut (DcTestProxy *proxy)
{
  call_in_thread (proxy, do_cut, NULL);
}

void
dc_test_proxy_set_refuse (DcTestProxy *proxy, gboolean refuse)
{
  call_in_thread (proxy, refuse ? do_refuse : do_listen, NULL);
}

void
dc_test_proxy_set_frozen (DcTestProxy *proxy, gboolean frozen)
{
  call_in_thread (proxy, do_freeze, GINT_TO_POINTER (frozen));
}

void
dc_test_proxy_set_deny_upgrade (DcTestProxy *proxy, const char *status)
{
  call_in_thread (proxy, do_deny, (gpointer) status);
}

void
dc_test_proxy_set_filter (DcTestProxy *proxy, DcTestProxyFilter filter, gpointer user_data)
{
  gpointer pair[] = {&filter, user_data};

  call_in_thread (proxy, do_filter, pair);
}
