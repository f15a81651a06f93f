/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-lab-side.h: a network namespace with a TUN device, and the address of that device. */
#pragma once

#include "tests/netlab/dc-lab-error.h"

G_BEGIN_DECLS

#define DC_LAB_DEVICE "lab0"

typedef struct {
  int namespace; /* for setns() */
  int tun;       /* packets without a head before them; does not block */
  char *ipv4;    /* its address */
  char *ipv6;    /* (nullable) */
  char device[16];
} DcLabSide;

/* The calling process is in the new namespace afterwards. @ipv6: (nullable): none, and no packets of IPv6 either. */
gboolean dc_lab_side_open (DcLabSide *side, const char *ipv4, const char *ipv6, guint mtu, GError **error);
/* Only makes the device, in a namespace that is there: /run/netns/NAME; its addresses are somebody else's. The calling process is in that
 * namespace afterwards. */
gboolean dc_lab_side_join (DcLabSide *side, const char *path, const char *device, guint mtu, GError **error);
void dc_lab_side_close (DcLabSide *side);
/* Takes the address of that family from the device and gives it @address: what a change of network is to the programs.
 * The calling process is in the namespace afterwards. */
gboolean dc_lab_side_set_address (DcLabSide *side, const char *address, GError **error);
/* Packets that the device dropped since they were not read in time. The calling process is in the namespace afterwards. */
guint64 dc_lab_side_get_overruns (DcLabSide *side);

G_END_DECLS
