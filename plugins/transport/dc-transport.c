/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-transport.c: SCTP, DTLS and UDP of one webrtcbin, joined past its pads.
 *
 * Theory of operation
 * -------------------
 * Between the elements of a webrtcbin each packet is a GstBuffer, which costs more than to encrypt it, and libnice sends and receives them one by one. Once
 * a pair of UDP candidates was selected, batches of packets go straight from one part to the next:
 *
 *     sctpenc -- DcDtlsSession: seal -- DcUdpPath: send      on the thread of whoever sends, or of SCTP's timer
 *     DcUdpPath: received -- dtlsdec: open -- sctpdec        on the path's reader thread
 *
 * The pads stay as they are. What libnice's own socket gets goes through them, and is opened and read like the rest: SCTP puts it in order. So does what
 * DTLS itself has to say, which is little. So joining and parting lose nothing, and the far side sees nothing of it.
 *
 * Where the path's socket dies, libnice's has everything from then on; whoever joined them hears of it, asks why, and parts them.
 *
 * Parting is from above: sctpenc has its pad back, and nobody is at the path any more; then the path gives what has come, and libnice's socket has everything.
 */
#include "plugins/transport/dc-transport.h"

#include "plugins/transport/dc-udp-path.h"
#include "plugins/transport/gst-elements.h"
#include "plugins/transport/gst-dtlsdec.h"
#include "plugins/transport/gst-dtlsenc.h"
#include "plugins/transport/gst-element-choice.h"
#include "plugins/transport/gst-sctpdec.h"
#include "plugins/transport/gst-sctpenc.h"

struct _DcTransport {
  guint max_message_size;
  GMutex lock; /* of the elements, until they are all there, and of @failure */
  GstDcSctpEnc *sctpenc;
  GstDcSctpDec *sctpdec;
  GstDcDtlsEnc *dtlsenc;
  GstDcDtlsDec *dtlsdec;

  DcDtlsSession *session; /* while joined, as what follows */
  DcUdpPath *path;
  DcTransportBroken broke;
  gpointer user_data;
  GError *failure; /* (nullable): of the path's socket */
};

/* Who has not chosen ours gets what the registry has before ours are in it; from the first moment on. */
static gboolean
register_elements (void)
{
  static const char *const names[] = {"dtlsenc", "dtlsdec", "sctpenc", "sctpdec"};
  GType ours[] = {GST_TYPE_DC_DTLS_ENC, GST_TYPE_DC_DTLS_DEC, GST_TYPE_DC_SCTP_ENC, GST_TYPE_DC_SCTP_DEC};

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    if (!gst_dc_element_choice_add (names[i], ours[i]))
      return FALSE;
  return gst_dc_dtls_elements_register () && gst_dc_sctp_elements_register ();
}

gboolean
dc_transport_register (void)
{
  static GMutex lock;
  static gboolean registered;

  g_mutex_lock (&lock);
  registered = registered || register_elements ();
  g_mutex_unlock (&lock);
  return registered;
}

void
dc_transport_choose (gboolean ours)
{
  gst_dc_element_choice_set (ours);
}

DcTransport *
dc_transport_new (guint max_message_size)
{
  DcTransport *self = g_new0 (DcTransport, 1);

  self->max_message_size = max_message_size;
  g_mutex_init (&self->lock);
  return self;
}

void
dc_transport_free (DcTransport *self)
{
  g_clear_object (&self->sctpenc);
  g_clear_object (&self->sctpdec);
  g_clear_object (&self->dtlsenc);
  g_clear_object (&self->dtlsdec);
  g_mutex_clear (&self->lock);
  g_free (self);
}

void
dc_transport_add (DcTransport *self, GstElement *element)
{
  if (GST_DC_IS_SCTP_DEC (element))
    gst_dc_sctpdec_set_max_message_size (GST_DC_SCTP_DEC (element), self->max_message_size);
  g_mutex_lock (&self->lock);
  if (GST_DC_IS_SCTP_ENC (element))
    g_set_object (&self->sctpenc, GST_DC_SCTP_ENC (element));
  else if (GST_DC_IS_SCTP_DEC (element))
    g_set_object (&self->sctpdec, GST_DC_SCTP_DEC (element));
  else if (GST_DC_IS_DTLS_ENC (element))
    g_set_object (&self->dtlsenc, GST_DC_DTLS_ENC (element));
  else if (GST_DC_IS_DTLS_DEC (element))
    g_set_object (&self->dtlsdec, GST_DC_DTLS_DEC (element));
  g_mutex_unlock (&self->lock);
}

/* --- Packets -------------------------------------------------------------------------------------------------------------------- */

