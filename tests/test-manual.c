/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-manual.c: peers without a server, whose descriptions people carry, and dcpeer --manual. */
#include <signal.h>
#include <string.h>

#include "plugins/peer/dc-peer.h"
#include "tests/harness/dc-test-peer.h"
#include "tests/harness/dc-test-process.h"
#include "tests/harness/dc-test.h"

#define WATCHDOG_S 60

/* --- The library ----------------------------------------------------------------------------------------------------------------- */

typedef struct {
  DcTestPeer *alice, *bob; /* alice offers */
  gboolean early;          /* what is not complete is carried too */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer early)
{
  dc_test_watchdog_start (WATCHDOG_S);
  fixture->early = GPOINTER_TO_INT (early);
}

static void
tear_down (Fixture *fixture, gconstpointer early)
{
  g_clear_pointer (&fixture->alice, dc_test_peer_free);
  g_clear_pointer (&fixture->bob, dc_test_peer_free);
  dc_test_watchdog_stop ();
}

static void
ignore (DcPeer *peer, const char *text, gboolean complete, gpointer user_data)
{
}

static DcPeer *
make_peer (DcRole role, const char *label, DcMode mode, gboolean any_label)
{
  g_autoptr (DcChannelOptions) options = dc_channel_options_new (label);
  DcPeer *peer = g_object_new (DC_TYPE_PEER, "signaling", "manual:", "role", role, NULL);

  options->mode = mode;
  options->any_label = any_label;
  g_assert_true (dc_peer_add_channel (peer, options, NULL));
  g_signal_connect (peer, "description", G_CALLBACK (ignore), NULL);
  return peer;
}

typedef struct {
  const Fixture *fixture;
  DcPeer *to;
} Carrier;

static void
carry (DcPeer *from, const char *text, gboolean complete, gpointer user_data)
{
  const Carrier *carrier = user_data;
  g_autoptr (GError) error = NULL;

  if (!complete && !carrier->fixture->early)
    return;
  dc_peer_take_description (carrier->to, text, &error);
  g_assert_no_error (error);
}

static void
free_carrier (gpointer data, GClosure *closure)
{
  g_free (data);
}

static void
carry_between (const Fixture *fixture, DcPeer *from, DcPeer *to)
{
  Carrier carrier = {fixture, to};

  g_signal_connect_data (
      from, "description", G_CALLBACK (carry), g_memdup2 (&carrier, sizeof carrier), free_carrier, 0);
}

/* bob first: he must have been started when something is brought to him. */
static void
meet (Fixture *fixture, DcPeer *alice, DcPeer *bob)
{
  carry_between (fixture, alice, bob);
  carry_between (fixture, bob, alice);
  fixture->bob = dc_test_peer_start (bob);
  fixture->alice = dc_test_peer_start (alice);
}

static void
exchange (Fixture *fixture)
{
  g_autoptr (DcChannel) at_alice = dc_test_peer_wait_channel (fixture->alice);
  g_autoptr (DcChannel) at_bob = dc_test_peer_wait_channel (fixture->bob);

  dc_test_push_text (at_alice, "to bob");
  dc_test_push_text (at_bob, "to alice");
  dc_test_expect_text (at_bob, "to bob");
  dc_test_expect_text (at_alice, "to alice");
}

static void
test_link (Fixture *fixture, gconstpointer data)
{
  meet (fixture, make_peer (DC_ROLE_OFFERER, "data", DC_MODE_LINK, FALSE),
      make_peer (DC_ROLE_ANSWERER, "data", DC_MODE_LINK, FALSE));
  exchange (fixture);
}

/* The caller of a browser's recipe calls its channel what it likes. */
static void
test_any_label (Fixture *fixture, gconstpointer data)
{
  meet (fixture, make_peer (DC_ROLE_OFFERER, "sendChannel", DC_MODE_RAW, FALSE),
      make_peer (DC_ROLE_ANSWERER, "data", DC_MODE_RAW, TRUE));
  exchange (fixture);
}

static void
collect (DcPeer *peer, const char *text, gboolean complete, gpointer user_data)
{
  if (complete)
    g_async_queue_push (user_data, g_strdup (text));
}

static void
bring (DcTestPeer *peer, const char *text)
{
  g_autoptr (GError) error = NULL;

  dc_peer_take_description (dc_test_peer_get (peer), text, &error);
  g_assert_no_error (error);
}

static void
assert_refused (DcTestPeer *peer, const char *text, const char *hint)
{
  GstStructure *event;

  bring (peer, text);
  event = dc_test_peer_wait_event (peer, "description-refused");
  g_assert_nonnull (strstr (gst_structure_get_string (event, "reason"), hint));
  gst_structure_free (event);
}

