/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-dtls-connection-base.c: connections as such: by their ids, with their elements, and what can be asked of them. */
#include <openssl/crypto.h>

#include "plugins/transport/gst-dtls-connection-private.h"
#include "plugins/transport/gst-dtls-process.h"

#define SRTP_AES_128_ICM 1u
#define SRTP_HMAC_SHA1_32 1u
#define SRTP_HMAC_SHA1_80 2u
#define DTLS_1_2 0xfefdu /* the only one that a session does */

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

/* --- Telling the elements -------------------------------------------------------------------------------------------------------- */

void
gst_dc_dtls_connection_tell_packets (GstDcDtlsConnection *self, GstDcDtlsEnd end, DcPacket *packets, guint n)
{
  g_autoptr (GstElement) element = g_weak_ref_get (&self->elements[end]);

  if (element != NULL)
    self->listeners[end]->packets (element, packets, n);
}

void
gst_dc_dtls_connection_tell_keys (GstDcDtlsConnection *self)
{
  for (guint i = GST_DC_DTLS_N_ENDS; i-- > 0;) {
    g_autoptr (GstElement) element = g_weak_ref_get (&self->elements[i]);
    if (element != NULL)
      self->listeners[i]->keys (element);
  }
}

void
gst_dc_dtls_connection_tell_state (GstDcDtlsConnection *self)
{
  for (guint i = 0; i < GST_DC_DTLS_N_ENDS; i++) {
    g_autoptr (GstElement) element = g_weak_ref_get (&self->elements[i]);
    if (element != NULL)
      self->listeners[i]->state (element);
  }
}

void
gst_dc_dtls_connection_tell_over (GstDcDtlsConnection *self, const GError *error)
{
  g_autoptr (GstElement) dec = g_weak_ref_get (&self->elements[GST_DC_DTLS_END_DEC]);
  g_autoptr (GstElement) enc = g_weak_ref_get (&self->elements[GST_DC_DTLS_END_ENC]);

  if (dec != NULL)
    self->listeners[GST_DC_DTLS_END_DEC]->over (dec, error);
  else if (enc != NULL)
    self->listeners[GST_DC_DTLS_END_ENC]->over (enc, error);
}

void
gst_dc_dtls_connection_tell_closed (GstDcDtlsConnection *self)
{
  g_autoptr (GstElement) enc = g_weak_ref_get (&self->elements[GST_DC_DTLS_END_ENC]);

  if (enc != NULL)
    self->listeners[GST_DC_DTLS_END_ENC]->closed (enc);
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
    key = gst_buffer_new_memdup (self->is_client == (end == GST_DC_DTLS_END_ENC) ? self->client_key : self->server_key,
        GST_DC_DTLS_SRTP_KEY_SIZE);
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
