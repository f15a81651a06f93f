/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-paste.c: any text pasted as a description: read, or refused with a sentence; what was read is written and read again as the same. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "signaling/protocol/dc-description.h"
#include "signaling/protocol/dc-signaling-error.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void
check_candidate (guint mline, const char *candidate, gsize length, gpointer user_data)
{
  DcDescription *copy = user_data;
  g_autofree char *attribute = g_strndup (candidate, length);

  g_assert_true (dc_description_add_attribute (copy, mline, attribute));
}

static void
check_description (const DcDescription *description)
{
  g_autofree char *text = dc_description_to_text (description);
  g_autoptr (GError) error = NULL;
  g_autoptr (DcDescription) again = dc_description_parse (text, strlen (text), &error);

  /* Escapes make the text longer. */
  if (strlen (text) > DC_DESCRIPTION_MAX_LENGTH)
    return;
  g_assert_no_error (error);
  g_assert_true (again->is_offer == description->is_offer);
  g_assert_true (dc_description_is_complete (again) == dc_description_is_complete (description));
  dc_description_foreach_candidate (description, check_candidate, again);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  /* Of its own, so that a step too far is seen. */
  g_autofree char *text = g_memdup2 (data, size);
  g_autoptr (GError) error = NULL;
  g_autoptr (DcDescription) description = dc_description_parse (text, size, &error);

  dc_description_is_begun (text, size);
  if (description != NULL)
    check_description (description);
  else {
    g_assert_error (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_MESSAGE);
    g_assert_true (g_utf8_validate (error->message, -1, NULL));
  }
  return 0;
}
