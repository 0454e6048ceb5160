#!/usr/bin/env bash
# opentelemetry-instrumentation-openai-v2 2.4b0 imports httpx without requiring it: beside an openai that has no httpx
# of its own, `import` fails on a fresh install, before anything is instrumented.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install -q "opentelemetry-instrumentation-openai-v2==2.4b0" "openai==3.57.0" 2>/dev/null
"$folder/env/bin/pip" list 2>/dev/null | grep -iE '^(openai|httpx|opentelemetry-(instrumentation-openai-v2|util-genai))'
said=$("$folder/env/bin/python" -c 'from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
OpenAIInstrumentor().instrument()' 2>&1 | tail -1 || true)
echo "import says: $said"
[[ $said == *"No module named 'httpx'"* ]]
