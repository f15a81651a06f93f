/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* paste.h: session descriptions that a person brings, from standard input or in a file. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* Puts text that comes in pieces together to descriptions. Sans-IO. */
typedef struct _DcPasteText DcPasteText;

/* What may be a whole description, or else is none. @length bytes, with a NUL behind them. */
typedef void (*DcPasteFunc) (const char *text, gsize length, gpointer user_data);

DcPasteText *dc_paste_text_new (DcPasteFunc func, gpointer user_data);
void dc_paste_text_free (DcPasteText *self);
/* A piece. Calls the function for what is complete. */
void dc_paste_text_add (DcPasteText *self, const char *piece, gsize length);
/* No more will come: what is left is all that there is. */
void dc_paste_text_end (DcPasteText *self);

/* Reads them in the default main context. */
typedef struct _DcPaste DcPaste;

/* No more will come. */
typedef void (*DcPasteEndFunc) (gpointer user_data);

/* From @fd, which stays open; a terminal is set so that it takes lines longer than 4095 bytes, until dc_paste_free(). */
DcPaste *dc_paste_new_from_fd (int fd, DcPasteFunc func, DcPasteEndFunc end_func, gpointer user_data);
/* From a file, which may come to be, or change, later, and so never ends. One that is no regular file is read like a terminal. @error:
 * G_FILE_ERROR */
DcPaste *dc_paste_new_from_file (
    const char *path, DcPasteFunc func, DcPasteEndFunc end_func, gpointer user_data, GError **error);
void dc_paste_free (DcPaste *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcPaste, dc_paste_free)

G_END_DECLS
