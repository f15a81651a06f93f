/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-sctp-hostile.c: a far side that is past DTLS, and means ill: packets made by hand, of which an association must not grow, stop or fall. */
#include "plugins/transport/dc-sctp-association-private.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/transport/dc-crc32c.h"

#define HEADER 12u
#define MIB (1024u * 1024)
#define LARGEST 1200u

enum { DATA = 0, INIT = 1, INIT_ACK = 2, SACK = 3, HEARTBEAT = 4, ABORT = 6, COOKIE_ECHO = 10, RE_CONFIG = 130 };
enum { MIDDLE = 0, END = 1, BEGINNING = 2, WHOLE = 3, UNORDERED = 4 };

typedef struct _Fixture Fixture;

typedef struct {
  Fixture *f;
  DcSctpAssociation *association;
  GQueue packets; /* (element-type GByteArray): to this one */
} Side;

/* An association, and the far side, which is another until it has come to be. Time stands still. */
struct _Fixture {
  Side us, far;
  guint8 header[HEADER]; /* of what the far side sends */
  guint32 tsn, request;  /* its next numbers: of chunks, and of requests for resets */
  GByteArray *packet;    /* that is being made */
  gboolean refusing;     /* no more messages, please */
  gboolean keeping;      /* what we send */
  guint n_messages, n_resets, n_writable, n_out;
  DcSctpState state;
};

/* --- two sides --- */

static void
output_cb (DcPacket *packets, guint n, gpointer user_data)
{
  Side *self = user_data;
  Side *to = self == &self->f->us ? &self->f->far : &self->f->us;

  self->f->n_out += self == &self->f->us ? n : 0;
  for (guint i = 0; i < n && self->f->keeping; i++)
    g_queue_push_tail (
        &to->packets, g_byte_array_append (g_byte_array_new (), packets[i].data, (guint) packets[i].size));
}

static gboolean
message_cb (guint16 stream, guint32 ppid, gboolean unordered, GBytes *message, gpointer user_data)
{
  Side *self = user_data;

  self->f->n_messages++;
  g_bytes_unref (message);
  return !self->f->refusing;
}

static void
reset_cb (guint16 stream, gpointer user_data)
{
  ((Side *) user_data)->f->n_resets++;
}

static void
was_reset_cb (guint16 stream, gpointer user_data)
{
}

static void
state_cb (DcSctpState state, gpointer user_data)
{
  Side *self = user_data;

  if (self == &self->f->us)
    self->f->state = state;
}

static void
writable_cb (gpointer user_data)
{
  ((Side *) user_data)->f->n_writable++;
}

static void
give (Fixture *f, guint8 *data, gsize size)
{
  DcPacket packet = {data, size};

  dc_crc32c_put (data, size);
  dc_sctp_association_input (f->us.association, &packet, 1);
}

/* The next one that a side was sent; NULL: there is none. (transfer full) */
static GByteArray *
take_packet (Side *side)
{
  return g_queue_pop_head (&side->packets);
}

/* Notes what makes a packet one of the far side's. */
static gboolean
pass_one (Fixture *f, Side *to)
{
  g_autoptr (GByteArray) packet = take_packet (to);
  DcPacket given;

  if (packet == NULL)
    return FALSE;
  if (to == &f->us) {
    memcpy (f->header, packet->data, HEADER);
    if (packet->data[HEADER] == INIT || packet->data[HEADER] == INIT_ACK) {
      memcpy (&f->tsn, packet->data + HEADER + 16, sizeof f->tsn);
      f->tsn = f->request = GUINT32_FROM_BE (f->tsn);
    }
  }
  given = (DcPacket){packet->data, packet->len};
  dc_sctp_association_input (to->association, &given, 1);
  return TRUE;
}

