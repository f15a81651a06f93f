/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-mdns.c: messages of multicast DNS that come from anybody on the local network. */
#include "plugins/peer/dc-mdns-message.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  /* Of its own, so that a step too far is seen. */
  g_autofree uint8_t *copy = g_memdup2 (data, size);
  GList *addresses = dc_mdns_read_answer (copy, size, "ab.local");

  g_assert_cmpuint (g_list_length (addresses), <=, DC_MDNS_MAX_ADDRESSES);
  for (GList *each = addresses; each != NULL; each = each->next)
    g_assert_true (G_IS_INET_ADDRESS (each->data));
  g_list_free_full (addresses, g_object_unref);
  return 0;
}
