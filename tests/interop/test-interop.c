/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-interop.c: raw channels with every other WebRTC stack, each of which is the caller once and the called once.
 *
 * The other side is one of the echo programs beside this file (dc-interop.c); what they do is told in README.md. DC_INTEROP names the stacks
 * to try, separated by blanks; all by default. A stack that is not there is skipped, with a word. */
#include <gst/gst.h>
#include <string.h>

#include "tests/harness/dc-test-cut.h"
#include "tests/harness/dc-test.h"
#include "tests/interop/dc-interop.h"

#define ALL_STACKS "webrtcbin wrtc node-datachannel werift aiortc pion chromium firefox"

static const DcInteropStack stacks[] = {
    {"webrtcbin", "/usr/bin/python3 %s/webrtcbin.py"},
    {"wrtc", "node %s/node.mjs wrtc"},
    {"node-datachannel", "node %s/node.mjs node-datachannel"},
    {"werift", "node %s/node.mjs werift"},
    {"aiortc", "/usr/bin/python3 %s/echo.py"},
    {"pion", "pion-echo"},
    {"chromium", "node %s/browser.mjs chromium"},
    {"firefox", "node %s/browser.mjs firefox"},
};

/* --- Messages -------------------------------------------------------------------------------------------------------------------- */

static void
push (DcChannel *channel, GBytes *bytes, gboolean text)
{
  DcLinkItem *item = dc_link_item_new (DC_LINK_ITEM_DATA);
  g_autoptr (GError) error = NULL;

  item->flags = text ? DC_LINK_FLAG_TEXT : 0;
  item->payload = g_bytes_ref (bytes);
  dc_channel_push (channel, item, TRUE, &error);
  g_assert_no_error (error);
}

static void
expect (DcChannel *channel, GBytes *bytes, gboolean text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DcLinkItem) item = dc_channel_pull (channel, 0, &error);
  gsize size = item != NULL && item->payload != NULL ? g_bytes_get_size (item->payload) : 0;

  g_assert_no_error (error);
  g_assert_cmpint (item->kind, ==, DC_LINK_ITEM_DATA);
  g_assert_cmpuint (item->flags, ==, text ? DC_LINK_FLAG_TEXT : 0);
  g_assert_cmpuint (size, ==, g_bytes_get_size (bytes));
  g_assert_true (size == 0 || g_bytes_equal (item->payload, bytes));
}

static void
echo (DcChannel *channel, GBytes *bytes, gboolean text)
{
  push (channel, bytes, text);
  expect (channel, bytes, text);
}

static GBytes *
make_bytes (gsize size)
{
  guint8 *data = g_malloc (size);

  for (gsize i = 0; i < size; i++)
    data[i] = (guint8) ('a' + i % 26);
  return g_bytes_new_take (data, size);
}

static void
test_messages (DcInterop *fixture, gconstpointer data)
{
  static const char words[] = "gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x8c\x8d";
  g_autoptr (DcChannel) channel = dc_interop_meet_on_one (fixture, data);
  g_autoptr (GBytes) text = g_bytes_new_static (words, strlen (words));
  g_autoptr (GBytes) zeros = g_bytes_new_static ("\0\0\0", 3);

  echo (channel, text, TRUE);
  echo (channel, text, FALSE);
  echo (channel, zeros, FALSE);
}

static void
test_empty (DcInterop *fixture, gconstpointer data)
{
  g_autoptr (DcChannel) channel = dc_interop_meet_on_one (fixture, data);
  g_autoptr (GBytes) nothing = g_bytes_new (NULL, 0);

  echo (channel, nothing, TRUE);
  echo (channel, nothing, FALSE);
}

static void
echo_size (DcChannel *channel, gsize size)
{
  g_autoptr (GBytes) bytes = make_bytes (size);

  echo (channel, bytes, TRUE);
  echo (channel, bytes, FALSE);
}

static void
test_sizes (DcInterop *fixture, gconstpointer data)
{
  static const gsize sizes[] = {1, 1200, 16384, 65535};
  g_autoptr (DcChannel) channel = dc_interop_meet_on_one (fixture, data);

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    echo_size (channel, sizes[i]);
}

/* The largest that both sides have said they take; who says nothing takes 65536 (RFC 8841, section 6.1). */
static void
test_largest (DcInterop *fixture, gconstpointer data)
{
  DcChannelOptions *options = dc_interop_add_channel (fixture, "largest");
  g_autoptr (DcChannel) channel = NULL;

  if (dc_fast_get_default () == DC_FAST_AUTO)
    options->max_message_size = 1024 * 1024;
  dc_interop_meet (fixture, data);
  channel = dc_interop_get_channel (fixture, options->label);
  g_test_message ("%" G_GSIZE_FORMAT " bytes", dc_channel_get_max_message_size (channel));
  g_assert_cmpuint (dc_channel_get_max_message_size (channel), >=, 65536);
  echo_size (channel, dc_channel_get_max_message_size (channel));
}

