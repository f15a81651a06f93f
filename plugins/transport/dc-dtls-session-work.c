/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-dtls-session-work.c: what the thread at work does: the handshake, the passage from OpenSSL to us, and the end. */
#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include "plugins/transport/dc-dtls-session-private.h"

#define EARLY_MAX (64u << 10)

/* --- What goes out ---------------------------------------------------------------------------------------------------------------- */

static gboolean
is_over (const DcDtlsSession *self)
{
  return self->state >= DC_DTLS_CLOSED;
}

static void
note_deadline (DcDtlsSession *self)
{
  gint64 left = self->handshake != NULL ? dc_dtls_handshake_get_time_left (self->handshake) : -1;

  g_mutex_lock (&self->lock);
  self->deadline = left >= 0 ? g_get_monotonic_time () + left : -1;
  g_mutex_unlock (&self->lock);
}

/* What OpenSSL has to say. */
static void
flush (DcDtlsSession *self)
{
  g_autoptr (GPtrArray) datagrams = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
  DcPacket packets[DC_PACKETS_MAX];
  GBytes *datagram;
  guint n = 0;

  note_deadline (self);
  while (self->handshake != NULL && (datagram = dc_dtls_handshake_take_output (self->handshake))) {
    g_ptr_array_add (datagrams, datagram);
    packets[n].data = (guint8 *) g_bytes_get_data (datagram, &packets[n].size);
    if (++n < DC_PACKETS_MAX)
      continue;
    self->callbacks.output (packets, n, self->user_data);
    n = 0;
  }
  if (n > 0)
    self->callbacks.output (packets, n, self->user_data);
}

static void
set_state (DcDtlsSession *self, DcDtlsState state, const GError *error)
{
  flush (self);
  g_mutex_lock (&self->lock);
  self->state = state;
  g_mutex_unlock (&self->lock);
  self->callbacks.state (state, error, self->user_data);
}

static void
drop_sealer (DcDtlsSession *self)
{
  g_mutex_lock (&self->seal_lock);
  g_clear_pointer (&self->sealer, dc_dtls_sealer_free);
  g_mutex_unlock (&self->seal_lock);
}

/* @state: one that is for good. */
static void
end (DcDtlsSession *self, DcDtlsState state, const GError *error)
{
  drop_sealer (self);
  g_mutex_lock (&self->open_lock);
  self->over = TRUE;
  g_clear_pointer (&self->opener, dc_dtls_opener_free);
  g_mutex_unlock (&self->open_lock);
  flush (self);
  g_clear_pointer (&self->handshake, dc_dtls_handshake_free);
  g_queue_clear_full (&self->early, (GDestroyNotify) g_bytes_unref);
  OPENSSL_cleanse (&self->keys, sizeof self->keys);
  set_state (self, state, error);
}

/* @bytes: with room around what is to be sealed. */
static void
send_sealed (DcDtlsSession *self, DcDtlsType type, guint8 *bytes, gsize size)
{
  DcPacket packet = {bytes + DC_PACKET_HEAD, size - DC_PACKET_HEAD - DC_PACKET_TAIL};

  g_mutex_lock (&self->seal_lock);
  if (packet.size > self->max_plain || !dc_dtls_sealer_seal (self->sealer, type, &packet))
    packet.size = 0;
  g_mutex_unlock (&self->seal_lock);
  if (packet.size > 0)
    self->callbacks.output (&packet, 1, self->user_data);
}

static void
send_warning (DcDtlsSession *self, guint8 description)
{
  guint8 alert[DC_PACKET_HEAD + 2 + DC_PACKET_TAIL] = {0};

  alert[DC_PACKET_HEAD] = SSL3_AL_WARNING;
  alert[DC_PACKET_HEAD + 1] = description;
  if (self->sealer != NULL)
    send_sealed (self, DC_DTLS_ALERT, alert, sizeof alert);
}

