/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-pairing.c: what a peer says of itself in its meta, and who calls whom.
 *
 * Both sides decide by the same rules from the same facts, so that exactly one calls:
 *   offerer - answerer, offerer - auto, auto - answerer   the first of the two calls
 *   auto - auto                                           the one who came later calls
 *   offerer - offerer                                     no match, unless the user named the remote: then both call, and the
 *                                                         smaller id's offer stands (see dc-peer-signaling.c)
 *   answerer - answerer                                   nobody can call: no match */
#include "plugins/peer/dc-pairing.h"

static const char *const role_names[] = {"auto", "offerer", "answerer"};
static const char *const mode_names[] = {"link", "raw"};
static const char *const wants_names[] = {"none", "send", "receive", "both"};
G_STATIC_ASSERT (G_N_ELEMENTS (role_names) == DC_ROLE_ANSWERER + 1);
G_STATIC_ASSERT (G_N_ELEMENTS (mode_names) == DC_MODE_RAW + 1);
G_STATIC_ASSERT (G_N_ELEMENTS (wants_names) == DC_DIRECTION_BOTH + 1);

static guint
index_of (const char *const *names, guint n_names, const char *name, guint fallback)
{
  for (guint i = 0; name != NULL && i < n_names; i++)
    if (g_str_equal (names[i], name))
      return i;
  return fallback;
}

static JsonNode *
channel_to_node (const DcChannelOptions *channel)
{
  JsonObject *object = json_object_new ();
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);

  json_object_set_string_member (object, "label", channel->label);
  json_object_set_string_member (object, "mode", mode_names[channel->mode]);
  json_object_set_string_member (object, "wants", wants_names[channel->wants]);
  if (channel->any_label)
    json_object_set_boolean_member (object, "any", TRUE);
  json_node_take_object (node, object);
  return node;
}

static JsonArray *
channels_to_array (const GPtrArray *channels)
{
  JsonArray *array = json_array_new ();

  for (guint i = 0; i < channels->len; i++)
    json_array_add_element (array, channel_to_node (g_ptr_array_index (channels, i)));
  return array;
}

JsonNode *
dc_profile_to_meta (const DcProfile *profile)
{
  JsonObject *object = json_object_new ();
  JsonNode *node = json_node_new (JSON_NODE_OBJECT);

  json_object_set_string_member (object, "role", role_names[profile->role]);
  if (profile->channels->len <= DC_PROFILE_MAX_TOLD)
    json_object_set_array_member (object, "channels", channels_to_array (profile->channels));
  json_node_take_object (node, object);
  return node;
}

static JsonObject *
get_object (JsonNode *node)
{
  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static const char *
string_member (JsonObject *object, const char *name)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;

  return node != NULL && json_node_get_value_type (node) == G_TYPE_STRING ? json_node_get_string (node) : NULL;
}

static gboolean
boolean_member (JsonObject *object, const char *name)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, name) : NULL;

  return node != NULL && json_node_get_value_type (node) == G_TYPE_BOOLEAN && json_node_get_boolean (node);
}

static DcChannelOptions *
channel_from_node (JsonNode *node)
{
  JsonObject *object = get_object (node);
  DcChannelOptions *channel = dc_channel_options_new (string_member (object, "label"));

  channel->mode = index_of (mode_names, G_N_ELEMENTS (mode_names), string_member (object, "mode"), DC_MODE_LINK);
  channel->any_label = boolean_member (object, "any");
  channel->wants =
      index_of (wants_names, G_N_ELEMENTS (wants_names), string_member (object, "wants"), DC_DIRECTION_BOTH);
  return channel;
}

DcProfile *
dc_profile_from_meta (JsonNode *meta)
{
  JsonObject *object = get_object (meta);
  JsonNode *channels = object != NULL ? json_object_get_member (object, "channels") : NULL;
  JsonArray *array = channels != NULL && JSON_NODE_HOLDS_ARRAY (channels) ? json_node_get_array (channels) : NULL;
  guint n_channels = array != NULL ? json_array_get_length (array) : 0;
  DcProfile *profile = g_new0 (DcProfile, 1);

  profile->role = index_of (role_names, G_N_ELEMENTS (role_names), string_member (object, "role"), DC_ROLE_AUTO);
  if (array == NULL)
    return profile;
  profile->channels = g_ptr_array_new_with_free_func ((GDestroyNotify) dc_channel_options_free);
  for (guint i = 0; i < MIN (n_channels, DC_PROFILE_MAX_CHANNELS); i++)
    g_ptr_array_add (profile->channels, channel_from_node (json_array_get_element (array, i)));
  return profile;
}

void
dc_profile_free (DcProfile *profile)
{
  g_clear_pointer (&profile->channels, g_ptr_array_unref);
  g_free (profile);
}

static gboolean
channels_match (const DcChannelOptions *ours, const DcChannelOptions *theirs)
{
  gboolean to_them = (ours->wants & DC_DIRECTION_SEND) && (theirs->wants & DC_DIRECTION_RECEIVE);
  gboolean to_us = (ours->wants & DC_DIRECTION_RECEIVE) && (theirs->wants & DC_DIRECTION_SEND);
  gboolean same_label = ours->any_label || theirs->any_label || g_str_equal (ours->label, theirs->label);

  return (to_them || to_us) && ours->mode == theirs->mode && same_label;
}

gboolean
dc_profile_takes (const DcProfile *theirs, const DcChannelOptions *ours)
{
  if (theirs == NULL || theirs->channels == NULL)
    return TRUE;
  for (guint i = 0; i < theirs->channels->len; i++)
    if (channels_match (ours, g_ptr_array_index (theirs->channels, i)))
      return TRUE;
  return FALSE;
}

gboolean
dc_profile_matches (const DcProfile *ours, const DcProfile *theirs, gboolean named)
{
  gboolean roles_fit =
      ours->role != theirs->role || ours->role == DC_ROLE_AUTO || (named && ours->role == DC_ROLE_OFFERER);

  for (guint i = 0; roles_fit && i < ours->channels->len; i++)
    if (dc_profile_takes (theirs, g_ptr_array_index (ours->channels, i)))
      return TRUE;
  return FALSE;
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
