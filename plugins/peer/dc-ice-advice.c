/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-ice-advice.c: why two sides find no path, and what would help, in words.
 *
 * What one side knows: which candidates both have, and how its own NAT maps; how the other's does if it says so. From an address-dependent mapping
 * ("symmetric") a path is found to any NAT that lets in whom it has written to by address; so where none is found the other one looks at the
 * port too, or is symmetric itself (RFC 4787, RFC 5128). Filters cannot be seen, so that what is said of them is a conclusion. */
#include "plugins/peer/dc-ice-advice.h"

#define NEEDS_TURN "a TURN server is needed (--turn-server)"

/* A side whose addresses mean nothing outside its own network. */
static gboolean
is_hidden (DcCandidateSet set, DcNatMapping nat)
{
  return (set & (DC_CANDIDATES_SRFLX | DC_CANDIDATES_RELAY | DC_CANDIDATES_PUBLIC)) == 0 && nat != DC_NAT_MAPPING_NONE;
}

/* Each has addresses, and none of a family of the other's. */
static gboolean
are_foreign (DcCandidateSet a, DcCandidateSet b)
{
  const DcCandidateSet families = DC_CANDIDATES_IPV4 | DC_CANDIDATES_IPV6;

  return (a & families) != 0 && (b & families) != 0 && (a & b & families) == 0;
}

static char *
advise_on_turn (const DcIceSituation *s)
{
  if (s->turn_problem != NULL)
    return g_strdup_printf ("no TURN server gave us a relay: %s", s->turn_problem);
  return g_strdup ("no TURN server gave us a relay; check that it can be reached, and the user name and password");
}

/* Neither side has a relay, and we were to look for none. */
static const char *
advise_on_nats (const DcIceSituation *s)
{
  gboolean our_symmetric = s->our_nat == DC_NAT_MAPPING_ADDRESS_DEPENDENT;
  gboolean their_symmetric = s->their_nat == DC_NAT_MAPPING_ADDRESS_DEPENDENT;

  if (our_symmetric && their_symmetric)
    return "both NATs are symmetric: " NEEDS_TURN;
  if (our_symmetric)
    return "our NAT is symmetric, and the other side's lets nobody in whom it has not written to at that "
           "port: " NEEDS_TURN;
  if (their_symmetric)
    return "the other side's NAT is symmetric, and ours lets nobody in whom we have not written to at that "
           "port: " NEEDS_TURN;
  return "the NATs or firewalls of the two sides do not let each other in: " NEEDS_TURN;
}

static const char *
advise_on_hidden (const DcIceSituation *s)
{
  if (is_hidden (s->ours, s->our_nat) && s->asks_stun && !s->stun_answers)
    return "no STUN server answers us, so this network seems to let no UDP out: a TURN server over TLS is needed "
           "(--turn-server turns://...)";
  if (is_hidden (s->ours, s->our_nat) && !s->asks_stun)
    return "we could name only addresses of our own network: a STUN server is needed (--stun-server)";
  if (is_hidden (s->theirs, s->their_nat))
    return "the other side named only addresses of its own network: it needs a STUN server that answers it, or a TURN "
           "server";
  return NULL;
}

char *
dc_ice_advise (const DcIceSituation *s)
{
  const char *hidden = advise_on_hidden (s);

  if (s->relay_only && !(s->ours & DC_CANDIDATES_RELAY))
    return advise_on_turn (s);
  if (are_foreign (s->ours, s->theirs))
    return g_strdup ("one side has only IPv4, the other only IPv6: a TURN server that has both is needed");
  if (s->theirs == 0)
    return g_strdup ("the other side has named no address; it may be waiting for a TURN server that it does not reach");
  if (s->ours & DC_CANDIDATES_RELAY)
    return g_strdup ("our TURN server relays for us, but nothing comes from the other side through it");
  if (s->theirs & DC_CANDIDATES_RELAY)
    return g_strdup ("a TURN server relays for the other side, but nothing of ours gets there");
  if (s->asks_turn)
    return advise_on_turn (s);
  return g_strdup (hidden != NULL ? hidden : advise_on_nats (s));
}
