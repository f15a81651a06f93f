/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-interop.c: raw channels with every other WebRTC stack, each of which is the caller once and the called once.
 *
 * The other side is one of the echo programs beside this file, which meets our DcPeer through a real daemon; what they do is told in
 * README.md. DC_INTEROP names the stacks to try, separated by blanks; all by default. A stack that is not there is skipped, with a word. */
#include <gst/gst.h>
#include <string.h>

#include "plugins/peer/dc-peer.h"
#include "tests/harness/dc-test-cut.h"
#include "tests/harness/dc-test-daemon.h"
#include "tests/harness/dc-test-peer.h"
#include "tests/harness/dc-test-process.h"
#include "tests/harness/dc-test.h"

#define WATCHDOG_S 90
#define ALL_STACKS "webrtcbin wrtc node-datachannel werift aiortc pion chromium firefox"

typedef struct {
  const char *name;
  const char *words; /* the command, to which %s is the directory of this file; URL, room and so on follow */
} Stack;

static const Stack stacks[] = {
    {"webrtcbin", "/usr/bin/python3 %s/webrtcbin.py"},
    {"wrtc", "node %s/node.mjs wrtc"},
    {"node-datachannel", "node %s/node.mjs node-datachannel"},
    {"werift", "node %s/node.mjs werift"},
    {"aiortc", "/usr/bin/python3 %s/echo.py"},
    {"pion", "pion-echo"},
    {"chromium", "node %s/browser.mjs chromium"},
    {"firefox", "node %s/browser.mjs firefox"},
};

typedef struct {
  const Stack *stack;
  gboolean we_call;
} Case;

typedef struct {
  DcTestDaemon *daemon;
  DcTestProcess *them;
  DcTestPeer *us;
  GPtrArray *channels; /* (element-type DcChannelOptions) */
} Fixture;

/* --- Meeting --------------------------------------------------------------------------------------------------------------------- */

static void
set_up (Fixture *fixture, gconstpointer data)
{
  dc_test_watchdog_start (WATCHDOG_S);
  fixture->daemon = dc_test_daemon_new (NULL);
  fixture->channels = g_ptr_array_new_with_free_func ((GDestroyNotify) dc_channel_options_free);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  dc_test_cut_set (FALSE);
  g_clear_pointer (&fixture->us, dc_test_peer_free);
  g_clear_pointer (&fixture->them, dc_test_process_free);
  g_ptr_array_unref (fixture->channels);
  dc_test_daemon_free (fixture->daemon);
  dc_test_watchdog_stop ();
}

static DcChannelOptions *
add_channel (Fixture *fixture, const char *label)
{
  DcChannelOptions *options = dc_channel_options_new (label);

  options->mode = DC_MODE_RAW;
  g_ptr_array_add (fixture->channels, options);
  return options;
}

/* As for createDataChannel() in a browser. */
static char *
describe_channels (Fixture *fixture)
{
  GString *json = g_string_new ("[");

  for (guint i = 0; i < fixture->channels->len; i++) {
    const DcChannelOptions *options = g_ptr_array_index (fixture->channels, i);
    g_string_append_printf (json, "%s{\"label\":\"%s\",\"ordered\":%s", i > 0 ? "," : "", options->label,
        options->ordered ? "true" : "false");
    if (options->max_retransmits >= 0)
      g_string_append_printf (json, ",\"maxRetransmits\":%d", options->max_retransmits);
    if (options->max_packet_lifetime >= 0)
      g_string_append_printf (json, ",\"maxPacketLifeTime\":%d", options->max_packet_lifetime);
    if (options->protocol != NULL)
      g_string_append_printf (json, ",\"protocol\":\"%s\"", options->protocol);
    if (options->negotiated)
      g_string_append_printf (json, ",\"negotiated\":true,\"id\":%d", options->id);
    g_string_append_c (json, '}');
  }
  g_string_append_c (json, ']');
  return g_string_free (json, FALSE);
}

