/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-soak-pair.c: two peers of this process with a link that is busy one way, beside whatever else goes on. */
#include "tests/soak/dc-soak-pair.h"

#define BLOCK 65536u
#define ROOM "soak-pair"

static gpointer
send_thread (gpointer user_data)
{
  DcSoakPair *pair = user_data;
  g_autoptr (GError) error = NULL;

  while (!g_atomic_int_get (&pair->stop)) {
    g_autoptr (GBytes) bytes = dc_soak_data_make (&pair->sent, BLOCK);

    dc_channel_send (pair->at_sender, bytes, FALSE, &error);
    g_assert_no_error (error);
  }
  dc_channel_finish (pair->at_sender, &error);
  g_assert_no_error (error);
  return NULL;
}

static gpointer
receive_thread (gpointer user_data)
{
  DcSoakPair *pair = user_data;
  g_autoptr (GError) error = NULL;
  GBytes *bytes;

  while ((bytes = dc_channel_receive (pair->at_receiver, NULL, &error)) != NULL) {
    dc_soak_data_count (&pair->received, bytes);
    g_bytes_unref (bytes);
    g_atomic_int_set (&pair->moved_mib, (gint) (pair->received.bytes >> 20));
    g_main_context_wakeup (NULL);
  }
  g_assert_no_error (error);
  return NULL;
}

DcSoakPair *
dc_soak_pair_new (const char *signaling)
{
  DcSoakPair *pair = g_new0 (DcSoakPair, 1);

  pair->receiver = dc_test_peer_new (signaling, "room", ROOM, "role", DC_ROLE_ANSWERER, NULL);
  gst_structure_free (dc_test_peer_wait_event (pair->receiver, "registered"));
  pair->sender = dc_test_peer_new (signaling, "room", ROOM, "role", DC_ROLE_OFFERER, NULL);
  pair->at_sender = dc_test_peer_wait_channel (pair->sender);
  pair->at_receiver = dc_test_peer_wait_channel (pair->receiver);
  pair->threads[0] = g_thread_new ("receive", receive_thread, pair);
  pair->threads[1] = g_thread_new ("send", send_thread, pair);
  return pair;
}

void
dc_soak_pair_expect_fast (DcSoakPair *pair)
{
  dc_test_peer_look_back (pair->sender);
  gst_structure_free (dc_test_peer_wait_event_with (pair->sender, "transport", "fast", "true"));
  dc_test_peer_look_back (pair->receiver);
  gst_structure_free (dc_test_peer_wait_event_with (pair->receiver, "transport", "fast", "true"));
}

gboolean
dc_soak_pair_finish (DcSoakPair *pair)
{
  g_atomic_int_set (&pair->stop, TRUE);
  g_thread_join (pair->threads[1]);
  g_thread_join (pair->threads[0]);
  return pair->sent.bytes > 0 && pair->sent.bytes == pair->received.bytes && pair->sent.sum == pair->received.sum;
}

void
dc_soak_pair_free (DcSoakPair *pair)
{
  dc_test_peer_free (pair->sender);
  dc_test_peer_free (pair->receiver);
  g_object_unref (pair->at_sender);
  g_object_unref (pair->at_receiver);
  g_free (pair);
}
