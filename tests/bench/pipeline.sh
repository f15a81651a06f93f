#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# pipeline.sh METER: how fast is `datachannelsink` -> `datachannelsrc` beside `tcpclientsink` -> `tcpserversrc`? Both carry
# the same file between two processes of this machine, taking turns so that a busy moment meets both; the median of each
# counts. DC_BENCH_MIB and DC_BENCH_RUNS change the size (64) and the number of runs (3).
#
# Job control (set -m) gives each background job a process group, so that clean_up ends exactly what was started here.
set -euo pipefail
set -m

meter=$1
size=${DC_BENCH_MIB:-64}
runs=${DC_BENCH_RUNS:-3}
work=$(mktemp -d)
groups=()

clean_up () {
  local group
  for group in "${groups[@]}"; do
    kill -- "-$group" 2>/dev/null || true
  done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap clean_up EXIT

fail () {
  printf 'pipeline.sh: %s\n' "$1" >&2
  tail -n 20 "$work"/*.log >&2
  exit 1
}

# wait_for FILE PATTERN: prints the first match, within 10 s.
wait_for () {
  local i
  for ((i = 0; i < 100; i++)); do
    grep -m 1 -oE "$2" "$1" 2>/dev/null && return
    sleep 0.1
  done
  fail "no \"$2\" in ${1##*/}"
}

receive () {
  gst-launch-1.0 -q "$@" ! fdsink fd=3 3>&1 >>"$work/receiver.log" 2>&1 | python3 "$meter" >"$work/result"
}

send () {
  timeout 120 gst-launch-1.0 -q filesrc location="$work/file" blocksize=65536 ! "$@" >>"$work/sender.log" 2>&1
}

# Prints MB/s.
rate () {
  local bytes seconds
  read -r bytes seconds <"$work/result"
  ((bytes == size << 20)) || fail "$bytes bytes of $((size << 20)) arrived"
  awk -v b="$bytes" -v s="$seconds" 'BEGIN { printf "%.1f\n", b / s / 1e6 }'
}

over_datachannel () {
  local options=("signaling=$url" "room=bench$1")
  receive datachannelsrc "${options[@]}" &
  local receiver=$!
  groups+=("$receiver")
  send datachannelsink "${options[@]}" || fail 'datachannelsink failed'
  wait "$receiver" || fail 'datachannelsrc failed'
  rate
}

over_tcp () {
  local port
  # A port that was free a moment ago.
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  receive tcpserversrc host=127.0.0.1 "port=$port" &
  local receiver=$! i
  groups+=("$receiver")
  for ((i = 0; i < 100; i++)); do
    # Connecting only to look would be the one connection that tcpserversrc takes.
    grep -qi "0100007F:$(printf '%04X' "$port") 00000000:0000 0A" /proc/net/tcp && break
    sleep 0.1
  done
  send tcpclientsink host=127.0.0.1 "port=$port" || fail 'tcpclientsink failed'
  wait "$receiver" || fail 'tcpserversrc failed'
  rate
}

median () {
  sort -n | sed -n "$(((runs + 1) / 2))p"
}

: >"$work/daemon.log"
"${DCSIGNALD:-dcsignald}" --listen 127.0.0.1:0 >"$work/daemon.log" 2>&1 &
groups+=($!)
url=$(wait_for "$work/daemon.log" 'ws://127\.0\.0\.1:[0-9]+')
head -c "${size}M" /dev/urandom >"$work/file"

for ((run = 1; run <= runs; run++)); do
  over_tcp >>"$work/tcp.rates"
  over_datachannel "$run" >>"$work/datachannel.rates"
  printf 'run %d: TCP %s MB/s, data channel %s MB/s\n' "$run" \
    "$(tail -n 1 "$work/tcp.rates")" "$(tail -n 1 "$work/datachannel.rates")"
done

tcp=$(median <"$work/tcp.rates")
datachannel=$(median <"$work/datachannel.rates")
awk -v t="$tcp" -v d="$datachannel" \
  'BEGIN { printf "median: TCP %.1f MB/s, data channel %.1f MB/s, ratio %.4f\n", t, d, d / t }'
