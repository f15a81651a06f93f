/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-peer-units.c: candidates, fingerprints, descriptions, pairing and the choice of ICE servers. */
#include <string.h>

#include "plugins/peer/dc-candidate.h"
#include "plugins/peer/dc-error.h"
#include "plugins/peer/dc-identity.h"
#include "plugins/peer/dc-pairing.h"
#include "plugins/peer/dc-sdp.h"
#include "tests/harness/dc-test.h"

/* Made once with openssl: a self-signed certificate, and what `openssl x509 -fingerprint -sha256` and -sha512 say of it. */
#include "tests/test-peer-units-certificate.h"

static void
test_candidate (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DcCandidate) candidate = dc_candidate_parse (
      "a=candidate:842163049 1 udp 1677729535 198.51.100.7 46154 typ srflx raddr 10.0.0.17 rport 46155 generation 0",
      &error);
  g_autoptr (GstStructure) structure = gst_structure_new_empty ("local-candidate");
  guint port = 0;

  g_assert_no_error (error);
  g_assert_cmpstr (candidate->foundation, ==, "842163049");
  g_assert_cmpuint (candidate->component, ==, 1);
  g_assert_cmpstr (candidate->protocol, ==, "UDP");
  g_assert_cmpuint (candidate->priority, ==, 1677729535);
  g_assert_cmpstr (candidate->address, ==, "198.51.100.7");
  g_assert_cmpuint (candidate->port, ==, 46154);
  g_assert_cmpstr (candidate->type, ==, "srflx");
  g_assert_cmpstr (candidate->base_address, ==, "10.0.0.17");
  g_assert_cmpuint (candidate->base_port, ==, 46155);
  dc_candidate_to_structure (candidate, structure);
  g_assert_true (gst_structure_get_uint (structure, "base-port", &port));
  g_assert_cmpuint (port, ==, 46155);
}

static void
test_candidate_tcp (void)
{
  g_autoptr (DcCandidate) candidate =
      dc_candidate_parse ("candidate:1 1 TCP 1015022079 2001:db8::1 9 typ host tcptype active", NULL);

  g_assert_nonnull (candidate);
  g_assert_cmpstr (candidate->tcptype, ==, "active");
  g_assert_null (candidate->base_address);
}

static void
test_candidate_bad (void)
{
  static const char *const bad[] = {"", "candidate:", "candidate:1 1 UDP", "rubbish",
      "candidate:1 1 UDP x 1.2.3.4 5 typ host", "candidate:1 1 UDP 1 1.2.3.4 65536 typ host",
      "candidate:1 1 UDP 1 1.2.3.4 5 type host", "candidate:1 1 UDP 1 1.2.3.4 5 typ moon",
      "candidate:1 1 UDP 99999999999 1.2.3.4 5 typ host",
      "candidate:1 1 UDP 1 1.2.3.4 5 typ srflx raddr 1.1.1.1 rport x", "candidate:\xff\xfe"};

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (dc_candidate_parse (bad[i], &error));
    g_assert_error (error, DC_ERROR, DC_ERROR_DATA);
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
  }
}

static void
test_candidate_mdns (void)
{
  const char *line = "candidate:1 1 UDP 2122252543 4f3ac1f0-1c8e-4f0e-a5a2-2c9a2b1c0d1e.local 50000 typ host";
  g_autoptr (DcCandidate) candidate = dc_candidate_parse (line, NULL);
  g_autofree char *resolved = dc_candidate_line_with_address (line, "192.0.2.9");

  g_assert_true (dc_candidate_is_mdns (candidate));
  g_assert_cmpstr (resolved, ==, "candidate:1 1 UDP 2122252543 192.0.2.9 50000 typ host");
}

