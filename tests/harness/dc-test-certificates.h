/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-certificates.h: certificates for tests, made with the openssl command at run time. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef struct {
  char *dir;
  char *ca;        /* PEM file: who signed cert */
  char *cert;      /* PEM file: for localhost, 127.0.0.1 and ::1 */
  char *key;       /* PEM file: of cert */
  char *other_ca;  /* PEM file: another authority, which signed nothing here */
  char *other_key; /* PEM file: not of cert */
} DcTestTls;

/* NULL if there is no openssl: skip the test. */
DcTestTls *dc_test_tls_new (void);
void dc_test_tls_free (DcTestTls *tls);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DcTestTls, dc_test_tls_free)

G_END_DECLS
