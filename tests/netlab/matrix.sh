#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# matrix.sh: a file from datachannelsink to datachannelsrc under every fault, with its goodput beside what theory allows.
# Run by `./dev netlab matrix`.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here
readonly cell_timeout=45
readonly piece=65536 # of the file, in a message

usage () {
  cat <<'END'
Usage: ./dev netlab matrix [OPTION...]

Each cell sends a file of seeded contents from datachannelsink, on one side of a lab, to datachannelsrc on the other, and
wants all exit statuses 0 and the same bytes in the same order (SHA-256). It prints how long the file took after its
first piece, the goodput of that, and the theoretical bound. All cells together take six to ten minutes. Where messages may
be given up (max-retransmits=0, raw-give-up), those that come must be whole and in their order.

  --list            the cells with their links, and no run
  --only PATTERN    only the cells whose names match this shell pattern, such as 'loss-*'; may be given more than once
  --seed N          of links and file (1)
  --keep DIRECTORY  leaves the log of each cell there

The bound is the least of
  rate     the payload that a link of that rate carries: 1172 bytes in each packet of 1265
  window   1 MiB, what SCTP has under way at the most, in each round trip
  Mathis   1172 bytes / RTT * 1.22 / sqrt (loss): a model of congestion avoidance under random loss, no law:
           a short file or a better congestion control exceeds it. A burst counts as one loss
and the time of a blackhole is added to that of the file.

Exit status: 0 all cells passed; 1 one did not; 2 the command line is wrong; 77 this machine allows no lab.
END
}

die () {
  printf 'matrix: %s\n' "$1" >&2
  exit "${2:-2}"
}

# NAME, KiB of the file, Mbit/s, RTT in ms, loss in percent, mean burst, sender's side, more of the link, schedule. Those whose name
# begins with raw run in raw mode; raw-give-up also retransmits nothing.
# The file's size makes a cell last 5 to 20 s. The daemon is always in a, whose address therefore never changes.
cells () {
  cat <<'END'
rtt-0            | 65536 | 100 |   0 |   0 | 0 | a |                |
rtt-20           | 65536 | 100 |  20 |   0 | 0 | a |                |
rtt-50           | 65536 | 100 |  50 |   0 | 0 | a |                |
rtt-100          | 49152 | 100 | 100 |   0 | 0 | a |                |
rtt-300          | 16384 | 100 | 300 |   0 | 0 | a |                |
jitter           | 32768 | 100 |  50 |   0 | 0 | a | jitter 10ms    |
loss-0.1         | 16384 | 100 |  20 | 0.1 | 0 | a |                |
loss-1           |  6144 | 100 |  20 |   1 | 0 | a |                |
loss-2           |  4096 | 100 |  20 |   2 | 0 | a |                |
loss-5           |  1536 | 100 |  20 |   5 | 0 | a |                |
loss-10          |   512 | 100 |  20 |  10 | 0 | a |                |
burst-1          | 24576 | 100 |  20 |   1 | 4 | a |                |
burst-5          |  4096 | 100 |  20 |   5 | 8 | a |                |
reorder          |  4096 | 100 |  20 |   0 | 0 | a | reorder 2%     |
duplicate        | 65536 | 100 |  20 |   0 | 0 | a | duplicate 2%   |
step-down        | 65536 | 100 |  20 |   0 | 0 | a | rtt 200ms      | 9s: rtt 20ms
rate-1           |  1024 |   1 |  20 |   0 | 0 | a |                |
rate-10          | 10240 |  10 |  20 |   0 | 0 | a |                |
rate-100         | 65536 | 100 |  10 |   0 | 0 | a |                |
blackhole        | 10240 |  10 |  20 |   0 | 0 | a |                | 4s: blackhole 5s
address-receiver | 10240 |  10 |  20 |   0 | 0 | a |                | 4s: address b 10.99.0.3
address-sender   | 10240 |  10 |  20 |   0 | 0 | b |                | 4s: address b 10.99.0.3
raw-rate-1       |  1024 |   1 |  20 |   0 | 0 | a |                |
raw-loss-2       |  2048 |  10 |  20 |   2 | 0 | a |                |
raw-give-up      |  1024 |  10 |  20 |   2 | 0 | a |                |
END
}

# read_cell LINE: sets the variables of a cell.
read_cell () {
  local more
  IFS='|' read -r name kib mbit rtt loss burst sender more schedule <<<"$1"
  # The padding of the columns.
  read -r name <<<"$name"
  read -r sender <<<"$sender"
  read -r schedule <<<"$schedule"
  kib=${kib// /} mbit=${mbit// /} rtt=${rtt// /} loss=${loss// /} burst=${burst// /}
  read -r link <<<"rate ${mbit}mbit rtt ${rtt}ms loss ${loss}% burst ${burst} ${more}"
}

# Prints bytes a second and the name of what limits.
bound () {
  local stall=0
  if [[ $schedule =~ blackhole\ ([0-9]+)s ]]; then
    stall=${BASH_REMATCH[1]}
  fi
  awk -v kib="$kib" -v mbit="$mbit" -v rtt="$rtt" -v loss="$loss" -v burst="$burst" -v stall="$stall" 'BEGIN {
    best = mbit * 1e6 / 8 * 1172 / 1265; why = "rate"
    if (rtt > 0 && 1048576 / (rtt / 1000) < best) { best = 1048576 / (rtt / 1000); why = "window" }
    if (rtt > 0 && loss > 0) {
      mathis = 1172 / (rtt / 1000) * 1.22 / sqrt(loss / 100 / (burst > 0 ? burst : 1))
      if (mathis < best) { best = mathis; why = "Mathis" }
    }
    if (stall > 0) { best = kib * 1024 / (kib * 1024 / best + stall); why = why " and " stall " s" }
    print best, why
  }'
}

