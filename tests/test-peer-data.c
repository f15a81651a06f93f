/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-peer-data.c: what two real peers do with their channel: both ways at once, raw, flushed, aborted. */
#include <string.h>

#include "tests/harness/dc-test-meeting.h"
#include "tests/harness/dc-test.h"

static void
test_abort (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  dc_test_meeting_meet (fixture, NULL, NULL);
  dc_test_push_text (fixture->at_alice, "the first of many");
  dc_test_expect_text (fixture->at_bob, "the first of many");
  dc_channel_abort (fixture->at_alice, "the user pressed Ctrl-C");
  g_assert_null (dc_channel_pull (fixture->at_bob, 0, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_PEER_GONE);
  g_assert_nonnull (strstr (error->message, "the user pressed Ctrl-C"));
}

/* Whoever reads slowly must not have to read it all before the error comes. */
static void
test_abort_slow_reader (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  dc_test_meeting_meet (fixture, NULL, NULL);
  for (guint i = 0; i < 20; i++)
    dc_test_push_text (fixture->at_alice, "not read yet");
  dc_test_expect_text (fixture->at_bob, "not read yet");
  dc_channel_abort (fixture->at_alice, "that is all");
  gst_structure_free (dc_test_peer_wait_event (fixture->bob, "connection-closed"));
  g_assert_null (dc_channel_pull (fixture->at_bob, 0, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_PEER_GONE);
}

static void
push_raw (DcChannel *channel, const void *bytes, gsize size, guint32 flags)
{
  DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_DATA);
  g_autoptr (GError) error = NULL;

  item->flags = flags;
  item->payload = g_bytes_new (bytes, size);
  dc_channel_push (channel, item, FALSE, &error);
  g_assert_no_error (error);
}

static void
expect_raw (DcChannel *channel, const void *bytes, gsize size, guint32 flags)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DcLinkItem) item = dc_channel_pull (channel, 0, &error);
  gsize length = 0;
  const void *got;

  g_assert_no_error (error);
  got = item->payload != NULL ? g_bytes_get_data (item->payload, &length) : NULL;
  g_assert_cmpuint (item->flags, ==, flags);
  g_assert_cmpmem (got, length, bytes, size);
}

static void
test_raw (DcTestMeeting *fixture, gconstpointer data)
{
  g_autoptr (DcChannelOptions) options = dc_test_raw_options ();
  g_autofree char *large = g_malloc0 (65536);
  DcLinkItem *too_large = dc_link_item_new (DC_LINK_ITEM_DATA);
  g_autoptr (GError) error = NULL;
  gsize limit;

  dc_test_meeting_meet (fixture, options, options);
  push_raw (fixture->at_alice, "\0binary\0", 8, 0);
  push_raw (fixture->at_alice, "", 0, 0);
  push_raw (fixture->at_alice, "", 0, DC_LINK_FLAG_TEXT);
  push_raw (fixture->at_alice, "text", 4, DC_LINK_FLAG_TEXT);
  push_raw (fixture->at_alice, large, 65536, 0);
  expect_raw (fixture->at_bob, "\0binary\0", 8, 0);
  expect_raw (fixture->at_bob, "", 0, 0);
  expect_raw (fixture->at_bob, "", 0, DC_LINK_FLAG_TEXT);
  expect_raw (fixture->at_bob, "text", 4, DC_LINK_FLAG_TEXT);
  expect_raw (fixture->at_bob, large, 65536, 0);
  limit = dc_channel_get_max_message_size (fixture->at_alice);
  too_large->payload = g_bytes_new_take (g_malloc0 (limit + 1), limit + 1);
  g_assert_false (dc_channel_push (fixture->at_alice, too_large, FALSE, &error));
  g_assert_error (error, DC_ERROR, DC_ERROR_DATA);
  g_clear_error (&error);
  dc_channel_finish (fixture->at_alice, &error);
  g_assert_no_error (error);
  dc_channel_close (fixture->at_alice);
  dc_test_expect_fin (fixture->at_bob);
}

