/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-lab-error.h: why there is no lab. */
#pragma once

#include <errno.h>
#include <glib.h>

G_BEGIN_DECLS

typedef enum {
  DC_LAB_ERROR_UNAVAILABLE, /* this machine does not allow or know what a lab needs: a reason to skip */
  DC_LAB_ERROR_FAILED,
} DcLabError;

#define DC_LAB_ERROR (dc_lab_error_quark ())
GQuark dc_lab_error_quark (void);

/* "@what: " and what errno says; UNAVAILABLE if errno means a missing permission or part of the kernel. Returns FALSE. */
gboolean dc_lab_set_errno (GError **error, const char *what);

G_END_DECLS