static void
begin (Fixture *f, Side *side)
{
  static const DcSctpCallbacks callbacks = {output_cb, message_cb, reset_cb, was_reset_cb, state_cb, writable_cb};
  DcSctpSettings settings;

  dc_sctp_settings_init (&settings);
  settings.receive_window = settings.send_buffer = MIB;
  side->f = f;
  side->association = dc_sctp_association_new (&settings, &callbacks, side, NULL);
  g_assert_nonnull (side->association);
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->keeping = TRUE;
  f->packet = g_byte_array_new ();
  begin (f, &f->us);
  begin (f, &f->far);
  dc_sctp_association_connect (f->us.association);
  dc_sctp_association_connect (f->far.association);
  while (pass_one (f, &f->us) || pass_one (f, &f->far))
    ;
  g_assert_cmpint (f->state, ==, DC_SCTP_UP);
  f->keeping = FALSE;
  f->n_out = 0;
}

static void
clear_side (Side *side)
{
  dc_sctp_association_unref (side->association);
  g_queue_clear_full (&side->packets, (GDestroyNotify) g_byte_array_unref);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  clear_side (&f->us);
  clear_side (&f->far);
  g_byte_array_unref (f->packet);
  dc_sctp_stack_advance (1000);
}

/* --- packets --- */

static void
add (Fixture *f, gconstpointer data, gsize size)
{
  g_byte_array_append (f->packet, data, (guint) size);
}

static void
add_16 (Fixture *f, guint value)
{
  guint16 bytes = GUINT16_TO_BE ((guint16) value);

  add (f, &bytes, sizeof bytes);
}

static void
add_32 (Fixture *f, guint32 value)
{
  guint32 bytes = GUINT32_TO_BE (value);

  add (f, &bytes, sizeof bytes);
}

static void
begin_packet (Fixture *f)
{
  g_byte_array_set_size (f->packet, 0);
  add (f, f->header, HEADER);
}

static void
begin_chunk (Fixture *f, guint type, guint flags, guint size)
{
  add_16 (f, type << 8 | flags);
  add_16 (f, size);
}

/* Of one byte. */
static void
add_data (Fixture *f, guint flags, guint32 tsn, guint stream, guint number)
{
  begin_chunk (f, DATA, flags, 17);
  add_32 (f, tsn);
  add_16 (f, stream);
  add_16 (f, number);
  add_32 (f, 53);
  add_32 (f, 0);
}

/* What is in there, as it is now. */
static void
send_packet (Fixture *f)
{
  give (f, f->packet->data, f->packet->len);
}

static void
send_data (Fixture *f, guint flags, guint32 tsn, guint stream, guint number)
{
  begin_packet (f);
  add_data (f, flags, tsn, stream, number);
  send_packet (f);
}

/* Closes @n streams of the far side's from @first on; none means all. */
static void
send_reset (Fixture *f, guint first, guint n)
{
  begin_packet (f);
  begin_chunk (f, RE_CONFIG, 0, 4 + 16 + 2 * n);
  add_16 (f, 13);
  add_16 (f, 16 + 2 * n);
  add_32 (f, f->request++);
  add_32 (f, 0);
  add_32 (f, f->tsn - 1);
  for (guint i = 0; i < n; i++)
    add_16 (f, first + i);
  if (n % 2 == 1)
    add_16 (f, 0);
  send_packet (f);
}

/* Wants our direction of @stream closed. */
static void
send_request (Fixture *f, guint stream)
{
  begin_packet (f);
  begin_chunk (f, RE_CONFIG, 0, 4 + 8 + 2);
  add_16 (f, 14);
  add_16 (f, 8 + 2);
  add_32 (f, f->request++);
  add_16 (f, stream);
  add_16 (f, 0);
  send_packet (f);
}

/* With all that may be asked for. */
static void
send_init (Fixture *f, guint32 tag)
{
  begin_packet (f);
  memset (f->packet->data + 4, 0, 4);
  begin_chunk (f, INIT, 0, 20 + 8);
  add_32 (f, tag);
  add_32 (f, MIB);
  add_16 (f, 65535);
  add_16 (f, 65535);
  add_32 (f, 1);
  /* RE-CONFIG, FORWARD-TSN are supported. */
  add_32 (f, 0x80080006);
  add_32 (f, 0x82c00000);
  send_packet (f);
}

