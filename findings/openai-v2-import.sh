#!/usr/bin/env bash
# opentelemetry-instrumentation-openai-v2 2.4b0 cannot be imported with what pip chooses for it.
# It asks for any opentelemetry-util-genai from 0.4b0 on and imports a module of it that 1.x no longer has; it allows any
# openai from 1.26.0 on and imports httpx, which openai 3 no longer brings.
# Expected: it imports. It does with opentelemetry-util-genai==0.4b0 and openai 2.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
tried() { # what to install; says what came of importing the instrumentation
  "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$@" 2>/dev/null
  "$folder/venv/bin/pip" list --disable-pip-version-check 2>/dev/null | grep -E "^openai |openai-v2|util-genai"
  "$folder/venv/bin/python" -c "import opentelemetry.instrumentation.openai_v2; print('imported')" 2>&1 | tail -1 || true
}
tried "opentelemetry-instrumentation-openai-v2[instruments]==2.4b0" | tee "$folder/chosen.txt"
tried openai==2.54.0 | tee "$folder/openai-2.txt"
tried opentelemetry-util-genai==0.4b0 | tee "$folder/both.txt"
grep -q "No module named 'httpx'" "$folder/chosen.txt"
grep -q "No module named 'opentelemetry.util.genai.instruments'" "$folder/openai-2.txt"
grep -q "^imported" "$folder/both.txt"
