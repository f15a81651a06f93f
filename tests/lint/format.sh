#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# format.sh [--fix] ROOT: is every C file as .clang-format says? With --fix: makes it so.
set -euo pipefail

mode=(--dry-run -Werror)
if [[ ${1:-} == --fix ]]; then
  mode=(-i)
  shift
fi
cd "$1"

# Each major version formats a little differently; the one of Debian 12 is the reference.
tool=
for candidate in clang-format-14 clang-format; do
  if [[ $("$candidate" --version 2>/dev/null) == *'version 14.'* ]]; then
    tool=$candidate
    break
  fi
done
if [[ -z $tool ]]; then
  echo 'clang-format 14 is not installed; skipped' >&2
  exit 77
fi

mapfile -t files < <(find signaling plugins apps tests -name '*.[ch]' 2>/dev/null | sort)
((${#files[@]})) || exit 0
exec "$tool" "${mode[@]}" "${files[@]}"
