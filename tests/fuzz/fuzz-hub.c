/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-hub.c: three connections that send whatever they like, break and come back, at one hub. */

/*
 * The input is text, a line an instruction, so that people can read and write the corpus:
 *
 *   1TEXT 2TEXT 3TEXT   connection 1, 2, 3 sends TEXT; in it, @1 @2 @3 stand for the resume token that connection got last
 *   d1                  connection 1 is lost, and a new one is there in its place; d2, d3
 *   a1                  connection 1 is lost, and its session, if it is still there, attached to the new one, as a long poll does
 *   c1N                 connection 1's session is fetched from after N, as by a long poll
 *   tX                  as many tenths of a second pass as the code of the letter X says: t2 is 5 s
 *   b1                  connection 1 breaks while it is written to the next time
 *   s                   the hub shuts down
 *
 * After each, what the hub promises is checked: texts are messages, numbers have no gaps, memory is bounded.
 */
#include "signaling/hub/dc-hub.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define N_CONNECTIONS 3
#define MAX_INSTRUCTIONS 512
#define MAX_MAILBOX_BYTES 8192

typedef struct _Run Run;

typedef struct {
  DcHubConnection base;
  Run *run;
  char *resume, *session; /* of its last welcome */
  guint64 next_seq;       /* of numbered texts on this connection; 0: any */
  gboolean breaks, closed;
} Fake;

struct _Run {
  DcHub *hub;
  gint64 now;
  guint32 random;
  Fake fakes[N_CONNECTIONS];
};

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
take_random (guint8 *buffer, gsize length, gpointer user_data)
{
  Run *run = user_data;

  for (gsize i = 0; i < length; i++) {
    run->random = run->random * 1664525 + 1013904223;
    buffer[i] = (guint8) (run->random >> 24);
  }
}

static void
check_event (const DcHubEvent *event, gpointer user_data)
{
  if (event->kind != DC_HUB_EVENT_REFUSED)
    g_assert_nonnull (event->peer);
  g_assert_cmpint (event->peer != NULL, ==, event->room != NULL);
  if (event->detail)
    g_assert_true (g_utf8_validate (event->detail, -1, NULL));
}

static void
check_seq (Fake *fake, const DcMessage *message, guint64 seq)
{
  if (seq == 0) {
    g_assert_true (!dc_message_type_is_numbered (message->type) || message->type == DC_MESSAGE_BYE);
    return;
  }
  g_assert_cmpuint (message->seq, ==, seq);
  if (fake->next_seq > 0)
    g_assert_cmpuint (seq, ==, fake->next_seq);
  fake->next_seq = seq + 1;
}

static void
fake_send (DcHubConnection *connection, const char *text, gsize length, guint64 seq)
{
  Fake *fake = (Fake *) connection;
  g_autoptr (GError) error = NULL;
  g_autoptr (DcMessage) message = dc_message_new_from_json (text, (gssize) length, &error);

  g_assert_no_error (error);
  g_assert_false (fake->closed);
  check_seq (fake, message, seq);
  if (message->type == DC_MESSAGE_WELCOME) {
    g_free (fake->resume);
    g_free (fake->session);
    fake->resume = g_strdup (message->resume);
    fake->session = g_strdup (message->session);
  }
  if (fake->breaks) {
    fake->breaks = FALSE;
    dc_hub_detach (fake->run->hub, connection, fake->run->now);
    /* A detached one may not be sent to: that would be the use of freed memory in a real transport. */
    fake->closed = TRUE;
  }
}

static void
fake_close (DcHubConnection *connection, DcCode code, const char *reason)
{
  Fake *fake = (Fake *) connection;

  g_assert_false (fake->closed);
  g_assert_null (connection->session);
  fake->closed = TRUE;
}

static void
fake_reset (Fake *fake, Run *run)
{
  static const DcHubConnectionClass klass = {fake_send, fake_close};

  fake->base = (DcHubConnection){.klass = &klass, .origin = (char *) "fuzz"};
  fake->run = run;
  fake->next_seq = 0;
  fake->breaks = fake->closed = FALSE;
}

static void
lose (Run *run, Fake *fake)
{
  dc_hub_detach (run->hub, &fake->base, run->now);
  fake_reset (fake, run);
}

static void
attach (Run *run, Fake *fake)
{
  lose (run, fake);
  DcHubSession *session = fake->resume ? dc_hub_find_session (run->hub, fake->session, fake->resume) : NULL;
  if (session)
    dc_hub_attach (run->hub, session, &fake->base, run->now);
}

