/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dotenv.h: .env files: KEY=VALUE lines. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * A line is empty, a # comment or [export] KEY=VALUE. VALUE is
 *   'literal'            as it stands
 *   "with \n \t \" \\ \$" with these escapes
 *   bare                 up to a # after a blank, or the end of the line; blanks around it do not count
 * Variables are not expanded. Lines end in LF or CRLF; a UTF-8 byte order mark is skipped. The last of two equal keys
 * counts.
 */

/* Key -> value of @contents; @name is for the error: G_KEY_FILE_ERROR_PARSE with a sentence with file and line. */
GHashTable *dc_dotenv_parse (const char *contents, gsize length, const char *name, GError **error);

/* The same for the file @path. A file that does not exist: an empty table if @optional, else G_FILE_ERROR. */
GHashTable *dc_dotenv_load (const char *path, gboolean optional, GError **error);

G_END_DECLS
