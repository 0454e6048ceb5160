#!/usr/bin/env bash
# agent-framework-core 1.23.0 sends OTEL_EXPORTER_OTLP_HEADERS as it stands. OpenTelemetry's specification has the values
# percent-encoded there, and its own exporter decodes them: `Basic%20…`, as collectors' guides spell it, is refused.
# Expected: both send `Basic a2V5`.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/program.py" <<'PROGRAM'
import http.server
import os
import sys
import threading

received = []


class Collector(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        if self.path.endswith("/traces"):
            received.append(self.headers["Authorization"])
        self.send_response(200)
        self.send_header("Content-Type", "application/x-protobuf")
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = f"http://127.0.0.1:{server.server_port}"
os.environ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf"
os.environ["OTEL_EXPORTER_OTLP_HEADERS"] = "Authorization=Basic%20a2V5"
from opentelemetry import trace

if sys.argv[1] == "agent-framework":
    from agent_framework.observability import configure_otel_providers

    configure_otel_providers()
else:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
with trace.get_tracer("one").start_as_current_span("span"):
    pass
trace.get_tracer_provider().shutdown()
print(sys.argv[1], "sends", received[0])
PROGRAM
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check agent-framework-core==1.23.0 \
  opentelemetry-exporter-otlp-proto-http==1.45.1 2>/dev/null
"$folder/venv/bin/pip" list --disable-pip-version-check 2>/dev/null | grep -E "agent-framework|otlp-proto-http"
for sender in opentelemetry agent-framework; do
  "$folder/venv/bin/python" "$folder/program.py" "$sender" 2>"$folder/$sender.err" | tee "$folder/$sender.txt"
done
grep -q "sends Basic a2V5" "$folder/opentelemetry.txt"
grep -q "sends Basic%20a2V5" "$folder/agent-framework.txt"
