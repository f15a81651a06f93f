/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-sctp-association.c: an association, up or still beginning, fed with whatever the far side likes. */

/*
 * The input is a program of one-byte instructions, each with its operands behind it; missing operands read as 0. The far side is an association of
 * ours, too, whose packets are passed on, or kept from coming, or changed; or a packet is made of chunks that the input has, with the ports, the
 * verification tag and the checksum right, since nothing else gets beyond the first check. Time passes by instruction. After each
 * the bounds that an association promises are checked. If the first instruction is BEGIN only ours has begun, and what it has sent waits.
 */
#include "plugins/transport/dc-crc32c.h"
#include "plugins/transport/dc-sctp-stack.h"

#include <stdint.h>
#include <string.h>

#include "tests/fuzz/fuzz-input.h"

#define MAX_INSTRUCTIONS 256
#define MAX_PACKETS 4096 /* that wait */
#define COMMON_HEADER 12
#define TYPE_DATA 0
#define TYPE_INIT 1
#define MAX_MESSAGE 16384
#define WINDOW 65536
#define BEGIN 0xef
#define INIT_TAG 16 /* in a packet with INIT */

typedef struct _Run Run;

typedef struct {
  Run *run;
  DcSctpAssociation *association;
  GQueue packets; /* (element-type GByteArray): to this one */
  gboolean lost;
  guint64 taken;
  guint refusing; /* messages, each refused until resume () */
} End;

struct _Run {
  FuzzInput input;
  End ends[2];                  /* under test, and the far side */
  guint8 header[COMMON_HEADER]; /* of the far side's packets */
  guint32 tsn;                  /* the last that the far side has used */
  GMutex lock;                  /* the pusher's thread puts packets out, too */
};

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* --- the ends --- */

/* Of what a far side would answer to our INIT. */
static void
note_init (Run *run, const DcPacket *packet)
{
  if (packet->size < INIT_TAG + 4 || packet->data[COMMON_HEADER] != TYPE_INIT)
    return;
  memcpy (run->header, packet->data, COMMON_HEADER);
  memcpy (run->header + 4, packet->data + INIT_TAG, 4);
}

static void
note_header (Run *run, const DcPacket *packet)
{
  memcpy (run->header, packet->data, COMMON_HEADER);
  if (packet->size >= COMMON_HEADER + 8 && packet->data[COMMON_HEADER] == TYPE_DATA) {
    memcpy (&run->tsn, packet->data + COMMON_HEADER + 4, sizeof run->tsn);
    run->tsn = GUINT32_FROM_BE (run->tsn);
  }
}

static void
output_cb (DcPacket *packets, guint n, gpointer user_data)
{
  End *self = user_data;
  Run *run = self->run;
  End *far = self == &run->ends[0] ? &run->ends[1] : &run->ends[0];

  g_mutex_lock (&run->lock);
  for (guint i = 0; i < n; i++) {
    if (self == &run->ends[1])
      note_header (run, &packets[i]);
    else
      note_init (run, &packets[i]);
    if (far->packets.length < MAX_PACKETS)
      g_queue_push_tail (
          &far->packets, g_byte_array_append (g_byte_array_new (), packets[i].data, (guint) packets[i].size));
  }
  g_mutex_unlock (&run->lock);
}

static gboolean
message_cb (guint16 stream, guint32 ppid, gboolean unordered, GBytes *message, gpointer user_data)
{
  End *self = user_data;

  g_assert_cmpuint (g_bytes_get_size (message), >, 0);
  g_assert_cmpuint (g_bytes_get_size (message), <=, MAX_MESSAGE);
  self->taken += g_bytes_get_size (message);
  g_bytes_unref (message);
  if (self->refusing == 0)
    return TRUE;
  self->refusing--;
  return FALSE;
}

static void
reset_cb (guint16 stream, gpointer user_data)
{
}

static void
state_cb (DcSctpState state, gpointer user_data)
{
}

static void
writable_cb (gpointer user_data)
{
}

static GByteArray *
next_packet (Run *run, End *self)
{
  GByteArray *packet;

  g_mutex_lock (&run->lock);
  packet = g_queue_pop_head (&self->packets);
  g_mutex_unlock (&run->lock);
  return packet;
}

static void
give (End *self, GByteArray *packet)
{
  DcPacket given = {packet->data, packet->len};

  dc_sctp_association_input (self->association, &given, 1);
}

static void
pass_on (Run *run, guint n)
{
  for (guint i = 0; i < n; i++)
    for (guint e = 0; e < 2; e++) {
      g_autoptr (GByteArray) packet = next_packet (run, &run->ends[e]);

      if (packet != NULL)
        give (&run->ends[e], packet);
    }
}

static void
connect (Run *run)
{
  gboolean begins = run->input.left > 0 && run->input.bytes[0] == BEGIN;
  static const DcSctpCallbacks callbacks = {output_cb, message_cb, reset_cb, reset_cb, state_cb, writable_cb};
  DcSctpSettings settings;

  dc_sctp_settings_init (&settings);
  settings.max_message_size = MAX_MESSAGE;
  settings.receive_window = settings.send_buffer = WINDOW;
  settings.streams = 16;
  for (guint e = 0; e < 2; e++) {
    run->ends[e].run = run;
    run->ends[e].association = dc_sctp_association_new (&settings, &callbacks, &run->ends[e], NULL);
    g_assert_nonnull (run->ends[e].association);
  }
  dc_sctp_association_connect (run->ends[0].association);
  if (begins)
    return;
  dc_sctp_association_connect (run->ends[1].association);
  pass_on (run, 16);
  g_assert_cmpint (dc_sctp_association_get_state (run->ends[0].association), ==, DC_SCTP_UP);
}

/* --- instructions --- */

