from pathlib import Path

from openinference.instrumentation import using_attributes
from openinference.instrumentation.smolagents import SmolagentsInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from PIL import Image
from smolagents import OpenAIModel, ToolCallingAgent, tool

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
SmolagentsInstrumentor().instrument(tracer_provider=provider)


@tool
def weather(city: str) -> str:
    """The weather in a city.

    Args:
        city: Its name.
    """
    return f"sunny in {city}"


agent = ToolCallingAgent(
    tools=[weather], model=OpenAIModel("gpt-4o-mini", temperature=0.2), name="forecaster", max_steps=3
)
with using_attributes(user_id="ada", session_id="visit-12", tags=["blue"]):
    print(agent.run("Is it warm?"))
    print(agent.run("Which colour?", images=[Image.open(Path(__file__).with_name("red.png"))]))
provider.shutdown()