static void
test_fingerprint (void)
{
  g_autofree char *sha256 = dc_identity_fingerprint (certificate_pem, "sha-256");
  g_autofree char *sha512 = dc_identity_fingerprint (certificate_pem, "sha-512");

  g_assert_cmpstr (sha256, ==, certificate_sha256);
  g_assert_cmpstr (sha512, ==, certificate_sha512);
  g_assert_null (dc_identity_fingerprint (certificate_pem, "sha-1"));
  g_assert_null (dc_identity_fingerprint ("no certificate", "sha-256"));
  g_assert_null (dc_identity_fingerprint ("-----BEGIN CERTIFICATE-----END CERTIFICATE-----", "sha-256"));
}

#define SDP_HEAD "v=0\r\no=- 1 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
#define SDP_MEDIA                                                                                                      \
  "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sctp-port:5000\r\n"
#define SDP_ICE "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=setup:actpass\r\n"

static GstWebRTCSessionDescription *
parse (const char *session, const char *media, GError **error)
{
  g_autofree char *text = g_strconcat (SDP_HEAD, session, media, NULL);

  return dc_sdp_parse_remote (GST_WEBRTC_SDP_TYPE_OFFER, text, error);
}

static gboolean
accepts (const char *session, const char *media, const char *pem)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstWebRTCSessionDescription) description = parse (session, media, &error);
  g_autoptr (DcIdentity) identity = NULL;
  g_autofree char *presented = NULL;

  g_assert_no_error (error);
  identity = dc_identity_new_from_sdp (description->sdp, &error);
  if (identity == NULL) {
    g_assert_error (error, DC_ERROR, DC_ERROR_IDENTITY);
    return FALSE;
  }
  if (dc_identity_check (identity, pem, &presented, &error))
    return TRUE;
  g_assert_error (error, DC_ERROR, DC_ERROR_IDENTITY);
  return FALSE;
}

static void
test_identity (void)
{
  g_autofree char *right = g_strdup_printf ("a=fingerprint:sha-256 %s\r\n", certificate_sha256);
  g_autofree char *lower_hex = g_ascii_strdown (certificate_sha256, -1);
  g_autofree char *lower = g_strdup_printf ("a=fingerprint:SHA-256 %s\r\n", lower_hex);
  g_autofree char *strong = g_strdup_printf ("a=fingerprint:sha-512 %s\r\n", certificate_sha512);
  const char *wrong = "a=fingerprint:sha-256 00:11:22\r\n", *wrong512 = "a=fingerprint:sha-512 00:11:22\r\n";
  g_autofree char *in_media = g_strconcat (SDP_MEDIA SDP_ICE, right, NULL);
  g_autofree char *one_of_two = g_strconcat (SDP_MEDIA SDP_ICE, wrong, right, NULL);
  g_autofree char *weaker_right = g_strconcat (SDP_MEDIA SDP_ICE, wrong512, right, NULL);
  g_autofree char *stronger_right = g_strconcat (SDP_MEDIA SDP_ICE, wrong, strong, NULL);
  g_autofree char *media_wins = g_strconcat (SDP_MEDIA SDP_ICE, wrong, NULL);

  g_assert_true (accepts ("", in_media, certificate_pem));
  g_assert_true (accepts (right, SDP_MEDIA SDP_ICE, certificate_pem));
  g_assert_true (accepts (lower, SDP_MEDIA SDP_ICE, certificate_pem));
  g_assert_true (accepts ("", one_of_two, certificate_pem));
  g_assert_true (accepts ("", stronger_right, certificate_pem));
  g_assert_false (accepts ("", weaker_right, certificate_pem));
  g_assert_false (accepts (right, media_wins, certificate_pem));
  g_assert_false (accepts ("", in_media, NULL));
  g_assert_false (accepts ("", in_media, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
  g_assert_false (accepts ("", SDP_MEDIA SDP_ICE, certificate_pem));
  g_assert_false (accepts ("", SDP_MEDIA SDP_ICE "a=fingerprint:sha-1 00:11\r\n", certificate_pem));
}

static void
test_sdp_moves (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstWebRTCSessionDescription) description = parse (SDP_ICE, SDP_MEDIA, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (
      gst_sdp_media_get_attribute_val (gst_sdp_message_get_media (description->sdp, 0), "setup"), ==, "actpass");
}

/* As it was before RFC 8841. */
static void
test_sdp_old (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GstWebRTCSessionDescription) description =
      parse ("", "m=application 9 DTLS/SCTP 5000\r\na=sctpmap:5000 webrtc-datachannel 65535\r\n" SDP_ICE, &error);
  const GstSDPMedia *media;

  g_assert_no_error (error);
  media = gst_sdp_message_get_media (description->sdp, 0);
  g_assert_cmpstr (gst_sdp_media_get_proto (media), ==, "UDP/DTLS/SCTP");
  g_assert_cmpstr (gst_sdp_media_get_format (media, 0), ==, "webrtc-datachannel");
  g_assert_cmpstr (gst_sdp_media_get_attribute_val (media, "sctp-port"), ==, "5000");
}

static void
test_sdp_bad (void)
{
  static const char *const bad[] = {"", "m=audio 9 RTP/AVP 0\r\n", SDP_MEDIA, SDP_MEDIA SDP_ICE SDP_MEDIA SDP_ICE,
      "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:4999\r\n" SDP_ICE,
      "m=application 9 DTLS/SCTP 4999\r\na=sctpmap:4999 webrtc-datachannel 65535\r\n" SDP_ICE};

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++) {
    g_autoptr (GError) error = NULL;
    g_assert_null (parse ("", bad[i], &error));
    g_assert_error (error, DC_ERROR, DC_ERROR_DATA);
  }
}

