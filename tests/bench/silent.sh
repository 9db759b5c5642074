#!/bin/sh
# All off is silent: every scenario that expects no finding, a million schedules each, and random scenarios
# on top of that. It builds nothing. Exit status 0: no finding.
#   tests/bench/silent.sh [SCHEDULES [SCENARIOS]]     default: 1000000 each, 100000 random scenarios
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
bin=$root/build/release/bin
clean=$("$bin/shootdown" scenarios --json |
  /usr/bin/python3 -c 'import json, sys
for row in json.load(sys.stdin)["scenarios"]:
    if row["expected"] == "clean": print(row["name"])')
# shellcheck disable=SC2086  # a word for each scenario
"$bin/shootdown" scenarios --check $clean --states 0 --runs "${1:-1000000}" --jobs "$(nproc)"
"$bin/silent" 0 "${2:-100000}" 100
