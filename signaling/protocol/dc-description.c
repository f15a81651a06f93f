/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-description.c: a session description that people copy and paste, as a browser prints it. */
#include "signaling/protocol/dc-description.h"

#include <string.h>

#include "signaling/protocol/dc-json.h"
#include "signaling/protocol/dc-signaling-error.h"

/* What base64 of '{"' begins with, whatever follows. */
#define BASE64_BEGIN "ey"
#define BASE64_LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="

DcDescription *
dc_description_new (gboolean is_offer, const char *sdp)
{
  DcDescription *self = g_new0 (DcDescription, 1);

  self->is_offer = is_offer;
  self->sdp = g_strdup (sdp);
  return self;
}

void
dc_description_free (DcDescription *self)
{
  g_free (self->sdp);
  g_free (self);
}

/* --- Reading ---------------------------------------------------------------------------------------------------------------------- */

static DcDescription *
fail (GError **error, const char *sentence)
{
  g_set_error_literal (error, DC_SIGNALING_ERROR, DC_SIGNALING_ERROR_MESSAGE, sentence);
  return NULL;
}

static DcDescription *
fail_type (GError **error, const char *type)
{
  g_autofree char *quoted = dc_signaling_quote (type);
  g_autofree char *sentence =
      g_strdup_printf ("a description of the type %s cannot be used; paste an offer or an answer", quoted);

  return fail (error, sentence);
}

/* A console that shows the string as source text escapes its backslashes: there is no line end left then, only the signs for it. */
static char *
restore_lines (const char *sdp)
{
  g_auto (GStrv) lines = NULL;

  if (strchr (sdp, '\n') != NULL)
    return g_strdup (sdp);
  lines = g_strsplit (sdp, "\\r\\n", -1);
  return g_strjoinv ("\r\n", lines);
}

static const char *
get_string (JsonObject *object, const char *name)
{
  JsonNode *node = json_object_get_member (object, name);

  return node != NULL && json_node_get_value_type (node) == G_TYPE_STRING ? json_node_get_string (node) : NULL;
}

static DcDescription *
from_object (JsonObject *object, GError **error)
{
  const char *type = get_string (object, "type"), *sdp = get_string (object, "sdp");
  g_autofree char *lines = NULL;

  if (type == NULL || sdp == NULL)
    return fail (error, "a description is an object with the strings \"type\" and \"sdp\", as "
                        "JSON.stringify(pc.localDescription) prints it; one of the two is missing");
  if (!g_str_equal (type, "offer") && !g_str_equal (type, "answer"))
    return fail_type (error, type);
  lines = restore_lines (sdp);
  if (!g_str_has_prefix (lines, "v=0"))
    return fail (error, "the \"sdp\" of this description is no SDP, which begins with v=0; copy the whole of it again");
  return dc_description_new (g_str_equal (type, "offer"), lines);
}

static DcDescription *
from_json (const char *text, gsize length, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autoptr (JsonNode) node = dc_json_parse (text, (gssize) length, DC_DESCRIPTION_MAX_LENGTH, &cause);

  if (node == NULL)
    return fail (error, "this description is not whole, or not JSON; copy it again from { to }");
  /* A console that quotes the string with the quotes of JSON. */
  if (json_node_get_value_type (node) == G_TYPE_STRING) {
    const char *inner = json_node_get_string (node);
    return *inner == '{' ? from_json (inner, strlen (inner), error)
                         : fail (error, "this is a string, but no description in it");
  }
  if (!JSON_NODE_HOLDS_OBJECT (node))
    return fail (error, "a description is a JSON object, from { to }");
  return from_object (json_node_get_object (node), error);
}

/* Copied from a terminal, a long line may come in several; where JSON or base64 have line ends of their own, they mean nothing. */
static char *
unwrap (const char *text, gsize length)
{
  GString *line = g_string_sized_new (length);

  for (gsize i = 0; i < length; i++) {
    if (text[i] != '\r' && text[i] != '\n')
      g_string_append_c (line, text[i]);
  }
  g_strstrip (line->str);
  return g_string_free (line, FALSE);
}

static char *
decode (const char *base64)
{
  gsize size;
  g_autofree guchar *json = g_base64_decode (base64, &size);

  return g_strndup ((const char *) json, size);
}

/* A console that quotes the string with quotes of its own. */
static gboolean
is_quote (char c)
{
  return c == '\'' || c == '`';
}

static void
remove_quotes (char *line)
{
  gsize length = strlen (line);

  if (length < 2 || !is_quote (*line) || line[length - 1] != *line)
    return;
  memmove (line, line + 1, length - 2);
  line[length - 2] = '\0';
}

DcDescription *
dc_description_parse (const char *text, gsize length, GError **error)
{
  g_autofree char *line = NULL, *json = NULL;

  if (length > DC_DESCRIPTION_MAX_LENGTH)
    return fail (error, "this is longer than any description");
  line = unwrap (text, length);
  remove_quotes (line);
  if (*line == '{' || *line == '"')
    return from_json (line, strlen (line), error);
  if (!g_str_has_prefix (line, BASE64_BEGIN))
    return fail (error, "this is no description; paste the whole line that the other side printed, which begins with "
                        "{\"type\": or, in base64, with " BASE64_BEGIN);
  json = decode (line);
  return from_json (json, strlen (json), error);
}

