#!/usr/bin/env bash
# Makes a certificate authority for tests and small installations, and certificates signed by it.
set -euo pipefail

usage='usage: deploy/make-certs.sh DIR server HOST...
       deploy/make-certs.sh DIR worker|operator|viewer NAME
Writes into DIR: ca.pem and ca-key.pem (made at the first call, kept afterwards), and for each call
ROLE-NAME.pem and ROLE-NAME-key.pem (for a server: server.pem and server-key.pem).
  server HOST...    the names and addresses by which clients reach the coordinator
  ROLE NAME         a client; its role is in the certificate, as shootdown://ROLE/NAME
Environment: DAYS, how long a certificate holds (default 90; negative makes an expired one, for tests).
Keys are readable by their owner alone. Whoever has ca-key.pem can be anybody: keep it elsewhere.'

die() {
  printf 'make-certs.sh: %s\n' "$*" >&2
  exit "${status:-1}"
}
usage_error() { status=2 die "$*: see --help."; }

# `openssl x509` cannot make a certificate that has expired already, but `openssl ca` can.
sign() {  # sign BASE SUBJECT SUBJECT_ALT_NAME
  local base=$1 subject=$2 name=$3 days=${DAYS:-90} end
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  : >"$work/index"
  openssl rand -hex 16 >"$work/serial"  # drawn: two authorities' certificates never look the same
  cat >"$work/config" <<CONFIG
[ca]
default_ca = own
[own]
database = $work/index
serial = $work/serial
new_certs_dir = $work
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[extensions]
subjectAltName = $name
CONFIG
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "$subject" \
    -keyout "$work/key" -out "$work/request" 2>"$work/log" || die "$(cat "$work/log")"
  end=$(date -u -d "now + $days days" +%Y%m%d%H%M%SZ)
  openssl ca -batch -notext -config "$work/config" -extensions extensions \
    -cert "$dir/ca.pem" -keyfile "$dir/ca-key.pem" -startdate 20200101000000Z -enddate "$end" \
    -in "$work/request" -out "$work/cert" 2>"$work/log" || die "$(cat "$work/log")"
  # Each in one step. A program that reloads between the two sees a pair that does not fit, and waits.
  cp "$work/key" "$dir/$base-key.pem.new" && mv "$dir/$base-key.pem.new" "$dir/$base-key.pem"
  cp "$work/cert" "$dir/$base.pem.new" && mv "$dir/$base.pem.new" "$dir/$base.pem"
  echo "$dir/$base.pem"
}

main() {
  case ${1-} in
    -h | --help) echo "$usage"; return ;;
  esac
  (($# >= 3)) || usage_error "a folder, a role and a name are wanted"
  dir=$1
  local role=$2 name host names=''
  shift 2
  command -v openssl >/dev/null || die "openssl is missing: run deploy/setup.sh."
  umask 077
  mkdir -p "$dir"
  if [[ ! -e $dir/ca.pem ]]; then
    openssl req -x509 -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 \
      -subj "/CN=Shootdown test CA" -keyout "$dir/ca-key.pem" -out "$dir/ca.pem" 2>/dev/null
  fi
  case $role in
    server)
      for host in "$@"; do
        [[ $host =~ ^[A-Za-z0-9.:_-]+$ ]] || usage_error "host '$host', wanted a name or an address"
        if [[ $host =~ ^[0-9.]+$ || $host == *:* ]]; then names+=",IP:$host"; else names+=",DNS:$host"; fi
      done
      sign server "/CN=$1" "${names#,}"
      ;;
    worker | operator | viewer)
      name=$1
      (($# == 1)) || usage_error "one name at a time"
      [[ $name =~ ^[A-Za-z0-9._-]{1,64}$ ]] || usage_error "name '$name', wanted 1 to 64 of a-z A-Z 0-9 . _ -"
      sign "$role-$name" "/CN=$name" "URI:shootdown://$role/$name"
      ;;
    *) usage_error "role '$role', wanted server, worker, operator or viewer" ;;
  esac
}

main "$@"