/* People bring the wrong thing, say so, and go on. */
static void
test_mix_ups (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GAsyncQueue) told = g_async_queue_new_full (g_free);
  DcPeer *alice = make_peer (DC_ROLE_OFFERER, "data", DC_MODE_RAW, FALSE);
  DcPeer *bob = make_peer (DC_ROLE_ANSWERER, "data", DC_MODE_RAW, FALSE);
  g_autoptr (DcTestPeer) carol = NULL;
  g_autofree char *offer = NULL, *answer = NULL, *other_offer = NULL;

  g_signal_connect (alice, "description", G_CALLBACK (collect), told);
  g_signal_connect (bob, "description", G_CALLBACK (collect), told);
  fixture->bob = dc_test_peer_start (bob);
  fixture->alice = dc_test_peer_start (alice);
  /* Before her own offer is there, beside which it is judged. */
  assert_refused (fixture->alice, "{\"type\":\"offer\",\"sdp\":\"v=0\\r\\n\"}", "one of the two sides must answer");
  offer = g_async_queue_pop (told);
  assert_refused (fixture->alice, offer, "our own");
  bring (fixture->bob, offer);
  answer = g_async_queue_pop (told);
  assert_refused (fixture->bob, answer, "our own");
  alice = make_peer (DC_ROLE_OFFERER, "data", DC_MODE_RAW, FALSE);
  g_signal_connect (alice, "description", G_CALLBACK (collect), told);
  carol = dc_test_peer_start (alice);
  other_offer = g_async_queue_pop (told);
  assert_refused (fixture->alice, other_offer, "one of the two sides must answer");
  assert_refused (fixture->bob, other_offer, "another description");
  bring (fixture->bob, offer);
  bring (fixture->alice, answer);
  exchange (fixture);
}

