import asyncio
import logging
from pathlib import Path

from opentelemetry._logs import set_logger_provider
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import set_tracer_provider
from semantic_kernel.agents import ChatCompletionAgent
from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion
from semantic_kernel.contents import ChatMessageContent, ImageContent, TextContent
from semantic_kernel.functions import kernel_function

spans = TracerProvider()
spans.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
set_tracer_provider(spans)
logs = LoggerProvider()
logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter()))
set_logger_provider(logs)
events = logging.getLogger("semantic_kernel")
events.addHandler(LoggingHandler(logger_provider=logs))
events.setLevel(logging.INFO)


class Weather:
    @kernel_function(name="weather")
    def weather(self, city: str) -> str:
        """The weather in a city."""
        return f"sunny in {city}"


async def main() -> None:
    service = OpenAIChatCompletion(ai_model_id="gpt-4o-mini")
    agent = ChatCompletionAgent(service=service, name="forecaster", instructions="Be brief.", plugins=[Weather()])
    print((await agent.get_response("Is it warm?")).content)
    picture = Path(__file__).parent.with_name("red.png").read_bytes()
    shown = [TextContent(text="Which colour?"), ImageContent(data=picture, data_format="base64", mime_type="image/png")]
    looker = ChatCompletionAgent(service=service, name="looker")
    print((await looker.get_response(ChatMessageContent(role="user", items=shown))).content)


asyncio.run(main())
spans.shutdown()
logs.shutdown()