# run_cell: leaves NAME.log; the exit status is netlab's.
run_cell () {
  local elements='signaling=ws://10.99.0.1:8443 room=matrix'
  local receiver=b
  if [[ $sender == b ]]; then
    receiver=a
  fi
  if [[ $name == raw-* ]]; then
    elements+=' mode=raw'
  fi
  if [[ $name == raw-give-up ]]; then
    elements+=' max-retransmits=0'
  fi
  head -c "${kib}K" "$work/data" >"$work/file"
  "$NETLAB" run --seed "$seed" --timeout "$cell_timeout" --link "$link" --schedule "$schedule" \
    --daemon-a 'exec dcsignald --listen 10.99.0.1:8443' \
    "--$sender" "exec gst-launch-1.0 -q filesrc location='$work/file' blocksize=$piece ! datachannelsink $elements" \
    "--$receiver" "{ gst-launch-1.0 -q datachannelsrc $elements ! fdsink fd=3 3>&1 >&2 || echo receiver failed >&2; } | \
      python3 '$here/receive.py' '$work/file' $piece" >"$logs/$name.log" 2>&1
}

# Prints a row of the table; fails if the cell did.
judge () {
  local status=$1 limit why bytes=0 later=0 seconds=0 sum=none missing=wrong wanted verdict=ok
  read -r limit why <<<"$(bound)"
  wanted=$(sha256sum <"$work/file")
  read -r bytes later seconds sum missing <<<"$(sed -n 's/.* received \([0-9].*\)/\1/p' "$logs/$name.log")" || true
  if ((status == 124)); then
    verdict="not done in $cell_timeout s"
  elif ((status != 0)) || grep -q 'receiver failed' "$logs/$name.log"; then
    verdict='failed'
  elif [[ $name == raw-give-up && $missing =~ ^[1-9] ]] && ((bytes > 0)); then
    verdict="ok, without $missing messages of $((kib * 1024 / piece))"
  elif [[ $sum != "${wanted%% *}" ]]; then
    verdict="WRONG BYTES (${bytes:-0} of $((kib << 10)))"
  fi
  awk -v n="$name" -v kib="$kib" -v s="${seconds:-0}" -v b="${later:-0}" -v l="$limit" -v w="$why" -v v="$verdict" 'BEGIN {
    rate = s > 0 ? b / s : 0
    ratio = v ~ /^ok/ ? sprintf ("%.1f %%", 100 * rate / l) : "-"
    printf "%-17s %7.2f MiB %7.2f s %7.3f MB/s %8.3f MB/s %8s  %-14s %s\n", n, kib / 1024, s, rate / 1e6, l / 1e6, ratio,
      w, v }'
  [[ $verdict == ok* ]]
}

# The sentences of programs that failed.
explain () {
  grep -E 'ERROR|rror:|netlab: |received' "$logs/$name.log" | grep -v 'exit status 0$' | tail -n 12 | cut -c 1-200 | sed 's/^/    /'
}

clean_up () {
  rm -rf "$work"
}

list=false patterns=() seed=1 keep=
while (($#)); do
  case $1 in
    --list) list=true ;;
    --only | --seed | --keep)
      (($# > 1)) || die "$1 needs a value"
      case $1 in
        --only) patterns+=("$2") ;;
        --seed) seed=$2 ;;
        --keep) keep=$2 ;;
      esac
      shift
      ;;
    -h | --help) usage && exit ;;
    *) die "there is no option $1; see ./dev netlab matrix --help" ;;
  esac
  shift
done
[[ $seed =~ ^[0-9]+$ ]] || die '--seed takes a number'

is_wanted () {
  local pattern
  ((${#patterns[@]})) || return 0
  for pattern in "${patterns[@]}"; do
    # shellcheck disable=SC2053 # a pattern is what it is
    [[ $name == $pattern ]] && return 0
  done
  return 1
}

mapfile -t rows < <(cells)
wanted=()
for row in "${rows[@]}"; do
  read_cell "$row"
  if is_wanted; then
    wanted+=("$row")
    $list && printf '%-17s %s%s\n' "$name" "$link" "${schedule:+; $schedule}"
  fi
done
((${#wanted[@]})) || die 'no cell has such a name; see ./dev netlab matrix --list'
$list && exit

[[ -n ${NETLAB:-} ]] || die 'run it as ./dev netlab matrix'
"$NETLAB" run --a true >/dev/null || exit

work=$(mktemp -d "${TMPDIR:-/tmp}/gst-datachannel-matrix.XXXXXX")
trap clean_up EXIT
logs=$work
if [[ -n $keep ]]; then
  mkdir -p "$keep"
  logs=$keep
fi
python3 -c 'import random, sys; sys.stdout.buffer.write(random.Random(int(sys.argv[1])).randbytes(64 << 20))' "$seed" >"$work/data"

printf '%-17s %11s %9s %12s %13s %8s  %-14s %s\n' cell size time goodput bound ratio 'bound by' result
failed=0
for row in "${wanted[@]}"; do
  read_cell "$row"
  status=0
  run_cell || status=$?
  ((status < 128)) || exit "$status" # somebody wants us to stop
  if ! judge "$status"; then
    failed=$((failed + 1))
    explain
  fi
done
printf '%d of %d cells passed in %d s\n' "$((${#wanted[@]} - failed))" "${#wanted[@]}" "$SECONDS"
((failed == 0))
