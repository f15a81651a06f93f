#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# scripts.sh ROOT: do all shell scripts parse, can they be started, and has shellcheck nothing to say about them?
set -euo pipefail
cd "$1"

# The first line decides what a shell script is.
scripts=()
while IFS= read -r file; do
  IFS= read -r first <"$file" || true
  if [[ $first =~ ^'#!'.*sh ]]; then
    scripts+=("$file")
  fi
done < <(find . -name '.git' -prune -o -name 'build*' -prune -o -name corpus -prune -o \
  -type f -size -200k \( -name '*.sh' -o ! -name '*.*' -o -path './.ci/*' \) -print | sort)
completions=()
if [[ -d data/completions ]]; then
  completions=(data/completions/*)
fi

for script in "${scripts[@]}" "${completions[@]}"; do
  bash -n "$script"
done
for script in "${scripts[@]}"; do
  if [[ ! -x $script ]]; then
    echo "$script: a script that is not executable" >&2
    exit 1
  fi
done

if ! command -v shellcheck >/dev/null; then
  echo 'shellcheck is not installed; the scripts parse, more is not known' >&2
  exit 77
fi
shellcheck --shell=bash "${scripts[@]}" "${completions[@]}"
