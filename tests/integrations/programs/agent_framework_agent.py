import asyncio
from pathlib import Path

from agent_framework import Agent, Content, Message, tool
from agent_framework.observability import configure_otel_providers
from agent_framework.openai import OpenAIChatCompletionClient
from opentelemetry import trace

configure_otel_providers(enable_sensitive_data=True)


@tool(approval_mode="never_require")
def weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


async def main() -> None:
    client = OpenAIChatCompletionClient(model="gpt-4o-mini")
    agent = Agent(client=client, name="forecaster", instructions="Be brief.", tools=[weather])
    print(await agent.run("Is it warm?"))
    picture = Path(__file__).with_name("red.png").read_bytes()
    looker = Agent(client=client, name="looker")
    print(await looker.run(Message("user", ["Which colour?", Content.from_data(picture, "image/png")])))


asyncio.run(main())
trace.get_tracer_provider().shutdown()
