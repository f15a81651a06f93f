/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-input.h: the input of a fuzz target, taken piece by piece. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  const guint8 *bytes;
  gsize left;
} FuzzInput;

/* 0 where there is no more. */
guint8 fuzz_byte (FuzzInput *input);
guint fuzz_short (FuzzInput *input);
/* Up to *@size bytes, which becomes how many they are. (transfer none) */
const guint8 *fuzz_bytes (FuzzInput *input, gsize *size);

G_END_DECLS
