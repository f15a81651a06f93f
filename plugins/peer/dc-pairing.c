/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-pairing.c: what a peer says of itself in its meta, and who calls whom.
 *
 * Both sides decide by the same rules from the same facts, so that exactly one calls:
 *   offerer - answerer, offerer - auto, auto - answerer   the first of the two calls
 *   auto - auto                                           the one who came later calls
 *   offerer - offerer                                     no match, unless the user named the remote: then both call, and the
 *                                                         smaller id's offer stands (see dc-peer-room.c)
 *   answerer - answerer                                   nobody can call: no match */
#include "plugins/peer/dc-pairing.h"

static const char *const role_names[] = {"auto", "offerer", "answerer"};
static const char *const mode_names[] = {"link", "raw"};
static const char *const wants_names[] = {"none", "send", "receive", "both"};
G_STATIC_ASSERT (G_N_ELEMENTS (role_names) == DC_ROLE_ANSWERER + 1);
G_STATIC_ASSERT (G_N_ELEMENTS (mode_names) == DC_MODE_RAW + 1);
G_STATIC_ASSERT (G_N_ELEMENTS (wants_names) == DC_WANTS_BOTH + 1);

static guint
index_of (const char *const *names, guint n_names, const char *name, guint fallback)
{
  for (guint i = 0; name != NULL && i < n_names; i++)
    if (g_str_equal (names[i], name))
      return i;
  return fallback;
}

JsonNode *
dc_profile_to_meta (const DcProfile *profile)
{
  JsonObject *object = json_object_new ();
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);

  json_object_set_string_member (object, "role", role_names[profile->role]);
  json_object_set_string_member (object, "wants", wants_names[profile->wants]);
  json_object_set_string_member (object, "mode", mode_names[profile->mode]);
  json_object_set_string_member (object, "label", profile->label);
  json_node_take_object (node, object);
  return node;
}

static const char *
string_member (JsonObject *object, const char *name)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;

  return node != NULL && json_node_get_value_type (node) == G_TYPE_STRING ? json_node_get_string (node) : NULL;
}

DcProfile *
dc_profile_from_meta (JsonNode *meta, const DcProfile *defaults)
{
  JsonObject *object = meta != NULL && JSON_NODE_HOLDS_OBJECT (meta) ? json_node_get_object (meta) : NULL;
  const char *label = string_member (object, "label");
  DcProfile *profile = g_new0 (DcProfile, 1);

  profile->role = index_of (role_names, G_N_ELEMENTS (role_names), string_member (object, "role"), DC_ROLE_AUTO);
  profile->wants = index_of (wants_names, G_N_ELEMENTS (wants_names), string_member (object, "wants"), DC_WANTS_BOTH);
  profile->mode = index_of (mode_names, G_N_ELEMENTS (mode_names), string_member (object, "mode"), defaults->mode);
  profile->label = g_strdup (label != NULL ? label : defaults->label);
  return profile;
}

void
dc_profile_free (DcProfile *profile)
{
  g_free (profile->label);
  g_free (profile);
}

gboolean
dc_profile_matches (const DcProfile *ours, const DcProfile *theirs, gboolean named)
{
  gboolean roles_fit =
      ours->role != theirs->role || ours->role == DC_ROLE_AUTO || (named && ours->role == DC_ROLE_OFFERER);
  gboolean to_them = (ours->wants & DC_WANTS_SEND) && (theirs->wants & DC_WANTS_RECEIVE);
  gboolean to_us = (ours->wants & DC_WANTS_RECEIVE) && (theirs->wants & DC_WANTS_SEND);

  return (to_them || to_us) && ours->mode == theirs->mode && g_str_equal (ours->label, theirs->label) && roles_fit;
}

gboolean
dc_profile_should_call (const DcProfile *ours, const DcProfile *theirs, gboolean named, gboolean they_were_first)
{
  if (ours->role == DC_ROLE_ANSWERER || !dc_profile_matches (ours, theirs, named))
    return FALSE;
  if (ours->role == DC_ROLE_OFFERER || theirs->role == DC_ROLE_ANSWERER)
    return TRUE;
  return theirs->role == DC_ROLE_AUTO && they_were_first;
}
