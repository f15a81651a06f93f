/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-signaling-uri.h: the address of a signaling server as a person writes it. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

#define DC_SIGNALING_DEFAULT_PORT 8443

/*
 * Read: ws://, wss://, http:// or https://, then HOST[:PORT][/PREFIX]; a scheme without a port means 80 or 443.
 *       HOST[:PORT][/PREFIX] alone means ws:// and port 8443. IPv6 hosts stand in brackets; without a port they need none.
 */
typedef struct {
  char *host;   /* without brackets; names in their ASCII form */
  guint16 port; /* never 0 */
  char *prefix; /* "" or "/path", no slash at the end, percent-encoded */
  gboolean tls;
  gboolean http; /* http:// or https:// was written: polling only */
} DcSignalingUri;

DcSignalingUri *dc_signaling_uri_parse (const char *text, GError **error);
void dc_signaling_uri_free (DcSignalingUri *uri);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcSignalingUri, dc_signaling_uri_free)

/* "ws://host:port/prefix" + @path; a port that the scheme implies is left out. @http chooses http(s):// over ws(s)://. */
char *dc_signaling_uri_build (const DcSignalingUri *uri, gboolean http, const char *path);

G_END_DECLS
