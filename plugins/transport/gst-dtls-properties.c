/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-dtls-properties.c: what both elements let one read of their connection. */
#include "plugins/transport/gst-dtls-properties.h"

#define FLAGS (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)

void
gst_dc_dtls_properties_install (GObjectClass *class, GParamSpec **properties, guint n, const char *key)
{
  properties[GST_DC_DTLS_KEY] =
      g_param_spec_boxed (key, "SRTP key", "Master key and salt for SRTP in this direction", GST_TYPE_BUFFER, FLAGS);
  properties[GST_DC_DTLS_SRTP_CIPHER] = g_param_spec_uint (
      "srtp-cipher", "SRTP cipher", "The cipher that was agreed on for SRTP, as GstSrtpCipherType", 0, 1, 0, FLAGS);
  properties[GST_DC_DTLS_SRTP_AUTH] = g_param_spec_uint ("srtp-auth", "SRTP authentication",
      "The authentication that was agreed on for SRTP, as GstSrtpAuthType", 0, 2, 0, FLAGS);
  properties[GST_DC_DTLS_CONNECTION_STATE] = g_param_spec_enum ("connection-state", "Connection state",
      "What has become of the connection", GST_TYPE_DC_DTLS_STATE, GST_DC_DTLS_NEW, FLAGS);
  properties[GST_DC_DTLS_VERSION] = g_param_spec_uint (
      "version", "DTLS version", "The version of DTLS that was agreed on, as on the wire", 0, G_MAXUINT16, 0, FLAGS);
  g_object_class_install_properties (class, n, properties);
}

gboolean
gst_dc_dtls_properties_get (GstDcDtlsConnection *connection, GstDcDtlsEnd end, guint id, GValue *value)
{
  switch (id) {
    case GST_DC_DTLS_KEY:
      g_value_take_boxed (value, connection != NULL ? gst_dc_dtls_connection_get_key (connection, end) : NULL);
      return TRUE;
    case GST_DC_DTLS_SRTP_CIPHER:
      g_value_set_uint (value, connection != NULL ? gst_dc_dtls_connection_get_srtp_cipher (connection) : 0);
      return TRUE;
    case GST_DC_DTLS_SRTP_AUTH:
      g_value_set_uint (value, connection != NULL ? gst_dc_dtls_connection_get_srtp_auth (connection) : 0);
      return TRUE;
    case GST_DC_DTLS_CONNECTION_STATE:
      g_value_set_enum (
          value, (gint) (connection != NULL ? gst_dc_dtls_connection_get_state (connection) : GST_DC_DTLS_CLOSED));
      return TRUE;
    case GST_DC_DTLS_VERSION:
      g_value_set_uint (value, connection != NULL ? gst_dc_dtls_connection_get_version (connection) : 0);
      return TRUE;
    default:
      return FALSE;
  }
}