static DcTestProcess *
start_them (Fixture *fixture, const Case *test)
{
  g_autofree char *directory = g_test_build_filename (G_TEST_DIST, "interop", NULL);
  g_auto (GStrv) parts = g_strsplit (test->stack->words, "%s", -1);
  g_autofree char *words = g_strjoinv (directory, parts), *channels = describe_channels (fixture);
  g_auto (GStrv) command = g_strsplit (words, " ", -1);
  g_autoptr (GPtrArray) argv = g_ptr_array_new ();
  /* Nothing of ours: neither our plugin, nor the sanitizer that it may bring. */
  g_autofree char *registry = g_test_build_filename (G_TEST_BUILT, "interop-registry.bin", NULL);
  g_autofree char *own_registry = g_strconcat ("GST_REGISTRY=", registry, NULL);
  const char *const env[] = {"GST_PLUGIN_PATH=", own_registry, NULL};

  for (char **word = command; *word != NULL; word++)
    g_ptr_array_add (argv, *word);
  g_ptr_array_add (argv, (char *) dc_test_daemon_get_url (fixture->daemon));
  g_ptr_array_add (argv, (char *) "room");
  g_ptr_array_add (argv, (char *) "them");
  g_ptr_array_add (argv, (char *) (test->we_call ? "answer" : "offer"));
  g_ptr_array_add (argv, channels);
  g_ptr_array_add (argv, NULL);
  return dc_test_process_newv ((const char *const *) argv->pdata, env);
}

static void
start_us (Fixture *fixture, const Case *test)
{
  DcPeer *peer = g_object_new (DC_TYPE_PEER, "signaling", dc_test_daemon_get_url (fixture->daemon), "room", "room",
      "id", "us", "role", test->we_call ? DC_ROLE_OFFERER : DC_ROLE_ANSWERER, NULL);

  for (guint i = 0; i < fixture->channels->len; i++)
    g_assert_true (dc_peer_add_channel (peer, g_ptr_array_index (fixture->channels, i), NULL));
  fixture->us = dc_test_peer_start (peer);
}

static void
meet (Fixture *fixture, gconstpointer data)
{
  fixture->them = start_them (fixture, data);
  dc_test_process_wait_line (fixture->them, "registered");
  start_us (fixture, data);
}

static DcChannel *
get_channel (Fixture *fixture, const char *label)
{
  g_autoptr (GError) error = NULL;
  DcChannel *channel = dc_peer_wait_channel (dc_test_peer_get (fixture->us), label, &error);

  g_assert_no_error (error);
  return channel;
}

static DcChannel *
meet_on_one (Fixture *fixture, gconstpointer data)
{
  add_channel (fixture, "data");
  meet (fixture, data);
  return get_channel (fixture, "data");
}

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
test_messages (Fixture *fixture, gconstpointer data)
{
  static const char words[] = "gr\xc3\xbc\xc3\x9f dich \xf0\x9f\x8c\x8d";
  g_autoptr (DcChannel) channel = meet_on_one (fixture, data);
  g_autoptr (GBytes) text = g_bytes_new_static (words, strlen (words));
  g_autoptr (GBytes) zeros = g_bytes_new_static ("\0\0\0", 3);

  echo (channel, text, TRUE);
  echo (channel, text, FALSE);
  echo (channel, zeros, FALSE);
}

static void
test_empty (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcChannel) channel = meet_on_one (fixture, data);
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
test_sizes (Fixture *fixture, gconstpointer data)
{
  static const gsize sizes[] = {1, 1200, 16384, 65535};
  g_autoptr (DcChannel) channel = meet_on_one (fixture, data);

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    echo_size (channel, sizes[i]);
}

/* What everybody takes who does not say otherwise (RFC 8841, section 6.1), and the largest that we take. */
static void
test_largest (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcChannel) channel = meet_on_one (fixture, data);

  echo_size (channel, 65536);
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
test_order (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcChannel) channel = meet_on_one (fixture, data);
  GThread *thread = g_thread_new ("push", push_many, channel);

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
test_throughput (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcChannel) channel = meet_on_one (fixture, data);
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
echo_on (Fixture *fixture, const char *label)
{
  g_autoptr (DcChannel) channel = get_channel (fixture, label);

  dc_test_push_text (channel, label);
  dc_test_expect_text (channel, label);
}

