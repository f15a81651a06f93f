/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-receiver.h: the receiving half of a link; private to the link. */
#pragma once

#include "plugins/link/dc-frame.h"
#include "plugins/link/dc-item.h"

G_BEGIN_DECLS

typedef struct {
  guint32 window_bytes, window_frames;
  gsize max_item;

  /* Each at or before the next: told to the far side by CREDIT, consumed by the application, popped by it, received */
  DcPosition told, consumed, popped, received;

  GQueue items;       /* whole, not popped */
  gsize queued_bytes; /* payload that was received and not consumed */
  gsize popped_bytes; /* that part of it which was popped */
  gboolean popped_ack_now, consumed_ack_now;

  DcLinkItem *partial; /* whose fragments are coming in, or NULL */
  guint8 *buffer;      /* its payload so far */
  gsize filled, capacity;
  gsize total; /* its payload when it is whole */
  gboolean partial_ack_now;

  gboolean fin_received, fin_popped, fin_accepted;

  guint64 items_received, payload_received;
} DcReceiver;

void dc_receiver_init (DcReceiver *self, guint32 window_bytes, guint32 window_frames, gsize max_item);
void dc_receiver_clear (DcReceiver *self);
/* The far HELLO says with which number it begins. */
void dc_receiver_open (DcReceiver *self, guint32 first_sequence);

/* A sequenced frame of @message. */
gboolean dc_receiver_take (DcReceiver *self, const DcFrame *frame, GBytes *message, GError **error);
DcLinkItem *dc_receiver_pop (DcReceiver *self);
void dc_receiver_consume (DcReceiver *self);

/* Credit that could be given back, and whether it should be at once. */
gboolean dc_receiver_has_credit (const DcReceiver *self);
gboolean dc_receiver_is_urgent (const DcReceiver *self);
/* The CREDIT that tells everything consumed; the caller sends it. */
void dc_receiver_take_credit (DcReceiver *self, DcFrameCredit *credit);

G_END_DECLS
