/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-enums.c: the enumerations of this library as GTypes. */
#include "plugins/peer/dc-channel-options.h"
#include "plugins/peer/dc-peer.h"

static GType
register_enum (gsize *type, const char *name, const GEnumValue *values)
{
  if (g_once_init_enter (type))
    g_once_init_leave (type, g_enum_register_static (name, values));
  return *type;
}

GType
dc_mode_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
      {DC_MODE_LINK, "Frames of the link protocol: nothing lost, back-pressure, caps and timestamps cross", "link"},
      {DC_MODE_RAW, "A message is a buffer, for browsers and other WebRTC stacks", "raw"},
      {0, NULL, NULL},
  };
  return register_enum (&type, "DcMode", values);
}

GType
dc_direction_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
      {DC_DIRECTION_SEND, "Only sends", "send"},
      {DC_DIRECTION_RECEIVE, "Only receives", "receive"},
      {DC_DIRECTION_BOTH, "Sends and receives", "both"},
      {0, NULL, NULL},
  };
  return register_enum (&type, "DcDirection", values);
}

GType
dc_role_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
      {DC_ROLE_AUTO, "Of two peers that match, the one who came later calls", "auto"},
      {DC_ROLE_OFFERER, "Calls", "offerer"},
      {DC_ROLE_ANSWERER, "Waits to be called", "answerer"},
      {0, NULL, NULL},
  };
  return register_enum (&type, "DcRole", values);
}

GType
dc_ice_policy_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
      {DC_ICE_POLICY_ALL, "Every kind of candidate", "all"},
      {DC_ICE_POLICY_RELAY, "Only candidates of TURN servers", "relay"},
      {0, NULL, NULL},
  };
  return register_enum (&type, "DcIcePolicy", values);
}

GType
dc_fast_get_type (void)
{
  static gsize type = 0;
  static const GEnumValue values[] = {
      {DC_FAST_AUTO, "Wherever the path allows it", "auto"},
      {DC_FAST_OFF, "Never", "off"},
      {0, NULL, NULL},
  };
  return register_enum (&type, "DcFast", values);
}

/**
 * dc_fast_get_default:
 *
 * What [property@Peer:fast] is if nobody sets it: `auto` or `off`, as the environment variable `DC_FAST` says, or else as the library was built. It is
 * looked at once. May be called on any thread.
 *
 * Returns: the default
 */
DcFast
dc_fast_get_default (void)
{
  static gsize looked = 0;
  static DcFast fast;

  if (g_once_init_enter (&looked)) {
    const char *text = g_getenv ("DC_FAST");
    gboolean said = text != NULL && *text != '\0';

    if (said && !g_str_equal (text, "auto") && !g_str_equal (text, "off")) {
      g_warning ("the environment variable DC_FAST takes auto or off, not \"%s\"", text);
      said = FALSE;
    }
    fast = g_str_equal (said ? text : DC_FAST_DEFAULT, "auto") ? DC_FAST_AUTO : DC_FAST_OFF;
    g_once_init_leave (&looked, 1);
  }
  return fast;
}
