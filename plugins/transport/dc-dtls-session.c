/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-dtls-session.c: one DTLS 1.2 association (RFC 6347), with locks, without sockets.
 *
 * Theory of operation
 * -------------------
 * OpenSSL does the handshake (dc-dtls-handshake.c), we do the records after it (dc-dtls-record.c), where application data lies and as many as there
 * are at once (dc-dtls-session-data.c). What changes the state is in dc-dtls-session-work.c. A record is dealt with by what it is:
 *
 *                        in the handshake        CONNECTED, not taken over      taken over
 *   application data,    kept until its end,     opened by us                   opened by us
 *   alert, of epoch 1    no more than EARLY_MAX
 *   all else             OpenSSL's               OpenSSL's                      another handshake is refused, the rest dropped
 *
 * Taking over is when OpenSSL has nothing left to say, and is freed. For the client that is the end of the handshake: the server's Finished answers its own.
 * The server's Finished may be lost, though, and must be repeated, with a number that the client still takes: it refuses what is
 * older than 64 records, and keeps what comes before the Finished. So the server sends by OpenSSL, too, until the first genuine record of
 * application data, or alert, shows that the client is done. Then we go on with the number and the nonce that OpenSSL has come to.
 *
 * With a suite that isn't AES-GCM nothing is taken over, and OpenSSL does all.
 *
 * Threads
 * -------
 * OpenSSL's object, and each change of the state, are for one thread at a time, the one `at work'. Who wants something puts it to the work to do,
 * and does it all if no one is at it; else it leaves that to who is. So no lock is held when OpenSSL, or a callback, runs, and a callback may call any
 * function. What waits to be done is bounded, like the queue of a socket.
 * Sealing and opening have a lock each, which is taken once for a batch. */
#include "plugins/transport/dc-dtls-session.h"

#include <openssl/crypto.h>
#include <string.h>

#include "plugins/transport/dc-dtls-session-private.h"

#define QUEUED_MAX (256u << 10)

DcDtlsSession *
dc_dtls_session_new (
    DcDtlsCertificate *certificate, gboolean is_client, const DcDtlsCallbacks *callbacks, gpointer user_data)
{
  DcDtlsSession *self = g_atomic_rc_box_new0 (DcDtlsSession);

  self->certificate = dc_dtls_certificate_ref (certificate);
  self->is_client = is_client;
  self->callbacks = *callbacks;
  self->user_data = user_data;
  self->deadline = -1;
  g_mutex_init (&self->lock);
  g_mutex_init (&self->seal_lock);
  g_mutex_init (&self->open_lock);
  return self;
}

DcDtlsSession *
dc_dtls_session_ref (DcDtlsSession *self)
{
  return g_atomic_rc_box_acquire (self);
}

static void
clear_work (DcDtlsWork *work)
{
  g_queue_clear_full (&work->incoming, (GDestroyNotify) g_bytes_unref);
  g_queue_clear_full (&work->outgoing, (GDestroyNotify) g_byte_array_unref);
  work->wanted = 0;
}

static void
clear (gpointer data)
{
  DcDtlsSession *self = data;

  clear_work (&self->work);
  g_queue_clear_full (&self->early, (GDestroyNotify) g_bytes_unref);
  g_clear_pointer (&self->handshake, dc_dtls_handshake_free);
  g_clear_pointer (&self->sealer, dc_dtls_sealer_free);
  g_clear_pointer (&self->opener, dc_dtls_opener_free);
  dc_dtls_certificate_unref (self->certificate);
  g_mutex_clear (&self->lock);
  g_mutex_clear (&self->seal_lock);
  g_mutex_clear (&self->open_lock);
  OPENSSL_cleanse (self, sizeof *self);
}

void
dc_dtls_session_unref (DcDtlsSession *self)
{
  g_atomic_rc_box_release_full (self, clear);
}

/* --- Work ------------------------------------------------------------------------------------------------------------------------ */

/* As a socket does, drops what is too much. */
static gboolean
has_room_locked (DcDtlsSession *self, gsize size)
{
  if (self->state >= DC_DTLS_CLOSED || self->queued + size + DC_DTLS_BLOCK_COST > QUEUED_MAX)
    return FALSE;
  self->queued += size + DC_DTLS_BLOCK_COST;
  return TRUE;
}

static void
add_locked (DcDtlsSession *self, DcDtlsWork *work)
{
  GBytes *record;
  GByteArray *data;

  self->work.wanted |= work->wanted;
  if ((work->wanted & DC_DTLS_SAW_ALERT) != 0)
    self->work.alert = work->alert;
  while ((record = g_queue_pop_head (&work->incoming))) {
    if (has_room_locked (self, g_bytes_get_size (record)))
      g_queue_push_tail (&self->work.incoming, record);
    else
      g_bytes_unref (record);
  }
  while ((data = g_queue_pop_head (&work->outgoing))) {
    if (has_room_locked (self, data->len))
      g_queue_push_tail (&self->work.outgoing, data);
    else
      g_byte_array_unref (data);
  }
}

