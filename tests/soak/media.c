/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* media.c: audio and video both ways between webrtcbins of this process, which have a data channel too, beside a link at full rate: for
 * `./dev soak media`. Prints each second what has come; what has not grown for two is a fault. */
#include <locale.h>

#include "tests/harness/dc-test.h"
#include "tests/media-call.h"
#include "tests/soak/dc-soak-pair.h"
#include "tests/soak/dc-soak-sample.h"

#define N_COUNTS 5
#define SLACK_S 2 /* a busy machine */

static const char *const names[N_COUNTS] = {"audio>", "video>", "audio<", "video<", "data MiB"};

typedef struct {
  gint now[N_COUNTS];
  int since[N_COUNTS]; /* seconds */
} Counts;

static void
look (Counts *counts, MediaCall *call, DcSoakPair *pair)
{
  gint *sources[N_COUNTS] = {
      &call->called.audio, &call->called.video, &call->caller.audio, &call->caller.video, &pair->moved_mib};

  for (int i = 0; i < N_COUNTS; i++) {
    gint value = g_atomic_int_get (sources[i]);

    counts->since[i] = value > counts->now[i] ? 0 : counts->since[i] + 1;
    counts->now[i] = value;
  }
}

/* Returns: whether all goes on. */
static gboolean
tell (const Counts *counts, int second)
{
  gboolean good = TRUE;

  g_print ("media: %d s:", second);
  for (int i = 0; i < N_COUNTS; i++)
    g_print (" %s %d", names[i], counts->now[i]);
  g_print ("\n");
  for (int i = 0; i < N_COUNTS; i++)
    if (counts->since[i] > SLACK_S) {
      g_print ("FAULT: nothing more comes of %s\n", names[i]);
      good = FALSE;
    }
  return good;
}

static gboolean
run (MediaCall *call, DcSoakPair *pair, int seconds)
{
  g_autofree char *error = NULL;
  Counts counts = {0};
  gboolean good = TRUE;

  for (int second = 1; second <= seconds && good && error == NULL; second++) {
    dc_test_watchdog_start (60);
    g_usleep (G_USEC_PER_SEC);
    look (&counts, call, pair);
    good = tell (&counts, second);
    dc_soak_sample ("media");
    media_call_talk (call);
    error = media_call_dup_error (call);
  }
  if (error != NULL)
    g_print ("FAULT: %s\n", error);
  if (!dc_soak_pair_finish (pair)) {
    g_print ("FAULT: the link's data has changed on the way\n");
    good = FALSE;
  }
  return good && error == NULL;
}

int
main (int argc, char **argv)
{
  int seconds = 30;
  g_autofree char *signaling = NULL;
  const GOptionEntry entries[] = {
      {"seconds", 0, 0, G_OPTION_ARG_INT, &seconds, "For how long (30)", "N"},
      {"signaling", 0, 0, G_OPTION_ARG_STRING, &signaling, "Where the peers of the link meet", "URL"},
      {NULL},
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (DcSoakPair) pair = NULL;
  g_autoptr (MediaCall) call = NULL;

  setlocale (LC_CTYPE, "");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 1) {
    g_printerr ("media: %s\n", error != NULL ? error->message : "see media --help");
    return 2;
  }
  gst_init (NULL, NULL);
  dc_test_watchdog_start (60);
  /* The link first: it is with the first peer that the elements' names become ours. */
  pair = dc_soak_pair_new (signaling);
  if (g_strcmp0 (g_getenv ("DC_FAST"), "auto") == 0)
    dc_soak_pair_expect_fast (pair);
  call = media_call_new (MEDIA_AUDIO MEDIA_VIDEO);
  return run (call, pair, seconds) ? 0 : 1;
}
