import base64
from pathlib import Path

from agents import Agent, Runner, function_tool, trace
from openinference.instrumentation import using_attributes
from openinference.instrumentation.openai_agents import OpenAIAgentsInstrumentor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
OpenAIAgentsInstrumentor().instrument(tracer_provider=provider, exclusive_processor=True)


@function_tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


agent = Agent(name="forecaster", instructions="Be brief.", model="gpt-4o-mini", tools=[weather])
picture = base64.b64encode(Path(__file__).parent.with_name("red.png").read_bytes()).decode()
shown = {"type": "input_image", "image_url": f"data:image/png;base64,{picture}", "detail": "auto"}
asked = {"role": "user", "content": [{"type": "input_text", "text": "Which colour?"}, shown]}

with using_attributes(user_id="ada", session_id="visit-14", tags=["blue"]):
    with trace("forecast"):
        print(Runner.run_sync(agent, "Is it warm?").final_output)
    with trace("look"):
        print(Runner.run_sync(Agent(name="looker", model="gpt-4o-mini"), [asked]).final_output)
provider.shutdown()