static gsize
memory (void)
{
  return mallinfo2 ().uordblks + mallinfo2 ().hblkhd;
}

/* --- growth --- */

/* More than anything is to hold; sanitizers and valgrind are slow. */
static guint
flood (void)
{
  const char *slowness = g_getenv ("DC_TEST_SLOWNESS");

  return slowness != NULL && atoi (slowness) > 1 ? 25000 : 50000;
}

/* What is freed meanwhile does not count. */
static void
assert_grown_less (gsize before, gsize bytes)
{
  gsize now = memory ();

  g_assert_cmpuint (now - MIN (now, before), <, bytes);
}

/* Whole messages of a byte for who takes none, and has said that there is no room. When there is room again, it goes on with the first that was not
 * taken. */
static void
test_no_room (Fixture *f, gconstpointer data)
{
  gsize before = memory ();
  guint32 first = f->tsn;

  f->refusing = TRUE;
  for (guint i = 0; i < flood (); i++)
    for (guint times = 0; times < (data != NULL ? 2 : 1); times++)
      send_data (f, WHOLE, first + i, 1, i);
  g_assert_cmpuint (f->n_messages, ==, 1);
  assert_grown_less (before, 14 * MIB);
  f->refusing = FALSE;
  dc_sctp_association_resume (f->us.association);
  g_assert_cmpuint (f->n_messages, >, 1000);
  g_assert_cmpuint (f->n_messages, <, flood ());
  for (guint i = f->n_messages; i < flood (); i++)
    send_data (f, WHOLE, first + i, 1, i);
  g_assert_cmpuint (f->n_messages, ==, flood ());
}

/* Who means well, and asks now and then whether there is room: has an answer each time, for days. */
static void
test_probes (Fixture *f, gconstpointer data)
{
  guint i;

  f->refusing = TRUE;
  for (i = 0; !f->us.association->window_closed; i++)
    send_data (f, WHOLE, f->tsn++, 1, i);
  /* There may be room for the very first, whose answer may wait for another. */
  send_data (f, WHOLE, f->tsn, 1, i);
  for (guint probes = 0; probes < flood (); probes++) {
    f->n_out = 0;
    send_data (f, WHOLE, f->tsn, 1, i);
    g_assert_cmpuint (f->n_out, ==, 1);
  }
}

/* Beginnings of messages without an end, on as many streams as there are. */
static void
test_beginnings (Fixture *f, gconstpointer data)
{
  gsize before = memory ();

  for (guint i = 0; i < flood (); i++)
    send_data (f, BEGINNING | (data != NULL ? UNORDERED : 0), f->tsn++, i, 0);
  assert_grown_less (before, 8 * MIB);
}

/* All but the first. */
static void
test_gap (Fixture *f, gconstpointer data)
{
  gsize before = memory ();

  for (guint i = 1; i < flood (); i++)
    send_data (f, WHOLE, f->tsn + i % 60000, 1, i % 60000);
  g_assert_cmpuint (f->n_messages, ==, 0);
  assert_grown_less (before, 8 * MIB);
}

/* In order, but for the first message of each stream. */
static void
test_streams (Fixture *f, gconstpointer data)
{
  gsize before = memory ();

  for (guint i = 0; i < flood (); i++)
    send_data (f, WHOLE, f->tsn++, i, 1 + i / 1024);
  g_assert_cmpuint (f->n_messages, ==, 0);
  assert_grown_less (before, 8 * MIB);
}

/* Many resets to a packet, for who does not look: usrsctp keeps something to tell for each. */
static void
test_resets_held_back (Fixture *f, gconstpointer data)
{
  gsize before = memory ();

  f->refusing = TRUE;
  send_data (f, WHOLE, f->tsn++, 1, 0);
  for (guint i = 0; i < 1000; i++) {
    begin_packet (f);
    while (f->packet->len < LARGEST - 24) {
      begin_chunk (f, RE_CONFIG, 0, 4 + 16 + 2);
      add_16 (f, 13);
      add_16 (f, 16 + 2);
      add_32 (f, f->request++);
      add_32 (f, 0);
      add_32 (f, f->tsn - 1);
      add_16 (f, 1);
      add_16 (f, 0);
    }
    send_packet (f);
  }
  assert_grown_less (before, 8 * MIB);
}

