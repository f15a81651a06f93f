/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-signaling-setup.h: a checked copy of a DcSignalingConfig; internal to signaling/client. */
#pragma once

#include "signaling/client/dc-signaling-client.h"
#include "signaling/client/dc-signaling-uri.h"

G_BEGIN_DECLS

typedef struct {
  DcSignalingUri *uri; /* NULL: there is no server */
  char *display_uri;
  char *room;
  char *id;                   /* (nullable) */
  JsonNode *meta;             /* (nullable) */
  char *token;                /* (nullable) */
  GTlsDatabase *tls_database; /* (nullable): the system's */
  GProxyResolver *proxy;
  DcSignalingTransport choice; /* AUTO only where both ways are possible */
  guint attempt_timeout_ms;
  guint keepalive;
} DcSignalingSetup;

DcSignalingSetup *dc_signaling_setup_new (const DcSignalingConfig *config, GError **error);
void dc_signaling_setup_free (DcSignalingSetup *setup);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcSignalingSetup, dc_signaling_setup_free)

G_END_DECLS
