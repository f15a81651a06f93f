/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-pairing.h: what a peer says of itself in its meta, and who calls whom. */
#pragma once

#include <json-glib/json-glib.h>

#include "plugins/peer/dc-peer.h"

G_BEGIN_DECLS

/* The members of a peer's meta that pairing looks at. A peer of another make that says nothing is taken for one that wants both. */
typedef struct {
  DcRole role;
  DcWants wants;
  DcMode mode;
  char *label;
} DcProfile;

JsonNode *dc_profile_to_meta (const DcProfile *profile);
/* @meta: (nullable). What is missing or strange takes the default, @defaults says which label and mode. (transfer full) */
DcProfile *dc_profile_from_meta (JsonNode *meta, const DcProfile *defaults);
void dc_profile_free (DcProfile *profile);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcProfile, dc_profile_free)

/* TRUE if the two could use a channel between them at all. @named: the user named the remote: then two offerers match too. */
gboolean dc_profile_matches (const DcProfile *ours, const DcProfile *theirs, gboolean named);
/* TRUE if it is for us to call. @they_were_first: the remote was in the room before us. */
gboolean dc_profile_should_call (
    const DcProfile *ours, const DcProfile *theirs, gboolean named, gboolean they_were_first);

G_END_DECLS
