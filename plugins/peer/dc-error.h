/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-error.h: the GError domain of libgstdatachannel. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/**
 * DcError:
 * @DC_ERROR_USAGE: a parameter cannot be used, or something was called out of turn
 * @DC_ERROR_SIGNALING: the signaling server cannot be reached or refused us
 * @DC_ERROR_CONNECTION: no connection to the remote peer came about
 * @DC_ERROR_IDENTITY: the remote peer is not who the signaling said
 * @DC_ERROR_PEER_GONE: the remote peer left, died or aborted after the channel was open
 * @DC_ERROR_DATA: data could not be sent or understood
 * @DC_ERROR_FLUSHING: dc_channel_set_flushing() or dc_peer_stop() ended the wait; not a fault
 *
 * What can go wrong, by what a caller would do about it.
 *
 * Each message is one sentence that says what, where and, where there is something to do, what to do. The first six are
 * dcpeer's exit codes 2 to 7 in this order.
 */
typedef enum {
  DC_ERROR_USAGE,
  DC_ERROR_SIGNALING,
  DC_ERROR_CONNECTION,
  DC_ERROR_IDENTITY,
  DC_ERROR_PEER_GONE,
  DC_ERROR_DATA,
  DC_ERROR_FLUSHING,
} DcError;

#define DC_ERROR (dc_error_quark ())
GQuark dc_error_quark (void);

G_END_DECLS
