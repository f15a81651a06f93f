/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mesh.c: peers of one process, each of which has a link with each other one, all sending at full rate: for `./dev soak peers`.
 *
 * Each pair has one connection, with a link that both sides send on. After so many seconds all say that this was all, take the other side's end, and
 * leave; and the next round begins with new ones. Prints a sample each second ("run"), one after each round ("left"), and a line about each
 * round: how much has gone, and how many of the links had the same at both ends. */
#include <gst/gst.h>
#include <locale.h>

#include "plugins/peer/dc-peer.h"
#include "tests/soak/dc-soak-data.h"
#include "tests/soak/dc-soak-sample.h"

#define BLOCK 65536u
#define MAX_PEERS 32

typedef struct {
  DcChannel *channel;
  guint from, to;
  gint64 end;
  DcSoakData sent, received;
  GThread *sender, *receiver;
} End;

typedef struct {
  int n_peers, seconds, rounds;
  char *signaling;
  guint round;
  DcPeer *peers[MAX_PEERS];
  End ends[MAX_PEERS][MAX_PEERS]; /* from one peer to the other, where they differ */
} Mesh;

static void
fail (const char *what, const GError *error)
{
  g_print ("FAULT: %s: %s\n", what, error->message);
  exit (1);
}

/* --- A link --------------------------------------------------------------------------------------------------------------------------- */

static gpointer
send_thread (gpointer data)
{
  End *end = data;
  g_autoptr (GError) error = NULL;

  while (g_get_monotonic_time () < end->end) {
    g_autoptr (GBytes) bytes = dc_soak_data_make (&end->sent, BLOCK);

    if (!dc_channel_send (end->channel, bytes, FALSE, &error))
      fail ("sending", error);
  }
  if (!dc_channel_finish (end->channel, &error))
    fail ("finishing", error);
  return NULL;
}

static gpointer
receive_thread (gpointer data)
{
  End *end = data;
  g_autoptr (GError) error = NULL;
  GBytes *bytes;

  while ((bytes = dc_channel_receive (end->channel, NULL, &error)) != NULL) {
    dc_soak_data_count (&end->received, bytes);
    g_bytes_unref (bytes);
  }
  if (error != NULL)
    fail ("receiving", error);
  return NULL;
}

/* --- A round -------------------------------------------------------------------------------------------------------------------------- */

static void
on_failed (DcPeer *peer, const GError *error, gpointer user_data)
{
  fail ("a peer", error);
}

static void
start_peers (Mesh *mesh)
{
  g_autofree char *room = g_strdup_printf ("mesh-%u", mesh->round);

  for (int i = 0; i < mesh->n_peers; i++) {
    g_autofree char *id = g_strdup_printf ("%d", i);
    g_autoptr (GError) error = NULL;

    mesh->peers[i] = g_object_new (DC_TYPE_PEER, "signaling", mesh->signaling, "room", room, "id", id,
        "max-connections", (guint) mesh->n_peers, NULL);
    g_signal_connect (mesh->peers[i], "failed", G_CALLBACK (on_failed), NULL);
    if (!dc_peer_start (mesh->peers[i], &error))
      fail ("starting", error);
  }
}

static void
wait_channels (Mesh *mesh, int from)
{
  for (int n = 1; n < mesh->n_peers; n++) {
    g_autoptr (GError) error = NULL;
    DcChannel *channel = dc_peer_wait_channel (mesh->peers[from], NULL, &error);
    guint to;

    if (channel == NULL)
      fail ("waiting", error);
    to = (guint) g_ascii_strtoull (dc_channel_get_remote_id (channel), NULL, 10);
    mesh->ends[from][to] = (End){.channel = channel, .from = (guint) from, .to = to};
  }
}

