#!/usr/bin/env bash
# Makes .venv at the repository root: every package pinned by constraints.txt, Sightline itself editable.
set -euo pipefail
cd "$(dirname "$0")/.."
python="${1:-python3}"

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "Sightline needs Python 3.11 or newer; $python is $("$python" --version 2>&1). Run: make env PYTHON=python3.11" >&2
  exit 2
fi
echo "Setting up .venv (a few minutes the first time) …" >&2
[ -x .venv/bin/python ] || "$python" -m venv .venv
rm -f .venv/.pins-*
pip=(.venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt)
# torch by itself first: with it in place nothing below asks for another build of it.
"${pip[@]}" "$(grep '^torch==' constraints.txt)"
"${pip[@]}" -e '.[vlm,dev]'
