import asyncio
from pathlib import Path

from google.adk.agents import LlmAgent
from google.adk.runners import InMemoryRunner
from google.genai import types
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
trace.set_tracer_provider(provider)


def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


async def ask(agent: LlmAgent, *parts: types.Part) -> None:
    runner = InMemoryRunner(agent=agent, app_name="forecasts")
    await runner.session_service.create_session(app_name="forecasts", user_id="ada", session_id="visit-13")
    question = types.Content(role="user", parts=list(parts))
    async for event in runner.run_async(user_id="ada", session_id="visit-13", new_message=question):
        if event.is_final_response():
            print(event.content.parts[0].text)


forecaster = LlmAgent(name="forecaster", model="gemini-2.5-flash", instruction="Be brief.", tools=[weather])
asyncio.run(ask(forecaster, types.Part(text="Is it warm?")))

picture = types.Part.from_bytes(data=Path(__file__).parent.with_name("red.png").read_bytes(), mime_type="image/png")
asyncio.run(ask(LlmAgent(name="looker", model="gemini-2.5-flash"), types.Part(text="Which colour?"), picture))
provider.shutdown()
