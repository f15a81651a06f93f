/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-pairing.h: what a peer says of itself in its meta, and who calls whom. */
#pragma once

#include <json-glib/json-glib.h>

#include "plugins/peer/dc-peer.h"

G_BEGIN_DECLS

/* A channel of webrtcbin's costs some elements and threads. */
#define DC_PROFILE_MAX_CHANNELS 128
/* As many as fit the meta of a peer. Who has more names none, and takes what others want. */
#define DC_PROFILE_MAX_TOLD 16

/* The members of a peer's meta that pairing looks at. Of a remote's channels only label, mode and wants are known. */
typedef struct {
  DcRole role;
  GPtrArray *
      channels; /* (element-type DcChannelOptions) (nullable): a peer of another make that says nothing takes whatever we want */
} DcProfile;

JsonNode *dc_profile_to_meta (const DcProfile *profile);
/* @meta: (nullable). What is missing or strange takes the default. (transfer full) */
DcProfile *dc_profile_from_meta (JsonNode *meta);
void dc_profile_free (DcProfile *profile);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcProfile, dc_profile_free)

/* TRUE if the two could use this channel of ours between them. @theirs: (nullable): not known: whatever we want. */
gboolean dc_profile_takes (const DcProfile *theirs, const DcChannelOptions *ours);
/* TRUE if the two could use a channel between them at all. @named: the user named the remote: then two offerers match too. */
gboolean dc_profile_matches (const DcProfile *ours, const DcProfile *theirs, gboolean named);
/* TRUE if it is for us to call. @they_were_first: the remote was in the room before us. */
gboolean dc_profile_should_call (
    const DcProfile *ours, const DcProfile *theirs, gboolean named, gboolean they_were_first);

G_END_DECLS