static void
test_refused (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcPeer) with_server = g_object_new (DC_TYPE_PEER, NULL), no_role = NULL, no_carrier = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_false (dc_peer_take_description (with_server, "{}", &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_USAGE);
  g_clear_error (&error);
  no_role = g_object_new (DC_TYPE_PEER, "signaling", "manual:", NULL);
  g_assert_false (dc_peer_start (no_role, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_USAGE);
  g_clear_error (&error);
  no_carrier = g_object_new (DC_TYPE_PEER, "signaling", "manual:", "role", DC_ROLE_OFFERER, NULL);
  g_assert_false (dc_peer_start (no_carrier, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_USAGE);
  g_clear_error (&error);
  fixture->bob = dc_test_peer_start (make_peer (DC_ROLE_ANSWERER, "data", DC_MODE_RAW, FALSE));
  g_assert_false (dc_peer_take_description (dc_test_peer_get (fixture->bob), "hello", &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_DATA);
  assert_refused (fixture->bob, "{\"type\":\"answer\",\"sdp\":\"v=0\\r\\n\"}", "nothing was offered");
}

/* A description that nothing can be done with ends the only call. */
static void
test_bad_offer (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->bob = dc_test_peer_start (make_peer (DC_ROLE_ANSWERER, "data", DC_MODE_RAW, FALSE));
  bring (fixture->bob, "{\"type\":\"offer\",\"sdp\":\"v=0\\r\\ns=-\\r\\n\"}");
  error = dc_test_peer_wait_failed (fixture->bob);
  g_assert_error (error, DC_ERROR, DC_ERROR_DATA);
}

/* --- dcpeer ---------------------------------------------------------------------------------------------------------------------- */

/* @options: further ones, or NULL */
static DcTestProcess *
run (const char *command, const char *options)
{
  g_autofree char *line = g_strdup_printf (
      "%s %s --manual --env-file /dev/null -n 3 --interval 0.01 %s", g_getenv ("DCPEER"), command, options);
  g_auto (GStrv) argv = g_strsplit (g_strstrip (line), " ", -1);

  return dc_test_process_newv ((const char *const *) argv, NULL);
}

/* In lines of @width, as a terminal breaks them; 0: in one. */
static void
paste (DcTestProcess *process, const char *text, gsize width)
{
  g_autoptr (GString) lines = g_string_new (text);

  for (gsize at = width; width > 0 && at < lines->len; at += width + 1)
    g_string_insert_c (lines, (gssize) at, '\n');
  g_string_append_c (lines, '\n');
  dc_test_process_write (process, lines->str);
}

static void
exchange_pasted (const char *options, const char *offer_begin, const char *answer_begin, gsize width)
{
  g_autoptr (DcTestProcess) offer = NULL, answer = NULL;
  g_autofree char *output = NULL;

  dc_test_watchdog_start (WATCHDOG_S);
  offer = run ("offer", options);
  answer = run ("answer", options);
  paste (answer, "rubbish", 0);
  dc_test_process_wait_line (answer, "not taken: this is no description");
  paste (answer, dc_test_process_wait_line (offer, offer_begin), width);
  paste (offer, dc_test_process_wait_line (answer, answer_begin), width);
  dc_test_process_wait_line (answer, "all 3 messages have arrived");
  dc_test_process_wait_line (offer, "all 3 messages have arrived");
  dc_test_process_signal (offer, SIGINT);
  dc_test_process_assert_exit (offer, 0);
  dc_test_process_assert_exit (answer, 0);
  output = dc_test_process_get_output (answer);
  g_assert_nonnull (strstr (output, "\"Hello 3 from offerer\""));
  dc_test_watchdog_stop ();
}

static void
test_pasted (void)
{
  exchange_pasted ("", "{\"type\":\"offer\",", "{\"type\":\"answer\",", 0);
}

static void
test_pasted_base64 (void)
{
  exchange_pasted ("--base64", "eyJ0eXBlIjoib2ZmZXIi", "eyJ0eXBlIjoiYW5zd2VyI", 80);
}

/* The first description has no candidates: those of one side are enough. */
static void
test_pasted_early (void)
{
  exchange_pasted ("--trickle-print", "{\"type\":\"offer\",", "\\r\\na=end-of-candidates", 0);
}

/* What a browser is given must stand alone on standard output. */
static void
test_output (void)
{
  g_autoptr (DcTestProcess) process = NULL;
  g_autofree char *output = NULL;

  dc_test_watchdog_start (WATCHDOG_S);
  process = dc_test_process_new (
      "/bin/sh", "-c", "exec \"$0\" offer --manual --env-file /dev/null 2>/dev/null", g_getenv ("DCPEER"), NULL);
  dc_test_process_wait_line (process, "{\"type\":\"offer\",\"sdp\":\"v=0\\r\\n");
  dc_test_process_signal (process, SIGTERM);
  dc_test_process_assert_exit (process, 128 + SIGTERM);
  output = dc_test_process_get_output (process);
  g_assert_cmpint (*output, ==, '{');
  g_assert_true (strchr (output, '\n') == output + strlen (output) - 1);
  dc_test_watchdog_stop ();
}

/* Nobody is waited for who cannot bring anything any more. @text: with OWN for what the side itself prints */
static void
test_end_of_input (gconstpointer text)
{
  static const char *const commands[] = {"offer", "answer"};

  for (guint i = 0; i < G_N_ELEMENTS (commands); i++) {
    g_auto (GStrv) around = g_strsplit (text, "OWN", -1);
    g_autofree char *input = g_strjoinv (commands[i], around);
    g_autoptr (DcTestProcess) process = NULL;

    dc_test_watchdog_start (WATCHDOG_S);
    process = run (commands[i], "");
    dc_test_process_write (process, input);
    dc_test_process_end_input (process);
    dc_test_process_wait_line (process, "standard input has ended, and the ");
    dc_test_process_assert_exit (process, 4);
    dc_test_watchdog_stop ();
  }
}

static void
test_refusal_is_told_once (void)
{
  g_autoptr (DcTestProcess) process = NULL;
  g_autofree char *output = NULL;
  g_auto (GStrv) parts = NULL;

  dc_test_watchdog_start (WATCHDOG_S);
  process = run ("answer", "");
  paste (process, "{\"type\":\"offer\",\"sdp\":\"v=0\\r\\n\"}", 0);
  dc_test_process_assert_exit (process, 7);
  output = dc_test_process_get_output (process);
  parts = g_strsplit (output, "\ndcpeer: ", -1);
  g_assert_cmpuint (g_strv_length (parts), ==, 2);
  dc_test_watchdog_stop ();
}

/* The offer was all that the answerer had to be brought. */
static void
test_input_ended_late (void)
{
  g_autoptr (DcTestProcess) offer = NULL, answer = NULL;

  dc_test_watchdog_start (WATCHDOG_S);
  offer = run ("offer", "--hang-up");
  answer = run ("answer", "");
  paste (answer, dc_test_process_wait_line (offer, "{\"type\":\"offer\","), 0);
  dc_test_process_end_input (answer);
  paste (offer, dc_test_process_wait_line (answer, "{\"type\":\"answer\","), 0);
  dc_test_process_end_input (offer);
  /* Who hangs up waits for its own messages, and not for the other side's. */
  dc_test_process_assert_exit (offer, 0);
  dc_test_process_wait_line (answer, "received      #3 from remote");
  dc_test_watchdog_stop ();
}

#define ADD(path, early, function) g_test_add (path, Fixture, GINT_TO_POINTER (early), set_up, function, tear_down)

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  ADD ("/manual/link", FALSE, test_link);
  ADD ("/manual/link/early", TRUE, test_link);
  ADD ("/manual/any-label", FALSE, test_any_label);
  ADD ("/manual/mix-ups", FALSE, test_mix_ups);
  ADD ("/manual/refused", FALSE, test_refused);
  ADD ("/manual/bad-offer", FALSE, test_bad_offer);
  g_test_add_func ("/manual/pasted", test_pasted);
  g_test_add_func ("/manual/pasted/base64", test_pasted_base64);
  g_test_add_func ("/manual/pasted/early", test_pasted_early);
  g_test_add_func ("/manual/output", test_output);
  g_test_add_func ("/manual/refusal-is-told-once", test_refusal_is_told_once);
  g_test_add_data_func ("/manual/end-of-input", "", test_end_of_input);
  g_test_add_data_func ("/manual/end-of-input/rubbish", "rubbish", test_end_of_input);
  g_test_add_data_func ("/manual/end-of-input/refused", "{\"type\":\"OWN\",\"sdp\":\"v=0\\r\\n\"}", test_end_of_input);
  g_test_add_func ("/manual/end-of-input/late", test_input_ended_late);
  return g_test_run ();
}
