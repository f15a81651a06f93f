/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sctp-path-fast.c: what goes through SCTP under a webrtcbin, seen by taps and hooks, where its elements are ours. See dc-sctp-path.c. */
#include "plugins/peer/dc-sctp-path-private.h"
#include "plugins/transport/dc-ppid.h"

/* As pass_with_early(). */
static void
input_with_early (DcSctpPath *self, const guint8 *data, gsize size)
{
  g_autoptr (GstBuffer) early = g_steal_pointer (&self->early);
  DcPacket packets[] = {{(guint8 *) data, size}, {NULL, 0}};
  GstMapInfo map;

  if (!gst_buffer_map (early, &map, GST_MAP_READ))
    return;
  packets[1] = (DcPacket){map.data, map.size};
  self->passing = TRUE;
  gst_dc_sctpdec_input (GST_DC_SCTP_DEC (self->sctpdec), packets, G_N_ELEMENTS (packets));
  self->passing = FALSE;
  gst_buffer_unmap (early, &map);
}

static gboolean
tap_received (const guint8 *data, gsize size, gpointer user_data)
{
  DcSctpPath *self = user_data;
  DcSctpPacket packet;

  if (g_atomic_int_get (&self->deaf))
    return FALSE;
  if (self->passing)
    return TRUE;
  packet = dc_sctp_path_look (self, data, size);
  if (dc_sctp_watch_is_aborted (self->watch))
    return FALSE;
  if (packet & DC_SCTP_PACKET_EARLY) {
    gst_clear_buffer (&self->early);
    self->early = gst_buffer_new_memdup (data, size);
    return FALSE;
  }
  if (!dc_sctp_path_is_early_due (self))
    return TRUE;
  input_with_early (self, data, size);
  return FALSE;
}

static gboolean
tap_leaving (const guint8 *packet, gsize size, gpointer user_data)
{
  return dc_sctp_watch_sent (((DcSctpPath *) user_data)->watch, packet, size);
}

static void
tap_left (gpointer user_data)
{
  DcSctpPath *self = user_data;

  if (dc_sctp_watch_answered (self->watch))
    self->callbacks.answered (self->user_data);
}

static void
tap_taken (guint16 stream, guint32 ppid, gpointer user_data)
{
  if (ppid == DC_PPID_DCEP)
    dc_sctp_bypass_announced (((DcSctpPath *) user_data)->bypass, stream);
}

static void
take_room (gpointer user_data)
{
  dc_sctp_bypass_wake (((DcSctpPath *) user_data)->bypass);
}

static void
tell_spread (guint lanes, gpointer user_data)
{
  DcSctpPath *self = user_data;

  self->callbacks.spread (lanes, self->user_data);
}

/* What channels are given past webrtcbin counts as what it gives them. */
static GstDcSctpHookResult
take_message (guint16 stream, guint32 ppid, GBytes *message, gpointer user_data)
{
  DcSctpPath *self = user_data;
  GstDcSctpHookResult result = dc_sctp_bypass_take (self->bypass, stream, ppid, message);

  if (result == GST_DC_SCTP_HOOK_TAKEN && dc_sctp_watch_given (self->watch, stream))
    dc_sctp_path_tell_drained (self);
  return result;
}

static void
tap_enc (DcSctpPath *self, GstDcSctpEnc *enc)
{
  static const GstDcSctpOutTaps out = {tap_leaving, tap_left, tap_taken};

  dc_sctp_bypass_set_enc (self->bypass, enc);
  gst_dc_sctpenc_set_taps (enc, &out, self);
  gst_dc_sctpenc_set_writable (enc, take_room, self);
  gst_dc_sctpenc_set_spread (enc, tell_spread, self);
}

static void
tap_dec (DcSctpPath *self, GstDcSctpDec *dec)
{
  dc_sctp_bypass_set_dec (self->bypass, dec);
  gst_dc_sctpdec_set_tap (dec, tap_received, self);
  gst_dc_sctpdec_set_hook (dec, take_message, self);
}

void
dc_sctp_path_tap (DcSctpPath *self, GstElement *element)
{
  if (GST_DC_IS_SCTP_ENC (element))
    tap_enc (self, GST_DC_SCTP_ENC (element));
  else
    tap_dec (self, GST_DC_SCTP_DEC (element));
}

void
dc_sctp_path_untap (GstElement *element)
{
  if (GST_DC_IS_SCTP_ENC (element)) {
    gst_dc_sctpenc_set_taps (GST_DC_SCTP_ENC (element), NULL, NULL);
    gst_dc_sctpenc_set_writable (GST_DC_SCTP_ENC (element), NULL, NULL);
    gst_dc_sctpenc_set_spread (GST_DC_SCTP_ENC (element), NULL, NULL);
  } else if (GST_DC_IS_SCTP_DEC (element)) {
    gst_dc_sctpdec_set_tap (GST_DC_SCTP_DEC (element), NULL, NULL);
    gst_dc_sctpdec_set_hook (GST_DC_SCTP_DEC (element), NULL, NULL);
  }
}

void
dc_sctp_path_deafen_ours (DcSctpPath *self, GstDcSctpDec *sctpdec)
{
  dc_sctp_bypass_stop (self->bypass);
  gst_dc_sctpdec_set_hook (sctpdec, NULL, NULL);
  gst_dc_sctpdec_input (sctpdec, NULL, 0);
}
