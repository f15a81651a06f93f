/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-message.c: any bytes as a signaling message: read or refused, and what was read is written and read the same. */

#include "signaling/protocol/dc-ice-server.h"
#include "signaling/protocol/dc-message.h"
#include "signaling/protocol/dc-signaling-error.h"

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* A sentence that can be sent and logged. */
static void
check_error (const GError *error)
{
  g_assert_error (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_MESSAGE);
  g_assert_true (g_utf8_validate (error->message, -1, NULL));
  g_assert_true (g_str_has_suffix (error->message, "."));
}

/* The servers of a welcome are read by every peer. */
static void
check_ice_servers (const DcMessage *message)
{
  guint skipped;
  g_autoptr (GPtrArray) servers = dc_ice_servers_from_node (message->ice_servers, &skipped);
  g_autoptr (JsonNode) node = dc_ice_servers_to_node (servers);
  g_autoptr (GPtrArray) again = dc_ice_servers_from_node (node, &skipped);

  g_assert_cmpuint (servers->len, <=, DC_ICE_SERVERS_MAX);
  g_assert_cmpuint (again->len, ==, servers->len);
  g_assert_cmpuint (skipped, ==, 0);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DcMessage) message = dc_message_new_from_json ((const char *) data, (gssize) size, &error);

  if (!message) {
    check_error (error);
    return 0;
  }
  g_autofree char *text = dc_message_to_json (message);
  g_autoptr (DcMessage) again = dc_message_new_from_json (text, -1, &error);
  g_assert_no_error (error);
  g_autofree char *text_again = dc_message_to_json (again);
  g_assert_cmpstr (text_again, ==, text);
  check_ice_servers (message);
  return 0;
}
