/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-pipelines-launch.c: pipelines across a real data channel: gst-launch-1.0 as people type it, a process for each side. */
#include <signal.h>
#include <string.h>

#include <glib/gstdio.h>

#include "tests/harness/dc-test-process.h"
#include "tests/harness/dc-test.h"
#include "tests/pipelines.h"

static DcTestProcess *
launch (PipelinesFixture *f, const char *pipeline)
{
  g_autofree char *command = g_strconcat ("gst-launch-1.0 ", pipeline, NULL);
  g_autofree char *signaling = g_strconcat ("DC_SIGNALING=", dc_test_daemon_get_url (f->daemon), NULL);
  const char *const env[] = {signaling, NULL};
  g_auto (GStrv) argv = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_shell_parse_argv (command, NULL, &argv, &error));
  g_assert_no_error (error);
  return dc_test_process_newv ((const char *const *) argv, env);
}

static void
assert_exit (DcTestProcess *process, int expected)
{
  int status = dc_test_process_wait_exit (process);

  if (status != expected) {
    g_autofree char *output = dc_test_process_get_output (process);
    g_error ("exit status %d instead of %d; it said:\n%s", status, expected, output);
  }
}

/* The element itself says @sentence, and the process fails. */
static void
assert_fails (DcTestProcess *process, const char *sentence)
{
  while (strstr (dc_test_process_wait_line (process, "ERROR: from element"), sentence) == NULL)
    ;
  g_assert_cmpint (dc_test_process_wait_exit (process), !=, 0);
}

static gboolean
skip_without (const char *first, ...)
{
  va_list names;
  gboolean skip = FALSE;

  va_start (names, first);
  for (const char *name = first; name != NULL && !skip; name = va_arg (names, const char *)) {
    g_autoptr (GstElementFactory) factory = gst_element_factory_find (name);
    skip = factory == NULL;
    if (skip)
      g_test_skip_printf ("there is no element %s", name);
  }
  va_end (names);
  return skip;
}

static void
write_noise (const char *path, gsize size)
{
  g_autofree guint32 *words = g_new (guint32, size / 4);
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < size / 4; i++)
    words[i] = g_test_rand_int ();
  g_file_set_contents (path, (const char *) words, size, &error);
  g_assert_no_error (error);
}

static void
assert_same_file (const char *a, const char *b)
{
  g_autoptr (GMappedFile) mapped_a = g_mapped_file_new (a, FALSE, NULL);
  g_autoptr (GMappedFile) mapped_b = g_mapped_file_new (b, FALSE, NULL);

  g_assert_nonnull (mapped_a);
  g_assert_nonnull (mapped_b);
  g_assert_cmpmem (g_mapped_file_get_contents (mapped_a), g_mapped_file_get_length (mapped_a),
      g_mapped_file_get_contents (mapped_b), g_mapped_file_get_length (mapped_b));
}

/* Copies a file; the one that @first names is in the room before the other starts. */
static void
copy_file (PipelinesFixture *f, const char *first, const char *options)
{
  g_autofree char *in = g_build_filename (f->dir, "in", NULL), *out = g_build_filename (f->dir, "out", NULL);
  g_autofree char *send = g_strdup_printf ("-m filesrc location=%s ! datachannelsink room=copy %s", in, options);
  g_autofree char *receive = g_strdup_printf ("-m datachannelsrc room=copy %s ! filesink location=%s", options, out);
  gboolean sender_first = g_str_equal (first, "sender");
  g_autoptr (DcTestProcess) early = NULL, late = NULL;

  write_noise (in, 5 * 1000 * 1000);
  early = launch (f, sender_first ? send : receive);
  dc_test_process_wait_line (early, "datachannel-registered");
  late = launch (f, sender_first ? receive : send);
  dc_test_process_wait_line (early, "datachannel-connected");
  assert_exit (sender_first ? early : late, 0);
  /* The sender has gone with success, so the receiver has it all; it need not have left. */
  assert_same_file (in, out);
  assert_exit (sender_first ? late : early, 0);
}

static void
test_file_sender_first (PipelinesFixture *f, gconstpointer data)
{
  copy_file (f, "sender", "");
}

static void
test_file_receiver_first (PipelinesFixture *f, gconstpointer data)
{
  copy_file (f, "receiver", "");
}

