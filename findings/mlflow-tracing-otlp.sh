#!/usr/bin/env bash
# mlflow-tracing 3.17.2, the package for tracing alone, exports no span over OTLP unless a tracking URI is set, and prints
# nothing: its default of a local store imports sqlparse, which the package does not bring. With any http URI, which is
# never called, the span arrives.
# Expected: the span reaches the collector without one, as it does with mlflow-skinny of the same version.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/program.py" <<'PROGRAM'
import mlflow


@mlflow.trace
def weather(city):
    return f"sunny in {city}"


weather("Paris")
PROGRAM
cat >"$folder/collector.py" <<'COLLECTOR'
import http.server
import os
import subprocess
import sys
import threading

received = []


class Collector(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        received.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}/v1/traces"
otlp = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": address, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}
subprocess.run([sys.executable, "program.py"], env={**os.environ, **otlp}, check=True)
print("spans at the collector:", sum(b"weather" in each for each in received))
COLLECTOR
python3 -m venv "$folder/venv"
tried() { # a name for this try, and more variables
  (cd "$folder" && env "${@:2}" venv/bin/python collector.py >"$1.txt" 2>&1)
  echo "$1: $(tail -1 "$folder/$1.txt")"
}
for package in mlflow-tracing mlflow-skinny; do
  "$folder/venv/bin/pip" install --quiet --disable-pip-version-check "$package==3.17.2" \
    opentelemetry-exporter-otlp-proto-http==1.45.1 2>/dev/null
  "$folder/venv/bin/pip" list --disable-pip-version-check 2>/dev/null | grep -i "^mlflow"
  tried "$package"
  tried "$package-uri" MLFLOW_TRACKING_URI=http://127.0.0.1:9
  "$folder/venv/bin/pip" uninstall --quiet --yes "$package"
done
grep -q "spans at the collector: 0" "$folder/mlflow-tracing.txt"
grep -q "spans at the collector: 1" "$folder/mlflow-tracing-uri.txt"
grep -q "spans at the collector: 1" "$folder/mlflow-skinny.txt"
