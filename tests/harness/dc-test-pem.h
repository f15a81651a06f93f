/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-pem.h: fixed certificates for tests: self-signed, for 127.0.0.1 by address and no other name. */
#pragma once

#include <glib.h>

G_BEGIN_DECLS

/* PEM */
extern const char dc_test_pem_certificate[];
extern const char dc_test_pem_key[];
extern const char dc_test_pem_expired_certificate[];
extern const char dc_test_pem_expired_key[];

G_END_DECLS
