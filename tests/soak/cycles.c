/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* cycles.c: the same thing over and over, with a line of what the process holds after each: for `./dev soak cycles`.
 *
 *  connections  two peers meet in a room, have a channel, say a word each way, and end it, in link and raw mode by turns; some links are closed while
 *               their peer stops
 *  channels     a channel more between two webrtcbins that stay, with a word each way; by turns one or the other closes it
 */
#include <gst/gst.h>
#include <locale.h>
#include <unistd.h>

#include "plugins/transport/gst-elements.h"
#include "tests/harness/dc-test-cut.h"
#include "tests/harness/dc-test-peer.h"
#include "tests/harness/dc-test.h"
#include "tests/sctp-webrtcbin.h"
#include "tests/soak/dc-soak-sample.h"

#define CYCLE_TIMEOUT_S 20

typedef struct {
  int count;
  char *signaling;
} Options;

static void
sample (int cycle)
{
  g_autofree char *name = g_strdup_printf ("%d", cycle);

  dc_soak_sample (name);
}

/* --- Connections ------------------------------------------------------------------------------------------------------------------ */

static void
talk (DcChannel *a, DcChannel *b)
{
  dc_test_push_text (a, "there");
  dc_test_expect_text (b, "there");
  dc_test_push_text (b, "and back");
  dc_test_expect_text (a, "and back");
}

static void
end_link (DcChannel *a, DcChannel *b)
{
  dc_channel_begin_finish (a);
  dc_test_expect_fin (b);
  dc_channel_begin_finish (b);
  dc_test_expect_fin (a);
}

static void
meet_once (const char *url, int cycle)
{
  g_autofree char *room = g_strdup_printf ("soak-%d", getpid ());
  DcMode mode = cycle % 2 == 0 ? DC_MODE_LINK : DC_MODE_RAW;
  g_autoptr (DcTestPeer) bob = dc_test_peer_new (url, "room", room, "role", DC_ROLE_ANSWERER, "mode", mode, NULL);
  g_autoptr (GstStructure) registered = dc_test_peer_wait_event (bob, "registered");
  g_autoptr (DcTestPeer) alice = dc_test_peer_new (url, "room", room, "role", DC_ROLE_OFFERER, "mode", mode, NULL);
  g_autoptr (DcChannel) at_alice = dc_test_peer_wait_channel (alice);
  g_autoptr (DcChannel) at_bob = dc_test_peer_wait_channel (bob);

  talk (at_alice, at_bob);
  if (mode == DC_MODE_RAW)
    dc_channel_close (at_alice);
  else if (cycle % 4 == 0)
    (void) dc_test_close_late (at_alice, &alice);
  else
    end_link (at_alice, at_bob);
}

static void
run_connections (const Options *options)
{
  for (int i = 1; i <= options->count; i++) {
    dc_test_watchdog_start (CYCLE_TIMEOUT_S);
    meet_once (options->signaling, i);
    dc_test_watchdog_stop ();
    sample (i);
  }
  g_print ("left channels=%u\n", dc_test_count_channels ());
}

/* --- Channels --------------------------------------------------------------------------------------------------------------------- */

static void
have_channel (WbSide *const sides[2], int cycle)
{
  GstWebRTCDataChannel *channels[2];
  guint closer = (guint) cycle % 2;

  channels[0] = wb_side_open (sides[0], "another", NULL);
  channels[1] = wb_wait_channel (sides[1]);
  for (guint from = 0; from < 2; from++) {
    gst_webrtc_data_channel_send_string (channels[from], "a word");
    wb_expect_text (sides[!from], channels[!from], "a word");
  }
  gst_webrtc_data_channel_close (channels[closer]);
  for (guint i = 0; i < 2; i++) {
    wb_wait_closed (sides[i], channels[i]);
    wb_side_forget (sides[i], channels[i]);
  }
}

static void
run_channels (const Options *options)
{
  WbSide *sides[2];
  GstWebRTCDataChannel *first;

  if (g_strcmp0 (g_getenv ("DC_FAST"), "auto") == 0)
    g_assert_true (gst_dc_dtls_elements_register () && gst_dc_sctp_elements_register ());
  dc_test_watchdog_start (CYCLE_TIMEOUT_S);
  sides[0] = wb_side_new (TRUE);
  sides[1] = wb_side_new (TRUE);
  first = wb_side_add (sides[0], "first", NULL);
  wb_connect (sides[0], sides[1]);
  wb_wait_open (sides[0], first);
  wb_wait_channel (sides[1]);
  for (int i = 1; i <= options->count; i++) {
    dc_test_watchdog_start (CYCLE_TIMEOUT_S);
    have_channel (sides, i);
    sample (i);
  }
  wb_side_free (sides[0]);
  wb_side_free (sides[1]);
  dc_test_watchdog_stop ();
}

int
main (int argc, char **argv)
{
  Options options = {.count = 1000, .signaling = NULL};
  const GOptionEntry entries[] = {
      {"count", 0, 0, G_OPTION_ARG_INT, &options.count, "Of cycles (1000)", "N"},
      {"signaling", 0, 0, G_OPTION_ARG_STRING, &options.signaling, "Where peers meet", "URL"},
      {NULL},
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("connections|channels");
  g_autoptr (GError) error = NULL;

  setlocale (LC_CTYPE, "");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 2) {
    g_printerr ("cycles: %s\n", error != NULL ? error->message : "see cycles --help");
    return 2;
  }
  gst_init (NULL, NULL);
  dc_test_cut_init ();
  /* Threads that nobody needs any more end at once, and are not counted. */
  g_thread_pool_set_max_unused_threads (0);
  if (g_str_equal (argv[1], "connections"))
    run_connections (&options);
  else
    run_channels (&options);
  g_free (options.signaling);
  gst_deinit ();
  return 0;
}
