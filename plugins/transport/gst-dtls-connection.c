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

#include <openssl/crypto.h>

#include "plugins/transport/gst-dtls-process.h"

#define EARLY_MAX (64u << 10)
#define EARLY_COST 128u /* of the memory of what waits, beside its bytes */
#define SRTP_KEY_SIZE 30u
#define SRTP_AES_128_ICM 1u
#define SRTP_HMAC_SHA1_32 1u
#define SRTP_HMAC_SHA1_80 2u
#define DTLS_1_2 0xfefdu /* the only one that a session does */
/* Who is at work goes on to tell a webrtcbin, which must not be gone by then; but might wait for a lock that is held by who stops. */
#define CLOSE_LIMIT (2 * G_TIME_SPAN_SECOND)

/* The session may be called by who got it, also when it is history: so a run stays for as long as the connection. Of the connection's lock. */
typedef struct {
  GstDcDtlsConnection *connection;
  DcDtlsSession *session; /* (nullable): it was stopped */
  GSource *timer;         /* (nullable) */
  gboolean closing, closed;
  guint calls
      [2]; /* into the session, under way: that began before it was closing, or then; one of the former may have to do the closing */
} Run;

struct _GstDcDtlsConnection {
  GWeakRef elements[GST_DC_DTLS_N_ENDS];
  const GstDcDtlsListener *listeners[GST_DC_DTLS_N_ENDS];
  char *id; /* (nullable); of the table's lock, and so is: */
  gboolean has_enc;

  GMutex lock; /* of what follows; the session's is taken under it */
  GCond called;
  DcDtlsCertificate *certificate; /* (nullable): not set, and nobody asked */
  Run *run;                       /* (nullable) */
  GSList *runs;                   /* (element-type Run): all there were */
  GstDcDtlsState state;
  gboolean over;
  gboolean was_connected;
  GQueue early; /* (element-type GBytes): datagrams */
  gsize early_size;
  char *peer_pem;
  gboolean is_client;
  guint srtp_profile; /* 0: none */
  guint8 client_key[SRTP_KEY_SIZE], server_key[SRTP_KEY_SIZE];
};

/* What the session has beside what it gives back in place, for who is in gst_dc_dtls_connection_open() on this thread. */
typedef struct {
  GstDcDtlsConnection *connection;
  GPtrArray *further; /* (element-type GstBuffer) */
} Opening;
static _Thread_local Opening opening;

GType
gst_dc_dtls_state_get_type (void)
{
  static const GEnumValue values[] = {
      {GST_DC_DTLS_NEW, "not started", "new"},
      {GST_DC_DTLS_CLOSED, "closed by either side", "closed"},
      {GST_DC_DTLS_FAILED, "failed", "failed"},
      {GST_DC_DTLS_CONNECTING, "in the handshake", "connecting"},
      {GST_DC_DTLS_CONNECTED, "connected", "connected"},
      {0, NULL, NULL},
  };
  static gsize type = 0;

  if (g_once_init_enter (&type)) {
    GType stock = g_type_from_name ("GstDtlsConnectionState");
    g_once_init_leave (&type, stock != 0 ? stock : g_enum_register_static ("GstDcDtlsState", values));
  }
  return type;
}

/* --- Its certificate -------------------------------------------------------------------------------------------------------------- */

void
gst_dc_dtls_connection_set_certificate (GstDcDtlsConnection *self, DcDtlsCertificate *certificate)
{
  g_mutex_lock (&self->lock);
  g_clear_pointer (&self->certificate, dc_dtls_certificate_unref);
  if (certificate != NULL)
    self->certificate = dc_dtls_certificate_ref (certificate);
  g_mutex_unlock (&self->lock);
}

DcDtlsCertificate *
gst_dc_dtls_connection_get_certificate (GstDcDtlsConnection *self, GError **error)
{
  DcDtlsCertificate *result;

  g_mutex_lock (&self->lock);
  if (self->certificate == NULL)
    self->certificate = gst_dc_dtls_process_get_certificate (error);
  result = self->certificate != NULL ? dc_dtls_certificate_ref (self->certificate) : NULL;
  g_mutex_unlock (&self->lock);
  return result;
}

/* --- Connections by their ids ---------------------------------------------------------------------------------------------------- */

static GMutex table_lock;
static GHashTable *table = NULL; /* (element-type utf8 GstDcDtlsConnection) without references */

GstDcDtlsConnection *
gst_dc_dtls_connection_new (GstElement *dec, const GstDcDtlsListener *listener)
{
  GstDcDtlsConnection *self = g_atomic_rc_box_new0 (GstDcDtlsConnection);

  g_mutex_init (&self->lock);
  g_cond_init (&self->called);
  g_weak_ref_init (&self->elements[GST_DC_DTLS_END_DEC], dec);
  g_weak_ref_init (&self->elements[GST_DC_DTLS_END_ENC], NULL);
  self->listeners[GST_DC_DTLS_END_DEC] = listener;
  return self;
}

