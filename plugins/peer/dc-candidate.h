/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-candidate.h: an ICE candidate line taken apart (RFC 8839, section 5.1). */
#pragma once

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct {
  char *foundation;
  guint component;
  char *protocol; /* upper case: "UDP" or "TCP" */
  guint priority;
  char *address;
  guint port;
  char *type;         /* "host", "srflx", "prflx", "relay" */
  char *base_address; /* (nullable): raddr, what a srflx, prflx or relay candidate hides */
  guint base_port;    /* rport */
  char *tcptype;      /* (nullable) */
} DcCandidate;

/* Takes "candidate:...", also with "a=" before it. NULL with DC_ERROR_DATA if it is no candidate. */
DcCandidate *dc_candidate_parse (const char *text, GError **error);
void dc_candidate_free (DcCandidate *candidate);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcCandidate, dc_candidate_free)

/* TRUE if the address is a name of multicast DNS (RFC 8828), which must be resolved first. */
gboolean dc_candidate_is_mdns (const DcCandidate *candidate);
/* The same line with another address, "candidate:..." (transfer full). */
char *dc_candidate_line_with_address (const char *text, const char *address);
/* Adds the fields that dc-event.h lists for local-candidate and remote-candidate. */
void dc_candidate_to_structure (const DcCandidate *candidate, GstStructure *structure);

G_END_DECLS
