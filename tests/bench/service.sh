#!/usr/bin/env bash
# Measures the service with programs that are built already, and prints one table with its aims.
set -euo pipefail
exec /usr/bin/python3 "$(dirname "${BASH_SOURCE[0]}")/service_figures.py" "$@"