/* --- work --- */

static DcSctpSent
send_one (Fixture *f, guint16 stream)
{
  static const guint8 message[] = "x";
  DcSctpSendInfo info = {.stream = stream, .ppid = 53};

  return dc_sctp_association_send (f->us.association, &info, message, sizeof message);
}

/* Nothing may be sent on that stream until the far side has answered, which it never does. Whoever tries each time that he is told to would do nothing else. */
static void
test_reset_wanted (Fixture *f, gconstpointer data)
{
  send_request (f, 1);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpint (send_one (f, 1), !=, DC_SCTP_SENT);
  g_assert_cmpuint (f->n_writable, ==, 0);
  g_assert_cmpint (send_one (f, 2), ==, DC_SCTP_SENT);
}

/* Of a thousand streams, one means something. */
static void
test_reset_all (Fixture *f, gconstpointer data)
{
  send_reset (f, 0, 0);
  g_assert_cmpuint (f->n_resets, ==, 0);
  send_data (f, WHOLE, f->tsn++, 7, 0);
  g_assert_cmpuint (f->n_messages, ==, 1);
  for (guint i = 0; i < 3; i++)
    send_reset (f, 0, 0);
  g_assert_cmpuint (f->n_resets, ==, 1);
  send_data (f, WHOLE, f->tsn++, 7, 0);
  g_assert_cmpuint (f->n_messages, ==, 2);
  send_reset (f, 7, 1);
  g_assert_cmpuint (f->n_resets, ==, 2);
}

/* Each packet with many chunks that are to be answered, is answered by one. */
static void
test_many_chunks (Fixture *f, gconstpointer type)
{
  for (guint i = 0; i < 100; i++) {
    begin_packet (f);
    while (f->packet->len < LARGEST - 8) {
      begin_chunk (f, GPOINTER_TO_UINT (type), 0, 8);
      add_32 (f, 1 << 16 | 4);
    }
    send_packet (f);
  }
  g_assert_cmpuint (f->n_out, <=, 100);
  g_assert_cmpint (f->state, ==, DC_SCTP_UP);
}

/* Of other ports, which means nothing; one more or less might find what is not to be found. */
static void
test_ports (Fixture *f, gconstpointer data)
{
  for (guint port = 0; port < 4; port++) {
    f->header[port] ^= 1;
    send_data (f, WHOLE, f->tsn, 1, 0);
    send_init (f, 1);
    f->header[port] ^= 1;
  }
  g_assert_cmpuint (f->n_out, ==, 0);
  g_assert_cmpuint (f->n_messages, ==, 0);
  send_data (f, WHOLE, f->tsn, 1, 0);
  g_assert_cmpuint (f->n_messages, ==, 1);
}

/* --- beginning anew --- */

/* A whole new association in the place of ours. FALSE: there was no answer. */
static gboolean
restart (Fixture *f, guint32 tag)
{
  g_autoptr (GByteArray) answer = NULL;

  f->keeping = TRUE;
  g_queue_clear_full (&f->far.packets, (GDestroyNotify) g_byte_array_unref);
  send_init (f, tag);
  answer = take_packet (&f->far);
  f->keeping = FALSE;
  if (answer == NULL || answer->data[HEADER] != INIT_ACK)
    return FALSE;
  for (gsize at = HEADER + 20; at + 4 <= answer->len;) {
    guint type = (guint) answer->data[at] << 8 | answer->data[at + 1];
    guint size = (guint) answer->data[at + 2] << 8 | answer->data[at + 3];
    if (type == 7) {
      begin_packet (f);
      memcpy (f->packet->data + 4, answer->data + HEADER + 4, 4);
      begin_chunk (f, COOKIE_ECHO, 0, size);
      add (f, answer->data + at + 4, size - 4);
      send_packet (f);
      return TRUE;
    }
    at += (size + 3) & ~3u;
  }
  return FALSE;
}

