# Sourced by the other scripts: how they speak, measure, and build. Changes nothing by itself.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# A line of progress, with the seconds since the script began.
say() { printf '[%4d s] %s\n' "$SECONDS" "$*"; }

# The one sentence that says what went wrong and what to do, and the end.
die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# Wrong usage: status 2, as everywhere in Shootdown.
usage_error() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 2
}

# MiB that can still be written where PATH is.
free_mib() { df --output=avail --block-size=1M -- "$1" | tail -n 1 | tr -d ' '; }

# Compilers that run at once: a core and 2 GiB of free memory each, and at least one.
job_count() {
  local cores memory_jobs
  cores=$(nproc)
  memory_jobs=$(awk '/^MemAvailable:/ { print int($2 / 1024 / 1024 / 2) }' /proc/meminfo)
  local jobs=$((memory_jobs < cores ? memory_jobs : cores))
  echo $((jobs > 1 ? jobs : 1))
}

configure() {
  local preset=$1 log=$root/build/$1-configure.log
  mkdir -p "$root/build" 2>/dev/null || die "cannot write to $root/build: make the checkout writable for $(id -un), then run this again."
  (cd "$root" && cmake --preset "$preset") >"$log" 2>&1 && return
  tail -n 20 "$log" >&2 || true
  explain_full_disk
  die "preset $preset could not be configured: the cause is above (all of it in ${log#"$root"/}); after a change of compiler or packages, delete build/$preset and run this again."
}

# build PRESET [TARGET...]: incremental; all targets if none is named.
build() {
  local preset=$1
  shift
  local targets=()
  (($# == 0)) || targets=(--target "$@")
  (cd "$root" && cmake --build --preset "$preset" -j "$(job_count)" "${targets[@]}") && return
  explain_full_disk
  die "preset $preset did not build: the first error above names the file; if a compiler was 'Killed', memory ran out: close programs and run this again."
}

explain_full_disk() {
  local left_mib
  left_mib=$(free_mib "$root")
  ((left_mib >= 64)) || die "the disk that holds $root is full ($left_mib MiB left): free 3 GB there, then run this again."
}