static void
expect_kind (Fixture *fixture, const DcChannelOptions *options)
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
test_kinds (Fixture *fixture, gconstpointer data)
{
  add_channel (fixture, "retransmits")->ordered = FALSE;
  ((DcChannelOptions *) g_ptr_array_index (fixture->channels, 0))->max_retransmits = 0;
  add_channel (fixture, "lifetime")->max_packet_lifetime = 500;
  dc_channel_options_set_protocol (add_channel (fixture, "protocol"), "chat");
  meet (fixture, data);
  for (guint i = 0; i < fixture->channels->len; i++) {
    const DcChannelOptions *options = g_ptr_array_index (fixture->channels, i);
    expect_kind (fixture, options);
    echo_on (fixture, options->label);
  }
}

static void
test_negotiated (Fixture *fixture, gconstpointer data)
{
  DcChannelOptions *options = add_channel (fixture, "by agreement");

  options->negotiated = TRUE;
  options->id = 5;
  meet (fixture, data);
  echo_on (fixture, "by agreement");
}

static void
test_hundred (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 100; i++) {
    g_autofree char *label = g_strdup_printf ("channel-%u", i);
    add_channel (fixture, label);
  }
  meet (fixture, data);
  for (guint i = 0; i < 100; i++) {
    g_autofree char *label = g_strdup_printf ("channel-%u", i);
    echo_on (fixture, label);
  }
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
test_close (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcChannel) theirs = NULL, ours = NULL;
  g_autoptr (GError) error = NULL;

  add_channel (fixture, "theirs");
  add_channel (fixture, "ours");
  meet (fixture, data);
  theirs = get_channel (fixture, "theirs");
  ours = get_channel (fixture, "ours");
  dc_test_push_text (theirs, "last words");
  dc_test_push_text (theirs, "!close");
  dc_test_expect_text (theirs, "last words");
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
test_loss (Fixture *fixture, gconstpointer data)
{
  DcChannelOptions *options = add_channel (fixture, "lossy");
  g_autoptr (DcChannel) channel = NULL;
  g_autofree char *text = NULL, *lost = g_strdup_printf ("%-1000s", "lost"); /* a packet each */

  options->ordered = FALSE;
  options->max_retransmits = 0;
  meet (fixture, data);
  channel = get_channel (fixture, "lossy");
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
test_death (Fixture *fixture, gconstpointer data)
{
  g_autoptr (DcChannel) channel = meet_on_one (fixture, data);
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
  void (*func) (Fixture *fixture, gconstpointer data);
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
        "pion 3.1 reads messages into a buffer of 65535 bytes, and says no max-message-size, which means 65536"},
    {"werift", "empty",
        "werift 0.24 sends an empty message as a DATA chunk without data, which SCTP refuses (RFC 9260, section "
        "3.3.1)"},
    {"werift", "offers/kinds",
        "werift 0.24 opens an unordered channel as an ordered one if it has a limit on retransmissions or lifetime"},
    {"webrtcbin", "empty",
        "webrtcbin before 1.24 sends an empty message as an empty packet, which SCTP refuses, and closes the channel"},
};

static void
skip (Fixture *fixture, gconstpointer why)
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
is_there (const Stack *stack)
{
  g_auto (GStrv) words = g_strsplit (stack->words, " ", -1);
  g_autofree char *program = g_find_program_in_path (words[0]);

  return program != NULL;
}

static void
add_stack (const Stack *stack)
{
  if (!is_there (stack)) {
    g_autofree char *path = g_strdup_printf ("/interop/%s", stack->name);
    g_test_add (path, Fixture, "it is not installed; ./dev interop does that", NULL, skip, NULL);
    return;
  }
  for (guint we_call = 0; we_call < 2; we_call++) {
    static Case cases[G_N_ELEMENTS (stacks)][2];
    Case *test = &cases[stack - stacks][we_call];
    *test = (Case){stack, we_call};
    for (guint i = 0; i < G_N_ELEMENTS (rows); i++) {
      const char *role = we_call ? "answers" : "offers";
      g_autofree char *path = g_strdup_printf ("/interop/%s/%s/%s", stack->name, role, rows[i].name);
      const char *flaw = find_flaw (stack->name, role, rows[i].name);
      if (flaw != NULL)
        g_test_add (path, Fixture, flaw, NULL, skip, NULL);
      else
        g_test_add (path, Fixture, test, set_up, rows[i].func, tear_down);
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