static void
test_max_message_size (void)
{
  g_autoptr (GstWebRTCSessionDescription) description = parse (SDP_ICE, SDP_MEDIA, NULL);
  const GstSDPMedia *media = gst_sdp_message_get_media (description->sdp, 0);

  dc_sdp_add_max_message_size (description->sdp, 1000);
  dc_sdp_add_max_message_size (description->sdp, 2000);
  g_assert_cmpstr (gst_sdp_media_get_attribute_val (media, "max-message-size"), ==, "1000");
  g_assert_null (gst_sdp_media_get_attribute_val_n (media, "max-message-size", 1));
}

static void
test_sdp_candidates (void)
{
  const char *candidates = "a=candidate:1 1 UDP 1 192.0.2.1 9 typ host\r\na=candidate:2 1 UDP 1 x.local 9 typ host\r\n";
  g_autofree char *media = g_strconcat (SDP_MEDIA, candidates, SDP_ICE, NULL);
  g_autofree char *complete = g_strconcat (media, "a=end-of-candidates\r\n", NULL);
  g_autoptr (GstWebRTCSessionDescription) description = parse ("", media, NULL), ended = parse ("", complete, NULL);
  g_autoptr (GPtrArray) lines = g_ptr_array_new_with_free_func (g_free);

  g_assert_false (dc_sdp_take_candidates (description->sdp, lines));
  g_assert_cmpuint (lines->len, ==, 2);
  g_assert_cmpstr (g_ptr_array_index (lines, 0), ==, "candidate:1 1 UDP 1 192.0.2.1 9 typ host");
  g_assert_cmpstr (g_ptr_array_index (lines, 1), ==, "candidate:2 1 UDP 1 x.local 9 typ host");
  g_assert_null (gst_sdp_media_get_attribute_val (gst_sdp_message_get_media (description->sdp, 0), "candidate"));
  g_assert_nonnull (gst_sdp_media_get_attribute_val (gst_sdp_message_get_media (description->sdp, 0), "setup"));
  g_assert_true (dc_sdp_take_candidates (ended->sdp, lines));
  g_assert_cmpuint (lines->len, ==, 4);
}

static void
add_channel (DcProfile *profile, const char *label, DcMode mode, DcDirection wants)
{
  DcChannelOptions *options = dc_channel_options_new (label);

  options->mode = mode;
  options->wants = wants;
  g_ptr_array_add (profile->channels, options);
}

static DcProfile *
make_profile (DcRole role, const char *label, DcMode mode, DcDirection wants)
{
  DcProfile *profile = g_new0 (DcProfile, 1);

  profile->role = role;
  profile->channels = g_ptr_array_new_with_free_func ((GDestroyNotify) dc_channel_options_free);
  add_channel (profile, label, mode, wants);
  return profile;
}

