/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* fuzz-http.c: any bytes as the head of an HTTP request: parsed, or refused with a status and a sentence. */
#include <stddef.h>
#include <stdint.h>

#include "signaling/daemon/dc-http-request.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* What a handler reads of a request. */
static void
use (const DcHttpRequest *request)
{
  guint64 number = 0;

  g_assert_true (request->path[0] == '/' || request->path[0] == '*');
  dc_http_request_get_bearer (request);
  dc_http_request_has_token (request, "connection", "upgrade");
  dc_http_request_get_number (request, "after", 0, &number);
  dc_http_request_get_number (request, "wait", 0, &number);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  const char *bytes = (const char *) data;
  gsize end = dc_http_request_find_end (bytes, size);
  guint status = 0;
  const char *why = NULL;
  g_autoptr (DcHttpRequest) request = NULL;

  g_assert_cmpuint (end, <=, size);
  dc_http_request_is_plausible (bytes, size);
  if (end == 0)
    return 0;
  request = dc_http_request_parse (bytes, end, &status, &why);
  if (request != NULL) {
    use (request);
    return 0;
  }
  g_assert_cmpuint (status, >=, 400);
  g_assert_nonnull (why);
  return 0;
}