GstDcDtlsConnection *
gst_dc_dtls_connection_ref (GstDcDtlsConnection *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
clear (gpointer data)
{
  GstDcDtlsConnection *self = data;

  g_slist_free_full (self->runs, g_free);
  g_queue_clear_full (&self->early, (GDestroyNotify) g_bytes_unref);
  g_clear_pointer (&self->certificate, dc_dtls_certificate_unref);
  g_weak_ref_clear (&self->elements[GST_DC_DTLS_END_DEC]);
  g_weak_ref_clear (&self->elements[GST_DC_DTLS_END_ENC]);
  g_free (self->peer_pem);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->called);
  OPENSSL_cleanse (self->client_key, sizeof self->client_key);
  OPENSSL_cleanse (self->server_key, sizeof self->server_key);
}

void
gst_dc_dtls_connection_unref (GstDcDtlsConnection *self)
{
  g_atomic_rc_box_release_full (self, clear);
}

static void
forget_id_locked (GstDcDtlsConnection *self)
{
  if (self->id == NULL)
    return;
  g_hash_table_remove (table, self->id);
  g_clear_pointer (&self->id, g_free);
}

gboolean
gst_dc_dtls_connection_set_id (GstDcDtlsConnection *self, const char *id)
{
  gboolean is_free = TRUE;

  g_mutex_lock (&table_lock);
  if (table == NULL)
    table = g_hash_table_new (g_str_hash, g_str_equal);
  forget_id_locked (self);
  if (id != NULL)
    is_free = !g_hash_table_contains (table, id);
  if (id != NULL && is_free) {
    self->id = g_strdup (id);
    g_hash_table_insert (table, self->id, self);
  }
  g_mutex_unlock (&table_lock);
  return is_free;
}

GstDcDtlsConnection *
gst_dc_dtls_connection_join (const char *id, GstElement *enc, const GstDcDtlsListener *listener)
{
  GstDcDtlsConnection *self;

  g_mutex_lock (&table_lock);
  self = table != NULL ? g_hash_table_lookup (table, id) : NULL;
  if (self != NULL && self->has_enc)
    self = NULL;
  if (self != NULL) {
    self->has_enc = TRUE;
    self->listeners[GST_DC_DTLS_END_ENC] = listener;
    g_weak_ref_set (&self->elements[GST_DC_DTLS_END_ENC], enc);
    gst_dc_dtls_connection_ref (self);
  }
  g_mutex_unlock (&table_lock);
  return self;
}

void
gst_dc_dtls_connection_leave (GstDcDtlsConnection *self)
{
  g_mutex_lock (&table_lock);
  g_weak_ref_set (&self->elements[GST_DC_DTLS_END_ENC], NULL);
  self->has_enc = FALSE;
  g_mutex_unlock (&table_lock);
}

/* --- Telling the elements -------------------------------------------------------------------------------------------------------- */

static void
tell_packets (GstDcDtlsConnection *self, GstDcDtlsEnd end, DcPacket *packets, guint n)
{
  g_autoptr (GstElement) element = g_weak_ref_get (&self->elements[end]);

  if (element != NULL)
    self->listeners[end]->packets (element, packets, n);
}

static void
tell_keys (GstDcDtlsConnection *self)
{
  for (guint i = GST_DC_DTLS_N_ENDS; i-- > 0;) {
    g_autoptr (GstElement) element = g_weak_ref_get (&self->elements[i]);
    if (element != NULL)
      self->listeners[i]->keys (element);
  }
}

static void
tell_state (GstDcDtlsConnection *self)
{
  for (guint i = 0; i < GST_DC_DTLS_N_ENDS; i++) {
    g_autoptr (GstElement) element = g_weak_ref_get (&self->elements[i]);
    if (element != NULL)
      self->listeners[i]->state (element);
  }
}

static void
tell_over (GstDcDtlsConnection *self, const GError *error)
{
  g_autoptr (GstElement) dec = g_weak_ref_get (&self->elements[GST_DC_DTLS_END_DEC]);
  g_autoptr (GstElement) enc = g_weak_ref_get (&self->elements[GST_DC_DTLS_END_ENC]);

  if (dec != NULL)
    self->listeners[GST_DC_DTLS_END_DEC]->over (dec, error);
  else if (enc != NULL)
    self->listeners[GST_DC_DTLS_END_ENC]->over (enc, error);
}