#define MANY 10000

static gpointer
push_many (gpointer user_data)
{
  for (guint i = 0; i < MANY; i++) {
    g_autofree char *text = g_strdup_printf ("message %u", i);
    dc_test_push_text (user_data, text);
  }
  return NULL;
}

static void
test_order (DcInterop *fixture, gconstpointer data)
{
  g_autoptr (DcChannel) channel = dc_interop_meet_on_one (fixture, data);
  GThread *thread;

  /* What comes while a channel is new, @roamhq/wrtc gives to JavaScript behind what comes a moment later. */
  dc_test_push_text (channel, "first");
  dc_test_expect_text (channel, "first");
  thread = g_thread_new ("push", push_many, channel);
  for (guint i = 0; i < MANY; i++) {
    g_autofree char *text = g_strdup_printf ("message %u", i);
    dc_test_expect_text (channel, text);
  }
  g_thread_join (thread);
}

#define PIECE 16384
#define PIECES 1024

static void
tell_speed (const char *way, gint64 since)
{
  gdouble seconds = (gdouble) (g_get_monotonic_time () - since) / G_USEC_PER_SEC;

  g_test_message ("throughput %s: %.1f MB/s", way, (gdouble) PIECE * PIECES / seconds / 1e6);
}

/* What they count tells that all has come; it is not judged how fast. */
static void
test_throughput (DcInterop *fixture, gconstpointer data)
{
  g_autoptr (DcChannel) channel = dc_interop_meet_on_one (fixture, data);
  g_autoptr (GBytes) piece = make_bytes (PIECE);
  g_autofree char *count = g_strdup_printf ("%u %u", PIECES, PIECES * PIECE);
  g_autofree char *command = g_strdup_printf ("!send %u %u", PIECES, PIECE);
  gint64 start = g_get_monotonic_time ();

  dc_test_push_text (channel, "!quiet");
  for (guint i = 0; i < PIECES; i++)
    push (channel, piece, FALSE);
  dc_test_push_text (channel, "!count");
  dc_test_expect_text (channel, count);
  tell_speed ("to them", start);
  start = g_get_monotonic_time ();
  dc_test_push_text (channel, command);
  for (guint i = 0; i < PIECES; i++) {
    g_autofree char *number = g_strdup_printf ("%u", i);
    g_autofree char *padded = g_strdup_printf ("%-*s", PIECE, number);
    g_autoptr (GBytes) bytes = g_bytes_new (padded, PIECE);
    expect (channel, bytes, FALSE);
  }
  tell_speed ("to us", start);
}

/* --- Channels -------------------------------------------------------------------------------------------------------------------- */

static void
echo_on (DcInterop *fixture, const char *label)
{
  g_autoptr (DcChannel) channel = dc_interop_get_channel (fixture, label);

  dc_test_push_text (channel, label);
  dc_test_expect_text (channel, label);
}

static void
expect_kind (DcInterop *fixture, const DcChannelOptions *options)
{
  gint max_retransmits = 0, max_lifetime = 0;
  gboolean ordered = FALSE;
  GstStructure *event;

  /* They open in any order. */
  dc_test_peer_look_back (fixture->us);
  event = dc_test_peer_wait_event_with (fixture->us, "channel-open", "label", options->label);
  gst_structure_get (event, "ordered", G_TYPE_BOOLEAN, &ordered, "max-retransmits", G_TYPE_INT, &max_retransmits,
      "max-packet-lifetime", G_TYPE_INT, &max_lifetime, NULL);
  g_assert_true (ordered == options->ordered);
  g_assert_cmpint (max_retransmits, ==, options->max_retransmits);
  g_assert_cmpint (max_lifetime, ==, options->max_packet_lifetime);
  g_assert_cmpstr (
      gst_structure_get_string (event, "protocol"), ==, options->protocol != NULL ? options->protocol : "");
  gst_structure_free (event);
}

/* What kind of channel it is the called one learns from the caller. */
static void
test_kinds (DcInterop *fixture, gconstpointer data)
{
  dc_interop_add_channel (fixture, "retransmits")->ordered = FALSE;
  ((DcChannelOptions *) g_ptr_array_index (fixture->channels, 0))->max_retransmits = 0;
  dc_interop_add_channel (fixture, "lifetime")->max_packet_lifetime = 500;
  dc_channel_options_set_protocol (dc_interop_add_channel (fixture, "protocol"), "chat");
  dc_interop_meet (fixture, data);
  for (guint i = 0; i < fixture->channels->len; i++) {
    const DcChannelOptions *options = g_ptr_array_index (fixture->channels, i);
    expect_kind (fixture, options);
    echo_on (fixture, options->label);
  }
}

