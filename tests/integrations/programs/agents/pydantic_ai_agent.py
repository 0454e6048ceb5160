from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import set_tracer_provider
from pydantic import BaseModel
from pydantic_ai import Agent

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
set_tracer_provider(provider)
Agent.instrument_all()


class Forecast(BaseModel):
    city: str
    degrees: int


agent = Agent(
    "openai-chat:gpt-4o-mini",
    name="forecaster",
    instructions="Be brief.",
    output_type=Forecast,
    model_settings={"temperature": 0.2, "max_tokens": 50},
)


@agent.tool_plain
def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


print(agent.run_sync("Is it warm in Paris?").output)

try:
    Agent("openai-chat:gpt-missing", name="refused").run_sync("Which digits?")
except Exception as refusal:
    print(refusal)
provider.shutdown()
