/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-netem-schedule.c: what a link is and when it changes, as text. */
#include "tests/netem/dc-netem-schedule.h"

#include <string.h>

#define LONGEST (24 * 3600 * DC_NETEM_S)

typedef struct {
  const char *name;
  double factor;
} Unit;

static const Unit time_units[] = {{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"min", 60e9}};
static const Unit size_units[] = {{"B", 1}, {"kB", 1e3}, {"MB", 1e6}, {"KiB", 1024}, {"MiB", 1048576}};
static const Unit rate_units[] = {{"bit", 1}, {"kbit", 1e3}, {"mbit", 1e6}, {"gbit", 1e9}};
static const Unit percent_units[] = {{"%", 0.01}};
static const Unit plain_units[] = {{"", 1}};

/* A number and a unit, in all at most @max. */
static gboolean
scan (const char *text, const Unit *units, gsize n_units, double max, double *value)
{
  char *rest;
  double number = g_ascii_strtod (text, &rest);

  /* strtod knows signs, "inf", "nan" and hexadecimal; we do not. */
  if (!g_ascii_isdigit (text[0]) || strpbrk (text, "xX"))
    return FALSE;
  for (gsize i = 0; i < n_units; i++)
    if (g_ascii_strcasecmp (rest, units[i].name) == 0 && number * units[i].factor <= max) {
      *value = number * units[i].factor;
      return TRUE;
    }
  return FALSE;
}
#define SCAN(text, units, max, value) scan ((text), (units), G_N_ELEMENTS (units), (max), (value))

static gboolean
scan_time (const char *text, gint64 *value)
{
  double number;

  if (!SCAN (text, time_units, (double) LONGEST, &number))
    return FALSE;
  *value = (gint64) (number + 0.5);
  return TRUE;
}

static gboolean
scan_part (const char *text, double *value)
{
  return SCAN (text, percent_units, 1, value);
}

/* ---- Settings ---- */

static gboolean
set_delay (DcNetemSettings *s, const char *text)
{
  return scan_time (text, &s->delay);
}

static gboolean
set_rtt (DcNetemSettings *s, const char *text)
{
  if (!scan_time (text, &s->delay))
    return FALSE;
  s->delay /= 2;
  return TRUE;
}

static gboolean
set_jitter (DcNetemSettings *s, const char *text)
{
  return scan_time (text, &s->jitter);
}

static gboolean
set_loss (DcNetemSettings *s, const char *text)
{
  return scan_part (text, &s->loss);
}

static gboolean
set_burst (DcNetemSettings *s, const char *text)
{
  double value;

  if (!SCAN (text, plain_units, 1e6, &value) || (value != 0 && value < 1))
    return FALSE;
  s->burst = value;
  return TRUE;
}

static gboolean
set_duplicate (DcNetemSettings *s, const char *text)
{
  return scan_part (text, &s->duplicate);
}

static gboolean
set_reorder (DcNetemSettings *s, const char *text)
{
  return scan_part (text, &s->reorder);
}

static gboolean
set_reorder_by (DcNetemSettings *s, const char *text)
{
  return scan_time (text, &s->reorder_by);
}

static gboolean
set_rate (DcNetemSettings *s, const char *text)
{
  g_autofree char *bare = g_str_has_suffix (text, "/s") ? g_strndup (text, strlen (text) - 2) : g_strdup (text);
  double value = 0;

  if (!g_str_equal (text, "unlimited") && (!SCAN (bare, rate_units, 1e12, &value) || value < 1))
    return FALSE;
  s->rate = (guint64) value;
  return TRUE;
}

static gboolean
set_queue (DcNetemSettings *s, const char *text)
{
  double bytes = 0;

  if (!scan_time (text, &s->queue) && (!SCAN (text, size_units, DC_NETEM_MAX_BYTES, &bytes) || bytes < 1))
    return FALSE;
  s->queue_bytes = (gsize) bytes;
  return TRUE;
}

static gboolean
set_blackhole (DcNetemSettings *s, const char *text)
{
  if (!g_str_equal (text, "on") && !g_str_equal (text, "off"))
    return FALSE;
  s->blackhole = g_str_equal (text, "on");
  return TRUE;
}

static const struct {
  const char *name;
  gboolean (*set) (DcNetemSettings *settings, const char *text);
  const char *wants;
} keys[] = {
    {"delay", set_delay, "a time such as 25ms"},
    {"rtt", set_rtt, "a time such as 50ms"},
    {"jitter", set_jitter, "a time such as 5ms"},
    {"loss", set_loss, "a percentage such as 1%"},
    {"burst", set_burst, "a mean number of packets such as 5, or 0"},
    {"duplicate", set_duplicate, "a percentage such as 1%"},
    {"reorder", set_reorder, "a percentage such as 2%"},
    {"by", set_reorder_by, "a time such as 5ms"},
    {"rate", set_rate, "a rate such as 10mbit, or unlimited"},
    {"queue", set_queue, "a time such as 100ms or a size such as 64KiB"},
    {"blackhole", set_blackhole, "on or off"},
};

static gboolean fail (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

static gboolean
fail (GError **error, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  if (error)
    *error = g_error_new_valist (G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, format, arguments);
  va_end (arguments);
  return FALSE;
}

/* The words of @text, none of them empty. */
static GStrv
split_words (const char *text)
{
  g_auto (GStrv) words = g_strsplit_set (text, " ,\t\n", -1);
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; words[i]; i++)
    if (*words[i])
      g_strv_builder_add (builder, words[i]);
  return g_strv_builder_end (builder);
}

