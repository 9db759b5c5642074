#!/usr/bin/env bash
# Runs the benchmarks, which are built already, and prints one table of figures with their aims.
set -euo pipefail
exec python3 "$(dirname "${BASH_SOURCE[0]}")/figures.py" "$@"
