/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-sdp.c: session descriptions, made right for webrtcbin and by it. */
#include "plugins/peer/dc-sdp.h"

#include <string.h>

#include "plugins/peer/dc-error.h"
#include "plugins/peer/dc-identity.h"

#define FINGERPRINT_ALGORITHM "sha-256"

static GstSDPMedia *
find_data_media (const GstSDPMessage *sdp)
{
  for (guint i = 0; i < gst_sdp_message_medias_len (sdp); i++) {
    const GstSDPMedia *media = gst_sdp_message_get_media (sdp, i);
    if (g_strcmp0 (gst_sdp_media_get_media (media), "application") == 0)
      return (GstSDPMedia *) media;
  }
  return NULL;
}

void
dc_sdp_add_max_message_size (GstSDPMessage *sdp, guint max_message_size)
{
  GstSDPMedia *media = find_data_media (sdp);
  g_autofree char *size = g_strdup_printf ("%u", max_message_size);

  if (media != NULL && gst_sdp_media_get_attribute_val (media, "max-message-size") == NULL)
    gst_sdp_media_add_attribute (media, "max-message-size", size);
}

void
dc_sdp_set_fingerprint (GstSDPMessage *sdp, const char *pem)
{
  GstSDPMedia *media = find_data_media (sdp);
  g_autofree char *fingerprint = dc_identity_fingerprint (pem, FINGERPRINT_ALGORITHM);
  g_autofree char *value = g_strconcat (FINGERPRINT_ALGORITHM " ", fingerprint, NULL);

  for (guint i = 0; media != NULL && i < gst_sdp_media_attributes_len (media); i++)
    if (g_strcmp0 (gst_sdp_media_get_attribute (media, i)->key, "fingerprint") == 0) {
      GstSDPAttribute attribute;

      gst_sdp_attribute_set (&attribute, "fingerprint", value);
      gst_sdp_media_replace_attribute (media, i, &attribute);
    }
}

/* webrtcbin refuses a description with the fingerprint at both levels; the one of the media section counts (RFC 8122). */
static void
drop_session_fingerprints (GstSDPMessage *sdp, const GstSDPMedia *media)
{
  if (gst_sdp_media_get_attribute_val (media, "fingerprint") == NULL)
    return;
  for (guint i = gst_sdp_message_attributes_len (sdp); i > 0; i--)
    if (g_strcmp0 (gst_sdp_message_get_attribute (sdp, i - 1)->key, "fingerprint") == 0)
      gst_sdp_message_remove_attribute (sdp, i - 1);
}

/* webrtcbin looks for a=setup, ice-ufrag and ice-pwd in the media section only. */
static void
move_to_media (const GstSDPMessage *sdp, GstSDPMedia *media, const char *key)
{
  const char *value = gst_sdp_message_get_attribute_val (sdp, key);

  if (value != NULL && gst_sdp_media_get_attribute_val (media, key) == NULL)
    gst_sdp_media_add_attribute (media, key, value);
}

/* As it was written before RFC 8841: "m=application 9 DTLS/SCTP 5000" and "a=sctpmap:5000 webrtc-datachannel 65535"; aiortc offers that still, and
 * understands an answer in the new way. */
static void
modernize (GstSDPMedia *media)
{
  const char *map = gst_sdp_media_get_attribute_val (media, "sctpmap");
  g_autofree char *port = NULL;

  if (g_strcmp0 (gst_sdp_media_get_proto (media), "DTLS/SCTP") != 0 || map == NULL
      || gst_sdp_media_formats_len (media) != 1)
    return;
  port = g_strndup (map, strcspn (map, " "));
  gst_sdp_media_set_proto (media, "UDP/DTLS/SCTP");
  gst_sdp_media_remove_format (media, 0);
  gst_sdp_media_add_format (media, "webrtc-datachannel");
  if (gst_sdp_media_get_attribute_val (media, "sctp-port") == NULL)
    gst_sdp_media_add_attribute (media, "sctp-port", port);
}

static gboolean
check_media (const GstSDPMedia *media, GError **error)
{
  static const char *const needed[] = {"ice-ufrag", "ice-pwd", "setup"};

  for (guint i = 0; i < G_N_ELEMENTS (needed); i++) {
    if (gst_sdp_media_get_attribute_val (media, needed[i]) == NULL) {
      g_set_error (error, DC_ERROR, DC_ERROR_DATA, "the remote description lacks a=%s", needed[i]);
      return FALSE;
    }
  }
  /* webrtcbin takes the remote port from the local description, so that any other would be wrong. */
  if (g_strcmp0 (gst_sdp_media_get_attribute_val (media, "sctp-port"), "5000") != 0) {
    g_set_error_literal (error, DC_ERROR, DC_ERROR_DATA,
        "the remote description does not say a=sctp-port:5000, the only SCTP port that GStreamer's webrtcbin can "
        "reach");
    return FALSE;
  }
  return TRUE;
}

GstWebRTCSessionDescription *
dc_sdp_parse_remote (GstWebRTCSDPType type, const char *text, GError **error)
{
  GstSDPMessage *sdp = NULL;
  GstSDPMedia *media;
  g_autoptr (GstWebRTCSessionDescription) description = NULL;

  if (*text == '\0' || gst_sdp_message_new_from_text (text, &sdp) != GST_SDP_OK) {
    g_set_error_literal (error, DC_ERROR, DC_ERROR_DATA, "the remote description is no SDP (RFC 8866)");
    return NULL;
  }
  description = gst_webrtc_session_description_new (type, sdp);
  media = find_data_media (sdp);
  if (gst_sdp_message_medias_len (sdp) != 1 || media == NULL) {
    g_set_error (error, DC_ERROR, DC_ERROR_DATA,
        "the remote description has %u media sections where one data section (m=application) is wanted",
        gst_sdp_message_medias_len (sdp));
    return NULL;
  }
  modernize (media);
  drop_session_fingerprints (sdp, media);
  move_to_media (sdp, media, "setup");
  move_to_media (sdp, media, "ice-ufrag");
  move_to_media (sdp, media, "ice-pwd");
  if (!check_media (media, error))
    return NULL;
  return g_steal_pointer (&description);
}

gboolean
dc_sdp_take_candidates (GstSDPMessage *sdp, GPtrArray *lines)
{
  GstSDPMedia *media = find_data_media (sdp);
  gboolean complete = FALSE;
  guint i = 0;

  while (media != NULL && i < gst_sdp_media_attributes_len (media)) {
    const GstSDPAttribute *attribute = gst_sdp_media_get_attribute (media, i);
    gboolean end = g_strcmp0 (attribute->key, "end-of-candidates") == 0;
    if (!end && g_strcmp0 (attribute->key, "candidate") != 0) {
      i++;
      continue;
    }
    complete = complete || end;
    if (!end)
      g_ptr_array_add (lines, g_strconcat ("candidate:", attribute->value, NULL));
    gst_sdp_media_remove_attribute (media, i);
  }
  return complete;
}