static void
start_ends (Mesh *mesh)
{
  gint64 until = g_get_monotonic_time () + mesh->seconds * G_TIME_SPAN_SECOND;

  for (int from = 0; from < mesh->n_peers; from++)
    for (int to = 0; to < mesh->n_peers; to++) {
      End *end = &mesh->ends[from][to];

      if (from == to)
        continue;
      end->end = until;
      end->sent.state = (guint64) (from * MAX_PEERS + to) << 32;
      end->receiver = g_thread_new ("receive", receive_thread, end);
      end->sender = g_thread_new ("send", send_thread, end);
    }
}

static void
join_ends (Mesh *mesh)
{
  for (int from = 0; from < mesh->n_peers; from++)
    for (int to = 0; to < mesh->n_peers; to++)
      if (from != to) {
        g_thread_join (mesh->ends[from][to].sender);
        g_thread_join (mesh->ends[from][to].receiver);
      }
}

static gboolean
judge (Mesh *mesh)
{
  guint equal = 0, all = 0;
  guint64 bytes = 0;

  for (int from = 0; from < mesh->n_peers; from++)
    for (int to = 0; to < mesh->n_peers; to++) {
      const DcSoakData *sent = &mesh->ends[from][to].sent, *received = &mesh->ends[to][from].received;

      if (from == to)
        continue;
      all++;
      equal += sent->bytes > 0 && sent->bytes == received->bytes && sent->sum == received->sum;
      bytes += received->bytes;
    }
  g_print ("mesh: round %u: %" G_GUINT64_FORMAT " bytes, %.1f MB/s, %u of %u sums are equal\n", mesh->round, bytes,
      (double) bytes / 1e6 / mesh->seconds, equal, all);
  return equal == all;
}

static void
stop_peers (Mesh *mesh)
{
  for (int from = 0; from < mesh->n_peers; from++)
    dc_peer_stop (mesh->peers[from]);
  for (int from = 0; from < mesh->n_peers; from++) {
    for (int to = 0; to < mesh->n_peers; to++)
      g_clear_object (&mesh->ends[from][to].channel);
    g_clear_object (&mesh->peers[from]);
  }
}

/* Streams are at full rate; each second has a sample. */
static void
watch (Mesh *mesh)
{
  for (int second = 0; second < mesh->seconds; second++) {
    g_usleep (G_USEC_PER_SEC);
    dc_soak_sample ("run");
  }
}

static gboolean
play_round (Mesh *mesh)
{
  gboolean good;

  mesh->round++;
  start_peers (mesh);
  for (int i = 0; i < mesh->n_peers; i++)
    wait_channels (mesh, i);
  start_ends (mesh);
  watch (mesh);
  join_ends (mesh);
  good = judge (mesh);
  stop_peers (mesh);
  return good;
}

int
main (int argc, char **argv)
{
  static Mesh mesh = {.n_peers = 10, .seconds = 15, .rounds = 3};
  const GOptionEntry entries[] = {
      {"peers", 0, 0, G_OPTION_ARG_INT, &mesh.n_peers, "So many (10)", "N"},
      {"seconds", 0, 0, G_OPTION_ARG_INT, &mesh.seconds, "Of a round (15)", "N"},
      {"rounds", 0, 0, G_OPTION_ARG_INT, &mesh.rounds, "So many (3)", "N"},
      {"signaling", 0, 0, G_OPTION_ARG_STRING, &mesh.signaling, "Where they meet", "URL"},
      {NULL},
  };
  g_autoptr (GOptionContext) context = g_option_context_new (NULL);
  g_autoptr (GError) error = NULL;
  gboolean good = TRUE;

  setlocale (LC_CTYPE, "");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 1 || mesh.n_peers < 2
      || mesh.n_peers > MAX_PEERS) {
    g_printerr ("mesh: %s\n", error != NULL ? error->message : "see mesh --help");
    return 2;
  }
  gst_init (NULL, NULL);
  g_thread_pool_set_max_unused_threads (0);
  while ((int) mesh.round < mesh.rounds) {
    good = play_round (&mesh) && good;
    /* Threads and descriptors of others end a moment later, and can only be looked at. */
    g_usleep (G_USEC_PER_SEC);
    dc_soak_sample ("left");
  }
  g_free (mesh.signaling);
  return good ? 0 : 1;
}