static void
test_negotiated (DcInterop *fixture, gconstpointer data)
{
  DcChannelOptions *options = dc_interop_add_channel (fixture, "by agreement");

  options->negotiated = TRUE;
  options->id = 5;
  dc_interop_meet (fixture, data);
  echo_on (fixture, "by agreement");
}

static void
test_hundred (DcInterop *fixture, gconstpointer data)
{
  for (guint i = 0; i < 100; i++) {
    g_autofree char *label = g_strdup_printf ("channel-%u", i);
    dc_interop_add_channel (fixture, label);
  }
  dc_interop_meet (fixture, data);
  for (guint i = 0; i < 100; i++) {
    g_autofree char *label = g_strdup_printf ("channel-%u", i);
    echo_on (fixture, label);
  }
}

static void
expect_size (DcChannel *channel, gsize size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DcLinkItem) item = dc_channel_pull (channel, 0, &error);

  g_assert_no_error (error);
  g_assert_nonnull (item->payload);
  g_assert_cmpuint (g_bytes_get_size (item->payload), ==, size);
}

static void
assert_end (DcChannel *channel)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DcLinkItem) item = dc_channel_pull (channel, 0, &error);

  g_assert_no_error (error);
  g_assert_cmpint (item->kind, ==, DC_LINK_ITEM_FIN);
}

/* One by them and the last one by us, which ends the connection; each with what was sent just before. */
static void
test_close (DcInterop *fixture, gconstpointer data)
{
  g_autoptr (DcChannel) theirs = NULL, ours = NULL;
  g_autoptr (GError) error = NULL;

  dc_interop_add_channel (fixture, "theirs");
  dc_interop_add_channel (fixture, "ours");
  dc_interop_meet (fixture, data);
  theirs = dc_interop_get_channel (fixture, "theirs");
  ours = dc_interop_get_channel (fixture, "ours");
  dc_test_push_text (theirs, "last words");
  dc_test_push_text (theirs, "!send 1 60000");
  dc_test_push_text (theirs, "!close");
  dc_test_expect_text (theirs, "last words");
  expect_size (theirs, 60000);
  assert_end (theirs);
  dc_test_push_text (ours, "still there");
  dc_test_expect_text (ours, "still there");
  g_assert_true (dc_channel_finish (ours, &error));
  g_assert_no_error (error);
  dc_channel_close (ours);
  dc_test_process_wait_line (fixture->them, "closed ours");
}

static gboolean
keep_looking (gpointer user_data)
{
  return G_SOURCE_CONTINUE;
}

static void
wait_until_lost (void)
{
  guint ticks = g_timeout_add (10, keep_looking, NULL);

  /* As many as leave at once, while SCTP does not know the way. */
  dc_test_wait_until (NULL, dc_test_cut_count_lost () >= 3);
  g_source_remove (ticks);
}

/* The next text. (transfer full) */
static char *
take_text (DcChannel *channel)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DcLinkItem) item = dc_channel_pull (channel, 0, &error);

  g_assert_no_error (error);
  g_assert_nonnull (item->payload);
  return g_strndup (g_bytes_get_data (item->payload, NULL), g_bytes_get_size (item->payload));
}

/* The next text but those that were to be lost, which is @expected (NULL: any). (transfer full) */
static char *
take_until (DcChannel *channel, const char *expected)
{
  char *text = take_text (channel);

  while (g_str_has_prefix (text, "lost")) {
    g_free (text);
    text = take_text (channel);
  }
  if (expected != NULL)
    g_assert_cmpstr (text, ==, expected);
  return text;
}

#define LOSSES 20u

/* What is lost while the network is away is lost (not all need be: some may leave when it is back), and what comes after it arrives. */
static void
test_loss (DcInterop *fixture, gconstpointer data)
{
  DcChannelOptions *options = dc_interop_add_channel (fixture, "lossy");
  g_autoptr (DcChannel) channel = NULL;
  g_autofree char *text = NULL, *lost = g_strdup_printf ("%-1000s", "lost"); /* a packet each */

  options->ordered = FALSE;
  options->max_retransmits = 0;
  dc_interop_meet (fixture, data);
  channel = dc_interop_get_channel (fixture, "lossy");
  dc_test_push_text (channel, "before");
  dc_test_expect_text (channel, "before");
  dc_test_cut_set (TRUE);
  for (guint i = 0; i < LOSSES; i++)
    dc_test_push_text (channel, lost);
  wait_until_lost ();
  dc_test_cut_set (FALSE);
  dc_test_push_text (channel, "after");
  text = take_until (channel, "after");
  dc_test_push_text (channel, "!count");
  g_free (text);
  text = take_until (channel, NULL);
  g_assert_cmpuint (g_ascii_strtoull (text, NULL, 10), <, LOSSES + 2);
}