static void
test_file_polling (PipelinesFixture *f, gconstpointer data)
{
  copy_file (f, "receiver", "polling=true");
}

static void
test_file_empty (PipelinesFixture *f, gconstpointer data)
{
  g_autofree char *in = g_build_filename (f->dir, "in", NULL), *out = g_build_filename (f->dir, "out", NULL);
  g_autofree char *send = g_strdup_printf ("filesrc location=%s ! datachannelsink", in);
  g_autofree char *receive = g_strdup_printf ("datachannelsrc ! filesink location=%s", out);
  g_autoptr (DcTestProcess) sender = NULL, receiver = NULL;

  g_assert_true (g_file_set_contents (in, "", 0, NULL));
  receiver = launch (f, receive);
  sender = launch (f, send);
  assert_exit (sender, 0);
  assert_exit (receiver, 0);
  assert_same_file (in, out);
}

static guint
count_lines (DcTestProcess *process, const char *part)
{
  g_autofree char *output = dc_test_process_get_output (process);
  g_auto (GStrv) lines = g_strsplit (output, "\n", -1);
  guint count = 0;

  for (guint i = 0; lines[i] != NULL; i++)
    count += strstr (lines[i], part) != NULL;
  return count;
}

static void
test_video (PipelinesFixture *f, gconstpointer data)
{
  g_autoptr (DcTestProcess) sender = NULL, receiver = NULL;

  if (skip_without ("videotestsrc", "vp8enc", "vp8dec", "matroskamux", "matroskademux", NULL))
    return;
  receiver = launch (f, "-v -e datachannelsrc room=cam ! matroskademux ! vp8dec ! fakesink silent=false");
  sender = launch (f, "videotestsrc num-buffers=300 ! vp8enc deadline=1 ! matroskamux ! datachannelsink room=cam");
  assert_exit (receiver, 0);
  assert_exit (sender, 0);
  g_assert_cmpuint (count_lines (receiver, "last-message = chain"), ==, 300);
}

/* Nobody tells the receiver the format: it crosses. */
static void
test_audio (PipelinesFixture *f, gconstpointer data)
{
  g_autofree char *out = g_build_filename (f->dir, "a.wav", NULL), *wav = NULL;
  g_autofree char *receive =
      g_strdup_printf ("datachannelsrc room=a ! audioconvert ! wavenc ! filesink location=%s", out);
  g_autoptr (DcTestProcess) sender = NULL, receiver = NULL;
  gsize size;

  if (skip_without ("audiotestsrc", "audioconvert", "wavenc", NULL))
    return;
  receiver = launch (f, receive);
  sender = launch (f, "audiotestsrc num-buffers=500 ! audio/x-raw,rate=48000 ! datachannelsink room=a");
  assert_exit (receiver, 0);
  assert_exit (sender, 0);
  g_assert_true (g_file_get_contents (out, &wav, &size, NULL));
  g_assert_cmpmem (wav, 4, "RIFF", 4);
  g_assert_cmpmem (wav + 36, 4, "data", 4);
  g_assert_cmpuint (GST_READ_UINT32_LE (wav + 40), ==, 500 * 1024 * 2); /* buffers of 1024 samples, 16 bit, mono */
  g_assert_cmpuint (size, >=, 44 + 500 * 1024 * 2);                     /* the sender's tags come behind */
  g_assert_cmpuint (GST_READ_UINT32_LE (wav + 24), ==, 48000);
}

/* --- Ends that are not the stream's --------------------------------------------------------------------------------------------- */

#define ENDLESS "fakesrc sizetype=fixed sizemax=10000 ! datachannelsink resume-timeout=1"
#define DRAIN "datachannelsrc resume-timeout=1 ! fakesink"

/* @signal to one side; the other fails with a sentence of its own. */
static void
end_one_side (PipelinesFixture *f, gboolean end_sender, int signal, const char *sentence)
{
  g_autoptr (DcTestProcess) sender = launch (f, ENDLESS), receiver = launch (f, DRAIN);
  DcTestProcess *gone = end_sender ? sender : receiver, *left = end_sender ? receiver : sender;

  dc_test_process_wait_line (receiver, "Pipeline is PREROLLED"); /* the first buffer is across */
  dc_test_process_signal (gone, signal);
  assert_exit (gone, signal == SIGKILL ? 128 + SIGKILL : 0);
  assert_fails (left, sentence);
}