static void
send_data (DcDtlsSession *self, GByteArray *bytes)
{
  if (is_over (self) || self->closed)
    return;
  if (self->sealer != NULL) {
    send_sealed (self, DC_DTLS_APPLICATION_DATA, bytes->data, bytes->len);
  } else if (self->handshake != NULL && self->state == DC_DTLS_CONNECTED) {
    dc_dtls_handshake_write (
        self->handshake, bytes->data + DC_PACKET_HEAD, bytes->len - DC_PACKET_HEAD - DC_PACKET_TAIL);
    flush (self);
  }
}

static void
close_ours (DcDtlsSession *self)
{
  if (is_over (self) || self->closed)
    return;
  if (self->state != DC_DTLS_CONNECTED) {
    end (self, DC_DTLS_CLOSED, NULL);
    return;
  }
  self->closed = TRUE;
  if (self->sealer != NULL) {
    send_warning (self, SSL_AD_CLOSE_NOTIFY);
    drop_sealer (self);
  } else if (self->handshake != NULL) {
    dc_dtls_handshake_close (self->handshake);
    flush (self);
  }
}

/* What comes first is answered, and then all is over (RFC 5246, section 7.2.1). */
static void
close_theirs (DcDtlsSession *self)
{
  if (is_over (self))
    return;
  close_ours (self);
  end (self, DC_DTLS_CLOSED, NULL);
}

static void
give_up (DcDtlsSession *self, guint8 alert)
{
  g_autoptr (GError) error = NULL;

  if (is_over (self))
    return;
  error = g_error_new (
      DC_DTLS_ERROR, DC_DTLS_ERROR_ALERT, "the far side ended DTLS: %s", SSL_alert_desc_string_long (alert));
  end (self, DC_DTLS_FAILED, error);
}

/* --- The handshake ---------------------------------------------------------------------------------------------------------------- */

static void receive (DcDtlsSession *self, GBytes *record, DcDtlsWork *work);

static void
take_over (DcDtlsSession *self)
{
  guint64 sequence, nonce;

  if (self->handshake == NULL || !self->ours)
    return;
  flush (self);
  dc_dtls_handshake_get_next (self->handshake, &sequence, &nonce);
  g_clear_pointer (&self->handshake, dc_dtls_handshake_free);
  if (!self->closed) {
    g_mutex_lock (&self->seal_lock);
    self->sealer = dc_dtls_sealer_new (&self->keys.ours, sequence, nonce);
    self->max_plain = self->keys.max_plain;
    g_mutex_unlock (&self->seal_lock);
  }
  OPENSSL_cleanse (&self->keys, sizeof self->keys);
}

static void
export_srtp (DcDtlsSession *self)
{
  g_mutex_lock (&self->lock);
  self->srtp_profile = dc_dtls_handshake_get_srtp (self->handshake, self->client_srtp, self->server_srtp);
  g_mutex_unlock (&self->lock);
}

/* From the moment on that there is an opener data is given to whoever brings it; which must not be before they know that we are connected. */
static void
begin_opening (DcDtlsSession *self, const DcDtlsKey *key)
{
  g_mutex_lock (&self->open_lock);
  self->opener = dc_dtls_opener_new (key);
  self->taken_over = self->is_client;
  g_mutex_unlock (&self->open_lock);
}

static void
complete (DcDtlsSession *self, DcDtlsWork *work)
{
  DcDtlsKey theirs;
  GBytes *record;

  export_srtp (self);
  self->ours = dc_dtls_handshake_get_keys (self->handshake, &self->keys);
  theirs = self->keys.theirs;
  if (self->is_client)
    take_over (self);
  set_state (self, DC_DTLS_CONNECTED, NULL);
  if (self->ours)
    begin_opening (self, &theirs);
  OPENSSL_cleanse (&theirs, sizeof theirs);
  while ((record = g_queue_pop_head (&self->early))) {
    receive (self, record, work);
    g_bytes_unref (record);
  }
}

/* Of a suite that is OpenSSL's. */
static void
give_data (DcDtlsSession *self)
{
  g_autofree guint8 *data = g_malloc (DC_DTLS_MAX_PLAIN);
  DcPacket packet = {data, 0};

  while ((packet.size = dc_dtls_handshake_read (self->handshake, data)) > 0) {
    self->callbacks.data (&packet, 1, self->user_data);
    packet.data = data;
  }
  if (dc_dtls_handshake_is_closed (self->handshake))
    close_theirs (self);
}

