import asyncio
from pathlib import Path

from ag2 import Agent, BinaryInput, tool
from ag2.config import OpenAIResponsesConfig
from ag2.middleware.builtin.telemetry import TelemetryMiddleware
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


def traced(name: str) -> TelemetryMiddleware:
    context = {"user.id": "ada", "session.id": "visit-18"}
    return TelemetryMiddleware(tracer_provider=provider, agent_name=name, span_attributes=context)


async def main() -> None:
    config = OpenAIResponsesConfig("gpt-4o-mini", temperature=0.2)
    forecaster = Agent("forecaster", "Be brief.", config=config, tools=[weather], middleware=[traced("forecaster")])
    print((await forecaster.ask("Is it warm?")).body)
    picture = Path(__file__).parent.with_name("red.png").read_bytes()
    looker = Agent("looker", config=config, middleware=[traced("looker")])
    print((await looker.ask("Which colour?", BinaryInput(picture, media_type="image/png"))).body)


asyncio.run(main())
provider.shutdown()