static gboolean
take_locked (DcDtlsSession *self, DcDtlsWork *work)
{
  if (self->state == DC_DTLS_NEW && (self->work.wanted & (DC_DTLS_WANT_START | DC_DTLS_WANT_CLOSE)) == 0)
    return FALSE;
  if (self->work.wanted == 0 && g_queue_is_empty (&self->work.incoming) && g_queue_is_empty (&self->work.outgoing))
    return FALSE;
  *work = self->work;
  memset (&self->work, 0, sizeof self->work);
  self->queued = 0;
  return TRUE;
}

/* Does what is wanted, unless another thread is at it, which then does this, too. Called without locks. @work: (transfer full): is empty afterwards. */
static void
do_work (DcDtlsSession *self, DcDtlsWork *work)
{
  DcDtlsWork now;

  g_mutex_lock (&self->lock);
  add_locked (self, work);
  if (!self->working) {
    self->working = TRUE;
    while (take_locked (self, &now)) {
      g_mutex_unlock (&self->lock);
      dc_dtls_session_perform (self, &now);
      g_mutex_lock (&self->lock);
    }
    self->working = FALSE;
  }
  g_mutex_unlock (&self->lock);
}

static void
want (DcDtlsSession *self, DcDtlsWanted what)
{
  DcDtlsWork work = {.wanted = what};

  do_work (self, &work);
}

/* --- Application data ------------------------------------------------------------------------------------------------------------- */

void
dc_dtls_session_open (DcDtlsSession *self, DcPacket *packets, guint n)
{
  DcDtlsWork work;

  dc_dtls_session_open_in_place (self, packets, n, &work);
  if (work.wanted != 0 || !g_queue_is_empty (&work.incoming))
    do_work (self, &work);
}

/* Through OpenSSL, or through whoever is taking over from it. */
static gboolean
seal_at_work (DcDtlsSession *self, DcPacket *packets, guint n)
{
  DcDtlsWork work = {0};
  gboolean connected;

  g_mutex_lock (&self->lock);
  connected = self->state == DC_DTLS_CONNECTED && !self->closing;
  g_mutex_unlock (&self->lock);
  for (guint i = 0; i < n; i++) {
    if (connected && packets[i].size > 0) {
      GByteArray *copy = g_byte_array_new ();
      g_byte_array_set_size (copy, DC_PACKET_HEAD);
      g_byte_array_append (copy, packets[i].data, (guint) packets[i].size);
      g_byte_array_set_size (copy, copy->len + DC_PACKET_TAIL);
      g_queue_push_tail (&work.outgoing, copy);
    }
    packets[i].size = 0;
  }
  if (!g_queue_is_empty (&work.outgoing))
    do_work (self, &work);
  return connected;
}

gboolean
dc_dtls_session_seal (DcDtlsSession *self, DcPacket *packets, guint n)
{
  return dc_dtls_session_seal_in_place (self, packets, n) || seal_at_work (self, packets, n);
}

/* --- For all ---------------------------------------------------------------------------------------------------------------------- */

void
dc_dtls_session_start (DcDtlsSession *self)
{
  want (self, DC_DTLS_WANT_START);
}

void
dc_dtls_session_close (DcDtlsSession *self)
{
  g_mutex_lock (&self->lock);
  self->closing = TRUE;
  g_mutex_unlock (&self->lock);
  want (self, DC_DTLS_WANT_CLOSE);
}

DcDtlsState
dc_dtls_session_get_state (DcDtlsSession *self)
{
  DcDtlsState state;

  g_mutex_lock (&self->lock);
  state = self->state;
  g_mutex_unlock (&self->lock);
  return state;
}

gint64
dc_dtls_session_get_deadline (DcDtlsSession *self)
{
  gint64 deadline;

  g_mutex_lock (&self->lock);
  deadline = self->deadline;
  g_mutex_unlock (&self->lock);
  return deadline;
}

void
dc_dtls_session_handle_timeout (DcDtlsSession *self)
{
  want (self, DC_DTLS_WANT_REPEAT);
}

gboolean
dc_dtls_session_get_srtp_keys (DcDtlsSession *self, guint *profile, guint8 client_key[30], guint8 server_key[30])
{
  gboolean agreed;

  g_mutex_lock (&self->lock);
  agreed = self->srtp_profile != 0;
  if (agreed) {
    *profile = self->srtp_profile;
    memcpy (client_key, self->client_srtp, DC_DTLS_SRTP_KEY_SIZE);
    memcpy (server_key, self->server_srtp, DC_DTLS_SRTP_KEY_SIZE);
  }
  g_mutex_unlock (&self->lock);
  return agreed;
}