static void
test_interrupt_sender (PipelinesFixture *f, gconstpointer data)
{
  end_one_side (f, TRUE, SIGINT, "GstDataChannelSrc");
}

static void
test_interrupt_receiver (PipelinesFixture *f, gconstpointer data)
{
  end_one_side (f, FALSE, SIGINT, "GstDataChannelSink");
}

static void
test_kill_sender (PipelinesFixture *f, gconstpointer data)
{
  end_one_side (f, TRUE, SIGKILL, "GstDataChannelSrc");
}

static void
test_kill_receiver (PipelinesFixture *f, gconstpointer data)
{
  end_one_side (f, FALSE, SIGKILL, "GstDataChannelSink");
}

static void
test_nobody_comes (PipelinesFixture *f, gconstpointer data)
{
  g_autoptr (DcTestProcess) sender = launch (f, "fakesrc ! datachannelsink connect-timeout=1");
  g_autoptr (DcTestProcess) receiver = launch (f, "datachannelsrc room=other connect-timeout=1 ! fakesink");

  assert_fails (sender, "no other peer");
  assert_fails (receiver, "no other peer");
}

static void
test_no_daemon (PipelinesFixture *f, gconstpointer data)
{
  g_autoptr (DcTestProcess) sender = NULL;

  dc_test_daemon_stop (f->daemon);
  sender = launch (f, "fakesrc ! datachannelsink connect-timeout=2");
  dc_test_process_wait_line (sender, "WARNING: from element");
  assert_fails (sender, dc_test_daemon_get_url (f->daemon));
}

static void
test_wrong_url (PipelinesFixture *f, gconstpointer data)
{
  g_autoptr (DcTestProcess) sender = launch (f, "fakesrc ! datachannelsink signaling=gopher://there");

  assert_fails (sender, "gopher");
}

static void
test_id_taken (PipelinesFixture *f, gconstpointer data)
{
  g_autoptr (DcTestProcess) first = launch (f, "-m datachannelsrc peer-id=me ! fakesink");
  g_autoptr (DcTestProcess) second = NULL;

  dc_test_process_wait_line (first, "datachannel-registered");
  second = launch (f, "datachannelsrc peer-id=me ! fakesink");
  assert_fails (second, "\"me\"");
}

/* The stream needs the daemon for the meeting only. */
static void
test_daemon_dies_in_mid_stream (PipelinesFixture *f, gconstpointer data)
{
  g_autoptr (DcTestProcess) receiver = launch (f, "datachannelsrc ! identity sleep-time=1000 ! fakesink");
  g_autoptr (DcTestProcess) sender =
      launch (f, "fakesrc num-buffers=1500 sizetype=fixed sizemax=10000 ! datachannelsink");

  dc_test_process_wait_line (receiver, "Pipeline is PREROLLED");
  dc_test_daemon_stop (f->daemon);
  assert_exit (sender, 0);
  assert_exit (receiver, 0);
}

int
main (int argc, char **argv)
{
  dc_test_init (&argc, &argv);
  gst_init (&argc, &argv);
  pipelines_add ("/pipelines/file/sender-first", test_file_sender_first);
  pipelines_add ("/pipelines/file/receiver-first", test_file_receiver_first);
  pipelines_add ("/pipelines/file/polling", test_file_polling);
  pipelines_add ("/pipelines/file/empty", test_file_empty);
  pipelines_add ("/pipelines/media/video", test_video);
  pipelines_add ("/pipelines/media/audio", test_audio);
  pipelines_add ("/pipelines/end/interrupt-sender", test_interrupt_sender);
  pipelines_add ("/pipelines/end/interrupt-receiver", test_interrupt_receiver);
  pipelines_add ("/pipelines/end/kill-sender", test_kill_sender);
  pipelines_add ("/pipelines/end/kill-receiver", test_kill_receiver);
  pipelines_add ("/pipelines/end/nobody-comes", test_nobody_comes);
  pipelines_add ("/pipelines/end/no-daemon", test_no_daemon);
  pipelines_add ("/pipelines/end/wrong-url", test_wrong_url);
  pipelines_add ("/pipelines/end/id-taken", test_id_taken);
  pipelines_add ("/pipelines/end/daemon-dies-in-mid-stream", test_daemon_dies_in_mid_stream);
  return g_test_run ();
}
