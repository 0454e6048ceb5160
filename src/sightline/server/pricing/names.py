"""Spellings of one model: routers and clouds put their own name, a region or a path before it, makers a date after it.

Sources: LiteLLM's provider prefixes, Google's resource names, Bedrock's inference profiles, pydantic-ai's
`provider:model`, and the snapshot dates of OpenAI, Anthropic and Google.
"""

import re
from collections.abc import Iterator

PROVIDERS = {
    "vertex_ai": "google",
    "vertex_ai_beta": "google",
    "gemini": "google",
    "google_genai": "google",
    "google_vertexai": "google",
    "google-gla": "google",
    "google-vertex": "google",
    "google": "google",
    "openai": "openai",
    "openai-chat": "openai",
    "openai-responses": "openai",
    "azure": "azure",
    "azure_ai": "azure",
    "azure_openai": "azure",
    "bedrock": "aws",
    "bedrock_converse": "aws",
    "amazon_bedrock": "aws",
    "anthropic": "anthropic",
    "xai": "x-ai",
    "grok": "x-ai",
    "mistral": "mistral",
    "mistralai": "mistral",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "groq": "groq",
    "cerebras": "cerebras",
    "perplexity": "perplexity",
    "openrouter": "openrouter",
    "together_ai": "together",
    "together": "together",
    "fireworks_ai": "fireworks",
    "fireworks": "fireworks",
    "moonshot": "moonshotai",
    "moonshotai": "moonshotai",
    "voyage": "voyageai",
}
"""What stands before a model's name, and the provider of the price list that it means."""
ROUTES = frozenset(("models", "converse", "invoke", "litellm_proxy", "github", "gateway", "responses", "chat"))
"""What stands there too and says nothing of the price."""
ROUTE = re.compile(r"([a-z0-9_-]+)[/:](.+)")
"""`provider/model` or `provider:model`."""
RESOURCE = re.compile(r".*/(?:models|foundation-model|inference-profile)/(.+)")
"""Google's resource names and Bedrock's ARNs."""
REGION = re.compile(r"(?:us|eu|apac|ap|jp|au|ca|sa|me|us-gov|global|[a-z]{2}(?:-gov)?-[a-z]+-\d)[./](.+)")
"""A cloud region before the name."""
MAKER = re.compile(r"(?:amazon|anthropic|meta|mistral|cohere|deepseek|openai)\.(.+)")
"""Bedrock's vendor before the name."""
DATE = re.compile(r"(?:-preview)?[-@](?:20\d\d-[01]\d-[0-3]\d|20\d\d[01]\d[0-3]\d|[01]\d-20\d\d|[01]\d-[0-3]\d)$")
"""The date of a snapshot after the name."""
DEEPEST = 6
"""Limit of prefixes stripped from one name."""


def spellings(name: str) -> Iterator[str]:
    """The name as it is, then without what stands before it, then without the date of its snapshot."""
    given = list(dict.fromkeys(_without_prefixes(name)))
    yield from given
    yield from dict.fromkeys(undated for each in given if (undated := DATE.sub("", each)) != each)


def _without_prefixes(name: str) -> Iterator[str]:
    yield name
    for _ in range(DEEPEST):
        if resource := RESOURCE.fullmatch(name):
            name = resource[1]
        elif region := REGION.fullmatch(name):
            name = region[1]
        elif (route := ROUTE.fullmatch(name)) and route[1] in PROVIDERS:
            yield f"{PROVIDERS[route[1]]}/{route[2]}"
            name = route[2]
        elif route and route[1] in ROUTES:
            name = route[2]
        elif maker := MAKER.fullmatch(name):
            yield f"aws/{name}"
            name = maker[1]
        else:
            return
        yield name
