/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-proof.c: two sides of a channel prove to each other that they know the same secret and see the same two certificates.
 *
 * Theory of operation
 * -------------------
 * DTLS tells each side that it talks to the owner of a certificate, and the SDP says of which. But the SDP came through a server, which
 * could have put its own certificates there and sit in the middle. A secret that both users know shows it: each side puts both
 * fingerprints, as it sees them, into a run of CPace; with somebody between they are not the same, and no common key comes out.
 *
 *   start --> SHARE out                                        at once, both sides
 *   SHARE in --> key --> CONFIRMATION out                      over our share, which only who has the key can make
 *   CONFIRMATION in, and right --> done                        else it has failed, for good
 *
 * Our confirmation lets a stranger who took part try one guess at the secret, no more; a failure is told to the user. Our own share sent back to
 * us would make a key too, so it is refused. */
#include "plugins/peer/dc-proof.h"

#include <sodium.h>
#include <string.h>

#include "plugins/peer/dc-cpace.h"
#include "plugins/peer/dc-error.h"

#define CONTEXT "datachannel.proof.v1"

struct _DcProof {
  DcCpace cpace;
  guint8 key[DC_CPACE_KEY_SIZE];
  guint8 theirs[DC_CPACE_SHARE_SIZE];
  GQueue outgoing; /* (element-type GBytes) */
  gboolean has_key, done;
};

#define HEADER_SIZE 8u
#define VERSION 1

typedef enum { SHARE = 1, CONFIRMATION = 2 } Kind;

static const guint8 magic[] = {'D', 'C', 'P', 'F'};

gboolean
dc_proof_is_message (GBytes *message)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (message, &size);

  return size >= sizeof magic && memcmp (data, magic, sizeof magic) == 0;
}

static void
queue (DcProof *self, Kind kind, const guint8 *body, gsize size)
{
  GByteArray *message = g_byte_array_new ();
  const guint8 rest[] = {VERSION, (guint8) kind, 0, 0};

  g_byte_array_append (message, magic, sizeof magic);
  g_byte_array_append (message, rest, sizeof rest);
  g_byte_array_append (message, body, (guint) size);
  g_queue_push_tail (&self->outgoing, g_byte_array_free_to_bytes (message));
}

/* The same for both sides: what is run, for which channel, between which certificates. */
static GBytes *
describe (const char *local, const char *remote, const char *label)
{
  g_autoptr (GByteArray) ours = g_byte_array_new (), theirs = g_byte_array_new ();
  GByteArray *channel = g_byte_array_new ();

  dc_cpace_append (channel, CONTEXT, strlen (CONTEXT));
  dc_cpace_append (channel, label, strlen (label));
  dc_cpace_append (ours, local, strlen (local));
  dc_cpace_append (theirs, remote, strlen (remote));
  dc_cpace_append_ordered (channel, ours, theirs);
  return g_byte_array_free_to_bytes (channel);
}

DcProof *
dc_proof_new (const char *secret, const char *local, const char *remote, const char *label, const guint8 *scalar)
{
  g_autoptr (GBytes) known = g_bytes_new (secret, strlen (secret));
  g_autoptr (GBytes) channel = describe (local, remote, label);
  g_autoptr (GBytes) none = g_bytes_new (NULL, 0);
  DcProof *self = g_new0 (DcProof, 1);

  g_queue_init (&self->outgoing);
  if (!dc_cpace_init (&self->cpace, known, channel, none, scalar))
    g_error ("libsodium finds no random numbers on this machine");
  queue (self, SHARE, self->cpace.share, sizeof self->cpace.share);
  return self;
}

void
dc_proof_free (DcProof *self)
{
  dc_cpace_clear (&self->cpace);
  sodium_memzero (self->key, sizeof self->key);
  g_queue_clear_full (&self->outgoing, (GDestroyNotify) g_bytes_unref);
  g_free (self);
}

GBytes *
dc_proof_poll (DcProof *self)
{
  return g_queue_pop_head (&self->outgoing);
}

static gboolean
refuse (GError **error, const char *sentence)
{
  g_set_error_literal (error, DC_ERROR, DC_ERROR_IDENTITY, sentence);
  return FALSE;
}

static gboolean
take_share (DcProof *self, const guint8 *share, GError **error)
{
  guint8 code[DC_CPACE_KEY_SIZE];

  if (self->has_key)
    return refuse (error, "began the proof of the secret a second time");
  if (memcmp (share, self->cpace.share, DC_CPACE_SHARE_SIZE) == 0
      || !dc_cpace_derive (&self->cpace, NULL, share, NULL, self->key))
    return refuse (error, "sent a worthless proof of the secret: somebody may sit between");
  self->has_key = TRUE;
  memcpy (self->theirs, share, sizeof self->theirs);
  dc_cpace_confirm (&self->cpace, self->key, self->cpace.share, NULL, code);
  queue (self, CONFIRMATION, code, sizeof code);
  return TRUE;
}

static gboolean
take_confirmation (DcProof *self, const guint8 *code, GError **error)
{
  guint8 wanted[DC_CPACE_KEY_SIZE];

  if (!self->has_key || self->done)
    return refuse (error, "sent its proof of the secret out of turn");
  dc_cpace_confirm (&self->cpace, self->key, self->theirs, NULL, wanted);
  if (sodium_memcmp (code, wanted, sizeof wanted) != 0)
    return refuse (error, "has another secret than we, or somebody sits between");
  self->done = TRUE;
  return TRUE;
}

gboolean
dc_proof_receive (DcProof *self, GBytes *message, GError **error)
{
  gsize size;
  const guint8 *data = g_bytes_get_data (message, &size);

  if (!dc_proof_is_message (message) || size < HEADER_SIZE)
    return refuse (error, "gives no proof of the secret: it was given none");
  if (data[4] != VERSION)
    return refuse (error, "proves its secret in another way than we: one of the two is an older version");
  if (data[5] == SHARE && size == HEADER_SIZE + DC_CPACE_SHARE_SIZE)
    return take_share (self, data + HEADER_SIZE, error);
  if (data[5] == CONFIRMATION && size == HEADER_SIZE + DC_CPACE_KEY_SIZE)
    return take_confirmation (self, data + HEADER_SIZE, error);
  return refuse (error, "sent a proof of the secret that cannot be read");
}

gboolean
dc_proof_is_done (DcProof *self)
{
  return self->done;
}
