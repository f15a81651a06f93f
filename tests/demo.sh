#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# demo.sh: a daemon, two peers that talk through it, and a media file that crosses a data channel between two pipelines.
# Shows what each says as it happens. Exits 0 only if everything arrived. Run by `./dev demo`.
#
# Job control (set -m) gives each background job a process group of its own, so that clean_up ends exactly what was
# started here, whatever state it is in.
set -euo pipefail
set -m

readonly min_bytes=$((64 << 20))
work=$(mktemp -d "${TMPDIR:-/tmp}/gst-datachannel-demo.XXXXXX")
groups=()
filters=()

clean_up () {
  local group
  for group in "${groups[@]}"; do
    kill -- "-$group" 2>/dev/null || true
  done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap clean_up EXIT

if [[ -t 1 ]]; then
  bold=$'\e[1m' plain=$'\e[0m'
else
  bold='' plain=''
fi

say () {
  printf '\n%s%s%s\n' "$bold" "$*" "$plain"
}

# What was not shown already of the logs, and the way out.
fail () {
  local log
  printf '\ndemo: %s\n' "$1" >&2
  shift
  for log in "$@"; do
    printf -- '--- %s\n' "${log##*/}" >&2
    cat "$log" >&2
  done
  exit 1
}

# start NAME COMMAND...: in the background; its output goes to NAME.log and, with its name before it, to the terminal.
# The PID is in $started.
start () {
  local name=$1
  shift
  printf '  %s$ %s%s\n' "$bold" "$*" "$plain"
  local output
  exec {output}> >(tee "$work/$name.log" | sed -u "s/^/  [$name] /")
  local filter=$!
  "$@" >&"$output" 2>&1 {output}>&- &
  started=$!
  exec {output}>&-
  groups+=("$started")
  filters[started]=$filter
}

# finish PID NAME: waits for it, and fails unless it exits 0.
finish () {
  local status=0
  wait "$1" || status=$?
  wait "${filters[$1]}" || true
  ((status == 0)) || fail "$2 ended with exit status $status; what it said is above"
}

wait_for_url () {
  local i
  for ((i = 0; i < 100; i++)); do
    url=$(grep -m 1 -oE 'ws://127\.0\.0\.1:[0-9]+' "$work/dcsignald.log" 2>/dev/null) && return
    kill -0 "$started" 2>/dev/null || break
    sleep 0.1
  done
  fail 'dcsignald did not say within 10 s where it listens; what it said is above'
}

now () {
  date +%s%N
}

say '1. The signaling daemon, through which peers find each other'
start dcsignald dcsignald --listen 127.0.0.1:0
daemon=$started
wait_for_url
export DC_SIGNALING=$url

say '2. Two peers: one waits, one calls; then they talk straight to each other'
start answer timeout 40 dcpeer answer --room talk --id alice --once --count 3 --interval 0.3
answer=$started
start offer timeout 40 dcpeer offer --room talk --id bob --count 3 --interval 0.3
finish "$started" 'dcpeer offer'
finish "$answer" 'dcpeer answer'

say '3. A media file: video and audio from test sources, encoded and muxed'
timeout 60 gst-launch-1.0 -q \
  videotestsrc pattern=snow num-buffers=100 ! video/x-raw,width=1280,height=720,framerate=25/1 ! jpegenc quality=92 ! queue ! \
  matroskamux name=mux ! filesink location="$work/sent.mkv" \
  audiotestsrc wave=pink-noise num-buffers=172 ! vorbisenc ! queue ! mux. >"$work/media.log" 2>&1 \
  || fail 'the media file could not be made' "$work/media.log"
size=$(stat -c %s "$work/sent.mkv")
((size >= min_bytes)) || fail "the media file has $size bytes, fewer than $min_bytes" "$work/media.log"
printf '  sent.mkv: %d bytes, 4 s of video (JPEG) and audio (Vorbis) in Matroska\n' "$size"

say '4. The file through a pipeline: filesrc ! datachannelsink -> datachannelsrc ! filesink'
start receiver timeout 60 gst-launch-1.0 -q datachannelsrc signaling="$url" room=file ! filesink location="$work/received.mkv"
receiver=$started
start sender timeout 60 gst-launch-1.0 -q filesrc location="$work/sent.mkv" blocksize=65536 ! \
  datachannelsink signaling="$url" room=file
sender=$started
# The rate counts from the first byte on: connecting is not part of it.
while [[ ! -s $work/received.mkv ]] && kill -0 "$receiver" 2>/dev/null; do
  sleep 0.02
done
begin=$(now)
finish "$receiver" 'the receiving pipeline'
end=$(now)
finish "$sender" 'the sending pipeline'

sent=$(sha256sum <"$work/sent.mkv")
received=$(sha256sum <"$work/received.mkv")
printf '  sent      sha256 %s\n  received  sha256 %s\n' "${sent%% *}" "${received%% *}"
[[ $sent == "$received" ]] || fail "what arrived ($(stat -c %s "$work/received.mkv") bytes) is not what was sent ($size bytes)"
awk -v b="$size" -v ns="$((end - begin))" \
  'BEGIN { printf "  equal; %.1f MiB in %.2f s: %.1f MB/s\n", b / 1048576, ns / 1e9, b / ns * 1000 }'

kill "$daemon"
finish "$daemon" dcsignald
say 'Everything arrived.'
