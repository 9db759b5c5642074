#!/usr/bin/env bash
# Installs, builds and tests everything. The last line says how many tests passed and failed.
set -euo pipefail
# shellcheck source=deploy/steps.sh
source "$(dirname "${BASH_SOURCE[0]}")/../deploy/steps.sh"

usage='usage: tests/run.sh [--sanitize | --gcc | --tidy]
Builds and runs every test; the last line is "N passed, N failed" and any skipped.
  (none)      preset release: Clang 19, optimized
  --sanitize  preset dev: AddressSanitizer and UndefinedBehaviorSanitizer
  --gcc       preset gcc: GCC 12, which must give the same traces
  --tidy      runs clang-tidy over our sources instead of the tests'

# Prints the closing line; false if a test failed, or if none passed.
# CTest writes a program that is missing as "notrun", like a test that chose to skip: only the
# latter counts as skipped.
print_counts() {
  python3 - "$1" <<'PYTHON'
import sys
import xml.etree.ElementTree as xml

passed = failed = skipped = 0
try:
    tests = list(xml.parse(sys.argv[1]).iter("testcase"))
except (OSError, xml.ParseError) as error:
    print(f"run.sh: CTest left no results that can be read: {error}", file=sys.stderr)
    tests = []
for test in tests:
    status = test.get("status")
    why = test.find("skipped")
    chose_to = why is not None and why.get("message", "").startswith("SKIP_")
    if status == "run":
        passed += 1
    elif status == "disabled" or (status == "notrun" and chose_to):
        skipped += 1
    else:
        failed += 1
sys.stderr.flush()
print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
sys.exit(0 if passed and not failed else 1)
PYTHON
}

run_tests() {
  local preset=$1 junit=$root/build/tests-$1.xml status=0
  say "Testing ..."
  rm -f -- "$junit"
  (cd "$root" && ctest --preset "$preset" -j 2 --output-on-failure --no-tests=error \
    --output-junit "$junit") || status=$?
  explain_full_disk
  say "Tests ended; details in ${junit#"$root"/}"
  print_counts "$junit" || status=1
  return "$status"
}

run_tidy() {
  local here
  # shellcheck disable=SC2001  # a pattern of this kind is sed's business
  here=$(sed 's/[][\.*^$+?(){}|]/\\&/g' <<<"$root")
  configure release
  say "Generating what our sources include ..."
  build release shootdown_proto_messages shootdown_proto_service shootdown_server_rows
  say "Running clang-tidy ..."
  (cd "$root" && run-clang-tidy-19 -quiet -p build/release -j "$(job_count)" -warnings-as-errors '*' \
    -header-filter "^$here/(fuzz|proto|server|worker|tests)/" "^$here/(fuzz|proto|server|worker|tests)/.*\\.cc\$") ||
    die "clang-tidy objects to the lines named above: mend them, or switch the check off in .clang-tidy with its reason."
  say "clang-tidy has nothing to say."
}

main() {
  local preset=release
  (($# <= 1)) || usage_error "one option at a time, not '$*': see --help."
  case ${1-} in
    '') ;;
    --sanitize) preset=dev ;;
    --gcc) preset=gcc ;;
    --tidy) preset= ;;
    -h | --help) echo "$usage"; return ;;
    *) usage_error "unknown option '$1': see --help." ;;
  esac
  "$root/deploy/setup.sh"
  if [[ -z $preset ]]; then
    run_tidy
    return
  fi
  say "Configuring build/$preset ..."
  configure "$preset"
  say "Building with $(job_count) at once ..."
  build "$preset"
  run_tests "$preset"
}

main "$@"
