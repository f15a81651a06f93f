/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* test-paste.c: descriptions as they come from a terminal, a pipe or a file. */
#include "apps/paste.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST "{\"type\":\"offer\",\"sdp\":\"v=0\\r\\ns=1\\r\\n\"}"
#define SECOND "{\"type\":\"offer\",\"sdp\":\"v=0\\r\\ns=2\\r\\n\"}"

/* What was taken, each on a line. */
static void
note (const char *text, gsize length, gpointer user_data)
{
  g_autofree char *taken = g_strstrip (g_strndup (text, length));
  g_string_append_printf (user_data, "%s\n", taken);
}

static void
test_pieces (void)
{
  static const struct {
    const char *text, *taken;
  } cases[] = {
      {FIRST, FIRST "\n"},
      {FIRST "\n", FIRST "\n"},
      {"\n\n  " FIRST "\n\n" SECOND "\r\n", FIRST "\n" SECOND "\n"},
      {"hello\n" FIRST "\n", "hello\n" FIRST "\n"},
      {"hello", ""},
      {"{\"type\":\"offer\",\n\"sdp\":\"v=0\\r\\n\"}\n", "{\"type\":\"offer\",\n\"sdp\":\"v=0\\r\\n\"}\n"},
      {"eyJ0eXBlIjoib2ZmZXIiLCJz\nZHAiOiJ2PTBcclxucz0tXHJcbiJ9",
          "eyJ0eXBlIjoib2ZmZXIiLCJz\nZHAiOiJ2PTBcclxucz0tXHJcbiJ9\n"},
  };
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++) {
    for (gsize size = 1; size < 9; size++) {
      g_autoptr (GString) taken = g_string_new (NULL);
      DcPasteText *paste = dc_paste_text_new (note, taken);
      for (gsize at = 0; at < strlen (cases[i].text); at += size)
        dc_paste_text_add (paste, cases[i].text + at, MIN (size, strlen (cases[i].text) - at));
      g_assert_cmpstr (taken->str, ==, cases[i].taken);
      dc_paste_text_free (paste);
    }
  }
}

static void
test_end (void)
{
  g_autoptr (GString) taken = g_string_new (NULL);
  DcPasteText *paste = dc_paste_text_new (note, taken);
  dc_paste_text_add (paste, "{\"type\":", 8);
  g_assert_cmpstr (taken->str, ==, "");
  dc_paste_text_end (paste);
  g_assert_cmpstr (taken->str, ==, "{\"type\":\n");
  dc_paste_text_free (paste);
}

/* What never ends is not kept for ever. */
static void
test_endless (void)
{
  g_autofree char *piece = g_strnfill (65536, 'x');
  g_autoptr (GString) taken = g_string_new (NULL);
  DcPasteText *paste = dc_paste_text_new (note, taken);
  *piece = '{';
  for (guint i = 0; i < 5; i++)
    dc_paste_text_add (paste, piece, 65536);
  g_assert_cmpuint (taken->len, ==, 5 * 65536 + 1);
  dc_paste_text_free (paste);
}

/* Nor is it looked through with each of very many lines: that would take minutes. */
static void
test_many_lines (void)
{
  g_autofree char *piece = g_strnfill (200000, '\n');
  g_autoptr (GString) taken = g_string_new (NULL);
  DcPasteText *paste = dc_paste_text_new (note, taken);
  *piece = '{';
  dc_paste_text_add (paste, piece, 200000);
  dc_paste_text_add (paste, FIRST, strlen (FIRST));
  g_assert_cmpstr (taken->str, ==, "{\n" FIRST "\n");
  dc_paste_text_free (paste);
}

static void
never_ends (gpointer user_data)
{
  g_assert_not_reached ();
}

static void
note_end (gpointer user_data)
{
  g_string_append (user_data, "END");
}

static void
wait_for (GString *taken, const char *text)
{
  while (g_strcmp0 (taken->str, text) != 0)
    g_main_context_iteration (NULL, TRUE);
}

