/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gst-dtls-process.h: what all DTLS connections of a process share: a certificate, and who waits for their timers. */
#pragma once

#include "plugins/transport/dc-dtls-certificate.h"

G_BEGIN_DECLS

/* Made when it is first wanted, and anew every few days: who wants to have one keeps it. (transfer full); NULL and @error: none can be made. */
DcDtlsCertificate *gst_dc_dtls_process_get_certificate (GError **error);

/* Calls @func when it is time, which g_source_set_ready_time() says, once each time; on a thread of all timers, where it must not wait for anything.
 * Until g_source_destroy(). (transfer full) */
GSource *gst_dc_dtls_process_new_timer (GSourceFunc func, gpointer user_data, GDestroyNotify destroy);

G_END_DECLS
