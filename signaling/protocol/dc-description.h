/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-description.h: a session description that people copy and paste, as a browser prints it. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/*
 * The text is what JSON.stringify (pc.localDescription) gives in a browser, {"type":"offer","sdp":"v=0\r\n..."}, with the candidates as
 * lines of the SDP (RFC 8839, section 5.1), or base64 of that, as pion's examples have it.
 */
typedef struct {
  gboolean is_offer; /* or else an answer */
  char *sdp;
} DcDescription;

/* Longer than any that is meant. */
#define DC_DESCRIPTION_MAX_LENGTH (256 * 1024)

DcDescription *dc_description_new (gboolean is_offer, const char *sdp);
void dc_description_free (DcDescription *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcDescription, dc_description_free)

/* Takes both kinds of text, white space around it and lines broken inside it, and what a browser's console makes of the string: quotes
 * around it, and escapes escaped once more. DC_SIGNALING_ERROR_MESSAGE with a sentence. */
DcDescription *dc_description_parse (const char *text, gsize length, GError **error);
/* Whether @text is none yet, but more of it may make it one. */
gboolean dc_description_is_begun (const char *text, gsize length);
/* JSON in one line, without its end. (transfer full) */
char *dc_description_to_text (const DcDescription *self);

/* @attribute: "candidate:..." or "end-of-candidates"; put at the end of the media section @mline. FALSE: there is no such section. */
gboolean dc_description_add_attribute (DcDescription *self, guint mline, const char *attribute);
/* Whether it says that it has all candidates (RFC 8840, section 8.2). */
gboolean dc_description_is_complete (const DcDescription *self);
/* @candidate: without its end of line, of @length bytes. */
typedef void (*DcDescriptionCandidateFunc) (guint mline, const char *candidate, gsize length, gpointer user_data);
void dc_description_foreach_candidate (const DcDescription *self, DcDescriptionCandidateFunc func, gpointer user_data);
/* Whether the other one is of the same negotiation: then it may only know more candidates. */
gboolean dc_description_is_same (const DcDescription *self, const DcDescription *other);

G_END_DECLS
