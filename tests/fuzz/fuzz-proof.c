/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-proof.c: messages of a proof from a stranger: each is two bytes of size and its bytes. None makes us believe him. */
#include "plugins/peer/dc-proof.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const uint8_t scalar[32] = {7};
  DcProof *proof = dc_proof_new ("correct horse", "AA:AA", "BB:BB", "data", scalar);
  guint sent = 0;

  while (size >= 2) {
    gsize length = MIN ((gsize) (data[0] & 0x7f) << 8 | data[1], size - 2);
    g_autoptr (GBytes) message = g_bytes_new (data + 2, length);
    g_autoptr (GError) error = NULL;
    GBytes *answer;
    g_assert_true (dc_proof_receive (proof, message, &error) == (error == NULL));
    while ((answer = dc_proof_poll (proof)) != NULL) {
      g_bytes_unref (answer);
      sent++;
    }
    data += 2 + length;
    size -= 2 + length;
  }
  g_assert_cmpuint (sent, <=, 2);
  g_assert_false (dc_proof_is_done (proof));
  dc_proof_free (proof);
  return 0;
}
