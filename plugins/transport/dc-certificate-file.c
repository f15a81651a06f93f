/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-certificate-file.c: a certificate with its private key that is kept, so that a peer is known again.
 *
 * A new one is written under another name, and gets its own when it is whole: so nobody reads half of one, and who makes one at the same time uses that which
 * was there first. */
#include "plugins/transport/dc-certificate-file.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plugins/transport/dc-dtls-certificate.h"

/* Any chain of certificates is far shorter. */
#define MAX_SIZE (64 * 1024)

static gboolean
fail (const char *path, const char *what, int code, GError **error)
{
  g_set_error (error, G_IO_ERROR, (int) g_io_error_from_errno (code), "the certificate file \"%s\" cannot be %s: %s",
      path, what, g_strerror (code));
  return FALSE;
}

/* Returns: an errno, or 0. */
static int
write_all (int fd, const char *text)
{
  FILE *file = fdopen (fd, "w");
  gboolean written;

  if (file == NULL) {
    int code = errno;
    close (fd);
    return code;
  }
  written = fputs (text, file) >= 0 && fflush (file) == 0 && fsync (fd) == 0;
  if (fclose (file) == 0 && written)
    return 0;
  return errno != 0 ? errno : EIO;
}

/* Not every file system has links; there the last one stays. */
static int
give_name (const char *from, const char *to)
{
  if (link (from, to) == 0 || errno == EEXIST)
    return 0;
  return (errno == EPERM || errno == EOPNOTSUPP) && rename (from, to) == 0 ? 0 : errno;
}

static gboolean
make_file (const char *path, GError **error)
{
  g_autoptr (DcDtlsCertificate) certificate = dc_dtls_certificate_new_lasting (error);
  g_autofree char *pem = certificate != NULL ? dc_dtls_certificate_to_pem (certificate, TRUE) : NULL;
  g_autofree char *other = g_strconcat (path, ".XXXXXX", NULL);
  int fd, code;

  if (pem == NULL)
    return FALSE;
  fd = g_mkstemp_full (other, O_WRONLY | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (fd < 0)
    return fail (path, "made", errno, error);
  code = write_all (fd, pem);
  if (code == 0)
    code = give_name (other, path);
  unlink (other);
  return code == 0 || fail (path, "made", code, error);
}

/* (nullable): an errno says why */
static char *
read_file (const char *path)
{
  g_autofree char *text = g_malloc0 (MAX_SIZE + 1);
  int fd = open (path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), code = 0;
  gsize size = 0;
  gssize n = 1;

  if (fd < 0)
    return NULL;
  while (size < MAX_SIZE && (n = read (fd, text + size, MAX_SIZE - size)) > 0)
    size += (gsize) n;
  if (n < 0)
    code = errno;
  else if (size == MAX_SIZE)
    code = EFBIG;
  close (fd);
  errno = code;
  return code == 0 ? g_steal_pointer (&text) : NULL;
}

char *
dc_certificate_file_load (const char *path, GError **error)
{
  g_autofree char *text = read_file (path);
  g_autoptr (DcDtlsCertificate) certificate = NULL;
  g_autoptr (GError) problem = NULL;

  if (text == NULL && errno == ENOENT) {
    if (!make_file (path, error))
      return NULL;
    text = read_file (path);
  }
  if (text == NULL) {
    fail (path, "read", errno, error);
    return NULL;
  }
  certificate = dc_dtls_certificate_new_from_pem (text, &problem);
  if (certificate == NULL) {
    g_set_error (
        error, problem->domain, problem->code, "the certificate file \"%s\" is of no use: %s", path, problem->message);
    return NULL;
  }
  return dc_dtls_certificate_to_pem (certificate, TRUE);
}