static void
tell_closed (GstDcDtlsConnection *self)
{
  g_autoptr (GstElement) enc = g_weak_ref_get (&self->elements[GST_DC_DTLS_END_ENC]);

  if (enc != NULL)
    self->listeners[GST_DC_DTLS_END_ENC]->closed (enc);
}

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
    tell_state (self);
}

/* --- Calling the session --------------------------------------------------------------------------------------------------------- */

typedef struct {
  Run *run;
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
  Run *run = call->run;
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
    tell_closed (self);
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
  Run *run = user_data;

  tell_packets (run->connection, GST_DC_DTLS_END_ENC, packets, n);
  set_timer (run->connection);
}

static void
on_data (DcPacket *packets, guint n, gpointer user_data)
{
  Run *run = user_data;

  if (opening.connection == run->connection) {
    for (guint i = 0; i < n; i++)
      g_ptr_array_add (opening.further, gst_buffer_new_memdup (packets[i].data, packets[i].size));
    return;
  }
  tell_packets (run->connection, GST_DC_DTLS_END_DEC, packets, n);
}

static gboolean
on_verify (const char *pem, gpointer user_data)
{
  Run *run = user_data;
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
is_history (Run *run)
{
  gboolean result;

  g_mutex_lock (&run->connection->lock);
  result = run->connection->run != run;
  g_mutex_unlock (&run->connection->lock);
  return result;
}

static gboolean
take_keys (Run *run)
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
  tell_over (self, error);
}

/* Who waits for the keys must have them before anyone hears that it is connected. */
static void
on_state (DcDtlsState state, const GError *error, gpointer user_data)
{
  Run *run = user_data;

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
        tell_keys (run->connection);
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
begin_locked (GstDcDtlsConnection *self, Run *run, gboolean is_client, GQueue *early)
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
  Run *run;

  if (certificate == NULL)
    return FALSE;
  run = g_new0 (Run, 1);
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
wait_closed_locked (GstDcDtlsConnection *self, Run *run)
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

/* --- Asking ---------------------------------------------------------------------------------------------------------------------- */

DcDtlsSession *
gst_dc_dtls_connection_get_session (GstDcDtlsConnection *self)
{
  DcDtlsSession *session;

  g_mutex_lock (&self->lock);
  session = self->run != NULL ? dc_dtls_session_ref (self->run->session) : NULL;
  g_mutex_unlock (&self->lock);
  return session;
}

GstDcDtlsState
gst_dc_dtls_connection_get_state (GstDcDtlsConnection *self)
{
  GstDcDtlsState state;

  g_mutex_lock (&self->lock);
  state = self->state;
  g_mutex_unlock (&self->lock);
  return state;
}

gboolean
gst_dc_dtls_connection_is_over (GstDcDtlsConnection *self)
{
  gboolean over;

  g_mutex_lock (&self->lock);
  over = self->over;
  g_mutex_unlock (&self->lock);
  return over;
}

guint
gst_dc_dtls_connection_get_version (GstDcDtlsConnection *self)
{
  guint version;

  g_mutex_lock (&self->lock);
  version = self->was_connected ? DTLS_1_2 : 0;
  g_mutex_unlock (&self->lock);
  return version;
}

char *
gst_dc_dtls_connection_get_peer_pem (GstDcDtlsConnection *self)
{
  char *pem;

  g_mutex_lock (&self->lock);
  pem = g_strdup (self->peer_pem);
  g_mutex_unlock (&self->lock);
  return pem;
}

GstBuffer *
gst_dc_dtls_connection_get_key (GstDcDtlsConnection *self, GstDcDtlsEnd end)
{
  GstBuffer *key = NULL;

  g_mutex_lock (&self->lock);
  if (self->srtp_profile != 0)
    key = gst_buffer_new_memdup (
        self->is_client == (end == GST_DC_DTLS_END_ENC) ? self->client_key : self->server_key, SRTP_KEY_SIZE);
  g_mutex_unlock (&self->lock);
  return key;
}

static guint
get_srtp_profile (GstDcDtlsConnection *self)
{
  guint profile;

  g_mutex_lock (&self->lock);
  profile = self->srtp_profile;
  g_mutex_unlock (&self->lock);
  return profile;
}

guint
gst_dc_dtls_connection_get_srtp_cipher (GstDcDtlsConnection *self)
{
  return get_srtp_profile (self) != 0 ? SRTP_AES_128_ICM : 0;
}

guint
gst_dc_dtls_connection_get_srtp_auth (GstDcDtlsConnection *self)
{
  switch (get_srtp_profile (self)) {
    case 1:
      return SRTP_HMAC_SHA1_80;
    case 2:
      return SRTP_HMAC_SHA1_32;
    default:
      return 0;
  }
}
