/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-stun-probe.h: which STUN servers answer, and how the NAT before us maps. */
#pragma once

#include <gio/gio.h>
#include <gst/gst.h>

#include "signaling/protocol/dc-ice-server.h"

G_BEGIN_DECLS

/* How a NAT chooses the outer port of one of our ports (RFC 4787, section 4.1). */
typedef enum {
  DC_NAT_MAPPING_UNKNOWN,
  DC_NAT_MAPPING_NONE,                 /* there is no NAT: an address of ours is what others see */
  DC_NAT_MAPPING_ENDPOINT_INDEPENDENT, /* the same for all destinations ("cone") */
  DC_NAT_MAPPING_ADDRESS_DEPENDENT,    /* another for each destination, or each port of it ("symmetric") */
} DcNatMapping;

typedef struct _DcStunProbe DcStunProbe;

/* In the main context that was thread-default when the probe was made; not before dc_stun_probe_new() has returned, nor after
 * dc_stun_probe_free(). */
typedef struct {
  /* "stun-answered", "stun-failed" and "nat" (see dc-event.h), transfer full */
  void (*event) (GstStructure *event, gpointer user_data);
  /* Once: the first of the servers that answers, before those after it in time or not much later; the first of all if none does (of one alone, soon). */
  void (*decided) (guint server, gpointer user_data);
  /* Once, if it becomes known. */
  void (*mapped) (DcNatMapping mapping, gpointer user_data);
} DcStunProbeCallbacks;

/* @servers: (element-type DcIceServer): in the order in which they are wanted, not empty; kept as they are meanwhile. @sources: (element-type
 * utf8) (nullable): the only addresses of ours to ask from; the first of each family is used. @start: that events count from. */
DcStunProbe *dc_stun_probe_new (GPtrArray *servers, const GPtrArray *sources, gint64 start,
    const DcStunProbeCallbacks *callbacks, gpointer user_data);
/* The address by which a server has answered; NULL: it has not (yet). */
GInetAddress *dc_stun_probe_get_address (DcStunProbe *self, guint server);
void dc_stun_probe_free (DcStunProbe *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcStunProbe, dc_stun_probe_free)

/* The names of the mappings: "none", "endpoint-independent", "address-dependent"; NULL: unknown. */
const char *dc_nat_mapping_to_string (DcNatMapping mapping);
/* DC_NAT_MAPPING_UNKNOWN for what is no such name. @text: (nullable) */
DcNatMapping dc_nat_mapping_from_string (const char *text);

G_END_DECLS
