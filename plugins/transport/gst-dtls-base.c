/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-dtls-base.c: what dtlsenc and dtlsdec have in common: what they let one read of their connection, and that there are keys. */
#include "plugins/transport/gst-dtls-base.h"

#define FLAGS (G_PARAM_READABLE | G_PARAM_STATIC_STRINGS)

enum { PROP_SRTP_CIPHER = 1, PROP_SRTP_AUTH, PROP_CONNECTION_STATE, PROP_VERSION, N_PROPERTIES };

static GParamSpec *properties[N_PROPERTIES];
static guint on_key_received;

G_DEFINE_ABSTRACT_TYPE (GstDcDtlsBase, gst_dc_dtls_base, GST_TYPE_ELEMENT)

static GstDcDtlsConnection *
dup_connection (GstDcDtlsBase *self)
{
  return GST_DC_DTLS_BASE_GET_CLASS (self)->dup_connection (self);
}

GParamSpec *
gst_dc_dtls_base_key_spec (const char *key)
{
  return g_param_spec_boxed (key, "SRTP key", "Master key and salt for SRTP in this direction", GST_TYPE_BUFFER, FLAGS);
}

GstBuffer *
gst_dc_dtls_base_get_key (GstDcDtlsBase *self)
{
  g_autoptr (GstDcDtlsConnection) connection = dup_connection (self);

  return connection != NULL ? gst_dc_dtls_connection_get_key (connection, GST_DC_DTLS_BASE_GET_CLASS (self)->end)
                            : NULL;
}

void
gst_dc_dtls_base_tell_keys (GstElement *element)
{
  g_signal_emit (element, on_key_received, 0);
}

void
gst_dc_dtls_base_tell_state (GstElement *element)
{
  g_object_notify_by_pspec (G_OBJECT (element), properties[PROP_CONNECTION_STATE]);
}

static void
get_property (GObject *object, guint id, GValue *value, GParamSpec *spec)
{
  g_autoptr (GstDcDtlsConnection) connection = dup_connection (GST_DC_DTLS_BASE (object));

  switch (id) {
    case PROP_SRTP_CIPHER:
      g_value_set_uint (value, connection != NULL ? gst_dc_dtls_connection_get_srtp_cipher (connection) : 0);
      break;
    case PROP_SRTP_AUTH:
      g_value_set_uint (value, connection != NULL ? gst_dc_dtls_connection_get_srtp_auth (connection) : 0);
      break;
    case PROP_CONNECTION_STATE:
      g_value_set_enum (
          value, (gint) (connection != NULL ? gst_dc_dtls_connection_get_state (connection) : GST_DC_DTLS_CLOSED));
      break;
    case PROP_VERSION:
      g_value_set_uint (value, connection != NULL ? gst_dc_dtls_connection_get_version (connection) : 0);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, spec);
  }
}

static void
gst_dc_dtls_base_class_init (GstDcDtlsBaseClass *class)
{
  GObjectClass *object_class = G_OBJECT_CLASS (class);

  object_class->get_property = get_property;
  properties[PROP_SRTP_CIPHER] = g_param_spec_uint (
      "srtp-cipher", "SRTP cipher", "The cipher that was agreed on for SRTP, as GstSrtpCipherType", 0, 1, 0, FLAGS);
  properties[PROP_SRTP_AUTH] = g_param_spec_uint ("srtp-auth", "SRTP authentication",
      "The authentication that was agreed on for SRTP, as GstSrtpAuthType", 0, 2, 0, FLAGS);
  properties[PROP_CONNECTION_STATE] = g_param_spec_enum ("connection-state", "Connection state",
      "What has become of the connection", GST_TYPE_DC_DTLS_STATE, GST_DC_DTLS_NEW, FLAGS);
  properties[PROP_VERSION] = g_param_spec_uint (
      "version", "DTLS version", "The version of DTLS that was agreed on, as on the wire", 0, G_MAXUINT16, 0, FLAGS);
  g_object_class_install_properties (object_class, N_PROPERTIES, properties);
  on_key_received = g_signal_new (
      "on-key-received", G_TYPE_FROM_CLASS (class), G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
gst_dc_dtls_base_init (GstDcDtlsBase *self)
{
}
