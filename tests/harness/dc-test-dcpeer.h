/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* dc-test-dcpeer.h: dcpeer, run as people run it. */
#pragma once

#include "tests/harness/dc-test-process.h"

G_BEGIN_DECLS

/* g_test_run(), with nothing of the developer's settings, no .env either, in a directory of its own. */
int dc_test_dcpeer_run_tests (void);
/* The program. */
const char *dc_test_dcpeer_get_path (void);
/* `dcpeer WORDS`, quoted as in a shell, with %s for @url: (nullable) */
DcTestProcess *dc_test_dcpeer_run (const char *words, const char *url);
/* It ends with @status, and @sentence is a part of what it says. */
void dc_test_dcpeer_assert_fails (const char *words, const char *url, int status, const char *sentence);

G_END_DECLS
