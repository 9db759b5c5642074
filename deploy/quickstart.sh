#!/usr/bin/env bash
# From a fresh clone to the found race on screen: installs, builds, fuzzes, replays.
set -euo pipefail
# shellcheck source=deploy/steps.sh
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

usage='usage: deploy/quickstart.sh [--store DIR]
Installs what is needed, builds Shootdown, finds the race of the seed scenario, and replays it.
  --store DIR  keep what is found in DIR, which must be new or empty
               (default: build/quickstart-store, which starts empty each time)'

scenario=seed-stale-hit
seconds_max=300  # it is found in seconds; a run that takes this long has gone wrong
default_store=$root/build/quickstart-store
store=$default_store
shootdown=$root/build/release/bin/shootdown

parse_arguments() {
  while (($# > 0)); do
    case $1 in
      -h | --help) echo "$usage"; exit 0 ;;
      --store)
        [[ -n ${2-} ]] || usage_error "--store needs a folder."
        store=$(realpath -m -- "$2")
        shift 2
        ;;
      *) usage_error "unknown argument '$1': see --help." ;;
    esac
  done
}

prepare_store() {
  if [[ $store == "$default_store" ]]; then
    rm -rf -- "$default_store" || die "cannot clear $default_store: delete it by hand, then run this again."
  elif [[ -e $store && -n $(ls -A -- "$store" 2>/dev/null || echo file) ]]; then
    usage_error "$store is not an empty folder: name a new one, so that only this run's race is in it."
  fi
  local parent
  parent=$(dirname -- "$store")
  { mkdir -p -- "$parent" && [[ -w $parent ]]; } 2>/dev/null ||
    die "cannot write to $parent: make it writable for $(id -un), then run this again."
}

# What every program of ours means by a status that is not an answer.
die_of_status() {
  local what=$1 status=$2
  case $status in
    2) die "$what did not understand what it was given (status 2): program and checkout differ; delete build/release and run this again." ;;
    3) die "$what failed by a fault of Shootdown (status 3): please report the lines above." ;;
    4) die "$what was interrupted, or reached a limit, before it had an answer (status 4): run this again to start afresh." ;;
    137) die "$what was killed (status 137), most often for want of memory: close programs and run this again." ;;
    *) die "$what ended with status $status, which it never should: please report the lines above." ;;
  esac
}

fuzz_until_found() {
  local status=0
  "$shootdown" fuzz "$scenario" --seconds "$seconds_max" --store "$store" || status=$?
  explain_full_disk
  case $status in
    1) ;;
    0) die "nothing was found in $seconds_max seconds, although $scenario holds a known race: run 'build/release/bin/shootdown doctor' to see whether this machine is fit." ;;
    *) die_of_status "'shootdown fuzz'" "$status" ;;
  esac
}

# The id of the failure just stored.
stored_failure() {
  local json status=0
  json=$("$shootdown" failures list --store "$store" --json) || status=$?
  ((status == 0)) || die_of_status "'shootdown failures list'" "$status"
  python3 -c '
import json, sys
found = [f["id"] for f in json.load(sys.stdin)["failures"] if f["scenario"] == sys.argv[1]]
print(found[0] if found else "")' "$scenario" <<<"$json" 2>/dev/null ||
    die "'shootdown failures list --json' printed what is not the JSON it promises: please report it, with the folder $store."
}

replay() {
  local id=$1 status=0
  "$shootdown" replay "$id" --trace --store "$store" || status=$?
  case $status in
    0) ;;
    1) die "failure $id did not reproduce, and every stored failure must: please report it, with the folder $store." ;;
    *) die_of_status "'shootdown replay'" "$status" ;;
  esac
}

show_what_next() {
  local id=$1
  cat <<END

That is the race: found, shrunk until no decision could be removed, and replayed exactly.
Try next, from $root:
  export PATH=${shootdown%/*}:\$PATH SHOOTDOWN_STORE=$store
  shootdown failures show $id
  shootdown replay $id --html race.html
  shootdown fuzz seed-lost-bit seed-stale-hit-fixed
  shootdown scenarios
  tests/run.sh
END
}

main() {
  parse_arguments "$@"
  prepare_store
  "$root/deploy/setup.sh" --build
  say "Configuring build/release ..."
  configure release
  say "Building (some minutes the first time) ..."
  build release shootdown shootdown-fuzz
  say "Fuzzing $scenario until the race is found ..."
  fuzz_until_found
  local id
  id=$(stored_failure)
  [[ -n $id ]] || die "a race was found, but $store holds none of $scenario: please report the lines above."
  say "Replaying failure $id ..."
  replay "$id"
  show_what_next "$id"
  say "Done."
}

main "$@"
