/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-sctpenc-base.c: what the files of sctpenc stand on: its association, and who sends past its pads. */
#include "plugins/transport/gst-sctpenc-private.h"

GstDcSctpShared *
gst_dc_sctpenc_dup_shared (GstDcSctpEnc *self)
{
  return gst_dc_sctp_shared_dup (&self->shared, &self->lock);
}

void
gst_dc_sctpenc_tell_writable (GstDcSctpEnc *self)
{
  void (*func) (gpointer user_data);
  gpointer user_data;
  guint epoch;

  g_mutex_lock (&self->lock);
  func = self->writable;
  user_data = self->writable_data;
  epoch = gst_dc_calls_enter (&self->calls);
  g_mutex_unlock (&self->lock);
  if (func != NULL)
    func (user_data);
  g_mutex_lock (&self->lock);
  gst_dc_calls_leave (&self->calls, epoch, &self->called);
  g_mutex_unlock (&self->lock);
}
