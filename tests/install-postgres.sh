#!/usr/bin/env bash
# Brings PostgreSQL's server programs, which tests/faults starts a private cluster with. Does nothing where they are there.
set -euo pipefail

if compgen -G "/usr/lib/postgresql/*/bin/initdb" > /dev/null || command -v initdb > /dev/null; then
  exit 0
fi

if ! command -v apt-get > /dev/null; then
  echo "The fault tests need PostgreSQL's initdb and pg_ctl. Install PostgreSQL so that they are on the PATH." >&2
  exit 1
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo > /dev/null; then
    echo "The fault tests need PostgreSQL. As root, run: apt-get install postgresql" >&2
    exit 1
  fi
  as_root=(sudo)
fi

echo "Installing PostgreSQL for the fault tests (once) ..."
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${as_root[@]}" apt-get update -q && "${as_root[@]}" apt-get install -y -q --no-install-recommends postgresql; } > "$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "PostgreSQL could not be installed. Install it by hand (apt-get install postgresql), then run the tests again." >&2
  exit 1
fi
