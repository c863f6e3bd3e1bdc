#!/usr/bin/env bash
# Installs the browser that tests drive: Debian's chromium. Where it cannot, it says what to install.
set -euo pipefail

for browser in chromium chromium-browser google-chrome chrome; do
  if command -v "$browser" >/dev/null; then exit 0; fi
done

as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo -n); fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT

install() {
  "${as_root[@]}" apt-get update &&
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
      apt-get install --yes --no-install-recommends chromium
}

echo "installing chromium for the browser tests"
if ! install >"$log" 2>&1; then
  echo "chromium was not installed: $(tail -n 1 "$log")"
  echo "the browser tests need it: install the package chromium, or Google Chrome"
fi