static gboolean
set_key (DcNetemSettings *settings, const char *key, const char *value, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++) {
    if (!g_str_equal (keys[i].name, key))
      continue;
    if (!value)
      return fail (error, "\"%s\" is followed by nothing; it takes %s", key, keys[i].wants);
    if (!keys[i].set (settings, value))
      return fail (error, "\"%s %s\" is not understood; %s takes %s", key, value, key, keys[i].wants);
    return TRUE;
  }
  return fail (error,
      "\"%s\" is no property of a link; there are delay, rtt, jitter, loss, burst, duplicate, reorder, by, rate, queue "
      "and blackhole",
      key);
}

static gboolean
set_all (DcNetemSettings *settings, const char *const *words, GError **error)
{
  for (guint i = 0; words[i]; i += 2) {
    if (!set_key (settings, words[i], words[i + 1], error))
      return FALSE;
    if (!words[i + 1])
      break;
  }
  return TRUE;
}

/**
 * dc_netem_settings_parse:
 * @settings: (inout): what @text changes
 * @text: as the header says
 * @error: G_OPTION_ERROR_BAD_VALUE
 *
 * Returns: whether @text was understood; if not, @settings is as before
 */
gboolean
dc_netem_settings_parse (DcNetemSettings *settings, const char *text, GError **error)
{
  g_auto (GStrv) words = split_words (text);
  DcNetemSettings changed = *settings;

  if (!set_all (&changed, (const char *const *) words, error))
    return FALSE;
  /* Else the good state would have to be left with a probability over 1. */
  if (changed.burst > 0 && changed.loss < 1 && changed.loss > changed.burst * (1 - changed.loss))
    return fail (error, "a loss of %g %% cannot come in bursts of %g packets; make the bursts longer",
        100 * changed.loss, changed.burst);
  *settings = changed;
  return TRUE;
}

/* ---- Schedule ---- */

static void
event_free (DcNetemEvent *event)
{
  g_free (event->settings);
  g_free (event->address);
  g_free (event);
}

static DcNetemEvent *
add_event (GPtrArray *events, gint64 at, DcNetemDirections directions, const char *settings)
{
  DcNetemEvent *event = g_new0 (DcNetemEvent, 1);

  event->at = at;
  event->directions = directions;
  event->settings = g_strdup (settings);
  g_ptr_array_add (events, event);
  return event;
}

/* What follows "TIME: [ab|ba]". */
static gboolean
parse_change (GPtrArray *events, gint64 at, DcNetemDirections directions, const char *const *words, GError **error)
{
  DcNetemSettings scratch = DC_NETEM_SETTINGS_INIT;
  g_autofree char *text = g_strjoinv (" ", (char **) words);
  gint64 duration;

  if (!words[0])
    return fail (error, "a schedule names a time with nothing to do");
  if (g_str_equal (words[0], "blackhole") && words[1] && !words[2] && scan_time (words[1], &duration)) {
    add_event (events, at, directions, "blackhole on");
    add_event (events, at + duration, directions, "blackhole off");
    return TRUE;
  }
  /* Only word by word: whether a burst fits its loss depends on what was before. */
  if (!set_all (&scratch, words, error))
    return FALSE;
  add_event (events, at, directions, text);
  return TRUE;
}

static gboolean
parse_address (GPtrArray *events, gint64 at, const char *const *words, GError **error)
{
  gboolean side = words[0] && (g_str_equal (words[0], "a") || g_str_equal (words[0], "b"));

  if (!side || !words[1] || words[2] || !g_hostname_is_ip_address (words[1]))
    return fail (error, "\"address\" takes a side and an IP address, such as: address b 10.99.0.3");
  DcNetemEvent *event = add_event (events, at, 0, NULL);
  event->side = words[0][0];
  event->address = g_strdup (words[1]);
  return TRUE;
}

static gboolean
parse_entry (GPtrArray *events, const char *entry, GError **error)
{
  const char *colon = strchr (entry, ':');
  g_autofree char *time = colon ? g_strstrip (g_strndup (entry, (gsize) (colon - entry))) : NULL;
  gint64 at;

  if (!colon || !scan_time (time, &at))
    return fail (error, "\"%s\" does not begin with a time and a colon, such as: 3s: blackhole 10s", entry);
  g_auto (GStrv) words = split_words (colon + 1);
  const char *const *rest = (const char *const *) words;
  if (words[0] && g_str_equal (words[0], "address"))
    return parse_address (events, at, rest + 1, error);
  if (words[0] && g_str_equal (words[0], "ab"))
    return parse_change (events, at, DC_NETEM_AB, rest + 1, error);
  if (words[0] && g_str_equal (words[0], "ba"))
    return parse_change (events, at, DC_NETEM_BA, rest + 1, error);
  return parse_change (events, at, DC_NETEM_BOTH, rest, error);
}

static int
compare_times (gconstpointer a, gconstpointer b)
{
  const DcNetemEvent *one = *(DcNetemEvent *const *) a, *other = *(DcNetemEvent *const *) b;

  return (one->at > other->at) - (one->at < other->at);
}

/**
 * dc_netem_schedule_parse:
 * @text: as the header says
 * @error: G_OPTION_ERROR_BAD_VALUE
 *
 * Returns: (transfer full) (element-type DcNetemEvent): the events in order of time
 */
GPtrArray *
dc_netem_schedule_parse (const char *text, GError **error)
{
  g_autoptr (GPtrArray) events = g_ptr_array_new_with_free_func ((GDestroyNotify) event_free);
  g_auto (GStrv) entries = g_strsplit (text, ";", -1);

  for (guint i = 0; entries[i]; i++)
    if (*g_strstrip (entries[i]) && !parse_entry (events, entries[i], error))
      return NULL;
  g_ptr_array_sort (events, compare_times); /* stable */
  return g_steal_pointer (&events);
}
