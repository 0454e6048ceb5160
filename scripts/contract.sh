#!/usr/bin/env bash
# Langfuse's published description of its API, for the tests that hold our answers against it. Two releases of one
# npm package: the newer lists every operation with what it takes, the older holds the OpenAPI document of the answers.
set -euo pipefail
cd "$(dirname "$0")/.."
package=langfuse-cli
folder=.cache/langfuse-contract
node_and_npm='
import hatch_build as build
node = build.node_on_path() or build.node_from_packages() or build.node_fetched()
print(node.program, node.npm, sep="\n")
'

fetch() { # version, file in the package, name here, its SHA-256
  echo "$4  $folder/$3" | sha256sum --check --status 2>/dev/null && return
  if [ ! -x .venv/bin/python ]; then
    echo "There is no .venv yet: make env" >&2
    exit 2
  fi
  echo "Fetching Langfuse's API description ($package $1) for the tests …" >&2
  local work npm
  # The Node that builds the pages has an npm with it, also where PATH has none.
  mapfile -t npm < <(.venv/bin/python -c "$node_and_npm")
  work=$(mktemp -d)
  if ! "${npm[@]}" pack --silent --pack-destination "$work" "$package@$1" >/dev/null; then
    echo "npm could not fetch $package $1: the tests under tests/server/contract need it once, from npm's registry" >&2
    exit 1
  fi
  tar -xzf "$work/$package-$1.tgz" -C "$work"
  mkdir -p "$folder"
  mv "$work/package/$2" "$folder/$3"
  rm -rf "$work"
  echo "$4  $folder/$3" | sha256sum --check --quiet
}

fetch 1.2.4 dist/contracts/4.35.0.json operations.json 3ddbe8115d1c64900fe612e42787526c9996b72f59b5fda0e2d17f4a7149a13e
fetch 0.0.12 openapi.yml openapi.yml 41e23ab3f392712ff0e6ef14e9e7e2e68d84cc09f96d6e32bf93e7a39b6e88fc
