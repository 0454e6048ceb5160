"""What each environment of benchmarks.campaign_instrumentations installs."""

from benchmarks.instrumentations import PROGRAMS

EXPORT = ("opentelemetry-exporter-otlp-proto-http", "httpx<1")
OPENAI_2 = (*EXPORT, "openai<3")
SDKS = (*EXPORT, "groq", "ollama", "google-genai<2", "openai<3", "boto3", "portkey-ai", "instructor")
OLDER_SDKS = ("mistralai<2", "together<2", "cohere<6")
"""The newest that OpenLLMetry and traceAI still know."""
OTHER_REQUIREMENTS = {
    "oi": (
        *SDKS,
        "mistralai",
        "together",
        "cohere",
        "arize-otel",
        "arize-phoenix-otel",
        "openinference-instrumentation-openai",
    ),
    "ollm": (*SDKS, *OLDER_SDKS, "replicate<2", "writer-sdk<3", "voyageai", "aleph-alpha-client", "qdrant-client"),
    "trai": (
        *EXPORT,
        *OLDER_SDKS,
        "groq",
        "ollama",
        "google-genai",
        "openai<2",
        "anthropic<1",
        "portkey-ai",
        "instructor",
    ),
    "genai": (*SDKS, "agno", "langchain", "langchain-openai"),
    "oiframe": (*OPENAI_2, "agno", "autogen-agentchat", "autogen-ext[openai]", "haystack-ai<3", "beeai-framework"),
    "oidspy": (*EXPORT, "dspy"),
    "ollmframe": (*OPENAI_2, "agno", "haystack-ai<3", "lancedb", "mcp"),
    "traiframe": (*OPENAI_2, "agno", "haystack-ai<3", "pydantic-ai-slim[openai]", "dspy"),
    "loong": (*OPENAI_2, "google-genai<2", "langchain", "langchain-openai"),
    "mirascope": (*EXPORT, "mirascope[ops,openai]"),
    "respan": (*OPENAI_2, "respan-tracing"),
}
"""What the programs of an environment import beside the packages that are looked at."""


def requirements(environment: str) -> tuple[str, ...]:
    packages = {each.package for each in PROGRAMS if each.environment == environment}
    return (*sorted(packages), *OTHER_REQUIREMENTS.get(environment, OPENAI_2))