/* Nobody does that under the same DTLS: it is over. */
static void
test_restart (Fixture *f, gconstpointer data)
{
  g_assert_true (restart (f, 1000));
  g_assert_cmpint (f->state, ==, DC_SCTP_ABORTED);
  g_assert_false (restart (f, 1001));
}

/* What was held back is to be told first, so that it is over is not known yet. */
static void
test_restarts_held_back (Fixture *f, gconstpointer data)
{
  gsize before = memory ();

  f->refusing = TRUE;
  send_data (f, WHOLE, f->tsn++, 1, 0);
  for (guint i = 0; i < flood () / 6; i++)
    restart (f, 1000 + i);
  assert_grown_less (before, 4 * MIB);
  f->refusing = FALSE;
  dc_sctp_association_resume (f->us.association);
  g_assert_cmpint (f->state, ==, DC_SCTP_ABORTED);
}

/* usrsctp 0.9.5 would never come back from there. */
static void
test_endless (Fixture *f, gconstpointer data)
{
  for (guint length = 0; length < 4; length++) {
    send_init (f, 1);
    f->packet->data[HEADER + 20 + 3] = (guint8) length;
    send_packet (f);
  }
  send_data (f, WHOLE, f->tsn++, 1, 0);
  g_assert_cmpuint (f->n_messages, ==, 1);
}

/* The tag of a packet that comes late must not be taken for the association's. */
static void
test_late_init (Fixture *f, gconstpointer data)
{
  guint32 tag;

  f->us.association->has_tag = FALSE; /* as right at the beginning */
  send_init (f, 1);
  g_assert_false (f->us.association->has_tag);
  send_data (f, WHOLE, f->tsn++, 1, 0);
  g_assert_true (f->us.association->has_tag);
  memcpy (&tag, f->header + 4, sizeof tag);
  g_assert_cmpuint (f->us.association->tag, ==, tag);
}

static void
test_add (const char *path, gconstpointer data, void (*test) (Fixture *f, gconstpointer data))
{
  g_test_add (path, Fixture, data, set_up, test, tear_down);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  dc_sctp_stack_stop_clock ();
  test_add ("/sctp-hostile/no-room", NULL, test_no_room);
  test_add ("/sctp-hostile/no-room/twice", GUINT_TO_POINTER (TRUE), test_no_room);
  test_add ("/sctp-hostile/probes", NULL, test_probes);
  test_add ("/sctp-hostile/beginnings", NULL, test_beginnings);
  test_add ("/sctp-hostile/beginnings/unordered", GUINT_TO_POINTER (TRUE), test_beginnings);
  test_add ("/sctp-hostile/gap", NULL, test_gap);
  test_add ("/sctp-hostile/streams", NULL, test_streams);
  test_add ("/sctp-hostile/resets-held-back", NULL, test_resets_held_back);
  test_add ("/sctp-hostile/reset-all", NULL, test_reset_all);
  test_add ("/sctp-hostile/reset-wanted", NULL, test_reset_wanted);
  test_add ("/sctp-hostile/many-chunks/heartbeat", GUINT_TO_POINTER (HEARTBEAT), test_many_chunks);
  test_add ("/sctp-hostile/many-chunks/unknown", GUINT_TO_POINTER (0xfe), test_many_chunks);
  test_add ("/sctp-hostile/ports", NULL, test_ports);
  test_add ("/sctp-hostile/restart", NULL, test_restart);
  test_add ("/sctp-hostile/restart/held-back", NULL, test_restarts_held_back);
  test_add ("/sctp-hostile/endless", NULL, test_endless);
  test_add ("/sctp-hostile/late-init", NULL, test_late_init);
  return g_test_run ();
}