/* The next packet, with bits turned, and its sum right again. */
static void
change (Run *run)
{
  g_autoptr (GByteArray) packet = next_packet (run, &run->ends[0]);
  guint n = fuzz_byte (&run->input) % 8;

  for (; packet != NULL && n > 0; n--) {
    guint at = fuzz_short (&run->input);

    packet->data[COMMON_HEADER + at % (packet->len - COMMON_HEADER)] ^= fuzz_byte (&run->input);
  }
  if (packet == NULL)
    return;
  dc_crc32c_put (packet->data, packet->len);
  give (&run->ends[0], packet);
}

/* How the header of a packet is to be wrong. */
typedef enum {
  HEADER_RIGHT,
  HEADER_TAGLESS, /* as of an INIT */
  HEADER_PORTS,
  HEADER_SHORT, /* there is none but what the input has */
} Header;

static void
spoil (GByteArray *packet, Header header)
{
  if (header == HEADER_TAGLESS)
    memset (packet->data + 4, 0, 4);
  else if (header == HEADER_PORTS)
    packet->data[1] ^= 1;
  else if (header == HEADER_SHORT)
    g_byte_array_remove_range (packet, 0, COMMON_HEADER);
}

/* Up to so many bytes of the input, behind a header. */
static void
make (Run *run, gboolean with_tsn, Header header)
{
  g_autoptr (GByteArray) packet = g_byte_array_new ();
  gsize size = fuzz_short (&run->input) % 1300;
  const guint8 *bytes = fuzz_bytes (&run->input, &size);

  g_mutex_lock (&run->lock);
  g_byte_array_append (packet, run->header, COMMON_HEADER);
  if (size > 0)
    g_byte_array_append (packet, bytes, (guint) size);
  /* Where a DATA, I-DATA or FORWARD-TSN chunk has its TSN: a distance from the far side's. */
  if (with_tsn && packet->len >= COMMON_HEADER + 8) {
    guint32 tsn = GUINT32_TO_BE (run->tsn + (gint8) packet->data[COMMON_HEADER + 7]);

    memcpy (packet->data + COMMON_HEADER + 4, &tsn, sizeof tsn);
  }
  g_mutex_unlock (&run->lock);
  spoil (packet, header);
  if (packet->len >= COMMON_HEADER)
    dc_crc32c_put (packet->data, packet->len);
  give (&run->ends[0], packet);
}

static void
send_message (Run *run, End *self)
{
  static const guint8 bytes[MAX_MESSAGE];
  guint what = fuzz_byte (&run->input);
  DcSctpSendInfo info = {
      .stream = what & 0x0f,
      .ppid = 53,
      .unordered = (what & 0x10) != 0,
      .reliability = (what >> 5) % 3,
      .limit = what >> 7,
  };

  dc_sctp_association_send (self->association, &info, bytes, 1 + fuzz_short (&run->input) % sizeof bytes);
}

/* What is rarer, by the upper half of the instruction. */
static void
act_rarely (Run *run, guint what)
{
  switch (what) {
    case 1:
    case 2:
    case 3:
      make (run, FALSE, (Header) (HEADER_RIGHT + what));
      break;
    case 4: /* are no more, but the operands of inputs that were kept go on to be theirs */
    case 5:
      fuzz_short (&run->input);
      break;
    case 6:
      dc_sctp_association_connect (run->ends[1].association);
      break;
    case 15:
      dc_sctp_association_abort (run->ends[fuzz_byte (&run->input) & 1].association);
      break;
    default:
      break;
  }
}

static void
act (Run *run)
{
  guint instruction = fuzz_byte (&run->input);
  End *self = &run->ends[instruction >> 7];

  switch (instruction & 0x0f) {
    case 0:
    case 1:
    case 2:
      make (run, FALSE, HEADER_RIGHT);
      break;
    case 3:
    case 4:
      make (run, TRUE, HEADER_RIGHT);
      break;
    case 5:
      change (run);
      break;
    case 6:
    case 7:
      pass_on (run, 1 + (instruction >> 4 & 7) * 4);
      break;
    case 8:
    case 9:
      send_message (run, self);
      break;
    case 10:
      dc_sctp_stack_advance (1 + fuzz_byte (&run->input) * 20);
      break;
    case 11:
      dc_sctp_association_reset_stream (self->association, fuzz_byte (&run->input) & 0x0f);
      break;
    case 12:
      self->refusing = fuzz_byte (&run->input) & 3;
      dc_sctp_association_resume (self->association);
      break;
    case 13:
      g_clear_pointer (&(GByteArray *){next_packet (run, self)}, g_byte_array_unref);
      break;
    case 14:
      dc_sctp_association_shut (self->association);
      break;
    default:
      act_rarely (run, instruction >> 4);
      break;
  }
}

static void
check (Run *run)
{
  DcSctpStats stats;

  dc_sctp_association_get_stats (run->ends[0].association, &stats);
  g_assert_cmpuint (stats.buffered, <=, 4 * WINDOW);
  g_assert_cmpuint (stats.bytes_received, <=, run->ends[0].taken + 2 * WINDOW);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  Run run = {.input = {data, size}};

  dc_sctp_stack_stop_clock ();
  g_mutex_init (&run.lock);
  connect (&run);
  for (guint i = 0; i < MAX_INSTRUCTIONS && run.input.left > 0; i++) {
    act (&run);
    check (&run);
  }
  for (guint e = 0; e < 2; e++)
    dc_sctp_association_unref (run.ends[e].association);
  for (guint e = 0; e < 2; e++)
    g_queue_clear_full (&run.ends[e].packets, (GDestroyNotify) g_byte_array_unref);
  g_mutex_clear (&run.lock);
  dc_sctp_stack_advance (100);
  return 0;
}