/* Both sides must come to the same decision: exactly one calls, or none if they do not match. */
static void
test_pairing (void)
{
  static const struct {
    DcRole first, second;
    gboolean named, first_calls, second_calls;
  } cases[] = {
      {DC_ROLE_AUTO, DC_ROLE_AUTO, FALSE, FALSE, TRUE},
      {DC_ROLE_OFFERER, DC_ROLE_AUTO, FALSE, TRUE, FALSE},
      {DC_ROLE_AUTO, DC_ROLE_OFFERER, FALSE, FALSE, TRUE},
      {DC_ROLE_OFFERER, DC_ROLE_ANSWERER, FALSE, TRUE, FALSE},
      {DC_ROLE_ANSWERER, DC_ROLE_OFFERER, FALSE, FALSE, TRUE},
      {DC_ROLE_AUTO, DC_ROLE_ANSWERER, FALSE, TRUE, FALSE},
      {DC_ROLE_ANSWERER, DC_ROLE_AUTO, FALSE, FALSE, TRUE},
      {DC_ROLE_ANSWERER, DC_ROLE_ANSWERER, TRUE, FALSE, FALSE},
      {DC_ROLE_OFFERER, DC_ROLE_OFFERER, FALSE, FALSE, FALSE},
      {DC_ROLE_OFFERER, DC_ROLE_OFFERER, TRUE, TRUE, TRUE},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (DcProfile) first = make_profile (cases[i].first, "data", DC_MODE_LINK, DC_DIRECTION_SEND);
    g_autoptr (DcProfile) second = make_profile (cases[i].second, "data", DC_MODE_LINK, DC_DIRECTION_RECEIVE);
    g_assert_cmpint (dc_profile_should_call (first, second, cases[i].named, FALSE), ==, cases[i].first_calls);
    g_assert_cmpint (dc_profile_should_call (second, first, cases[i].named, TRUE), ==, cases[i].second_calls);
  }
}

static void
test_matching (void)
{
  g_autoptr (DcProfile) sender = make_profile (DC_ROLE_AUTO, "data", DC_MODE_LINK, DC_DIRECTION_SEND);
  g_autoptr (DcProfile) receiver = make_profile (DC_ROLE_AUTO, "data", DC_MODE_LINK, DC_DIRECTION_RECEIVE);
  g_autoptr (DcProfile) both = make_profile (DC_ROLE_AUTO, "data", DC_MODE_LINK, DC_DIRECTION_BOTH);
  g_autoptr (DcProfile) raw = make_profile (DC_ROLE_AUTO, "data", DC_MODE_RAW, DC_DIRECTION_BOTH);
  g_autoptr (DcProfile) other = make_profile (DC_ROLE_AUTO, "other", DC_MODE_LINK, DC_DIRECTION_BOTH);

  g_assert_true (dc_profile_matches (sender, receiver, FALSE));
  g_assert_true (dc_profile_matches (sender, both, FALSE));
  g_assert_true (dc_profile_matches (both, both, FALSE));
  g_assert_false (dc_profile_matches (sender, sender, FALSE));
  g_assert_false (dc_profile_matches (receiver, receiver, FALSE));
  g_assert_false (dc_profile_matches (both, raw, FALSE));
  g_assert_false (dc_profile_matches (both, other, FALSE));
}

/* One channel in common is enough, and only that one is made. */
static void
test_matching_several (void)
{
  g_autoptr (DcProfile) ours = make_profile (DC_ROLE_AUTO, "video", DC_MODE_LINK, DC_DIRECTION_SEND);
  g_autoptr (DcProfile) theirs = make_profile (DC_ROLE_AUTO, "log", DC_MODE_RAW, DC_DIRECTION_RECEIVE);

  add_channel (ours, "log", DC_MODE_LINK, DC_DIRECTION_BOTH);
  g_assert_false (dc_profile_matches (ours, theirs, FALSE));
  add_channel (theirs, "video", DC_MODE_LINK, DC_DIRECTION_RECEIVE);
  g_assert_true (dc_profile_matches (ours, theirs, FALSE));
  g_assert_true (dc_profile_takes (theirs, g_ptr_array_index (ours->channels, 0)));
  g_assert_false (dc_profile_takes (theirs, g_ptr_array_index (ours->channels, 1)));
}

