/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-dcpeer-talk.c: dcpeer's exchange of messages, with a channel whose far side is the test. */
#include <gst/gst.h>
#include <string.h>
#include <unistd.h>

#include "apps/talk.h"
#include "tests/harness/dc-fake-peer.h"

/* A talk that runs in a thread of its own, and what it prints. */
typedef struct {
  DcOptions options;
  DcPeer *peer;
  DcChannel *channel;
  DcTrace *trace;
  DcTalk *talk;
  GThread *thread;
  int output, output_write; /* the two ends of a pipe */
  GError *error;
} Fixture;

static gpointer
run_talk (gpointer data)
{
  Fixture *fixture = data;
  return GINT_TO_POINTER (dc_talk_run (fixture->talk, &fixture->error));
}

static void
set_up (Fixture *fixture, guint64 count, gint64 interval)
{
  int fds[2];
  g_assert_cmpint (pipe (fds), ==, 0);
  fixture->options = (DcOptions){.count = count, .interval = interval};
  fixture->peer = g_object_new (DC_TYPE_PEER, NULL);
  g_assert_true (dc_peer_start (fixture->peer, NULL));
  g_object_unref (dc_fake_wait_peer ());
  fixture->channel = dc_fake_peer_open (fixture->peer);
  fixture->output = fds[0];
  fixture->output_write = fds[1];
  fixture->trace = dc_trace_new (FALSE, fds[1], STDERR_FILENO, NULL, NULL);
  fixture->talk = dc_talk_new (fixture->channel, "near", &fixture->options, fixture->trace);
}

static void
start (Fixture *fixture)
{
  fixture->thread = g_thread_new ("talk", run_talk, fixture);
}

static gboolean
join (Fixture *fixture)
{
  return GPOINTER_TO_INT (g_thread_join (fixture->thread));
}

/* Everything that was printed. */
static char *
end_output (Fixture *fixture)
{
  GString *out = g_string_new (NULL);
  char buffer[4096];
  gssize n;
  dc_trace_free (fixture->trace);
  close (fixture->output_write);
  while ((n = read (fixture->output, buffer, sizeof buffer)) > 0)
    g_string_append_len (out, buffer, n);
  close (fixture->output);
  return g_string_free (out, FALSE);
}

static void
tear_down (Fixture *fixture)
{
  dc_talk_unref (fixture->talk);
  g_object_unref (fixture->channel);
  dc_peer_stop (fixture->peer);
  g_object_unref (fixture->peer);
  g_clear_error (&fixture->error);
}

static void
take_text (Fixture *fixture, const char *expected)
{
  g_autoptr (DcLinkItem) item = dc_fake_channel_take (fixture->channel);
  g_assert_cmpint (item->kind, ==, DC_LINK_ITEM_DATA);
  g_assert_cmpuint (item->flags, ==, DC_LINK_FLAG_TEXT);
  gsize size = 0;
  const char *data = item->payload != NULL ? g_bytes_get_data (item->payload, &size) : NULL;
  g_assert_cmpmem (data, size, expected, strlen (expected));
}

static void
give (Fixture *fixture, const char *data, gsize size, guint32 flags)
{
  DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_DATA);
  item->flags = flags;
  item->payload = g_bytes_new (data, size);
  dc_fake_channel_give (fixture->channel, item);
}

static void
finish_far_side (Fixture *fixture)
{
  g_autoptr (DcLinkItem) fin = dc_fake_channel_take (fixture->channel);
  g_assert_cmpint (fin->kind, ==, DC_LINK_ITEM_FIN);
  dc_fake_channel_acknowledge_fin (fixture->channel);
  dc_fake_channel_give (fixture->channel, dc_link_item_new (DC_LINK_ITEM_FIN));
}

static guint64
summary_number (const GstStructure *summary, const char *field)
{
  guint64 value = 0;
  g_assert_true (gst_structure_get_uint64 (summary, field, &value));
  return value;
}

static guint
count_words (const char *text, const char *word)
{
  g_auto (GStrv) parts = g_strsplit (text, word, -1);
  return g_strv_length (parts) - 1;
}

/* Both sides send and finish: everything is said, in an order that makes sense. */
static void
test_complete (void)
{
  Fixture fixture = {0};
  set_up (&fixture, 3, 0);
  start (&fixture);
  take_text (&fixture, "Hello 1 from near");
  take_text (&fixture, "Hello 2 from near");
  take_text (&fixture, "Hello 3 from near");
  give (&fixture, "hi there", 8, DC_LINK_FLAG_TEXT);
  give (&fixture, "\x01\xff", 2, 0);
  give (&fixture, "not \xff UTF-8", 11, DC_LINK_FLAG_TEXT);
  give (&fixture, "", 0, DC_LINK_FLAG_TEXT);
  g_signal_emit_by_name (fixture.channel, "acknowledged", G_GUINT64_CONSTANT (2));
  finish_far_side (&fixture);
  g_assert_true (join (&fixture));
  g_assert_no_error (fixture.error);
  g_assert_true (dc_fake_channel_is_accepted (fixture.channel));
  g_assert_true (dc_fake_channel_is_closed (fixture.channel));
  g_assert_null (dc_fake_channel_dup_abort (fixture.channel));

  g_autoptr (GstStructure) summary = dc_talk_summarize (fixture.talk);
  g_assert_cmpuint (summary_number (summary, "sent"), ==, 3);
  g_assert_cmpuint (summary_number (summary, "acknowledged"), ==, 3);
  g_assert_cmpuint (summary_number (summary, "received"), ==, 4);
  g_assert_cmpuint (summary_number (summary, "bytes-sent"), ==, 3 * strlen ("Hello 1 from near"));
  g_assert_cmpuint (summary_number (summary, "bytes-received"), ==, 21);
  g_assert_true (gst_structure_has_field (summary, "rtt-median"));

  g_autofree char *output = end_output (&fixture);
  g_assert_nonnull (strstr (output, "#1 to far, 17 bytes: \"Hello 1 from near\""));
  g_assert_nonnull (strstr (output, "#1 from far, 8 bytes: \"hi there\""));
  g_assert_nonnull (strstr (output, "#2 from far, 2 bytes: 01 ff"));
  g_assert_nonnull (strstr (output, "#3 from far, 11 bytes: 6e 6f 74"));
  g_assert_nonnull (strstr (output, "#4 from far, 0 bytes: \"\""));
  g_assert_cmpuint (count_words (output, "  acknowledged  #"), ==, 3);
  for (guint n = 1; n <= 3; n++) {
    g_autofree char *sent = g_strdup_printf ("#%u to far", n);
    g_autofree char *acknowledged = g_strdup_printf ("#%u by far, round trip", n);
    g_assert_nonnull (strstr (output, acknowledged));
    g_assert_true (strstr (output, sent) < strstr (output, acknowledged));
  }
  tear_down (&fixture);
}

