/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-input.c: the input of a fuzz target, taken piece by piece. */
#include "tests/fuzz/fuzz-input.h"

guint8
fuzz_byte (FuzzInput *input)
{
  if (input->left == 0)
    return 0;
  input->left--;
  return *input->bytes++;
}

guint
fuzz_short (FuzzInput *input)
{
  guint high = fuzz_byte (input);

  return high << 8 | fuzz_byte (input);
}

const guint8 *
fuzz_bytes (FuzzInput *input, gsize *size)
{
  const guint8 *bytes = input->bytes;

  *size = MIN (*size, input->left);
  input->bytes += *size;
  input->left -= *size;
  return bytes;
}