static void
test_profile_meta (void)
{
  g_autoptr (DcProfile) ours = make_profile (DC_ROLE_ANSWERER, "video", DC_MODE_RAW, DC_DIRECTION_SEND);
  g_autoptr (DcProfile) any = make_profile (DC_ROLE_AUTO, "data", DC_MODE_LINK, DC_DIRECTION_BOTH);
  g_autoptr (JsonNode) meta = dc_profile_to_meta (ours);
  g_autoptr (DcProfile) read = dc_profile_from_meta (meta);
  g_autoptr (JsonNode) strange = json_from_string (
      "{\"role\": 7, \"channels\": [{\"wants\": \"everything\", \"label\": null, \"mode\": []}, 5]}", NULL);
  g_autoptr (DcProfile) from_strange = dc_profile_from_meta (strange);
  g_autoptr (DcProfile) from_nothing = dc_profile_from_meta (NULL);
  const DcChannelOptions *channel = g_ptr_array_index (read->channels, 0);

  g_assert_cmpint (read->role, ==, DC_ROLE_ANSWERER);
  g_assert_cmpuint (read->channels->len, ==, 1);
  g_assert_cmpint (channel->wants, ==, DC_DIRECTION_SEND);
  g_assert_cmpint (channel->mode, ==, DC_MODE_RAW);
  g_assert_cmpstr (channel->label, ==, "video");
  g_assert_true (dc_profile_matches (any, from_strange, FALSE));
  g_assert_false (dc_profile_matches (ours, from_strange, FALSE));
  g_assert_true (dc_profile_matches (any, from_nothing, FALSE));
  g_assert_true (dc_profile_matches (ours, from_nothing, FALSE));
}

/* Who takes whatever label comes says so. */
static void
test_profile_any_label (void)
{
  g_autoptr (DcProfile) ours = make_profile (DC_ROLE_OFFERER, "sendChannel", DC_MODE_RAW, DC_DIRECTION_BOTH);
  g_autoptr (DcProfile) theirs = make_profile (DC_ROLE_ANSWERER, "data", DC_MODE_RAW, DC_DIRECTION_BOTH), read = NULL;
  g_autoptr (JsonNode) meta = NULL;

  g_assert_false (dc_profile_matches (ours, theirs, FALSE));
  ((DcChannelOptions *) g_ptr_array_index (theirs->channels, 0))->any_label = TRUE;
  meta = dc_profile_to_meta (theirs);
  read = dc_profile_from_meta (meta);
  g_assert_true (dc_profile_should_call (ours, read, FALSE, TRUE));
  g_assert_true (dc_profile_matches (theirs, ours, FALSE));
}

/* Who has more channels than can be told names none, and takes what comes. */
static void
test_profile_untold (void)
{
  g_autoptr (DcProfile) ours = make_profile (DC_ROLE_ANSWERER, "0", DC_MODE_RAW, DC_DIRECTION_BOTH), read = NULL;
  g_autoptr (JsonNode) meta = NULL;

  for (guint i = 1; i < DC_PROFILE_MAX_CHANNELS; i++) {
    g_autofree char *label = g_strdup_printf ("%u", i);
    add_channel (ours, label, DC_MODE_RAW, DC_DIRECTION_BOTH);
  }
  meta = dc_profile_to_meta (ours);
  read = dc_profile_from_meta (meta);
  g_assert_null (read->channels);
  g_assert_cmpint (read->role, ==, DC_ROLE_ANSWERER);
}

