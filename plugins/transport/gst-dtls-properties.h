/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-dtls-properties.h: what both elements let one read of their connection. */
#pragma once

#include "plugins/transport/gst-dtls-connection.h"

G_BEGIN_DECLS

enum {
  GST_DC_DTLS_KEY = 1,
  GST_DC_DTLS_SRTP_CIPHER,
  GST_DC_DTLS_SRTP_AUTH,
  GST_DC_DTLS_CONNECTION_STATE,
  GST_DC_DTLS_VERSION,
  GST_DC_DTLS_N_PROPERTIES /* the elements' own begin here */
};

/* @key: the name of the first. @properties: gets those above, beside the elements' own that are there. */
void gst_dc_dtls_properties_install (GObjectClass *class, GParamSpec **properties, guint n, const char *key);
/* @connection: (nullable). FALSE: @id is none of the above. */
gboolean gst_dc_dtls_properties_get (GstDcDtlsConnection *connection, GstDcDtlsEnd end, guint id, GValue *value);

G_END_DECLS