static void
test_message_option (void)
{
  Fixture fixture = {0};
  set_up (&fixture, 2, 0);
  fixture.options.message = (char *) "gr\xc3\xbc\xc3\x9f dich";
  start (&fixture);
  take_text (&fixture, "gr\xc3\xbc\xc3\x9f dich");
  take_text (&fixture, "gr\xc3\xbc\xc3\x9f dich");
  finish_far_side (&fixture);
  g_assert_true (join (&fixture));
  g_free (end_output (&fixture));
  tear_down (&fixture);
}

/* The far side finishes first: we go on sending, and hear nothing more. */
static void
test_far_side_finishes_first (void)
{
  Fixture fixture = {0};
  set_up (&fixture, 1, 0);
  dc_fake_channel_set_window (fixture.channel, 0);
  dc_fake_channel_give (fixture.channel, dc_link_item_new (DC_LINK_ITEM_FIN));
  start (&fixture);
  dc_fake_channel_wait_accepted (fixture.channel);
  dc_fake_channel_set_window (fixture.channel, 1);
  take_text (&fixture, "Hello 1 from near");
  g_autoptr (DcLinkItem) fin = dc_fake_channel_take (fixture.channel);
  g_assert_cmpint (fin->kind, ==, DC_LINK_ITEM_FIN);
  dc_fake_channel_acknowledge_fin (fixture.channel);
  g_assert_true (join (&fixture));
  g_free (end_output (&fixture));
  tear_down (&fixture);
}

/* In the interval between two messages, and while a push waits for credit. */
static void
test_interrupt (gconstpointer blocked)
{
  Fixture fixture = {0};
  set_up (&fixture, 0, blocked != NULL ? 0 : 3600 * (gint64) G_USEC_PER_SEC);
  dc_fake_channel_set_window (fixture.channel, 1);
  start (&fixture);
  if (blocked != NULL)
    dc_fake_channel_wait_blocked (fixture.channel);
  else
    take_text (&fixture, "Hello 1 from near");
  dc_talk_interrupt (fixture.talk, "interrupted by the user");
  g_assert_false (join (&fixture));
  g_assert_error (fixture.error, DC_ERROR, DC_ERROR_FLUSHING);
  g_autofree char *reason = dc_fake_channel_dup_abort (fixture.channel);
  g_assert_cmpstr (reason, ==, "interrupted by the user");

  g_autoptr (GstStructure) summary = dc_talk_summarize (fixture.talk);
  gboolean complete = TRUE;
  gst_structure_get_boolean (summary, "complete", &complete);
  g_assert_false (complete);
  g_free (end_output (&fixture));
  tear_down (&fixture);
}

static void
test_interrupt_before_run (void)
{
  Fixture fixture = {0};
  set_up (&fixture, 0, 0);
  dc_talk_interrupt (fixture.talk, "asked to end");
  start (&fixture);
  g_assert_false (join (&fixture));
  g_assert_error (fixture.error, DC_ERROR, DC_ERROR_FLUSHING);
  g_free (end_output (&fixture));
  tear_down (&fixture);
}

/* The far side dies while we wait for the next message's time: one error, at once. */
static void
test_peer_gone (void)
{
  Fixture fixture = {0};
  set_up (&fixture, 2, 3600 * (gint64) G_USEC_PER_SEC);
  start (&fixture);
  take_text (&fixture, "Hello 1 from near");
  dc_fake_channel_end (fixture.channel, "far broke off: out of memory");
  g_assert_false (join (&fixture));
  g_assert_error (fixture.error, DC_ERROR, DC_ERROR_PEER_GONE);
  g_assert_cmpstr (fixture.error->message, ==, "far broke off: out of memory");
  g_free (end_output (&fixture));
  tear_down (&fixture);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  gst_init (NULL, NULL);
  alarm (60); /* a talk that hangs ends the test */
  g_test_add_func ("/dcpeer/talk/complete", test_complete);
  g_test_add_func ("/dcpeer/talk/message-option", test_message_option);
  g_test_add_func ("/dcpeer/talk/far-side-finishes-first", test_far_side_finishes_first);
  g_test_add_data_func ("/dcpeer/talk/interrupt/in-the-interval", NULL, test_interrupt);
  g_test_add_data_func ("/dcpeer/talk/interrupt/blocked", "blocked", test_interrupt);
  g_test_add_func ("/dcpeer/talk/interrupt/before-run", test_interrupt_before_run);
  g_test_add_func ("/dcpeer/talk/peer-gone", test_peer_gone);
  return g_test_run ();
}
