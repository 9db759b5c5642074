#!/usr/bin/env bash
# Installs what Shootdown needs to be built, tested and run: Debian 12, Debian's own packages.
# Safe to repeat: when everything is there, it leaves apt alone and ends at once.
set -euo pipefail
# shellcheck source=deploy/steps.sh
source "$(dirname "${BASH_SOURCE[0]}")/steps.sh"

usage='usage: deploy/setup.sh [--build] [--help]
Installs the Debian 12 packages that Shootdown needs. Run it as root, or as a user who may sudo.
  --build   only those that building and running it takes, without those of the tests (a browser, ...)'

packages=(
  # Compilers: clang has libFuzzer; g++ builds the rest and must give the same traces.
  clang-19 lld-19 llvm-19 libclang-rt-19-dev g++ g++-12
  # Build and scripts.
  cmake ninja-build pkg-config python3 git ca-certificates
  # Libraries of the fuzzer. RocksDB's package brings the compression libraries that it links.
  libabsl-dev libboost-context-dev libxxhash-dev libfmt-dev libspdlog-dev libcli11-dev
  nlohmann-json3-dev librocksdb-dev
  # Messages and the service.
  libprotobuf-dev protobuf-compiler libgrpc++-dev protobuf-compiler-grpc prometheus-cpp-dev
  libcpp-httplib-dev libssl-dev openssl
  # The tests are configured with the rest.
  libgtest-dev libgmock-dev libbenchmark-dev
)
test_packages=(
  clang-tidy-19 clang-format-19 python3-grpcio python3-protobuf gnuplot-nox
  # The page of `replay --html` is tested in a browser.
  chromium chromium-driver python3-selenium
  # tests/bench/peers asks them the same questions.
  spin relacy-dev
)

disk_mib_min=3000      # the packages take less than 2 GB; the rest is for a build
lock_wait_seconds=120  # a fresh machine often updates itself in the background

missing=()
sudo=()
log=$(mktemp)
trap 'rm -f "$log"' EXIT

require_debian_12() {
  local id version name
  # shellcheck disable=SC1091,SC2154  # the file of the machine at hand, which sets these
  read -r id version name < <(. /etc/os-release 2>/dev/null || true; echo "${ID:-unknown} ${VERSION_ID:-unknown} ${PRETTY_NAME:-an unknown system}")
  [[ $id == debian && $version == 12 ]] ||
    die "this is $name, but the packages that Shootdown is built from are those of Debian 12: use a Debian 12 machine, container or virtual machine."
}

find_missing() {
  local installed package
  installed=$(dpkg-query -W -f='${db:Status-Abbrev} ${Package}\n' "${packages[@]}" 2>/dev/null |
    awk '$1 == "ii" { print $2 }') || true
  for package in "${packages[@]}"; do
    grep -qxF -- "$package" <<<"$installed" || missing+=("$package")
  done
}

# Sets `sudo` to what has to stand before a command that changes the system.
become_root() {
  ((EUID != 0)) || return 0
  if command -v sudo >/dev/null; then
    if sudo -n true 2>/dev/null || { [[ -t 0 ]] && sudo -v; }; then
      sudo=(sudo)
      return 0
    fi
  fi
  die "packages are to be installed (${#missing[@]}: ${missing[0]} ...), which needs root: run this as root, or as a user for whom sudo works."
}

require_disk() {
  local path left_mib
  for path in / "$root"; do
    left_mib=$(free_mib "$path")
    ((left_mib >= disk_mib_min)) ||
      die "only $left_mib MiB are left on the disk that holds $path, and $disk_mib_min are needed: free some space there, then run this again."
  done
}

# Runs apt-get into the log. Waits while another program holds one of apt's locks:
# DPkg::Lock::Timeout covers dpkg's own lock alone, not that of the package lists.
apt_get() {
  local deadline=$((SECONDS + lock_wait_seconds)) said=0
  until "${sudo[@]}" env LC_ALL=C DEBIAN_FRONTEND=noninteractive apt-get -q -y \
    -o DPkg::Lock::Timeout="$lock_wait_seconds" "$@" >"$log" 2>&1 </dev/null; do
    grep -qE 'Could not get lock|Unable to lock|Unable to acquire the dpkg' "$log" || return 1
    ((SECONDS < deadline)) ||
      die "another program (often the daily update) has held apt's lock for $lock_wait_seconds seconds: let it end, then run this again."
    ((said++)) || say "Waiting for another program to release apt's lock ..."
    sleep 3
  done
}

# The first thing that apt complained about, on one line.
apt_complaint() { grep -m 1 '^E:' "$log" || tail -n 1 "$log"; }

refresh_lists() {
  say "Refreshing the package lists ..."
  apt_get update -o APT::Update::Error-Mode=any && return
  local complaint
  complaint=$(apt_complaint)
  # A source that has nothing to do with us may be broken; the lists we have may be enough.
  apt_get install --simulate --no-install-recommends "${missing[@]}" ||
    die "the package lists could not be refreshed ($complaint): check the network, the proxy and /etc/apt/sources.list, then run this again."
  say "Not every package list could be refreshed; going on with those that are there."
}

install_missing() {
  say "Installing (some minutes): ${missing[*]}"
  apt_get install --no-install-recommends "${missing[@]}" && return
  local complaint
  complaint=$(apt_complaint)
  require_disk
  grep -qE 'Unable to fetch|Failed to fetch|Could not resolve|Could not connect' "$log" &&
    die "the packages could not be downloaded ($complaint): check the network and the proxy, then run this again."
  tail -n 20 "$log" >&2
  die "apt-get could not install the packages ($complaint): put right what it says above ('apt-get -f install' often does), then run this again."
}

main() {
  case ${1-} in
    '') packages+=("${test_packages[@]}") ;;
    --build) ;;
    -h | --help) echo "$usage"; return ;;
    *) usage_error "unknown argument '$1': run it without any, with --build, or with --help." ;;
  esac
  require_debian_12
  find_missing
  if ((${#missing[@]} == 0)); then
    say "All ${#packages[@]} packages are installed."
    return
  fi
  become_root
  require_disk
  refresh_lists
  install_missing
  say "Done: all ${#packages[@]} packages are installed."
}

main "$@"
