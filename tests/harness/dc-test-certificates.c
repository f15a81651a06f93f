/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-certificates.c: certificates for tests, made with the openssl command at run time. */
#include "tests/harness/dc-test-certificates.h"

#include "tests/harness/dc-test.h"

/* In @dir; @words: of the command, separated by blanks. */
static void
run_openssl (const char *dir, const char *words)
{
  g_auto (GStrv) argv = g_strsplit (words, " ", -1);
  g_autofree char *errors = NULL;
  g_autoptr (GError) error = NULL;
  int status = 0;

  g_spawn_sync (
      dir, argv, NULL, G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL, &errors, &status, &error);
  g_assert_no_error (error);
  if (status != 0)
    g_error ("%s: %s", words, errors);
}

static void
make_ca (const char *dir, const char *name)
{
  g_autofree char *command = g_strdup_printf (
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=%s "
      "-keyout %s-key.pem -out %s.pem -addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign,cRLSign",
      name, name, name);

  run_openssl (dir, command);
}

static void
make_server (const char *dir)
{
  static const char extensions[] = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\n"
                                   "basicConstraints=CA:FALSE\n"
                                   "keyUsage=digitalSignature\n"
                                   "extendedKeyUsage=serverAuth\n";
  g_autofree char *file = g_build_filename (dir, "extensions", NULL);

  g_assert_true (g_file_set_contents (file, extensions, -1, NULL));
  run_openssl (dir, "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost "
                    "-keyout key.pem -out request.pem");
  run_openssl (dir, "openssl x509 -req -in request.pem -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 2 "
                    "-extfile extensions -out cert.pem");
}

DcTestTls *
dc_test_tls_new (void)
{
  g_autofree char *openssl = g_find_program_in_path ("openssl");
  DcTestTls *tls = openssl ? g_new0 (DcTestTls, 1) : NULL;

  if (!tls)
    return NULL;
  tls->dir = dc_test_make_dir ();
  make_ca (tls->dir, "ca");
  make_ca (tls->dir, "other");
  make_server (tls->dir);
  tls->ca = g_build_filename (tls->dir, "ca.pem", NULL);
  tls->cert = g_build_filename (tls->dir, "cert.pem", NULL);
  tls->key = g_build_filename (tls->dir, "key.pem", NULL);
  tls->other_ca = g_build_filename (tls->dir, "other.pem", NULL);
  tls->other_key = g_build_filename (tls->dir, "other-key.pem", NULL);
  return tls;
}

void
dc_test_tls_free (DcTestTls *tls)
{
  dc_test_remove_dir (tls->dir);
  g_free (tls->ca);
  g_free (tls->cert);
  g_free (tls->key);
  g_free (tls->other_ca);
  g_free (tls->other_key);
  g_free (tls);
}
