"""Who writes which attribute: the libraries that rows of the mapping were read from, each in the version looked at."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Sender:
    library: str
    version: str
    """The version examined; `reported` where none was."""
    source: str
    """Where it says so: its documentation or its source code."""


class Row(NamedTuple):
    """One spelling: the attribute, what it means where the field alone does not say, and who writes it."""

    key: str
    means: str
    sender: Sender


def rows(sender: Sender, *keys: str) -> tuple[Row, ...]:
    return tuple(Row(key, "", sender) for key in keys)


def meanings(sender: Sender, named: Mapping[str, str]) -> tuple[Row, ...]:
    return tuple(Row(key, means, sender) for key, means in named.items())


def keys_of(listed: Iterable[Row]) -> tuple[str, ...]:
    return tuple(row.key for row in listed)


LANGFUSE = Sender("langfuse", "5.0.4", "https://github.com/langfuse/langfuse-python")
CONVENTIONS = Sender(
    "opentelemetry-semantic-conventions", "0.66b1", "https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/"
)
OPENINFERENCE = Sender(
    "openinference-semantic-conventions",
    "0.1",
    "https://arize-ai.github.io/openinference/spec/semantic_conventions.html",
)
OPENLLMETRY = Sender("OpenLLMetry", "0.62.4", "https://github.com/traceloop/openllmetry")
AI_SDK = Sender("ai (Vercel AI SDK)", "6 and 7", "https://ai-sdk.dev/docs/ai-sdk-core/telemetry")
PYDANTIC_AI = Sender("pydantic-ai", "2.68", "https://ai.pydantic.dev/logfire/")
LOGFIRE = Sender("logfire", "reported", "https://logfire.pydantic.dev/docs/")
LITELLM = Sender("litellm", "1.110.1", "https://docs.litellm.ai/docs/observability/opentelemetry_integration")
LIVEKIT = Sender("livekit-agents", "reported", "https://docs.livekit.io/agents/build/metrics/")
MLFLOW = Sender("mlflow", "3.17.2", "https://mlflow.org/docs/latest/genai/tracing/")
AG2 = Sender("ag2", "1.2.1", "https://docs.ag2.ai/latest/docs/user-guide/tracing/opentelemetry/")
ADK = Sender("google-adk", "2.13", "https://google.github.io/adk-docs/observability/")
STRANDS = Sender(
    "strands-agents",
    "1.62",
    "https://strandsagents.com/latest/documentation/docs/user-guide/observability-evaluation/traces/",
)
GENKIT = Sender("genkit", "reported", "https://genkit.dev/docs/observability/getting-started/")
TRACE_AI = Sender("traceAI (fi-instrumentation-otel)", "1.1.0", "https://github.com/future-agi/traceAI")
LOONGSUITE = Sender("loongsuite-otel-util-genai", "0.9.1", "https://github.com/alibaba/loongsuite-python-agent")
LAMINAR = Sender("lmnr", "0.8.2", "https://docs.lmnr.ai/tracing/introduction")
NETRA = Sender("netra-sdk", "1.2.2", "https://docs.getnetra.ai/")
AGENTOPS = Sender("agentops", "0.4.21", "https://docs.agentops.ai/")
RESPAN = Sender("respan-sdk", "2.9.0", "https://docs.respan.ai/")
TRACEROOT = Sender("traceroot", "0.5.0", "https://docs.traceroot.ai/")
