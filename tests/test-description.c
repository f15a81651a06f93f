/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-description.c: descriptions as people copy and paste them. */
#include <string.h>

#include "signaling/protocol/dc-description.h"
#include "signaling/protocol/dc-signaling-error.h"

#define SDP "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
#define SECTION "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=ice-ufrag:abcd\r\n"
#define JSON "{\"type\":\"offer\",\"sdp\":\"v=0\\r\\ns=-\\r\\n\"}"
#define BASE64 "eyJ0eXBlIjoib2ZmZXIiLCJzZHAiOiJ2PTBcclxucz0tXHJcbiJ9"

static DcDescription *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  DcDescription *description = dc_description_parse (text, strlen (text), &error);

  g_assert_no_error (error);
  return description;
}

/* --- Reading ---------------------------------------------------------------------------------------------------------------------- */

/* All of these are the same offer. */
static const char *const spellings[] = {
    JSON,
    BASE64,
    "  " JSON " \r\n",
    "{ \"sdp\": \"v=0\\r\\ns=-\\r\\n\",\n  \"type\": \"offer\" }\n",
    "{\"type\":\"offer\",\"sdp\":\"v=0\\r\n\\ns=-\\r\\n\"}",
    "eyJ0eXBlIjoib2ZmZXIiLCJz\nZHAiOiJ2PTBcclxucz0tXHJcbiJ9\n",
    "'" JSON "'",
    "`" JSON "`",
    "'{\"type\":\"offer\",\"sdp\":\"v=0\\\\r\\\\ns=-\\\\r\\\\n\"}'",
    "\"{\\\"type\\\":\\\"offer\\\",\\\"sdp\\\":\\\"v=0\\\\r\\\\ns=-\\\\r\\\\n\\\"}\"",
};

static void
test_spellings (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (spellings); i++) {
    g_autoptr (DcDescription) description = NULL;
    g_test_message ("%s", spellings[i]);
    description = parse (spellings[i]);
    g_assert_true (description->is_offer);
    g_assert_cmpstr (description->sdp, ==, "v=0\r\ns=-\r\n");
  }
}

/* Each of them may be had in pieces: no part of it is taken for the whole, or refused. */
static void
test_pieces (void)
{
  for (guint i = 0; i < G_N_ELEMENTS (spellings); i++) {
    g_autofree char *text = g_strstrip (g_strdup (spellings[i]));
    for (gsize length = 2; length < strlen (text); length++) {
      g_test_message ("%.*s", (int) length, text);
      g_assert_true (dc_description_is_begun (text, length));
    }
    g_assert_false (dc_description_is_begun (text, strlen (text)));
  }
}

static void
test_refused (void)
{
  static const struct {
    const char *text, *hint;
  } cases[] = {
      {"", "this is no description"},
      {"hello", "this is no description"},
      {"v=0", "this is no description"},
      {"{}", "\"type\" and \"sdp\""},
      {"{\"type\":\"offer\"}", "\"type\" and \"sdp\""},
      {"{\"type\":7,\"sdp\":\"v=0\"}", "\"type\" and \"sdp\""},
      {"{\"type\":\"rollback\",\"sdp\":\"v=0\"}", "\"rollback\""},
      {"{\"type\":\"offer\",\"sdp\":\"\"}", "v=0"},
      {"{\"type\":\"offer\",\"sdp\":\"v=0\"", "not whole"},
      {"{\"type\":\"offer\"} {}", "not whole"},
      {"\"v=0\"", "no description in it"},
      {"eyJ0eXBl", "not whole"},
      {"eyes", "not whole"},
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GError) error = NULL;
    g_test_message ("%s", cases[i].text);
    g_assert_null (dc_description_parse (cases[i].text, strlen (cases[i].text), &error));
    g_assert_error (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_MESSAGE);
    g_assert_nonnull (strstr (error->message, cases[i].hint));
  }
}

static void
test_too_long (void)
{
  gsize length = DC_DESCRIPTION_MAX_LENGTH + 1;
  g_autofree char *text = g_strnfill (length, ' ');
  g_autoptr (GError) error = NULL;

  *text = '{';
  g_assert_null (dc_description_parse (text, length, &error));
  g_assert_error (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_MESSAGE);
  g_assert_false (dc_description_is_begun (text, length));
}

