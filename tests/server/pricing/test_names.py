"""A model is priced as itself whatever a router, a cloud or a date puts around its name."""

from datetime import UTC, datetime

import pytest

from sightline.server.pricing.listed import named

MOMENT = datetime(2026, 11, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("spelt", "known"),
    [
        ("vertex_ai/gemini-2.5-flash", "gemini-2.5-flash"),
        ("models/gemini-2.5-flash", "gemini-2.5-flash"),
        ("projects/p/locations/l/publishers/google/models/gemini-2.5-flash", "gemini-2.5-flash"),
        ("google-gla:gemini-2.5-flash", "gemini-2.5-flash"),
        ("gemini-2.5-flash-preview-11-2026", "gemini-2.5-flash"),
        ("openai:gpt-5-mini", "gpt-5-mini"),
        ("litellm_proxy/openai/gpt-5-mini", "gpt-5-mini"),
        ("gpt-5-mini-2026-11-01", "gpt-5-mini"),
        ("azure/eu/gpt-5-mini-2026-11-01", "gpt-5-mini"),
        ("o3-20260101", "o3"),
        ("xai/grok-3", "grok-3"),
        ("apac.amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
        ("bedrock/us-east-1/amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
        ("bedrock/us.anthropic.claude-sonnet-4-5-20261111-v1:0", "claude-sonnet-4-5"),
    ],
)
def test_a_name_is_read_without_what_stands_around_it(spelt: str, known: str):
    found = named(spelt, MOMENT)
    assert found is not None
    assert found.name == known


@pytest.mark.parametrize("name", ["acme/gpt-5-mini", "my-tuned-gpt-4o", "azure/my-deployment", "models/", "/", ""])
def test_a_name_of_somebody_else_has_no_price(name: str):
    assert named(name, MOMENT) is None


def test_a_name_of_many_prefixes_ends():
    assert named("models/" * 10_000 + "x", MOMENT) is None
