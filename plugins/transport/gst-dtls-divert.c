/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-dtls-divert.c: a place where packets leave an element, which someone else may take for a while. */
#include "plugins/transport/gst-dtls-divert.h"

struct _GstDcDtlsTaker {
  GstDcDtlsFunc func;
  gpointer user_data;
  guint inside; /* calls under way */
};

void
gst_dc_dtls_divert_init (GstDcDtlsDivert *self)
{
  g_mutex_init (&self->lock);
  g_cond_init (&self->left);
  self->taker = NULL;
}

void
gst_dc_dtls_divert_clear (GstDcDtlsDivert *self)
{
  g_clear_pointer (&self->taker, g_free);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->left);
}

void
gst_dc_dtls_divert_set (GstDcDtlsDivert *self, GstDcDtlsFunc func, gpointer user_data)
{
  GstDcDtlsTaker *taker = NULL, *old;

  if (func != NULL) {
    taker = g_new0 (GstDcDtlsTaker, 1);
    taker->func = func;
    taker->user_data = user_data;
  }
  g_mutex_lock (&self->lock);
  old = self->taker;
  self->taker = taker;
  while (old != NULL && old->inside > 0)
    g_cond_wait (&self->left, &self->lock);
  g_mutex_unlock (&self->lock);
  g_free (old);
}

GstDcDtlsTaker *
gst_dc_dtls_divert_enter (GstDcDtlsDivert *self)
{
  GstDcDtlsTaker *taker;

  g_mutex_lock (&self->lock);
  taker = self->taker;
  if (taker != NULL)
    taker->inside++;
  g_mutex_unlock (&self->lock);
  return taker;
}

void
gst_dc_dtls_divert_leave (GstDcDtlsDivert *self, GstDcDtlsTaker *taker)
{
  if (taker == NULL)
    return;
  g_mutex_lock (&self->lock);
  if (--taker->inside == 0)
    g_cond_broadcast (&self->left);
  g_mutex_unlock (&self->lock);
}

void
gst_dc_dtls_taker_take (GstDcDtlsTaker *taker, DcPacket *packets, guint n)
{
  taker->func (packets, n, taker->user_data);
}
