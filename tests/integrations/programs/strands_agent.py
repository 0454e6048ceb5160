from pathlib import Path

from strands import Agent, tool
from strands.models.openai import OpenAIModel
from strands.telemetry import StrandsTelemetry

telemetry = StrandsTelemetry().setup_otlp_exporter()


@tool
def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


agent = Agent(
    name="forecaster",
    model=OpenAIModel(model_id="gpt-4o-mini", params={"temperature": 0.2}),
    system_prompt="Be brief.",
    tools=[weather],
    callback_handler=None,
    trace_attributes={"user.id": "ada", "session.id": "visit-10", "langfuse.trace.tags": ["blue"]},
)
print(agent("Is it warm?"))

picture = Path(__file__).with_name("red.png").read_bytes()
looker = Agent(
    name="looker",
    model=OpenAIModel(model_id="gpt-4o-mini"),
    callback_handler=None,
    trace_attributes=agent.trace_attributes,
)
print(looker([{"text": "Which colour?"}, {"image": {"format": "png", "source": {"bytes": picture}}}]))
telemetry.tracer_provider.shutdown()
