#!/usr/bin/env bash
# The page tests drive Debian's Chromium; on a machine without one this installs it.
set -euo pipefail
[ -x /usr/bin/chromium ] && exit 0
if [ "$(id -u)" -ne 0 ]; then
  echo "The page tests need Chromium: sudo apt-get install -y chromium fonts-dejavu-core" >&2
  exit 2
fi
echo "Installing Chromium for the page tests …" >&2
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null
