/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-dcpeer-trace.c: how dcpeer tells what happens: as text, as JSON, and the queue in which lines wait for their reader. */
#include <gst/gst.h>
#include <json-glib/json-glib.h>
#include <string.h>
#include <unistd.h>

#include "apps/dcpeer.h"
#include "apps/text.h"
#include "apps/trace.h"
#include "plugins/peer/dc-error.h"

/* Text */

static void
test_text_escape (void)
{
  static const struct {
    const char *text;
    gsize max;
    const char *escaped;
  } cases[] = {
      {"plain gr\xc3\xbc\xc3\x9f", DC_TEXT_WHOLE, "plain gr\xc3\xbc\xc3\x9f"},
      {"a\nb\rc\td", DC_TEXT_WHOLE, "a\\nb\\rc\\td"},
      {"\x1b[2J", DC_TEXT_WHOLE, "\\x1b[2J"},
      {"\xc2\x9b", DC_TEXT_WHOLE, "\\u{9b}"},
      {"a\xe2\x80\xae"
       "b",
          DC_TEXT_WHOLE, "a\\u{202e}b"},
      {"a\xff\xfe", DC_TEXT_WHOLE, "a\\xff\\xfe"},
      {"abcdef", 3, "abc..."},
      {"abc", 3, "abc"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autofree char *escaped = dc_text_escape (cases[i].text, cases[i].max);
    g_assert_cmpstr (escaped, ==, cases[i].escaped);
  }
}

static void
assert_line (DcTraceText *text, const char *event, const char *expected)
{
  g_autoptr (GstStructure) structure = gst_structure_from_string (event, NULL);
  g_assert_nonnull (structure);
  g_autofree char *line = dc_trace_text_format (text, structure);
  g_assert_cmpstr (line, ==, expected);
}

static void
test_text_candidates (void)
{
  g_autoptr (DcTraceText) text = dc_trace_text_new ();
  assert_line (text,
      "local-candidate, t=(double)0.034, peer=bob, type=host, protocol=UDP, address=(string)192.0.2.7, "
      "port=(uint)51234,"
      " priority=(uint)2122260223, used=true",
      "    0.034  candidate     local  host  UDP 192.0.2.7 port 51234 priority 2122260223 (an address of this "
      "machine)\n");
  assert_line (text,
      "local-candidate, t=(double)0.051, peer=bob, type=srflx, protocol=UDP, address=(string)198.51.100.4,"
      " port=(uint)40001, priority=(uint)1686052607, base-address=(string)192.0.2.7, base-port=(uint)51234, used=true",
      "    0.051  candidate     local  srflx UDP 198.51.100.4 port 40001 priority 1686052607 (what STUN saw of us; base"
      " 192.0.2.7 port 51234)\n");
  assert_line (text,
      "remote-candidate, t=(double)1.5, peer=bob, type=host, protocol=TCP, tcptype=active, address=(string)192.0.2.9,"
      " port=(uint)9, priority=(uint)1, used=false, reason=(string)\"its name does not resolve\"",
      "    1.500  candidate     remote host  TCP active 192.0.2.9 port 9 priority 1 (an address of the other machine) "
      "not"
      " used: its name does not resolve\n");
  assert_line (text,
      "remote-candidate, t=(double)2, peer=bob, type=relay, protocol=UDP, address=(string)203.0.113.1, "
      "port=(uint)49152,"
      " priority=(uint)7, base-address=(string)198.51.100.9, base-port=(uint)3, used=true",
      "    2.000  candidate     remote relay UDP 203.0.113.1 port 49152 priority 7 (lent to the other side by a TURN "
      "server,"
      " which forwards; base 198.51.100.9 port 3)\n");
  assert_line (text, "local-candidates-done, t=(double)2, peer=bob, count=(uint)4",
      "    2.000  candidate     local  that was all: 4\n");
}

static void
test_text_explains_once (void)
{
  g_autoptr (DcTraceText) text = dc_trace_text_new ();
  const char *event = "ice-state, t=(double)0.2, peer=bob, state=checking";
  assert_line (text, event, "    0.200  ICE           checking: trying each pair of a local and a remote candidate\n");
  assert_line (text, event, "    0.200  ICE           checking\n");
  assert_line (text, "dtls-state, t=(double)0.2, peer=bob, state=new", "    0.200  DTLS          new\n");
}

static void
test_text_streams (void)
{
  g_autoptr (DcTraceText) text = dc_trace_text_new ();
  assert_line (text, "streams, t=(double)3, peer=bob, count=(uint)4",
      "    3.000  streams       the data to bob goes on 4 SCTP associations at once, each with a congestion window of "
      "its "
      "own\n");
  assert_line (text, "streams, t=(double)4, peer=bob, count=(uint)1",
      "    4.000  streams       the data to bob goes on one SCTP association again\n");
}

static void
test_text_identity (void)
{
  g_autoptr (DcTraceText) text = dc_trace_text_new ();
  g_autoptr (GstStructure) answer =
      gst_structure_from_string ("remote-description, t=(double)0, peer=bob, type=answer, sdp=v", NULL);
  g_autofree char *line = dc_trace_text_format (text, answer);
  assert_line (text,
      "identity, t=(double)1, peer=bob, verified=true, algorithm=sha-256, expected=(string)AB:CD, "
      "presented=(string)AB:CD",
      "    1.000  identity      the certificate matches the fingerprint in the answer (sha-256 AB:CD)\n");
  assert_line (text,
      "identity, t=(double)1, peer=bob, verified=false, algorithm=sha-256, expected=(string)AB:CD,"
      " presented=(string)00:11",
      "    1.000  identity      REFUSED: the certificate's fingerprint is sha-256 00:11, but the answer said AB:CD\n");
}

/* What a far peer sends cannot move the cursor, begin a line or flood the screen. */
static void
test_text_hostile (void)
{
  g_autoptr (DcTraceText) text = dc_trace_text_new ();
  g_autofree char *long_text = g_strnfill (1000, 'x');
  g_autoptr (GstStructure) event = gst_structure_new ("received", "t", G_TYPE_DOUBLE, 1.0, "peer", G_TYPE_STRING, "bob",
      "n", G_TYPE_UINT64, G_GUINT64_CONSTANT (1), "bytes", G_TYPE_UINT64, G_GUINT64_CONSTANT (1000), "text",
      G_TYPE_STRING, long_text, NULL);
  g_autofree char *flood = dc_trace_text_format (text, event);
  g_assert_cmpuint (strlen (flood), <, 200);

  gst_structure_set (event, "text", G_TYPE_STRING, "\x1b]0;x\x07\n    0.000  identity", NULL);
  g_autofree char *forged = dc_trace_text_format (text, event);
  g_assert_null (strchr (forged, '\x1b'));
  g_assert_true (strchr (forged, '\n') == forged + strlen (forged) - 1);

  GValue list = G_VALUE_INIT, value = G_VALUE_INIT;
  g_value_init (&list, GST_TYPE_LIST);
  g_value_init (&value, GST_TYPE_STRUCTURE);
  g_value_take_boxed (&value, gst_structure_new ("channel", "label", G_TYPE_STRING, "a\x1b[2Jb\nc", NULL));
  gst_value_list_append_and_take_value (&list, &value);
  g_autoptr (GstStructure) peer = gst_structure_new ("peer", "id", G_TYPE_STRING, "bob", NULL);
  gst_structure_take_value (peer, "channels", &list);
  g_autofree char *row = dc_trace_text_format (text, peer);
  g_assert_cmpstr (row, ==, "bob                      yes    -         a\\x1b[2Jb\\nc (-, -)\n");
}

/* Every event of dc-event.h with nothing in it, and one that nobody knows: a line, no crash. */
static void
test_text_missing_fields (void)
{
  static const char *const names[] = {"signaling-connecting", "registered", "signaling-lost", "peer-joined",
      "peer-left", "peer-away", "peer-back", "ice-server", "calling", "called", "local-description",
      "remote-description", "local-candidate", "remote-candidate", "local-candidates-done", "remote-candidates-done",
      "gathering-state", "ice-state", "dtls-state", "sctp-state", "identity", "secret-proved", "selected-pair",
      "transport", "streams", "channel-open", "connection-lost", "connection-resumed", "connection-closed", "busy",
      "sent", "received", "acknowledged", "summary", "room", "peer", "something-new"};
  g_autoptr (DcTraceText) text = dc_trace_text_new ();
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++) {
    g_autoptr (GstStructure) event = gst_structure_new_empty (names[i]);
    g_autofree char *line = dc_trace_text_format (text, event);
    g_assert_true (g_str_has_suffix (line, "\n"));
  }
}

