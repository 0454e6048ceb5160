from openai import OpenAI
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.openai_v2 import OpenAIInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
OpenAIInstrumentor().instrument(tracer_provider=provider)

client = OpenAI(max_retries=0)
messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Is it warm?"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}

with provider.get_tracer("shop").start_as_current_span("request"):
    client.chat.completions.create(model="gpt-4o-mini", messages=messages, temperature=0.2, tools=[WEATHER])
    options = {"include_usage": True}
    for chunk in client.chat.completions.create(
        model="gpt-4o-mini", messages=messages, stream=True, stream_options=options
    ):
        print(chunk.choices[0].delta.content or "" if chunk.choices else "", end="")
    client.responses.create(model="gpt-4o-mini", instructions="Be brief.", input="Is it warm?")
    client.embeddings.create(model="text-embedding-3-small", input="Is it warm?")
provider.shutdown()