static void
test_fd (void)
{
  g_autoptr (GString) taken = g_string_new (NULL);
  int fds[2];
  g_assert_cmpint (pipe (fds), ==, 0);
  DcPaste *paste = dc_paste_new_from_fd (fds[0], note, note_end, taken);
  g_assert_cmpint (write (fds[1], FIRST, strlen (FIRST)), ==, (gssize) strlen (FIRST));
  wait_for (taken, FIRST "\n");
  g_assert_cmpint (write (fds[1], "no end", 6), ==, 6);
  close (fds[1]);
  wait_for (taken, FIRST "\nno end\nEND");
  dc_paste_free (paste);
  close (fds[0]);
}

static void
put (const char *path, const char *content)
{
  g_autoptr (GError) error = NULL;
  g_file_set_contents (path, content, -1, &error);
  g_assert_no_error (error);
}

/* The file is not there yet; half of it is; it is whole; it has another in it. */
static void
test_file (void)
{
  g_autoptr (GString) taken = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *directory = g_dir_make_tmp ("test-paste-XXXXXX", &error);
  g_autofree char *path = g_build_filename (directory, "remote.json", NULL);
  DcPaste *paste = dc_paste_new_from_file (path, note, never_ends, taken, &error);
  g_assert_no_error (error);
  put (path, "{\"type\":");
  put (path, FIRST);
  wait_for (taken, FIRST "\n");
  put (path, SECOND "\n");
  wait_for (taken, FIRST "\n" SECOND "\n");
  dc_paste_free (paste);
  g_remove (path);
  g_rmdir (directory);
}

static void
test_file_there (void)
{
  g_autoptr (GString) taken = g_string_new (NULL);
  g_autofree char *path = NULL;
  g_autoptr (GError) error = NULL;
  int fd = g_file_open_tmp ("test-paste-XXXXXX", &path, NULL);
  g_assert_cmpint (write (fd, FIRST, strlen (FIRST)), ==, (gssize) strlen (FIRST));
  close (fd);
  g_autoptr (DcPaste) paste = dc_paste_new_from_file (path, note, never_ends, taken, &error);
  g_assert_no_error (error);
  wait_for (taken, FIRST "\n");
  g_remove (path);
}

static void
test_fifo (void)
{
  g_autoptr (GString) taken = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autofree char *directory = g_dir_make_tmp ("test-paste-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (directory, "fifo", NULL);
  g_assert_cmpint (mkfifo (path, 0600), ==, 0);
  DcPaste *paste = dc_paste_new_from_file (path, note, note_end, taken, &error);
  g_assert_no_error (error);
  int fd = g_open (path, O_WRONLY, 0);
  g_assert_cmpint (write (fd, FIRST "\n", strlen (FIRST) + 1), ==, (gssize) strlen (FIRST) + 1);
  wait_for (taken, FIRST "\n");
  close (fd);
  wait_for (taken, FIRST "\nEND");
  dc_paste_free (paste);
  g_remove (path);
  g_rmdir (directory);
}

static void
test_no_file (void)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (dc_paste_new_from_file ("/", note, never_ends, NULL, &error));
  g_assert_error (error, G_FILE_ERROR, G_FILE_ERROR_ISDIR);
  g_assert_nonnull (strstr (error->message, "\"/\""));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/paste/pieces", test_pieces);
  g_test_add_func ("/paste/end", test_end);
  g_test_add_func ("/paste/endless", test_endless);
  g_test_add_func ("/paste/many-lines", test_many_lines);
  g_test_add_func ("/paste/fd", test_fd);
  g_test_add_func ("/paste/file", test_file);
  g_test_add_func ("/paste/file/there", test_file_there);
  g_test_add_func ("/paste/fifo", test_fifo);
  g_test_add_func ("/paste/no-file", test_no_file);
  return g_test_run ();
}
