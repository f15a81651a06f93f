/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-proof.h: two sides of a channel prove to each other that they know the same secret and see the same two certificates. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Sans-IO: gives messages to send and takes those that came. One run on one channel; not from two threads at once. See "The proof of a secret"
 * in data/link-protocol.md. */
typedef struct _DcProof DcProof;

/* @local, @remote: fingerprints by SHA-256 of the two certificates, "AB:CD:.."; @label: the channel's; @scalar: (nullable): 32 bytes instead of
 * random ones, for test vectors only. */
DcProof *dc_proof_new (
    const char *secret, const char *local, const char *remote, const char *label, const guint8 *scalar);
void dc_proof_free (DcProof *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcProof, dc_proof_free)

/* TRUE if it is meant as a message of a proof, and not of a link. */
gboolean dc_proof_is_message (GBytes *message);
/* The next message to send; NULL: none yet. (transfer full) (nullable) */
GBytes *dc_proof_poll (DcProof *self);
/* DC_ERROR_IDENTITY with the end of a sentence about the far side ("does not ..."): the proof has failed, and nothing may be sent. */
gboolean dc_proof_receive (DcProof *self, GBytes *message, GError **error);
/* TRUE when the far side has proved it. What dc_proof_poll() still has to give must be sent first. */
gboolean dc_proof_is_done (DcProof *self);

G_END_DECLS
