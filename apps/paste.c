/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* paste.c: session descriptions that a person brings, from standard input or in a file.
 *
 * A description is one long line, but what is pasted comes in pieces, and often broken into several lines, or without an end of line. So
 * pieces are put together until they are no beginning of a description any more, see dc_description_is_begun(): then they are one, or
 * never will be.
 *
 * In its usual mode a terminal keeps at most 4095 bytes of a line (N_TTY_BUF_SIZE) and drops the rest, which is less than some
 * descriptions have. So it is read without that.
 */
#include "apps/paste.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>
#include "signaling/protocol/dc-description.h"

/* Pieces. */

/* More than any description is broken into: with each they are looked through from the beginning. */
#define MAX_LINES 1000

struct _DcPasteText {
  GString *text;
  gsize looked; /* so much of it is a beginning */
  guint lines;  /* in that */
  DcPasteFunc func;
  gpointer user_data;
};

DcPasteText *
dc_paste_text_new (DcPasteFunc func, gpointer user_data)
{
  DcPasteText *self = g_new0 (DcPasteText, 1);
  self->text = g_string_new (NULL);
  self->func = func;
  self->user_data = user_data;
  return self;
}

void
dc_paste_text_free (DcPasteText *self)
{
  g_string_free (self->text, TRUE);
  g_free (self);
}

static gboolean
is_blank (const char *text)
{
  return text[strspn (text, " \t\r\n\f")] == '\0';
}

/* The first @length bytes are all that there will be of it. */
static void
take (DcPasteText *self, gsize length)
{
  g_autofree char *taken = g_strndup (self->text->str, length);
  g_string_erase (self->text, 0, (gssize) length);
  self->looked = 0;
  self->lines = 0;
  if (!is_blank (taken))
    self->func (taken, length, self->user_data);
}

/* Without an end of line it is only taken if it is one: what is none may go on. */
static gboolean
is_whole (const DcPasteText *self)
{
  g_autoptr (DcDescription) description = dc_description_parse (self->text->str, self->text->len, NULL);
  return description != NULL;
}

void
dc_paste_text_add (DcPasteText *self, const char *piece, gsize length)
{
  const char *end;
  g_string_append_len (self->text, piece, (gssize) length);
  while ((end = memchr (self->text->str + self->looked, '\n', self->text->len - self->looked)) != NULL) {
    gsize line = (gsize) (end - self->text->str) + 1;
    if (++self->lines <= MAX_LINES && dc_description_is_begun (self->text->str, line))
      self->looked = line;
    else
      take (self, line);
  }
  if (self->text->len > DC_DESCRIPTION_MAX_LENGTH || is_whole (self))
    take (self, self->text->len);
}

void
dc_paste_text_end (DcPasteText *self)
{
  take (self, self->text->len);
}

/* Where they come from. */

struct _DcPaste {
  DcPasteText *text;
  int fd;
  gboolean own_fd;
  DcPasteEndFunc end_func;
  gpointer user_data;
  guint source; /* 0: it has ended */
  struct termios terminal;
  gboolean terminal_changed;

  char *path; /* (nullable) */
  GFileMonitor *monitor;
  char *last; /* (nullable): what was in the file */
};

static gboolean
readable_cb (gint fd, GIOCondition condition, gpointer user_data)
{
  DcPaste *self = user_data;
  char piece[4096];
  gssize n = read (fd, piece, sizeof piece);
  if (n > 0)
    dc_paste_text_add (self->text, piece, (gsize) n);
  if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
    return G_SOURCE_CONTINUE;
  self->source = 0;
  dc_paste_text_end (self->text);
  self->end_func (self->user_data);
  return G_SOURCE_REMOVE;
}

static void
prepare_terminal (DcPaste *self)
{
  if (tcgetattr (self->fd, &self->terminal) != 0)
    return;
  struct termios changed = self->terminal;
  changed.c_lflag &= ~(tcflag_t) ICANON;
  changed.c_cc[VMIN] = 1;
  changed.c_cc[VTIME] = 0;
  self->terminal_changed = tcsetattr (self->fd, TCSANOW, &changed) == 0;
}

DcPaste *
dc_paste_new_from_fd (int fd, DcPasteFunc func, DcPasteEndFunc end_func, gpointer user_data)
{
  DcPaste *self = g_new0 (DcPaste, 1);
  self->text = dc_paste_text_new (func, user_data);
  self->fd = fd;
  self->end_func = end_func;
  self->user_data = user_data;
  prepare_terminal (self);
  self->source = g_unix_fd_add (fd, G_IO_IN | G_IO_HUP | G_IO_ERR, readable_cb, self);
  return self;
}

/* Half of a file may have been written. */
static void
read_file (DcPaste *self)
{
  g_autofree char *content = NULL;
  gsize length = 0;
  if (!g_file_get_contents (self->path, &content, &length, NULL) || is_blank (content)
      || dc_description_is_begun (content, length) || g_strcmp0 (content, self->last) == 0)
    return;
  g_free (self->last);
  self->last = g_strdup (content);
  dc_paste_text_add (self->text, content, length);
  dc_paste_text_end (self->text);
}

static void
file_changed_cb (GFileMonitor *monitor, GFile *file, GFile *other, GFileMonitorEvent event, gpointer user_data)
{
  read_file (user_data);
}

static gboolean
first_read_cb (gpointer user_data)
{
  DcPaste *self = user_data;
  self->source = 0;
  read_file (self);
  return G_SOURCE_REMOVE;
}

static DcPaste *
fail (const char *path, int code, GError **error)
{
  g_set_error (
      error, G_FILE_ERROR, (gint) g_file_error_from_errno (code), "cannot read \"%s\": %s", path, g_strerror (code));
  return NULL;
}

static DcPaste *
new_from_stream (const char *path, DcPasteFunc func, DcPasteEndFunc end_func, gpointer user_data, GError **error)
{
  int fd = open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0)
    return fail (path, errno, error);
  DcPaste *self = dc_paste_new_from_fd (fd, func, end_func, user_data);
  self->own_fd = TRUE;
  return self;
}

DcPaste *
dc_paste_new_from_file (const char *path, DcPasteFunc func, DcPasteEndFunc end_func, gpointer user_data, GError **error)
{
  struct stat status;
  gboolean there = stat (path, &status) == 0;
  if (there && S_ISDIR (status.st_mode))
    return fail (path, EISDIR, error);
  if (there && !S_ISREG (status.st_mode))
    return new_from_stream (path, func, end_func, user_data, error);
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (GFileMonitor) monitor = g_file_monitor_file (file, G_FILE_MONITOR_NONE, NULL, error);
  if (monitor == NULL)
    return NULL;
  DcPaste *self = g_new0 (DcPaste, 1);
  self->text = dc_paste_text_new (func, user_data);
  self->fd = -1;
  self->path = g_strdup (path);
  self->monitor = g_steal_pointer (&monitor);
  g_signal_connect (self->monitor, "changed", G_CALLBACK (file_changed_cb), self);
  self->source = g_idle_add (first_read_cb, self);
  return self;
}

void
dc_paste_free (DcPaste *self)
{
  if (self->source != 0)
    g_source_remove (self->source);
  if (self->terminal_changed)
    tcsetattr (self->fd, TCSANOW, &self->terminal);
  if (self->own_fd)
    close (self->fd);
  if (self->monitor != NULL)
    g_signal_handlers_disconnect_by_data (self->monitor, self);
  g_clear_object (&self->monitor);
  dc_paste_text_free (self->text);
  g_free (self->path);
  g_free (self->last);
  g_free (self);
}