/* A hostile peer names thousands of channels. */
static void
test_profile_many (void)
{
  g_autoptr (GString) text = g_string_new ("{\"channels\": [{}");
  g_autoptr (JsonNode) meta = NULL;
  g_autoptr (DcProfile) profile = NULL;

  for (guint i = 0; i < 5000; i++)
    g_string_append (text, ", {}");
  g_string_append (text, "]}");
  meta = json_from_string (text->str, NULL);
  profile = dc_profile_from_meta (meta);
  g_assert_cmpuint (profile->channels->len, ==, DC_PROFILE_MAX_CHANNELS);
}

static void
assert_options_refused (DcChannelOptions *options, const char *sentence)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (dc_channel_options_check (options, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_USAGE);
  g_assert_nonnull (strstr (error->message, sentence));
  dc_channel_options_free (options);
}

static void
test_channel_options (void)
{
  g_autoptr (DcChannelOptions) good = dc_channel_options_new (NULL);
  g_autoptr (DcChannelOptions) copy = NULL;
  g_autoptr (GError) error = NULL;
  DcChannelOptions *bad;

  g_assert_cmpstr (good->label, ==, "data");
  g_assert_true (dc_channel_options_check (good, &error));
  g_assert_no_error (error);
  good->mode = DC_MODE_RAW;
  good->ordered = FALSE;
  good->max_retransmits = 0;
  good->negotiated = TRUE;
  good->id = 1023;
  good->protocol = g_strdup ("chat");
  copy = dc_channel_options_copy (good);
  g_assert_true (dc_channel_options_check (copy, &error));
  g_assert_no_error (error);
  g_assert_cmpstr (copy->protocol, ==, "chat");

  assert_options_refused (dc_channel_options_new (""), "label");
  assert_options_refused (dc_channel_options_new ("\xff"), "label");
  bad = dc_channel_options_new ("x");
  bad->ordered = FALSE;
  assert_options_refused (bad, "raw mode");
  bad = dc_channel_options_copy (good);
  bad->max_packet_lifetime = 1;
  assert_options_refused (bad, "exclude");
  bad = dc_channel_options_copy (good);
  bad->id = -1;
  assert_options_refused (bad, "id");
  bad = dc_channel_options_copy (good);
  bad->id = 1024;
  assert_options_refused (bad, "id");
  bad = dc_channel_options_copy (good);
  bad->negotiated = FALSE;
  assert_options_refused (bad, "id");
  bad = dc_channel_options_copy (good);
  bad->max_message_size = 4194305;
  assert_options_refused (bad, "4194304");
  bad = dc_channel_options_new ("x");
  bad->window = 65535;
  assert_options_refused (bad, "window");
  bad = dc_channel_options_new ("x");
  bad->streams = 9;
  assert_options_refused (bad, "streams");
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  g_test_add_func ("/candidate/srflx", test_candidate);
  g_test_add_func ("/candidate/tcp", test_candidate_tcp);
  g_test_add_func ("/candidate/bad", test_candidate_bad);
  g_test_add_func ("/candidate/mdns", test_candidate_mdns);
  g_test_add_func ("/identity/fingerprint", test_fingerprint);
  g_test_add_func ("/identity/check", test_identity);
  g_test_add_func ("/sdp/session-level", test_sdp_moves);
  g_test_add_func ("/sdp/bad", test_sdp_bad);
  g_test_add_func ("/sdp/old", test_sdp_old);
  g_test_add_func ("/sdp/candidates", test_sdp_candidates);
  g_test_add_func ("/sdp/max-message-size", test_max_message_size);
  g_test_add_func ("/pairing/who-calls", test_pairing);
  g_test_add_func ("/pairing/match", test_matching);
  g_test_add_func ("/pairing/several", test_matching_several);
  g_test_add_func ("/pairing/meta", test_profile_meta);
  g_test_add_func ("/pairing/many", test_profile_many);
  g_test_add_func ("/pairing/any-label", test_profile_any_label);
  g_test_add_func ("/pairing/untold", test_profile_untold);
  g_test_add_func ("/channel-options/check", test_channel_options);
  return g_test_run ();
}
