import base64
from pathlib import Path

from anthropic import Anthropic
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.anthropic import AnthropicInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)
AnthropicInstrumentor().instrument(tracer_provider=provider)

client = Anthropic(max_retries=0)
picture = base64.b64encode(Path(__file__).with_name("red.png").read_bytes()).decode()
shown = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": picture}}
question = {"role": "user", "content": [{"type": "text", "text": "Which digits?"}, shown]}

answer = client.messages.create(model="claude-haiku-4-5", max_tokens=50, messages=[question])
print(answer.content[0].text)
with client.messages.stream(model="claude-haiku-4-5", max_tokens=50, messages=[question]) as stream:
    print(stream.get_final_text())
provider.shutdown()
