/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-cpace.h: CPace: a common key for two who know the same passphrase, and nothing for anybody else (draft-irtf-cfrg-cpace). */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Its cipher suite CPACE-RISTR255-SHA512, in which both sides run at once ("parallel execution"). The group is libsodium's. */
#define DC_CPACE_SHARE_SIZE 32
#define DC_CPACE_KEY_SIZE 64

/* One side of one run. No state but this; not to be used twice. */
typedef struct {
  GBytes *sid;
  guint8 scalar[DC_CPACE_SHARE_SIZE];
  guint8 share[DC_CPACE_SHARE_SIZE]; /* to be sent */
} DcCpace;

/* Appends the length (LEB128), and then the bytes. */
void dc_cpace_append (GByteArray *to, gconstpointer bytes, gsize size);
/* Appends the larger of the two, as bytes compare, first: both sides get the same. */
void dc_cpace_append_ordered (GByteArray *to, GByteArray *a, GByteArray *b);

/* @secret: what both know (PRS); @channel: what the two sides are and see (CI); @sid: of this run, may be empty; @scalar: (nullable): for
 * test vectors only. FALSE: libsodium cannot be initialised, or, with a probability of 2^-252, start again. */
gboolean dc_cpace_init (DcCpace *self, GBytes *secret, GBytes *channel, GBytes *sid, const guint8 *scalar);
/* @theirs: the share that came; @own_data, @their_data: (nullable): associated data of each share. FALSE: it is no share, or a worthless one:
 * break off. */
gboolean dc_cpace_derive (
    const DcCpace *self, GBytes *own_data, const guint8 *theirs, GBytes *their_data, guint8 key[DC_CPACE_KEY_SIZE]);
/* What proves that a side has the key: a code over the share that it sent. */
void dc_cpace_confirm (const DcCpace *self, const guint8 key[DC_CPACE_KEY_SIZE], const guint8 *share, GBytes *data,
    guint8 code[DC_CPACE_KEY_SIZE]);
/* Forgets what is secret. */
void dc_cpace_clear (DcCpace *self);

G_END_DECLS
