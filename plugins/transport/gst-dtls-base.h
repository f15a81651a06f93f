/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-dtls-base.h: what dtlsenc and dtlsdec have in common: what they let one read of their connection, and that there are keys. */
#pragma once

#include "plugins/transport/gst-dtls-connection.h"

G_BEGIN_DECLS

#define GST_TYPE_DC_DTLS_BASE (gst_dc_dtls_base_get_type ())
G_DECLARE_DERIVABLE_TYPE (GstDcDtlsBase, gst_dc_dtls_base, GST_DC, DTLS_BASE, GstElement)

struct _GstDcDtlsBaseClass {
  GstElementClass parent_class;
  GstDcDtlsEnd end;
  /* Any thread. (transfer full) (nullable) */
  GstDcDtlsConnection *(*dup_connection) (GstDcDtlsBase *self);
};

/* The property that each calls otherwise: @key is its name. Whoever has installed it answers with gst_dc_dtls_base_get_key(). */
GParamSpec *gst_dc_dtls_base_key_spec (const char *key);
/* (transfer full) (nullable) */
GstBuffer *gst_dc_dtls_base_get_key (GstDcDtlsBase *self);

/* For a GstDcDtlsListener. */
void gst_dc_dtls_base_tell_keys (GstElement *element);
void gst_dc_dtls_base_tell_state (GstElement *element);

G_END_DECLS
