#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# cppcheck.sh ROOT: static analysis of all C sources; what is let pass, and why, is in cppcheck.supp beside this.
set -euo pipefail
cd "$1"

if ! command -v cppcheck >/dev/null; then
  echo 'cppcheck is not installed; skipped' >&2
  exit 77
fi
# gtk.cfg knows GLib's functions and macros; the real headers would only cost time.
exec cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr -j 2 --error-exitcode=1 \
  --library=gtk,posix,gnu,tests/lint/cppcheck.cfg --suppressions-list=tests/lint/cppcheck.supp \
  -D__linux__ -DDC_VERSION='""' -I . signaling plugins apps tests
