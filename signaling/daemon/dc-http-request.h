/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-http-request.h: the head of an HTTP/1.x request, parsed strictly; sans-IO. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* A head is at most this long, its empty line included. */
#define DC_HTTP_MAX_HEAD (16 * 1024)

typedef struct {
  char *method;
  char *path;             /* as sent, percent-encoded, begins with a slash ("*" for OPTIONS *) */
  char *query;            /* (nullable): as sent */
  guint minor;            /* HTTP/1.minor: 0 or 1 */
  GHashTable *headers;    /* name in lower case -> value; repeated ones joined by ", " */
  guint64 content_length; /* 0 without a body */
} DcHttpRequest;

/* How many of the @length bytes are the head, its empty line included; 0: more must come. */
gsize dc_http_request_find_end (const char *bytes, gsize length);
/* FALSE as soon as the first bytes cannot become a request: noise, a TLS hello. */
gboolean dc_http_request_is_plausible (const char *bytes, gsize length);

/**
 * dc_http_request_parse:
 * @head: the head as found by dc_http_request_find_end()
 * @status: (out): on failure, the HTTP status that answers it
 * @why: (out): on failure, a sentence (static)
 *
 * Refuses what can be read in two ways: folded lines, blanks before a colon, control characters, repeated Content-Length or
 * Host, any Transfer-Encoding.
 *
 * Returns: (transfer full) (nullable)
 */
DcHttpRequest *dc_http_request_parse (const char *head, gsize length, guint *status, const char **why);
void dc_http_request_free (DcHttpRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcHttpRequest, dc_http_request_free)

/* @name in lower case. (nullable) (transfer none) */
const char *dc_http_request_get_header (const DcHttpRequest *request, const char *name);
/* Whether the comma-separated list in header @name has @token, in any case. */
gboolean dc_http_request_has_token (const DcHttpRequest *request, const char *name, const char *token);
/* The token of "Authorization: Bearer TOKEN". (nullable) (transfer none) */
const char *dc_http_request_get_bearer (const DcHttpRequest *request);
/* The number in the query's parameter @name. TRUE and @fallback if it is not there; FALSE if it is no number. */
gboolean dc_http_request_get_number (const DcHttpRequest *request, const char *name, guint64 fallback, guint64 *number);

G_END_DECLS