static void
collect (Run *run, Fake *fake, const char *after)
{
  DcHubSession *session = fake->resume ? dc_hub_find_session (run->hub, fake->session, fake->resume) : NULL;

  if (!session)
    return;
  g_autofree char *text = dc_hub_session_collect (session, g_ascii_strtoull (after, NULL, 10));
  g_assert_true (!text || (g_str_has_prefix (text, "[{\"type\":") && g_str_has_suffix (text, "}]")));
}

/* TEXT with the resume tokens put in. A connection that broke inside its vfunc is a new one by now. */
static void
deliver (Run *run, Fake *fake, const char *text, gsize length)
{
  g_autoptr (GString) out = g_string_sized_new (length);

  if (fake->closed && !fake->base.closed)
    fake_reset (fake, run);
  for (gsize i = 0; i < length; i++) {
    gboolean token = text[i] == '@' && i + 1 < length && text[i + 1] >= '1' && text[i + 1] <= '3';
    const char *resume = token ? run->fakes[text[i + 1] - '1'].resume : NULL;
    if (resume) {
      g_string_append (out, resume);
      i++;
    } else {
      g_string_append_c (out, text[i]);
    }
  }
  dc_hub_receive (run->hub, &fake->base, out->str, out->len, run->now);
}

static void
run_line (Run *run, const char *line, gsize length)
{
  gboolean names_connection = length >= 2 && line[1] >= '1' && line[1] <= '3';
  Fake *fake = names_connection ? &run->fakes[line[1] - '1'] : NULL;
  g_autofree char *rest = g_strndup (line + MIN (length, 2), MIN (length - MIN (length, 2), 20));

  if (line[0] >= '1' && line[0] <= '3')
    deliver (run, &run->fakes[line[0] - '1'], line + 1, length - 1);
  else if (line[0] == 'd' && fake)
    lose (run, fake);
  else if (line[0] == 'a' && fake)
    attach (run, fake);
  else if (line[0] == 'c' && fake)
    collect (run, fake, rest);
  else if (line[0] == 'b' && fake)
    fake->breaks = TRUE;
  else if (line[0] == 's')
    dc_hub_shut_down (run->hub, "The fuzzer is tired.");
  else if (line[0] == 't' && length >= 2)
    run->now += (line[1] & 0x7f) * (gint64) G_USEC_PER_SEC / 10;
}

static void
check_hub (Run *run)
{
  DcHubStats stats;
  guint connected = 0;

  for (guint i = 0; i < N_CONNECTIONS; i++)
    connected += run->fakes[i].base.session != NULL;
  dc_hub_get_stats (run->hub, &stats);
  g_assert_cmpuint (stats.peers, ==, stats.away + connected);
  g_assert_cmpuint (stats.peers, <=, 6);
  g_assert_cmpuint (stats.rooms, <=, stats.peers);
  g_assert_cmpuint (stats.mailbox_bytes, <=, stats.peers * (MAX_MAILBOX_BYTES + MAX_MAILBOX_BYTES / 4));
  g_assert_cmpint (dc_hub_get_deadline (run->hub) >= 0, ==, stats.away > 0);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const DcHubConfig config = {.max_message = 2048,
      .max_meta = 256,
      .max_mailbox_messages = 8,
      .max_mailbox_bytes = MAX_MAILBOX_BYTES,
      .max_room_peers = 4,
      .max_peers = 6,
      .messages_per_second = 10,
      .message_burst = 20,
      .resume_time = 5 * G_USEC_PER_SEC};
  const char *line = (const char *) data, *end = line + size;
  Run run = {.now = 0, .random = 1};

  run.hub = dc_hub_new (&config, take_random, check_event, &run);
  for (guint i = 0; i < N_CONNECTIONS; i++)
    fake_reset (&run.fakes[i], &run);
  for (guint n = 0; line < end && n < MAX_INSTRUCTIONS; n++) {
    const char *stop = memchr (line, '\n', (gsize) (end - line));
    gsize length = (gsize) ((stop ? stop : end) - line);
    if (length > 0)
      run_line (&run, line, length);
    dc_hub_advance (run.hub, run.now);
    check_hub (&run);
    line += length + 1;
  }
  dc_hub_shut_down (run.hub, "The input is over.");
  check_hub (&run);
  dc_hub_free (run.hub);
  for (guint i = 0; i < N_CONNECTIONS; i++) {
    g_free (run.fakes[i].resume);
    g_free (run.fakes[i].session);
  }
  return 0;
}
