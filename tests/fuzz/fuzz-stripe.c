/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-stripe.c: what comes on lanes: each is a byte (the lane, whether it is a piece, whether some is taken), two bytes of size, and its bytes. */
#include "plugins/transport/dc-stripe.h"

#include <stdint.h>

#define MAX_MESSAGE 5000u
/* Nobody is pushed to who is full. */
#define MOST (DC_STRIPE_LANES * 1200 * 1024)

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static gsize
waiting (const DcStripeMerge *merge)
{
  gsize cost = merge->part != NULL ? merge->part->len : 0;

  for (guint i = 0; i < DC_STRIPE_LANES; i++)
    cost += merge->queues[i].cost;
  return cost;
}

static void
take (DcStripeMerge *merge)
{
  DcStripeItem item;

  while (dc_stripe_merge_pop (merge, &item)) {
    g_assert_true (item.bytes != NULL || item.kind == DC_STRIPE_RESET);
    if (item.bytes != NULL)
      g_bytes_unref (item.bytes);
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  DcStripeMerge merge;
  gboolean good = TRUE;

  dc_stripe_merge_init (&merge, MAX_MESSAGE);
  while (size >= 3 && good && !merge.is_broken) {
    guint lane = data[0] % DC_STRIPE_LANES;
    gsize length = MIN ((gsize) data[1] << 8 | data[2], size - 3);
    DcStripeItem item = {
        .kind = (data[0] & 0x40) != 0 && lane == 0 ? DC_STRIPE_RESET : DC_STRIPE_MESSAGE,
        .stream = 1,
        .ppid = (data[0] & 0x20) != 0 ? 53 : DC_STRIPE_PPID,
    };

    if (item.kind == DC_STRIPE_MESSAGE)
      item.bytes = g_bytes_new (data + 3, length);
    dc_stripe_merge_open (&merge, lane);
    if (dc_stripe_merge_is_full (&merge, lane))
      g_clear_pointer (&item.bytes, g_bytes_unref);
    else
      good = dc_stripe_merge_push (&merge, lane, &item, NULL);
    g_assert_cmpuint (waiting (&merge), <, MOST);
    if (data[0] & 0x80)
      take (&merge);
    data += 3 + length;
    size -= 3 + length;
  }
  take (&merge);
  dc_stripe_merge_clear (&merge);
  return 0;
}
