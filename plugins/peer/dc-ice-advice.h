/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-ice-advice.h: why two sides find no path, and what would help, in words. */
#pragma once

#include "plugins/peer/dc-stun-probe.h"

G_BEGIN_DECLS

/* What candidates a side has, as a bit set. */
typedef enum {
  DC_CANDIDATES_HOST = 1 << 0,
  DC_CANDIDATES_SRFLX = 1 << 1,
  DC_CANDIDATES_PRFLX = 1 << 2,
  DC_CANDIDATES_RELAY = 1 << 3,
  DC_CANDIDATES_PUBLIC = 1 << 4, /* among those of type host is one that is no private network's */
  DC_CANDIDATES_IPV4 = 1 << 5,
  DC_CANDIDATES_IPV6 = 1 << 6,
} DcCandidateSet;

typedef struct {
  DcCandidateSet ours, theirs;
  DcNatMapping our_nat, their_nat;
  gboolean asks_stun;       /* we have a STUN server */
  gboolean stun_answers;    /* one of them, at least */
  gboolean asks_turn;       /* we have a TURN server */
  const char *turn_problem; /* (nullable): why one of them cannot be reached */
  gboolean relay_only;      /* the ICE policy allows relays only */
} DcIceSituation;

/* The end of a sentence, without a full stop. (transfer full) */
char *dc_ice_advise (const DcIceSituation *situation);

G_END_DECLS
