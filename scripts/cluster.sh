#!/usr/bin/env bash
# PostgreSQL and Redis from Debian and a ClickHouse server for `make test-cluster`; nothing is started here.
set -euo pipefail
cd "$(dirname "$0")/.."
if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || ! command -v redis-server >/dev/null; then
  if [ "$(id -u)" -ne 0 ]; then
    echo "The cluster tests need PostgreSQL and Redis: sudo apt-get install -y postgresql redis-server" >&2
    exit 2
  fi
  echo "Installing PostgreSQL and Redis for the tests …" >&2
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql redis-server >/dev/null
fi
version=26.7.3-stable.1
package='@chdb/lib-linux-x64-gnu'
if ! grep -qs "\"version\": \"$version\"" ".cache/clickhouse/node_modules/$package/package.json"; then
  echo "Fetching a ClickHouse server for the tests …" >&2
  mkdir -p .cache/clickhouse
  npm install --silent --no-audit --no-fund --no-save --prefix .cache/clickhouse "$package@$version"
fi
