/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-dtls-connection.c: what a dtlsenc and a dtlsdec with the same connection-id have in common: one DTLS association after another.
 *
 * Theory of operation
 * -------------------
 * dtlsdec makes the connection, and makes it known by its id; dtlsenc joins it, and starts and stops it as its own state changes. From each start to
 * the next stop there is a `run': a DcDtlsSession and its timer. Which side is to be the client is only known when it starts, and the far side may be
 * faster: what comes before waits, as much as a socket would hold.
 *
 *                      start                  client's first flight came      handshake done
 *       NEW ------------------> CONNECTING ------------------------------------------------> CONNECTED
 *        |                          |                                                            |
 *        |  close, stop             | alert, no answer: FAILED, and why                          | close_notify of either side, stop: CLOSED
 *        '-> CLOSED                 '----------------------------------------------------------->'
 *
 * CLOSED by us is not over: the far side's data is taken until its own close_notify. CLOSED and FAILED last until the next start.
 *
 * Threads
 * -------
 * There is none of ours for a connection. The session works on whichever thread calls it. What has to happen by itself, the first step and the repeats
 * of the handshake, happens on threads that GStreamer lends (gst_element_call_async()); never on the thread that changes the state, which may
 * hold locks of bins that a step wants: webrtcbin takes the same lock to start a dtlsenc and when the keys are there. One thread of the process sleeps
 * until the next of all the repeats is due.
 *
 * The callbacks of a session may come on a thread that is about to send: what dtlsdec then has to hand over must not be handed over there, for that
 * thread may be inside of the very SCTP association that would get it. So application data that doesn't come to a thread that is in
 * gst_dc_dtls_connection_open() goes to the listener, which puts it off. */
#include "plugins/transport/gst-dtls-connection.h"

#include "plugins/transport/gst-dtls-connection-private.h"
#include "plugins/transport/gst-dtls-process.h"

#define EARLY_MAX (64u << 10)
#define EARLY_COST 128u /* of the memory of what waits, beside its bytes */
/* Who is at work goes on to tell a webrtcbin, which must not be gone by then; but might wait for a lock that is held by who stops. */
#define CLOSE_LIMIT (2 * G_TIME_SPAN_SECOND)

/* What the session has beside what it gives back in place, for who is in gst_dc_dtls_connection_open() on this thread. */
typedef struct {
  GstDcDtlsConnection *connection;
  GPtrArray *further; /* (element-type GstBuffer) */
} Opening;
static _Thread_local Opening opening;

/* --- States ---------------------------------------------------------------------------------------------------------------------- */

static gboolean
set_state_locked (GstDcDtlsConnection *self, GstDcDtlsState state)
{
  if (self->state == state || self->state == GST_DC_DTLS_CLOSED || self->state == GST_DC_DTLS_FAILED)
    return FALSE;
  self->state = state;
  return TRUE;
}

static void
set_state (GstDcDtlsConnection *self, GstDcDtlsState state)
{
  gboolean changed;

  g_mutex_lock (&self->lock);
  changed = set_state_locked (self, state);
  g_mutex_unlock (&self->lock);
  if (changed)
    gst_dc_dtls_connection_tell_state (self);
}

/* --- Calling the session --------------------------------------------------------------------------------------------------------- */

typedef struct {
  GstDcDtlsRun *run;
  DcDtlsSession *session;
  guint i; /* of Run's calls */
} Call;

static gboolean
begin_call (GstDcDtlsConnection *self, Call *call)
{
  g_mutex_lock (&self->lock);
  call->run = self->run;
  if (call->run != NULL) {
    call->session = dc_dtls_session_ref (call->run->session);
    call->i = call->run->closing ? 1 : 0;
    call->run->calls[call->i]++;
  }
  g_mutex_unlock (&self->lock);
  return call->run != NULL;
}

static void
end_call (GstDcDtlsConnection *self, Call *call)
{
  GstDcDtlsRun *run = call->run;
  gboolean closed;

  g_mutex_lock (&self->lock);
  run->calls[call->i]--;
  closed = run->closing && !run->closed && run->calls[0] == 0;
  if (closed) {
    run->closed = TRUE;
    g_cond_broadcast (&self->called);
  }
  g_mutex_unlock (&self->lock);
  dc_dtls_session_unref (call->session);
  if (closed)
    gst_dc_dtls_connection_tell_closed (self);
}

/* --- Timers ---------------------------------------------------------------------------------------------------------------------- */

/* To when the session wants it now. Two threads that do so at the same time cannot leave behind what was before: each asks under the lock. */
static void
set_timer (GstDcDtlsConnection *self)
{
  g_mutex_lock (&self->lock);
  if (self->run != NULL)
    g_source_set_ready_time (self->run->timer, dc_dtls_session_get_deadline (self->run->session));
  g_mutex_unlock (&self->lock);
}

static void
work_cb (GstElement *enc, gpointer user_data)
{
  GstDcDtlsConnection *self = user_data;
  Call call;

  if (!begin_call (self, &call))
    return;
  if (dc_dtls_session_get_state (call.session) == DC_DTLS_NEW)
    dc_dtls_session_start (call.session);
  else
    dc_dtls_session_handle_timeout (call.session);
  set_timer (self);
  end_call (self, &call);
}

/* The timer is set by who works, also if it is too early to repeat something. */
static gboolean
work_soon (gpointer user_data)
{
  GstDcDtlsConnection *self = user_data;
  g_autoptr (GstElement) enc = g_weak_ref_get (&self->elements[GST_DC_DTLS_END_ENC]);

  if (enc != NULL)
    gst_element_call_async (
        enc, work_cb, gst_dc_dtls_connection_ref (self), (GDestroyNotify) gst_dc_dtls_connection_unref);
  return G_SOURCE_CONTINUE;
}

/* --- What the session says ------------------------------------------------------------------------------------------------------- */

static void
on_output (DcPacket *packets, guint n, gpointer user_data)
{
  GstDcDtlsRun *run = user_data;

  gst_dc_dtls_connection_tell_packets (run->connection, GST_DC_DTLS_END_ENC, packets, n);
  set_timer (run->connection);
}

static void
on_data (DcPacket *packets, guint n, gpointer user_data)
{
  GstDcDtlsRun *run = user_data;

  if (opening.connection == run->connection) {
    for (guint i = 0; i < n; i++)
      g_ptr_array_add (opening.further, gst_buffer_new_memdup (packets[i].data, packets[i].size));
    return;
  }
  gst_dc_dtls_connection_tell_packets (run->connection, GST_DC_DTLS_END_DEC, packets, n);
}

static gboolean
on_verify (const char *pem, gpointer user_data)
{
  GstDcDtlsRun *run = user_data;
  GstDcDtlsConnection *self = run->connection;
  g_autoptr (GstElement) dec = g_weak_ref_get (&self->elements[GST_DC_DTLS_END_DEC]);

  g_mutex_lock (&self->lock);
  g_free (self->peer_pem);
  self->peer_pem = g_strdup (pem);
  g_mutex_unlock (&self->lock);
  if (dec != NULL)
    self->listeners[GST_DC_DTLS_END_DEC]->peer_pem (dec);
  return TRUE;
}

static gboolean
is_history (GstDcDtlsRun *run)
{
  gboolean result;

  g_mutex_lock (&run->connection->lock);
  result = run->connection->run != run;
  g_mutex_unlock (&run->connection->lock);
  return result;
}

static gboolean
take_keys (GstDcDtlsRun *run)
{
  GstDcDtlsConnection *self = run->connection;
  gboolean agreed;

  g_mutex_lock (&self->lock);
  self->was_connected = TRUE;
  agreed = self->run == run
           && dc_dtls_session_get_srtp_keys (run->session, &self->srtp_profile, self->client_key, self->server_key);
  g_mutex_unlock (&self->lock);
  return agreed;
}

static void
end (GstDcDtlsConnection *self, GstDcDtlsState state, const GError *error)
{
  g_mutex_lock (&self->lock);
  self->over = TRUE;
  g_mutex_unlock (&self->lock);
  set_state (self, state);
  gst_dc_dtls_connection_tell_over (self, error);
}

/* Who waits for the keys must have them before anyone hears that it is connected. */
static void
on_state (DcDtlsState state, const GError *error, gpointer user_data)
{
  GstDcDtlsRun *run = user_data;

  if (is_history (run))
    return;
  switch (state) {
    case DC_DTLS_NEW:
      break;
    case DC_DTLS_CONNECTING:
      set_state (run->connection, GST_DC_DTLS_CONNECTING);
      break;
    case DC_DTLS_CONNECTED:
      if (take_keys (run))
        gst_dc_dtls_connection_tell_keys (run->connection);
      set_state (run->connection, GST_DC_DTLS_CONNECTED);
      break;
    case DC_DTLS_CLOSED:
      end (run->connection, GST_DC_DTLS_CLOSED, NULL);
      break;
    case DC_DTLS_FAILED:
      end (run->connection, GST_DC_DTLS_FAILED, error);
      break;
  }
}

/* --- From start to stop ---------------------------------------------------------------------------------------------------------- */

/* They wait in the session until it starts, and are copied. */
static void
take_early (DcDtlsSession *session, GQueue *early)
{
  GBytes *datagram;

  while ((datagram = g_queue_pop_head (early))) {
    gsize size;
    guint8 *data = g_bytes_unref_to_data (datagram, &size);
    DcPacket packet = {data, size};

    dc_dtls_session_open (session, &packet, 1);
    g_free (data);
  }
}

static void
keep_early_locked (GstDcDtlsConnection *self, const DcPacket *packet)
{
  gsize cost = packet->size + EARLY_COST;

  if (self->early_size + cost > EARLY_MAX)
    return;
  self->early_size += cost;
  g_queue_push_tail (&self->early, g_bytes_new (packet->data, packet->size));
}

static void
begin_locked (GstDcDtlsConnection *self, GstDcDtlsRun *run, gboolean is_client, GQueue *early)
{
  self->run = run;
  self->runs = g_slist_prepend (self->runs, run);
  self->is_client = is_client;
  self->state = GST_DC_DTLS_NEW;
  self->over = self->was_connected = FALSE;
  self->srtp_profile = 0;
  g_clear_pointer (&self->peer_pem, g_free);
  *early = self->early;
  g_queue_init (&self->early);
  self->early_size = 0;
}

gboolean
gst_dc_dtls_connection_start (GstDcDtlsConnection *self, gboolean is_client, GError **error)
{
  static const DcDtlsCallbacks callbacks = {on_output, on_data, on_state, on_verify};
  g_autoptr (DcDtlsCertificate) certificate = gst_dc_dtls_connection_get_certificate (self, error);
  DcDtlsSession *session;
  GQueue early;
  GstDcDtlsRun *run;

  if (certificate == NULL)
    return FALSE;
  run = g_new0 (GstDcDtlsRun, 1);
  run->connection = self;
  run->session = session = dc_dtls_session_new (certificate, is_client, &callbacks, run);
  run->timer = gst_dc_dtls_process_new_timer (
      work_soon, gst_dc_dtls_connection_ref (self), (GDestroyNotify) gst_dc_dtls_connection_unref);
  g_mutex_lock (&self->lock);
  begin_locked (self, run, is_client, &early);
  g_mutex_unlock (&self->lock);
  take_early (session, &early);
  work_soon (self);
  return TRUE;
}

/* Who is at work in the session does what is wanted of it, also this. */
static void
close_session (GstDcDtlsConnection *self, Call *call)
{
  g_mutex_lock (&self->lock);
  call->run->closing = TRUE;
  g_mutex_unlock (&self->lock);
  dc_dtls_session_close (call->session);
  end_call (self, call);
}

gboolean
gst_dc_dtls_connection_close (GstDcDtlsConnection *self)
{
  gboolean closed;
  Call call;

  if (!begin_call (self, &call))
    return TRUE;
  close_session (self, &call);
  set_state (self, GST_DC_DTLS_CLOSED);
  g_mutex_lock (&self->lock);
  closed = call.run->closed;
  g_mutex_unlock (&self->lock);
  return closed;
}

/* What it has to send must be sent before the pads are closed, by whoever is at work: unless that one waits for us. */
static void
wait_closed_locked (GstDcDtlsConnection *self, GstDcDtlsRun *run)
{
  gint64 limit = g_get_monotonic_time () + CLOSE_LIMIT;

  while (!run->closed && g_cond_wait_until (&self->called, &self->lock, limit))
    continue;
}

/* What the session says from here on is history, but for what is to be sent. */
void
gst_dc_dtls_connection_stop (GstDcDtlsConnection *self)
{
  g_autoptr (DcDtlsSession) session = NULL;
  g_autoptr (GSource) timer = NULL;
  Call call;

  if (!begin_call (self, &call))
    return;
  g_mutex_lock (&self->lock);
  self->run = NULL;
  self->over = TRUE;
  timer = g_steal_pointer (&call.run->timer);
  session = g_steal_pointer (&call.run->session);
  g_mutex_unlock (&self->lock);
  g_source_destroy (timer);
  close_session (self, &call);
  g_mutex_lock (&self->lock);
  wait_closed_locked (self, call.run);
  g_mutex_unlock (&self->lock);
  set_state (self, GST_DC_DTLS_CLOSED);
}

/* --- Packets --------------------------------------------------------------------------------------------------------------------- */

gboolean
gst_dc_dtls_connection_seal (GstDcDtlsConnection *self, DcPacket *packets, guint n)
{
  gboolean sealed;
  Call call;

  if (!begin_call (self, &call))
    return FALSE;
  sealed = dc_dtls_session_seal (call.session, packets, n);
  end_call (self, &call);
  return sealed;
}

static void
drop (GstDcDtlsConnection *self, DcPacket *packets, guint n)
{
  g_mutex_lock (&self->lock);
  for (guint i = 0; i < n; i++) {
    if (!self->over)
      keep_early_locked (self, &packets[i]);
    packets[i].size = 0;
  }
  g_mutex_unlock (&self->lock);
}

void
gst_dc_dtls_connection_open (GstDcDtlsConnection *self, DcPacket *packets, guint n, GPtrArray *further)
{
  /* Elements that are linked in a circle are inside of each other. */
  Opening outer = opening;
  Call call;

  if (!begin_call (self, &call)) {
    drop (self, packets, n);
    return;
  }
  opening = (Opening){self, further};
  dc_dtls_session_open (call.session, packets, n);
  opening = outer;
  end_call (self, &call);
}
