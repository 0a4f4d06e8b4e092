#!/usr/bin/env bash
# Chromium for the journeys in a browser. Does nothing where it is there already, so it needs no network then.
set -euo pipefail

if command -v chromium >/dev/null; then
    exit 0
fi

give_up() {
    echo "The browser tests need Chromium: $1" >&2
    echo "Install it yourself (Debian: the package chromium) so that the command chromium is found, then repeat." >&2
    exit 1
}

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || give_up "this account is not root, and there is no sudo."
    as_root=(sudo -n env DEBIAN_FRONTEND=noninteractive)
fi
command -v apt-get >/dev/null || give_up "there is no apt-get on this system."

echo "Installing Chromium for the browser tests (once) ..."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
if ! { "${as_root[@]}" apt-get update -qq && "${as_root[@]}" apt-get install -y -qq --no-install-recommends chromium; } >"$log" 2>&1 </dev/null; then
    tail -n 5 "$log" >&2
    give_up "apt-get could not install the package chromium; its last lines stand above."
fi
command -v chromium >/dev/null || give_up "apt-get is done, but the command chromium is not there."