/* JSON */

static JsonObject *
parse_json_line (const char *line, JsonParser *parser)
{
  g_assert_true (g_str_has_suffix (line, "\n"));
  g_assert_true (strchr (line, '\n') == line + strlen (line) - 1);
  g_assert_true (json_parser_load_from_data (parser, line, -1, NULL));
  return json_node_get_object (json_parser_get_root (parser));
}

static void
test_json_types (void)
{
  g_autoptr (GBytes) bytes = g_bytes_new ("\0\xff", 2);
  g_autoptr (GstStructure) inner = gst_structure_new ("inner", "x", G_TYPE_INT, -1, NULL);
  g_autoptr (GstStructure) event = gst_structure_new ("received", "n", G_TYPE_UINT64, G_GUINT64_CONSTANT (5000000000),
      "t", G_TYPE_DOUBLE, 0.5, "data", G_TYPE_BYTES, bytes, "flag", G_TYPE_BOOLEAN, TRUE, "text", G_TYPE_STRING,
      "a\n\"b\x01", "none", G_TYPE_STRING, NULL, "inner", GST_TYPE_STRUCTURE, inner, "port", G_TYPE_UINT, 65535u, NULL);
  g_autofree char *line = dc_trace_json_format (event);
  g_assert_true (g_str_has_prefix (line, "{\"event\":\"received\",\"t\":0.5,"));

  g_autoptr (JsonParser) parser = json_parser_new ();
  JsonObject *object = parse_json_line (line, parser);
  g_assert_cmpint (json_object_get_int_member (object, "n"), ==, G_GINT64_CONSTANT (5000000000));
  g_assert_cmpstr (json_object_get_string_member (object, "data"), ==, "AP8=");
  g_assert_true (json_object_get_boolean_member (object, "flag"));
  g_assert_cmpstr (json_object_get_string_member (object, "text"), ==, "a\n\"b\x01");
  g_assert_true (json_object_get_null_member (object, "none"));
  g_assert_cmpint (json_object_get_int_member (json_object_get_object_member (object, "inner"), "x"), ==, -1);
  g_assert_cmpint (json_object_get_int_member (object, "port"), ==, 65535);
}

