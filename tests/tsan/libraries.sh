#!/usr/bin/env bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# libraries.sh DIR: GLib and GStreamer's core, built with ThreadSanitizer and installed under DIR/root, once.
#
# ThreadSanitizer learns who waited for whom from the locks and atomics of code that it instrumented. Ours are GLib's:
# mutexes, conditions, queues, main contexts, reference counts; and GStreamer's, which has GLib's atomics inlined. With the
# libraries of the system all of that is invisible and each hand-over between two threads looks like a race. So these two
# are built from the source of the very packages that are installed, found through the system's own list of archives.
# The result is kept until the packages change. Exits 77, with one sentence, where the sources cannot be had.
set -euo pipefail

dir=$1
root=$dir/root
sources=$dir/src
log=$dir/log

skip () {
  printf 'libraries.sh: %s\n' "$*" >&2
  exit 77
}

fail () {
  tail -n 30 "$log" >&2
  printf 'libraries.sh: %s; the last lines of %s are above\n' "$*" "$log" >&2
  exit 1
}

# Source version of an installed package.
version () {
  # shellcheck disable=SC2016 # dpkg expands it
  dpkg-query -W -f '${source:Version}' "$1" 2>/dev/null
}

# An index of sources beside the system's, which needs no root and leaves the system's alone.
open_archive () {
  local list
  mkdir -p "$dir"/apt/{parts,lists/partial,cache/archives/partial}
  for list in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    if [[ -f $list ]]; then
      sed -nE 's/^deb(-src)?([[:space:]])/deb-src\2/p' "$list" | sort -u >"$dir/apt/parts/$(basename "$list" .list).list"
    fi
  done
  for list in /etc/apt/sources.list.d/*.sources; do
    if [[ -f $list ]]; then
      sed -E 's/^Types:.*/Types: deb-src/' "$list" >"$dir/apt/parts/$(basename "$list")"
    fi
  done
  apt=(apt-get -q -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$dir/apt/parts"
    -o "Dir::State::lists=$dir/apt/lists" -o "Dir::Cache=$dir/apt/cache" -o APT::Sandbox::User=)
  "${apt[@]}" update >>"$log" 2>&1 || true # one dead archive of several is no matter; what is missing shows below
}

# unpack SOURCE VERSION: prints the directory.
unpack () {
  (cd "$sources" && "${apt[@]}" source "$1=$2" >>"$log" 2>&1) \
    || skip "the archives of this system have no source of $1 $2; see $log (after apt upgrade it may be found)"
  find "$sources" -mindepth 1 -maxdepth 1 -type d -name "$1-*"
}

# b_lundef: gcc 12 links libtsan to shared libraries itself, others leave its symbols to the program.
common=(--prefix "$root" --libdir lib --buildtype debugoptimized --wrap-mode nofallback
  -Db_sanitize=thread -Db_lundef=false)

build_glib () {
  local from
  from=$(unpack glib2.0 "$1")
  meson setup "$dir/glib" "$from" "${common[@]}" -Dtests=false -Dnls=disabled -Dselinux=disabled -Dlibmount=disabled \
    -Dman=false -Dgtk_doc=false -Dgio_module_dir="$(pkg-config --variable giomoduledir gio-2.0)" >>"$log" 2>&1 \
    || fail 'meson could not configure GLib'
  # Where there is a futex, GLib makes its mutex itself. Of pthread's, ThreadSanitizer also knows the order in which they
  # are taken, and so finds what may once deadlock.
  sed -i '/^#define HAVE_FUTEX/d' "$dir/glib/config.h"
  ninja -C "$dir/glib" install >>"$log" 2>&1 || fail 'GLib did not compile'
}

build_gstreamer () {
  local from
  from=$(unpack gstreamer1.0 "$1")
  # For its traces it reads the counts of references plainly, which GObject changes atomically. To suppress these reads would
  # not do: where ThreadSanitizer has forgotten the stack of a read, it could be anybody's.
  sed -i -E 's/(\(\(GObject \*\) object\)|G_OBJECT \([^()]*\))->ref_count/g_atomic_int_get (\&&)/g' "$from/gst/gstobject.c"
  PKG_CONFIG_PATH=$root/lib/pkgconfig LD_LIBRARY_PATH=$root/lib \
    meson setup "$dir/gstreamer" "$from" "${common[@]}" -Dexamples=disabled -Dtests=disabled -Dbenchmarks=disabled \
    -Dintrospection=disabled -Dnls=disabled -Ddoc=disabled -Dlibunwind=disabled -Dlibdw=disabled -Dcheck=disabled \
    -Dbash-completion=disabled -Dptp-helper-permissions=none >>"$log" 2>&1 || fail 'meson could not configure GStreamer'
  LD_LIBRARY_PATH=$root/lib ninja -C "$dir/gstreamer" install >>"$log" 2>&1 || fail 'GStreamer did not compile'
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  skip 'GLib and GStreamer are built from the sources of Debian packages, and this is no such system'
fi
glib=$(version libglib2.0-0) || skip 'GLib is not of a package of this system (libglib2.0-0)'
gstreamer=$(version libgstreamer1.0-0) || skip 'GStreamer is not of a package of this system (libgstreamer1.0-0)'
# With what is changed in them, so that older ones are made anew.
stamp="glib2.0 $glib without futex, gstreamer1.0 $gstreamer with atomic counts, $(cc --version | head -n 1)"
if [[ -f $root/stamp && $(<"$root/stamp") == "$stamp" ]]; then
  exit 0
fi

printf 'Building GLib %s and GStreamer %s with ThreadSanitizer in %s; this takes some minutes\n' "$glib" "$gstreamer" "$dir" >&2
rm -rf "$dir"
mkdir -p "$sources"
open_archive
build_glib "$glib"
build_gstreamer "$gstreamer"
printf '%s\n' "$stamp" >"$root/stamp"