/* More than the window in both directions at once, to a side that reads late. */
static gpointer
push_many (gpointer channel)
{
  g_autoptr (GError) finishing = NULL;

  for (guint i = 0; i < 400; i++) {
    DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_DATA);
    g_autoptr (GError) error = NULL;
    g_autofree guint8 *bytes = g_malloc (50000);
    memset (bytes, (int) i, 50000);
    item->pts = i;
    item->payload = g_bytes_new_take (g_steal_pointer (&bytes), 50000);
    dc_channel_push (channel, item, FALSE, &error);
    g_assert_no_error (error);
  }
  dc_channel_finish (channel, &finishing);
  g_assert_no_error (finishing);
  return NULL;
}

static gpointer
pull_many (gpointer channel)
{
  for (guint i = 0; i < 400; i++) {
    g_autoptr (GError) error = NULL;
    g_autoptr (DcLinkItem) item = dc_channel_pull (channel, 0, &error);
    const guint8 *bytes;
    gsize size;
    g_assert_no_error (error);
    bytes = g_bytes_get_data (item->payload, &size);
    g_assert_cmpuint (item->pts, ==, i);
    g_assert_cmpuint (size, ==, 50000);
    g_assert_cmpuint (bytes[0], ==, i & 0xff);
    g_assert_cmpuint (bytes[size - 1], ==, i & 0xff);
  }
  dc_test_expect_fin (channel);
  return NULL;
}

static void
test_both_ways (DcTestMeeting *fixture, gconstpointer data)
{
  GThread *threads[4];

  dc_test_meeting_meet (fixture, NULL, NULL);
  threads[0] = g_thread_new ("push", push_many, fixture->at_alice);
  threads[1] = g_thread_new ("push", push_many, fixture->at_bob);
  threads[2] = g_thread_new ("pull", pull_many, fixture->at_alice);
  threads[3] = g_thread_new ("pull", pull_many, fixture->at_bob);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
}

/* A sender may wait for credit, a reader for data: both must let go at once. */
static gpointer
push_until_stopped (gpointer channel)
{
  g_autoptr (GError) error = NULL;
  gboolean pushed = TRUE;

  while (pushed) {
    DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_DATA);
    item->payload = g_bytes_new_take (g_malloc0 (65536), 65536);
    pushed = dc_channel_push (channel, item, FALSE, &error);
  }
  return g_steal_pointer (&error);
}

static void
test_flushing (DcTestMeeting *fixture, gconstpointer data)
{
  GThread *thread;
  g_autoptr (GError) pushing = NULL, pulling = NULL;
  DcLinkStats stats;

  dc_test_meeting_meet (fixture, NULL, NULL);
  thread = g_thread_new ("push", push_until_stopped, fixture->at_alice);
  /* Nobody reads at bob's: the window fills and the sender waits. */
  do
    dc_channel_get_link_stats (fixture->at_alice, &stats);
  while (stats.in_flight_bytes + 65536 < stats.window_bytes);
  dc_channel_set_flushing (fixture->at_alice, DC_DIRECTION_BOTH, TRUE);
  pushing = g_thread_join (thread);
  g_assert_error (pushing, DC_ERROR, DC_ERROR_FLUSHING);
  g_assert_null (dc_channel_pull (fixture->at_alice, 0, &pulling));
  g_assert_error (pulling, DC_ERROR, DC_ERROR_FLUSHING);
  dc_channel_get_link_stats (fixture->at_bob, &stats);
  g_assert_cmpuint (stats.queued_bytes, <=, 4 * 1024 * 1024);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (NULL, NULL);
  dc_test_meeting_add ("/peer/abort", NULL, test_abort);
  dc_test_meeting_add ("/peer/abort-slow-reader", NULL, test_abort_slow_reader);
  dc_test_meeting_add ("/peer/raw", NULL, test_raw);
  dc_test_meeting_add ("/peer/both-ways", NULL, test_both_ways);
  dc_test_meeting_add ("/peer/flushing", NULL, test_flushing);
  return g_test_run ();
}