static void
test_json_doubles (void)
{
  static const struct {
    gdouble number;
    const char *text;
  } cases[] = {{0.05, "0.05"}, {0.000374, "0.000374"}, {0, "0"}, {1234567.890123, "1234567.890123"},
      {1.0 / 3, "0.33333333333333331"}, {-1, "-1"}};
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    g_autoptr (GstStructure) event = gst_structure_new ("x", "t", G_TYPE_DOUBLE, cases[i].number, NULL);
    g_autofree char *line = dc_trace_json_format (event);
    g_autofree char *expected = g_strdup_printf ("{\"event\":\"x\",\"t\":%s}\n", cases[i].text);
    g_assert_cmpstr (line, ==, expected);
  }
}

static void
test_json_has_no_infinity (void)
{
  g_autoptr (GstStructure) event =
      gst_structure_new ("x", "t", G_TYPE_DOUBLE, 1.0, "y", G_TYPE_DOUBLE, 1e308 * 10, NULL);
  g_autofree char *line = dc_trace_json_format (event);
  g_autoptr (JsonParser) parser = json_parser_new ();
  g_assert_true (json_object_get_null_member (parse_json_line (line, parser), "y"));
}

/* The queue */

static char *
read_all (int fd)
{
  GString *out = g_string_new (NULL);
  char buffer[4096];
  gssize n;
  while ((n = read (fd, buffer, sizeof buffer)) > 0)
    g_string_append_len (out, buffer, n);
  return g_string_free (out, FALSE);
}