/* Whether the object or string that @json begins with has no end in it. */
static gboolean
lacks_end (const char *json)
{
  gboolean in_string = FALSE;
  guint depth = 0;

  for (const char *c = json; *c != '\0'; c++) {
    if (*c == '\\' && in_string && c[1] != '\0')
      c++;
    else if (*c == '"')
      in_string = !in_string;
    else if (!in_string && *c == '{')
      depth++;
    else if (!in_string && *c == '}')
      depth--;
    if (depth == 0 && !in_string)
      return FALSE;
  }
  return TRUE;
}

gboolean
dc_description_is_begun (const char *text, gsize length)
{
  g_autofree char *line = NULL, *json = NULL;

  if (length > DC_DESCRIPTION_MAX_LENGTH)
    return FALSE;
  line = unwrap (text, length);
  if (is_quote (*line))
    return strlen (line) < 2 || !g_str_has_suffix (line, (char[]){*line, '\0'});
  if (*line == '{' || *line == '"')
    return lacks_end (line);
  if (!g_str_has_prefix (line, BASE64_BEGIN) || line[strspn (line, BASE64_LETTERS)] != '\0')
    return FALSE;
  json = decode (line);
  return lacks_end (json);
}

/* --- Writing ---------------------------------------------------------------------------------------------------------------------- */

char *
dc_description_to_text (const DcDescription *self)
{
  GString *json = g_string_new ("{\"type\":");

  g_string_append_printf (json, "\"%s\",\"sdp\":", self->is_offer ? "offer" : "answer");
  dc_json_write_string (self->sdp, json);
  g_string_append_c (json, '}');
  return g_string_free (json, FALSE);
}

/* --- Candidates ------------------------------------------------------------------------------------------------------------------- */

#define CANDIDATE_LINE "a=candidate:"
#define END_LINE "a=end-of-candidates"

/* The line at @text without its end; @next: the one behind it. */
static gsize
measure_line (const char *text, const char **next)
{
  gsize length = strcspn (text, "\r\n");

  *next = text + length;
  *next += **next == '\r';
  *next += **next == '\n';
  return length;
}

/* Where the section behind @mline begins, or the text ends; NULL: there is no section @mline. */
static const char *
find_section_end (const char *sdp, guint mline)
{
  guint sections = 0;
  const char *next;

  for (const char *line = sdp; *line != '\0'; line = next) {
    measure_line (line, &next);
    if (g_str_has_prefix (line, "m=") && sections++ > mline)
      return line;
  }
  return sections > mline ? sdp + strlen (sdp) : NULL;
}

gboolean
dc_description_add_attribute (DcDescription *self, guint mline, const char *attribute)
{
  const char *end = find_section_end (self->sdp, mline);
  char *longer;

  if (end == NULL)
    return FALSE;
  longer = g_strdup_printf ("%.*s%sa=%s\r\n%s", (int) (end - self->sdp), self->sdp,
      end > self->sdp && end[-1] != '\n' ? "\r\n" : "", attribute, end);
  g_free (self->sdp);
  self->sdp = longer;
  return TRUE;
}

void
dc_description_foreach_candidate (const DcDescription *self, DcDescriptionCandidateFunc func, gpointer user_data)
{
  guint sections = 0;
  const char *next;

  for (const char *line = self->sdp; *line != '\0'; line = next) {
    gsize length = measure_line (line, &next);
    sections += g_str_has_prefix (line, "m=");
    if (sections > 0 && g_str_has_prefix (line, CANDIDATE_LINE))
      func (sections - 1, line + strlen ("a="), length - strlen ("a="), user_data);
  }
}

gboolean
dc_description_is_complete (const DcDescription *self)
{
  const char *next;

  for (const char *line = self->sdp; *line != '\0'; line = next) {
    gsize length = measure_line (line, &next);
    if (length == strlen (END_LINE) && memcmp (line, END_LINE, length) == 0)
      return TRUE;
  }
  return FALSE;
}

/* The first a=ice-ufrag, with its end: new for each negotiation with new candidates (RFC 8839, section 5.4). */
static const char *
find_ufrag (const char *sdp, gsize *length)
{
  const char *next;

  for (const char *line = sdp; *line != '\0'; line = next) {
    *length = measure_line (line, &next);
    if (g_str_has_prefix (line, "a=ice-ufrag:"))
      return line;
  }
  return NULL;
}

gboolean
dc_description_is_same (const DcDescription *self, const DcDescription *other)
{
  gsize length = 0, other_length = 0;
  const char *ufrag = find_ufrag (self->sdp, &length), *other_ufrag = find_ufrag (other->sdp, &other_length);

  return self->is_offer == other->is_offer && ufrag != NULL && other_ufrag != NULL && length == other_length
         && memcmp (ufrag, other_ufrag, length) == 0;
}
