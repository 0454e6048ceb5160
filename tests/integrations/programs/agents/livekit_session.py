import asyncio

from livekit.agents import Agent, AgentSession, function_tool
from livekit.agents.telemetry import set_tracer_provider
from livekit.plugins import openai
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
set_tracer_provider(provider, metadata={"langfuse.user.id": "ada", "langfuse.session.id": "visit-15"})


@function_tool
async def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


async def main() -> None:
    async with openai.LLM(model="gpt-4o-mini", temperature=0.2) as llm, AgentSession(llm=llm) as session:
        await session.start(Agent(instructions="Be brief.", tools=[weather]))
        result = await session.run(user_input="Is it warm?")
        print(result.events[-1].item.text_content)


asyncio.run(main())
provider.shutdown()