/* Lines leave in the order in which they came, all of them before dc_trace_free() returns; errors go to the other descriptor. */
static void
test_trace_queue (void)
{
  int out[2], err[2];
  g_assert_cmpint (pipe (out), ==, 0);
  g_assert_cmpint (pipe (err), ==, 0);
  DcTrace *trace = dc_trace_new (TRUE, out[1], err[1], NULL, NULL);
  for (guint i = 0; i < 300; i++)
    dc_trace_event (trace, gst_structure_new ("x", "i", G_TYPE_UINT, i, NULL), DC_TRACE_MAY_WAIT);
  g_autoptr (GError) error = g_error_new_literal (DC_ERROR, DC_ERROR_PEER_GONE, "bob is\x1b[2J gone");
  g_assert_cmpint (dc_trace_error (trace, error), ==, DC_EXIT_PEER_GONE);
  dc_trace_free (trace);
  close (out[1]);
  close (err[1]);

  g_autofree char *output = read_all (out[0]);
  g_autofree char *errors = read_all (err[0]);
  g_auto (GStrv) lines = g_strsplit (output, "\n", -1);
  g_assert_cmpuint (g_strv_length (lines), ==, 302);
  g_assert_true (g_str_has_suffix (lines[299], "\"i\":299}"));
  g_assert_nonnull (strstr (lines[300], "\"event\":\"error\""));
  g_assert_nonnull (strstr (lines[300], "\"code\":6"));
  g_assert_cmpstr (errors, ==, "dcpeer: bob is\\x1b[2J gone\n");
  close (out[0]);
  close (err[0]);
}

static void
count_cb (gpointer user_data)
{
  g_atomic_int_inc ((int *) user_data);
}

static gpointer
fill_trace (gpointer data)
{
  for (guint i = 0; i < 5000; i++)
    dc_trace_event (data, gst_structure_new ("x", "i", G_TYPE_UINT, i, NULL), DC_TRACE_MAY_WAIT);
  return NULL;
}

/* Nobody reads: whoever may not wait does not. Then the reader goes away: that is told once, and those who waited go on. */
static void
test_trace_stuck_and_broken (void)
{
  int out[2], broken = 0;
  g_assert_cmpint (pipe (out), ==, 0);
  DcTrace *trace = dc_trace_new (FALSE, out[1], STDERR_FILENO, count_cb, &broken);
  GThread *waiting = g_thread_new ("fill", fill_trace, trace);
  for (guint i = 0; i < 2000; i++)
    dc_trace_event (trace, gst_structure_new ("x", "i", G_TYPE_UINT, i, NULL), DC_TRACE_NO_WAIT);
  g_assert_cmpint (g_atomic_int_get (&broken), ==, 0);

  close (out[0]);
  g_thread_join (waiting);
  dc_trace_free (trace);
  g_assert_cmpint (g_atomic_int_get (&broken), ==, 1);
  close (out[1]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_assert_true (dc_prepare (NULL));
  g_test_add_func ("/dcpeer/text/escape", test_text_escape);
  g_test_add_func ("/dcpeer/text/candidates", test_text_candidates);
  g_test_add_func ("/dcpeer/text/explains-once", test_text_explains_once);
  g_test_add_func ("/dcpeer/text/streams", test_text_streams);
  g_test_add_func ("/dcpeer/text/identity", test_text_identity);
  g_test_add_func ("/dcpeer/text/hostile", test_text_hostile);
  g_test_add_func ("/dcpeer/text/missing-fields", test_text_missing_fields);
  g_test_add_func ("/dcpeer/json/types", test_json_types);
  g_test_add_func ("/dcpeer/json/doubles", test_json_doubles);
  g_test_add_func ("/dcpeer/json/no-infinity", test_json_has_no_infinity);
  g_test_add_func ("/dcpeer/trace/queue", test_trace_queue);
  g_test_add_func ("/dcpeer/trace/stuck-and-broken", test_trace_stuck_and_broken);
  return g_test_run ();
}