static void
send_down (DcPacket *packets, guint n, gpointer user_data)
{
  DcTransport *self = user_data;

  if (dc_dtls_session_seal (self->session, packets, n))
    dc_udp_path_send (self->path, packets, n);
}

static void
take_datagrams (DcPacket *packets, guint n, gpointer user_data)
{
  DcTransport *self = user_data;

  gst_dc_dtlsdec_input (self->dtlsdec, packets, n);
}

static void
take_opened (DcPacket *packets, guint n, gpointer user_data)
{
  DcTransport *self = user_data;

  gst_dc_sctpdec_input (self->sctpdec, packets, n);
}

/* What ICE says is repeated: libnice has no way to be given it. */
static void
drop_stray (const DcPacket *packet, GSocketAddress *from, gpointer user_data)
{
}

static void
note_failure (const GError *error, gpointer user_data)
{
  DcTransport *self = user_data;

  g_mutex_lock (&self->lock);
  self->failure = g_error_copy (error);
  g_mutex_unlock (&self->lock);
  self->broke (self->user_data);
}

/* --- Joining and parting --------------------------------------------------------------------------------------------------------- */

static gboolean
has_all_parts (DcTransport *self)
{
  gboolean has;

  g_mutex_lock (&self->lock);
  has = self->sctpenc != NULL && self->sctpdec != NULL && self->dtlsdec != NULL;
  g_mutex_unlock (&self->lock);
  return has;
}

/* (transfer full) (nullable) */
static GError *
copy_failure (DcTransport *self)
{
  GError *failure;

  g_mutex_lock (&self->lock);
  failure = self->failure != NULL ? g_error_copy (self->failure) : NULL;
  g_mutex_unlock (&self->lock);
  return failure;
}

/* Nothing but the far side's address, or the way to it, may have changed. */
static gboolean
follow (DcTransport *self, GSocketAddress *remote, GError **error)
{
  GError *failure = copy_failure (self);

  if (failure != NULL) {
    g_propagate_error (error, failure);
    return FALSE;
  }
  dc_udp_path_set_remote (self->path, remote);
  return TRUE;
}

gboolean
dc_transport_join (
    DcTransport *self, int fd, GSocketAddress *remote, DcTransportBroken broke, gpointer user_data, GError **error)
{
  static const DcUdpPathCallbacks callbacks = {take_datagrams, drop_stray, note_failure};

  if (self->path != NULL && dc_udp_path_is_beside (self->path, fd))
    return follow (self, remote, error);
  dc_transport_part (self);
  if (!has_all_parts (self) || (self->session = gst_dc_dtlsdec_get_session (self->dtlsdec)) == NULL) {
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED, "GStreamer's own elements are at work");
    return FALSE;
  }
  self->broke = broke;
  self->user_data = user_data;
  gst_dc_dtlsdec_divert (self->dtlsdec, take_opened, self);
  self->path = dc_udp_path_new (fd, remote, &callbacks, self, error);
  if (self->path == NULL) {
    gst_dc_dtlsdec_divert (self->dtlsdec, NULL, NULL);
    g_clear_pointer (&self->session, dc_dtls_session_unref);
    return FALSE;
  }
  gst_dc_sctpdec_set_socket_room (self->sctpdec, dc_udp_path_get_receive_buffer (self->path));
  gst_dc_sctpenc_divert (self->sctpenc, send_down, self);
  return TRUE;
}

void
dc_transport_part (DcTransport *self)
{
  if (self->path == NULL)
    return;
  gst_dc_sctpenc_divert (self->sctpenc, NULL, NULL);
  gst_dc_sctpdec_set_socket_room (self->sctpdec, 0);
  g_clear_pointer (&self->path, dc_udp_path_free);
  g_clear_error (&self->failure);
  gst_dc_dtlsdec_divert (self->dtlsdec, NULL, NULL);
  g_clear_pointer (&self->session, dc_dtls_session_unref);
}

gboolean
dc_transport_got_too_long (DcTransport *self)
{
  g_autoptr (GstDcSctpDec) sctpdec = NULL;

  g_mutex_lock (&self->lock);
  sctpdec = self->sctpdec != NULL ? g_object_ref (self->sctpdec) : NULL;
  g_mutex_unlock (&self->lock);
  return sctpdec != NULL && gst_dc_sctpdec_got_too_long (sctpdec);
}

void
dc_transport_silence (DcTransport *self)
{
  g_autoptr (GstDcDtlsEnc) dtlsenc = NULL;

  dc_transport_part (self);
  g_mutex_lock (&self->lock);
  dtlsenc = self->dtlsenc != NULL ? g_object_ref (self->dtlsenc) : NULL;
  g_mutex_unlock (&self->lock);
  if (dtlsenc != NULL)
    gst_dc_dtlsenc_silence (dtlsenc);
}
