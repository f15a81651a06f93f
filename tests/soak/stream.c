/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stream.c: `stream send` and `stream receive`: one link at full rate, whatever becomes of the network, for `./dev soak changes`.
 *
 * Prints the peer's events as they come, a sample of what the process holds each second, how much has gone by then, and at the end
 * "stream: bytes=N sum=HEX". The sender's exit status is 0 only if the far application has confirmed all of it. */
#include <gst/gst.h>
#include <locale.h>
#include <string.h>

#include "plugins/peer/dc-peer.h"
#include "tests/soak/dc-soak-data.h"
#include "tests/soak/dc-soak-sample.h"

#define BLOCK 65536u

typedef struct {
  DcPeer *peer;
  DcChannel *channel;
  DcSoakData data;
  gint shown; /* atomic: MiB */
  int seconds;
  GMutex lock;
  GCond over;
  gboolean is_over;
} Stream;

static void
on_event (DcPeer *peer, const GstStructure *event, gpointer user_data)
{
  g_autofree char *text = gst_structure_to_string (event);

  g_print ("event %s\n", text);
}

static void
on_failed (DcPeer *peer, const GError *error, gpointer user_data)
{
  g_print ("failed: %s\n", error->message);
}

static gpointer
sample_thread (gpointer user_data)
{
  Stream *stream = user_data;
  gint64 next = g_get_monotonic_time ();
  guint n = 0;

  g_mutex_lock (&stream->lock);
  while (!stream->is_over) {
    g_autofree char *name = g_strdup_printf ("%u", n++);

    g_mutex_unlock (&stream->lock);
    dc_soak_sample (name);
    g_print ("moved %d\n", g_atomic_int_get (&stream->shown));
    g_mutex_lock (&stream->lock);
    next += G_TIME_SPAN_SECOND;
    while (!stream->is_over && g_cond_wait_until (&stream->over, &stream->lock, next))
      ;
  }
  g_mutex_unlock (&stream->lock);
  return NULL;
}

static void
show (Stream *stream)
{
  g_atomic_int_set (&stream->shown, (gint) (stream->data.bytes >> 20));
}

/* Then it takes the receiver's end, so that both know of both. */
static gboolean
send_all (Stream *stream, GError **error)
{
  gint64 end = g_get_monotonic_time () + stream->seconds * G_TIME_SPAN_SECOND;

  while (g_get_monotonic_time () < end) {
    g_autoptr (GBytes) bytes = dc_soak_data_make (&stream->data, BLOCK);

    if (!dc_channel_send (stream->channel, bytes, FALSE, error))
      return FALSE;
    show (stream);
  }
  return dc_channel_finish (stream->channel, error) && dc_channel_receive (stream->channel, NULL, error) == NULL
         && *error == NULL;
}

static gboolean
receive_all (Stream *stream, GError **error)
{
  GBytes *bytes;

  while ((bytes = dc_channel_receive (stream->channel, NULL, error)) != NULL) {
    dc_soak_data_count (&stream->data, bytes);
    g_bytes_unref (bytes);
    show (stream);
  }
  return *error == NULL && dc_channel_finish (stream->channel, error);
}

static gboolean
run (Stream *stream, gboolean sends, GError **error)
{
  if (!dc_peer_start (stream->peer, error))
    return FALSE;
  stream->channel = dc_peer_wait_channel (stream->peer, NULL, error);
  if (stream->channel == NULL)
    return FALSE;
  return sends ? send_all (stream, error) : receive_all (stream, error);
}

static int
stream_main (Stream *stream, gboolean sends)
{
  g_autoptr (GThread) sampler = g_thread_new ("sample", sample_thread, stream);
  g_autoptr (GError) error = NULL;
  gboolean good = run (stream, sends, &error);

  g_mutex_lock (&stream->lock);
  stream->is_over = TRUE;
  g_cond_signal (&stream->over);
  g_mutex_unlock (&stream->lock);
  g_thread_join (g_steal_pointer (&sampler));
  if (!good)
    g_print ("failed: %s\n", error->message);
  g_print (
      "stream: bytes=%" G_GUINT64_FORMAT " sum=%016" G_GINT64_MODIFIER "x\n", stream->data.bytes, stream->data.sum);
  dc_peer_stop (stream->peer);
  g_clear_object (&stream->channel);
  return good ? 0 : 1;
}

int
main (int argc, char **argv)
{
  Stream stream = {.seconds = 60};
  g_autofree char *signaling = NULL;
  const GOptionEntry entries[] = {
      {"seconds", 0, 0, G_OPTION_ARG_INT, &stream.seconds, "send: for how long (60)", "N"},
      {"signaling", 0, 0, G_OPTION_ARG_STRING, &signaling, "Where the two meet", "URL"},
      {NULL},
  };
  g_autoptr (GOptionContext) context = g_option_context_new ("send|receive");
  g_autoptr (GError) error = NULL;
  gboolean sends;
  int status;

  setlocale (LC_CTYPE, "");
  g_option_context_add_main_entries (context, entries, NULL);
  if (!g_option_context_parse (context, &argc, &argv, &error) || argc != 2) {
    g_printerr ("stream: %s\n", error != NULL ? error->message : "see stream --help");
    return 2;
  }
  sends = g_str_equal (argv[1], "send");
  stream.peer = g_object_new (DC_TYPE_PEER, "signaling", signaling, "room", "stream", "role",
      sends ? DC_ROLE_OFFERER : DC_ROLE_ANSWERER, "resume-timeout", 60u, NULL);
  g_signal_connect (stream.peer, "event", G_CALLBACK (on_event), NULL);
  g_signal_connect (stream.peer, "failed", G_CALLBACK (on_failed), NULL);
  status = stream_main (&stream, sends);
  g_object_unref (stream.peer);
  return status;
}
