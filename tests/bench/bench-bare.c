/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bench-bare.c: what bench-elements is, without a pipeline: records through a DcChannel. What the elements cost is the difference. */
#include <gst/gst.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "plugins/peer/dc-peer.h"
#include "tests/bench/dc-bench-record.h"
#include "tests/bench/dc-bench-say.h"

typedef struct {
  gint64 time, cpu; /* ns, µs */
} Moment;

typedef struct {
  int length;
  gint64 n_records;
  DcPeer *peer;
  DcChannel *channel;
  Moment playing, first;
  gint64 last, n_received;
} Bare;

static Moment
get_moment (void)
{
  struct timespec now;
  struct rusage usage;

  clock_gettime (CLOCK_MONOTONIC, &now);
  getrusage (RUSAGE_SELF, &usage);
  return (Moment){now.tv_sec * G_GINT64_CONSTANT (1000000000) + now.tv_nsec,
      (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * G_USEC_PER_SEC + usage.ru_utime.tv_usec
          + usage.ru_stime.tv_usec};
}

static void
say (const char *word)
{
  puts (word);
  fflush (stdout);
}

static gboolean
meet (Bare *self, GError **error)
{
  self->playing = get_moment ();
  if (!dc_peer_start (self->peer, error))
    return FALSE;
  say ("ready 0");
  self->channel = dc_peer_wait_channel (self->peer, NULL, error);
  return self->channel != NULL;
}

/* --- Sending -------------------------------------------------------------------------------------------------------------------------- */

static gboolean
send_all (Bare *self, GError **error)
{
  g_autofree guint8 *contents = dc_bench_record_new_contents ((gsize) self->length);

  self->first = get_moment ();
  for (gint64 i = 0; i < self->n_records; i++) {
    guint8 *record = g_malloc ((gsize) self->length);
    g_autoptr (GBytes) bytes = g_bytes_new_take (record, (gsize) self->length);

    dc_bench_record_write (record, (gsize) self->length, contents, (guint64) i, 0);
    if (!dc_channel_send (self->channel, bytes, FALSE, error))
      return FALSE;
  }
  return dc_channel_finish (self->channel, error);
}

/* --- Receiving ------------------------------------------------------------------------------------------------------------------------ */

static void
record_cb (guint64 sequence, gint64 time, gpointer user_data)
{
  Bare *self = user_data;
  Moment now = get_moment ();

  if (self->n_received++ == 0)
    self->first = now;
  self->last = now.time;
}

static gboolean
receive_all (Bare *self, GError **error)
{
  g_autoptr (DcBenchReader) reader = dc_bench_reader_new ((gsize) self->length, record_cb, self);
  GBytes *bytes;

  while ((bytes = dc_channel_receive (self->channel, NULL, error)) != NULL) {
    gsize size;
    const guint8 *data = g_bytes_get_data (bytes, &size);

    dc_bench_reader_push (reader, data, size);
    g_bytes_unref (bytes);
    if (self->n_received == self->n_records)
      break;
  }
  /* A link says that there is no more, and the sender waits to hear that confirmed. */
  while (dc_channel_get_mode (self->channel) == DC_MODE_LINK && *error == NULL
         && (bytes = dc_channel_receive (self->channel, NULL, error)) != NULL)
    g_bytes_unref (bytes);
  return *error == NULL;
}

/* --- Both ----------------------------------------------------------------------------------------------------------------------------- */

static void
report (Bare *self, gboolean sends, const GError *error)
{
  g_autofree char *fault = dc_bench_quote (error != NULL ? error->message : "");
  Moment ended = get_moment ();

  printf ("{\"playing\": %" G_GINT64_FORMAT ", \"setup_cpu\": %" G_GINT64_FORMAT ", \"cpu\": %" G_GINT64_FORMAT
          ", \"memory\": %" G_GINT64_FORMAT ", \"eos\": %s, \"error\": %s, \"records\": %" G_GINT64_FORMAT
          ", \"start\": %" G_GINT64_FORMAT ", \"first\": %" G_GINT64_FORMAT ", \"last\": %" G_GINT64_FORMAT
          ", \"latencies\": []}\n",
      self->playing.time, self->first.cpu - self->playing.cpu, ended.cpu - self->first.cpu,
      dc_bench_get_memory ("VmHWM"), error == NULL ? "true" : "false", fault,
      sends ? self->n_records : self->n_received, self->first.time, self->first.time, self->last);
  fflush (stdout);
}

static void
wait_dismissed (void)
{
  while (getchar () != EOF)
    ;
}

/* @where: URL, room and mode. */
static DcPeer *
make_peer (const char *where, gboolean sends, GError **error)
{
  g_auto (GStrv) words = g_strsplit (where, " ", 3);
  g_autoptr (DcChannelOptions) options = dc_channel_options_new (NULL);
  g_autoptr (DcPeer) peer = NULL;

  if (g_strv_length (words) != 3) {
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "\"%s\" is not URL, room and mode", where);
    return NULL;
  }
  options->mode = g_str_equal (words[2], "raw") ? DC_MODE_RAW : DC_MODE_LINK;
  options->wants = sends ? DC_DIRECTION_SEND : DC_DIRECTION_RECEIVE;
  peer = g_object_new (DC_TYPE_PEER, "signaling", words[0], "room", words[1], NULL);
  return dc_peer_add_channel (peer, options, error) ? g_steal_pointer (&peer) : NULL;
}

int
main (int argc, char **argv)
{
  Bare self = {.length = 1024, .n_records = 1000};
  int ignored = 0;
  const GOptionEntry entries[] = {
      {"length", 0, 0, G_OPTION_ARG_INT, &self.length, "of a record (1024)", "BYTES"},
      {"records", 0, 0, G_OPTION_ARG_INT64, &self.n_records, "how many (1000)", "N"},
      {"interval", 0, 0, G_OPTION_ARG_INT, &ignored, "0: as fast as they are taken", "0"},
      {"skip", 0, 0, G_OPTION_ARG_INT, &ignored, "0", "0"},
      {"receivers", 0, 0, G_OPTION_ARG_INT, &ignored, "1", "1"},
      {NULL},
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("send|receive 'URL ROOM link|raw'");
  g_autoptr (GError) error = NULL;
  gboolean sends, good;

  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 3) {
    g_printerr ("bench-bare: %s\n", error != NULL ? error->message : "see bench-bare --help");
    return 2;
  }
  sends = strcmp (argv[1], "send") == 0;
  self.peer = make_peer (argv[2], sends, &error);
  good = self.peer != NULL && meet (&self, &error) && (sends ? send_all (&self, &error) : receive_all (&self, &error));
  say ("complete");
  wait_dismissed ();
  report (&self, sends, error);
  if (self.peer != NULL)
    dc_peer_stop (self.peer);
  g_clear_object (&self.channel);
  g_clear_object (&self.peer);
  return good ? 0 : 1;
}
