/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-description.c: any text as the SDP or the ICE candidate of a remote peer: usable, or refused with a sentence. */
#include <gst/gst.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "plugins/peer/dc-candidate.h"
#include "plugins/peer/dc-error.h"
#include "plugins/peer/dc-identity.h"
#include "plugins/peer/dc-sdp.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check_error (const GError *error)
{
  g_assert_nonnull (error);
  g_assert_true (error->domain == DC_ERROR);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
}

static void
try_candidate (const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DcCandidate) candidate = dc_candidate_parse (text, &error);
  g_autofree char *line = NULL;

  if (candidate == NULL) {
    check_error (error);
    return;
  }
  line = dc_candidate_line_with_address (text, "192.0.2.1");
  g_assert_true (g_str_has_prefix (line, "candidate:"));
  dc_candidate_is_mdns (candidate);
}

static void
try_sdp (const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstWebRTCSessionDescription) description = dc_sdp_parse_remote (GST_WEBRTC_SDP_TYPE_OFFER, text, &error);
  g_autoptr (DcIdentity) identity = NULL;
  g_autofree char *presented = NULL;
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);

  if (description == NULL) {
    check_error (error);
    return;
  }
  dc_sdp_add_max_message_size (description->sdp, 65536);
  dc_sdp_take_candidates (description->sdp, lines);
  g_assert_false (dc_sdp_take_candidates (description->sdp, lines));
  identity = dc_identity_new_from_sdp (description->sdp, &error);
  if (identity == NULL || !dc_identity_check (identity, text, &presented, &error))
    check_error (error);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  /* An empty input may come without an address. */
  g_autofree char *text = g_strndup (size > 0 ? (const char *) data : "", size);

  /* What signaling brings is UTF-8: the hub and the client refuse anything else. */
  if (!g_utf8_validate (text, -1, NULL))
    return 0;
  gst_init (NULL, NULL);
  try_candidate (text);
  try_sdp (text);
  return 0;
}