static void
step (DcDtlsSession *self, const guint8 *record, gsize size, DcDtlsWork *work)
{
  g_autoptr (GError) error = NULL;
  gboolean was_done = dc_dtls_handshake_is_done (self->handshake);

  if (!dc_dtls_handshake_step (self->handshake, record, size, &error))
    end (self, DC_DTLS_FAILED, error);
  else if (was_done && !self->ours)
    give_data (self);
  else if (!was_done && dc_dtls_handshake_is_done (self->handshake))
    complete (self, work);
}

static void
keep_early (DcDtlsSession *self, GBytes *record)
{
  gsize size = g_bytes_get_size (record) + DC_DTLS_BLOCK_COST;

  if (self->early_size + size > EARLY_MAX)
    return;
  self->early_size += size;
  g_queue_push_tail (&self->early, g_bytes_ref (record));
}

static void
receive (DcDtlsSession *self, GBytes *bytes, DcDtlsWork *work)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (bytes, &size);
  DcPacket rest = {(guint8 *) data, size};
  DcDtlsRecord record;
  gboolean is_data;

  if (is_over (self) || !dc_dtls_record_next (&rest, &record))
    return;
  is_data = record.epoch > 0 && (record.type == DC_DTLS_APPLICATION_DATA || record.type == DC_DTLS_ALERT);
  if (is_data && self->state == DC_DTLS_CONNECTING)
    keep_early (self, bytes);
  else if (is_data && self->ours)
    dc_dtls_session_open_late (self, bytes, work);
  else if (self->handshake != NULL)
    step (self, data, size, work);
}

/* OpenSSL asks, in the midst of a step. */
static gboolean
verify (const char *pem, gpointer user_data)
{
  DcDtlsSession *self = user_data;

  return self->callbacks.verify == NULL || self->callbacks.verify (pem, self->user_data);
}

static void
start (DcDtlsSession *self, DcDtlsWork *work)
{
  g_autoptr (GError) error = NULL;

  if (self->state != DC_DTLS_NEW)
    return;
  self->handshake = dc_dtls_handshake_new (self->certificate, self->is_client, verify, self, &error);
  if (self->handshake == NULL) {
    end (self, DC_DTLS_FAILED, error);
    return;
  }
  set_state (self, DC_DTLS_CONNECTING, NULL);
  step (self, NULL, 0, work);
}

static void
repeat (DcDtlsSession *self)
{
  g_autoptr (GError) error = NULL;

  if (self->handshake != NULL && !dc_dtls_handshake_repeat (self->handshake, &error))
    end (self, DC_DTLS_FAILED, error);
}

/* --- All of it -------------------------------------------------------------------------------------------------------------------- */

static void
perform_queued (DcDtlsSession *self, DcDtlsWork *work)
{
  GBytes *record;
  GByteArray *data;

  while ((record = g_queue_pop_head (&work->incoming))) {
    receive (self, record, work);
    g_bytes_unref (record);
  }
  if ((work->wanted & DC_DTLS_WANT_TAKE_OVER) != 0)
    take_over (self);
  while ((data = g_queue_pop_head (&work->outgoing))) {
    send_data (self, data);
    g_byte_array_unref (data);
  }
}

void
dc_dtls_session_perform (DcDtlsSession *self, DcDtlsWork *work)
{
  if ((work->wanted & DC_DTLS_WANT_START) != 0)
    start (self, work);
  if ((work->wanted & DC_DTLS_WANT_REPEAT) != 0)
    repeat (self);
  perform_queued (self, work);
  if ((work->wanted & DC_DTLS_WANT_REFUSAL) != 0)
    send_warning (self, SSL_AD_NO_RENEGOTIATION);
  if ((work->wanted & DC_DTLS_SAW_ALERT) != 0)
    give_up (self, work->alert);
  if ((work->wanted & DC_DTLS_SAW_CLOSE) != 0)
    close_theirs (self);
  if ((work->wanted & DC_DTLS_WANT_CLOSE) != 0)
    close_ours (self);
  flush (self);
}