/* Who is killed can say nothing: ICE finds that nobody answers. */
static void
test_death (DcInterop *fixture, gconstpointer data)
{
  g_autoptr (DcChannel) channel = dc_interop_meet_on_one (fixture, data);
  g_autoptr (DcLinkItem) item = NULL;
  g_autoptr (GError) error = NULL;
  gint64 start;

  dc_test_push_text (channel, "there?");
  dc_test_expect_text (channel, "there?");
  start = g_get_monotonic_time ();
  dc_test_process_kill_all (fixture->them);
  item = dc_channel_pull (channel, 0, &error);
  g_assert_null (item);
  g_assert_error (error, DC_ERROR, DC_ERROR_PEER_GONE);
  g_test_message ("death seen after %.1f s", (gdouble) (g_get_monotonic_time () - start) / G_USEC_PER_SEC);
}

/* --- The table ------------------------------------------------------------------------------------------------------------------- */

static const struct {
  const char *name;
  void (*func) (DcInterop *fixture, gconstpointer data);
} rows[] = {
    {"messages", test_messages},
    {"empty", test_empty},
    {"sizes", test_sizes},
    {"largest", test_largest},
    {"order", test_order},
    {"throughput", test_throughput},
    {"kinds", test_kinds},
    {"negotiated", test_negotiated},
    {"hundred", test_hundred},
    {"close", test_close},
    {"loss", test_loss},
    {"death", test_death},
};

/* What the other stack cannot do, in the version that is tried. */
static const struct {
  const char *stack, *row, *why; /* row: with "offers/" or "answers/" before it: in that role only */
} flaws[] = {
    {"pion", "largest",
        "pion 3.1 reads messages into a buffer of 65535 bytes, and says no max-message-size, which means 65536 "
        "(pion/webrtc#1396; mended by pion/webrtc#3052)"},
    {"werift", "empty",
        "werift 0.24 sends an empty message as a DATA chunk without data, which SCTP refuses (RFC 9260, section "
        "3.3.1); we found no report of it"},
    {"werift", "offers/kinds",
        "werift 0.24 opens an unordered channel as an ordered one if it has a limit on retransmissions or lifetime "
        "(shinyoshiaki/werift-webrtc#714)"},
    {"webrtcbin", "empty",
        "webrtcbin 1.22 sends an empty message as an empty packet, which SCTP refuses, and closes the channel; we "
        "found "
        "no report of it"},
};

static void
skip (DcInterop *fixture, gconstpointer why)
{
  g_test_skip (why);
}

static const char *
find_flaw (const char *stack, const char *role, const char *row)
{
  g_autofree char *in_role = g_strconcat (role, "/", row, NULL);

  for (guint i = 0; i < G_N_ELEMENTS (flaws); i++)
    if (g_str_equal (flaws[i].stack, stack) && (g_str_equal (flaws[i].row, row) || g_str_equal (flaws[i].row, in_role)))
      return flaws[i].why;
  return NULL;
}

static gboolean
is_there (const DcInteropStack *stack)
{
  g_auto (GStrv) words = g_strsplit (stack->words, " ", -1);
  g_autofree char *program = g_find_program_in_path (words[0]);

  return program != NULL;
}

static void
add_stack (const DcInteropStack *stack)
{
  if (!is_there (stack)) {
    g_autofree char *path = g_strdup_printf ("/interop/%s", stack->name);
    g_test_add (path, DcInterop, "it is not installed; ./dev interop does that", NULL, skip, NULL);
    return;
  }
  for (guint we_call = 0; we_call < 2; we_call++) {
    static DcInteropCase cases[G_N_ELEMENTS (stacks)][2];
    DcInteropCase *test = &cases[stack - stacks][we_call];
    *test = (DcInteropCase){stack, we_call};
    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
      const char *role = we_call ? "answers" : "offers";
      g_autofree char *path = g_strdup_printf ("/interop/%s/%s/%s", stack->name, role, rows[i].name);
      const char *flaw = find_flaw (stack->name, role, rows[i].name);
      if (flaw != NULL)
        g_test_add (path, DcInterop, flaw, NULL, skip, NULL);
      else
        g_test_add (path, DcInterop, test, dc_interop_set_up, rows[i].func, dc_interop_tear_down);
    }
  }
}

int
main (int argc, char **argv)
{
  const char *wanted = g_getenv ("DC_INTEROP");
  g_auto (GStrv) names = g_strsplit (wanted != NULL ? wanted : ALL_STACKS, " ", -1);

  dc_test_init (&argc, &argv);
  gst_init (&argc, &argv);
  dc_test_cut_init ();
  for (guint i = 0; i < G_N_ELEMENTS (stacks); i++)
    if (g_strv_contains ((const char *const *) names, stacks[i].name))
      add_stack (&stacks[i]);
  return g_test_run ();
}
