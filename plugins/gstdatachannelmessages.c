/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* gstdatachannelmessages.c: what an element tells of its connection: element messages, warnings. */
#include "plugins/gstdatachannelcommon.h"

void
gst_data_channel_end_post (GstDataChannelEnd *end, GstStructure *structure)
{
  gst_element_post_message (end->element, gst_message_new_element (GST_OBJECT (end->element), structure));
}

static void
post_event (GstDataChannelEnd *end, const GstStructure *event)
{
  /* The fields are those of the event, see dc-event.h. */
  static const struct {
    const char *event, *message;
  } map[] = {
      {"registered", "datachannel-registered"},
      {"calling", "datachannel-connecting"},
      {"called", "datachannel-connecting"},
      {"channel-open", "datachannel-connected"},
      {"connection-lost", "datachannel-suspended"},
      {"connection-resumed", "datachannel-resumed"},
      {"connection-closed", "datachannel-peer-left"},
  };

  for (gsize i = 0; i < G_N_ELEMENTS (map); i++) {
    if (gst_structure_has_name (event, map[i].event)) {
      GstStructure *structure = gst_structure_copy (event);
      gst_structure_set_name (structure, map[i].message);
      gst_data_channel_end_post (end, structure);
    }
  }
}

/* Once for each time that the server is away: the peer keeps trying, which can take long, and someone should know why. */
static void
warn_of_lost_signaling (GstDataChannelEnd *end, const GstStructure *event)
{
  gboolean lost = gst_structure_has_name (event, "signaling-lost");
  gdouble retry = 0;
  gboolean warn;

  if (!lost && !gst_structure_has_name (event, "registered"))
    return;
  /* What is given up (no retry) comes as an error. */
  gst_structure_get_double (event, "retry", &retry);
  g_mutex_lock (&end->lock);
  warn = lost && retry >= 0 && !end->warned_about;
  end->warned_about = lost;
  g_mutex_unlock (&end->lock);
  if (warn) {
    const char *reason = gst_structure_get_string (event, "reason");
    GST_ELEMENT_WARNING (end->element, RESOURCE, FAILED, ("%s (trying again)", reason), (NULL));
  }
}

void
gst_data_channel_end_handle_event (GstDataChannelEnd *end, const GstStructure *event)
{
  post_event (end, event);
  warn_of_lost_signaling (end, event);
}

void
gst_data_channel_end_handle_statistics (GstDataChannelEnd *end, const GstStructure *statistics)
{
  gst_data_channel_end_post (end, gst_structure_copy (statistics));
}