static void
test_not_begun (void)
{
  static const char *const texts[] = {"", "\n", "hello", "v=0", "ey es"};

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    g_assert_false (dc_description_is_begun (texts[i], strlen (texts[i])));
}

/* --- Writing ---------------------------------------------------------------------------------------------------------------------- */

static void
test_written (void)
{
  g_autoptr (DcDescription) description = dc_description_new (TRUE, "v=0\r\ns=-\r\n");
  g_autofree char *json = dc_description_to_text (description);

  g_assert_cmpstr (json, ==, JSON);
}

/* --- Candidates ------------------------------------------------------------------------------------------------------------------- */

static void
test_complete (void)
{
  g_autoptr (DcDescription) description = dc_description_new (TRUE, SDP SECTION "a=end-of-candidates-not\r\n");

  g_assert_false (dc_description_is_complete (description));
  g_assert_true (dc_description_add_attribute (description, 0, "end-of-candidates"));
  g_assert_true (dc_description_is_complete (description));
}

static void
note_candidate (guint mline, const char *candidate, gsize length, gpointer user_data)
{
  g_string_append_printf (user_data, "%u %.*s;", mline, (int) length, candidate);
}

static void
test_candidates (void)
{
  g_autoptr (DcDescription) description = dc_description_new (FALSE, SDP SECTION "m=audio 9 X\r\na=mid:1\r\n");
  g_autoptr (GString) seen = g_string_new (NULL);

  g_assert_true (dc_description_add_attribute (description, 0, "candidate:1"));
  g_assert_true (dc_description_add_attribute (description, 1, "candidate:2"));
  g_assert_true (dc_description_add_attribute (description, 0, "candidate:3"));
  g_assert_false (dc_description_add_attribute (description, 2, "candidate:4"));
  g_assert_cmpstr (description->sdp, ==,
      SDP SECTION "a=candidate:1\r\na=candidate:3\r\nm=audio 9 X\r\na=mid:1\r\na=candidate:2\r\n");
  dc_description_foreach_candidate (description, note_candidate, seen);
  g_assert_cmpstr (seen->str, ==, "0 candidate:1;0 candidate:3;1 candidate:2;");
}

/* An SDP without the end of its last line, or with other ends. */
static void
test_line_ends (void)
{
  g_autoptr (DcDescription) open_ended = dc_description_new (TRUE, "v=0\nm=application");
  g_autoptr (GString) seen = g_string_new (NULL);

  g_assert_true (dc_description_add_attribute (open_ended, 0, "candidate:1"));
  g_assert_cmpstr (open_ended->sdp, ==, "v=0\nm=application\r\na=candidate:1\r\n");
  dc_description_foreach_candidate (open_ended, note_candidate, seen);
  g_assert_cmpstr (seen->str, ==, "0 candidate:1;");
}

static void
test_same (void)
{
  g_autoptr (DcDescription) first = dc_description_new (TRUE, SDP SECTION);
  g_autoptr (DcDescription) more = dc_description_new (TRUE, SDP SECTION "a=candidate:1\r\n");
  g_autoptr (DcDescription) answer = dc_description_new (FALSE, SDP SECTION);
  g_autoptr (DcDescription) other = dc_description_new (TRUE, SDP "m=application\r\na=ice-ufrag:abcde\r\n");
  g_autoptr (DcDescription) bare = dc_description_new (TRUE, SDP);

  g_assert_true (dc_description_is_same (first, more));
  g_assert_false (dc_description_is_same (first, answer));
  g_assert_false (dc_description_is_same (first, other));
  g_assert_false (dc_description_is_same (bare, bare));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/description/spellings", test_spellings);
  g_test_add_func ("/description/pieces", test_pieces);
  g_test_add_func ("/description/refused", test_refused);
  g_test_add_func ("/description/too-long", test_too_long);
  g_test_add_func ("/description/not-begun", test_not_begun);
  g_test_add_func ("/description/written", test_written);
  g_test_add_func ("/description/complete", test_complete);
  g_test_add_func ("/description/candidates", test_candidates);
  g_test_add_func ("/description/line-ends", test_line_ends);
  g_test_add_func ("/description/same", test_same);
  return g_test_run ();
}
