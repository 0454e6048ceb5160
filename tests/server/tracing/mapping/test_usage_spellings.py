"""Usage and costs under every name and in every shape that senders write: types never overlap, and sum to `total`."""

import json
from typing import Any

import pytest

from server.tracing.spans import langfuse, observed
from sightline.server.tracing.mapping import normalised_usage
from sightline.server.tracing.mapping.usage_names import usage_type
from sightline.server.tracing.mapping.usage_tables import COUNTER_PREFIXES, USAGE_ROWS

WHOLE = {"gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 20}
CACHED, WRITTEN = "input_cached_tokens", "input_cache_creation"
REASONING = "output_reasoning_tokens"


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("input_cached_tokens", CACHED),
        ("cached_tokens", CACHED),
        ("cache_read_tokens", CACHED),
        ("details.cache_read_tokens", CACHED),
        ("details.cache_read_input_tokens", CACHED),
        ("input_tokens.cached", CACHED),
        ("prompt_tokens_details.cached_tokens", CACHED),
        ("input_cache_creation", WRITTEN),
        ("cache_write_tokens", WRITTEN),
        ("cache_write.input_tokens", WRITTEN),
        ("details.cache_write_tokens", WRITTEN),
        ("details.cache_creation_input_tokens", WRITTEN),
        ("cache_creation_input_tokens_above_1hr", "input_cache_creation_1h"),
        ("cache_creation_1h_input_tokens", "input_cache_creation_1h"),
        ("cache_creation.ephemeral_5m_input_tokens", "input_cache_creation_5m"),
        ("thinking_tokens", REASONING),
        ("thoughts_token_count", REASONING),
        ("details.thoughts_tokens", REASONING),
        ("output_tokens_details.reasoning_tokens", REASONING),
        ("audio.input_tokens", "input_audio_tokens"),
        ("image.input_tokens", "input_image_tokens"),
        ("audio.output_tokens", "output_audio_tokens"),
        ("prompt_tokens_details.audio_tokens", "input_audio_tokens"),
    ],
)
def test_a_part_by_any_name_is_taken_out_of_its_whole(name: str, part: str):
    usage = observed({**WHOLE, f"gen_ai.usage.{name}": 7}).usage
    whole = part.split("_", 1)[0]
    other = "output" if whole == "input" else "input"
    told = {"input": 100, "output": 20}
    assert usage == {whole: told[whole] - 7, other: told[other], part: 7, "total": 120}


def test_every_listed_counter_means_what_its_words_say():
    said = {row.key: usage_type(row.key) for row in USAGE_ROWS if row.key.startswith(COUNTER_PREFIXES)}
    listed = {row.key: row.means for row in USAGE_ROWS if row.key.startswith(COUNTER_PREFIXES)}
    assert said | {"ai.usage.tokens": "input"} == listed


def test_texts_are_what_a_whole_is_made_of_and_cached_audio_is_a_part_of_two_parts():
    usage = observed(
        {
            **WHOLE,
            "gen_ai.usage.text.input_tokens": 60,
            "gen_ai.usage.audio.input_tokens": 40,
            "gen_ai.usage.cache_read.input_tokens": 30,
            "gen_ai.usage.audio.cache_read.input_tokens": 10,
            "gen_ai.usage.text.output_tokens": 15,
            "gen_ai.usage.audio.output_tokens": 5,
        }
    ).usage
    assert usage == {
        "input": 40,
        "input_audio_tokens": 30,
        "input_cached_tokens": 20,
        "input_cached_audio_tokens": 10,
        "output": 15,
        "output_audio_tokens": 5,
        "total": 120,
    }


def test_integers_of_the_senders_own_are_usage_types_and_others_stay_metadata():
    call = observed({**WHOLE, "gen_ai.usage.web_searches": 3, "gen_ai.usage.mood": "good", "gen_ai.usage.took_s": 0.5})
    assert call.usage == {"input": 100, "output": 20, "web_searches": 3, "total": 120}
    assert '"gen_ai.usage.mood":"good"' in call.metadata["attributes"]


@pytest.mark.parametrize(
    ("told", "usage"),
    [
        (
            {"input_tokens": 36, "output_tokens": 40, "cache_read.input_tokens": 64, "cache_creation.input_tokens": 7},
            {"input": 36, CACHED: 64, WRITTEN: 7, "output": 40, "total": 147},
        ),
        (
            {"input_tokens": 50, "output_tokens": 5, "cache_read.input_tokens": 40, "cache_write.input_tokens": 20},
            {"input": 50, CACHED: 40, WRITTEN: 20, "output": 5, "total": 115},
        ),
        (
            {"input_tokens": 100, "output_tokens": 20, "cache_read.input_tokens": 30, "total_tokens": 150},
            {"input": 100, CACHED: 30, "output": 20, "total": 150},
        ),
        (
            {"input_tokens": 100, "output_tokens": 20, "thoughts_tokens": 15, "total_tokens": 135},
            {"input": 100, "output": 20, REASONING: 15, "total": 135},
        ),
        (
            {"input_tokens": 10, "output_tokens": 8, "reasoning_tokens": 50},
            {"input": 10, "output": 8, REASONING: 50, "total": 68},
        ),
        (
            {"input_tokens": 100, "cache_read_tokens": 60, "audio.input_tokens": 50, "total_tokens": 100},
            {"input": 0, CACHED: 60, "input_audio_tokens": 40, "total": 100},
        ),
        (
            {"input_tokens": 10, "output_tokens": 2, "total_tokens": 15},
            {"input": 10, "output": 2, "other": 3, "total": 15},
        ),
        ({"total_tokens": 15}, {"total": 15}),
        ({"output_tokens": 5, "total_tokens": 15}, {"input": 10, "output": 5, "total": 15}),
    ],
)
def test_numbers_prove_whether_parts_are_inside_their_whole(told: dict[str, int], usage: dict[str, int]):
    found = observed({f"gen_ai.usage.{name}": count for name, count in told.items()}).usage
    assert found == usage
    types = [count for name, count in found.items() if name != "total"]
    assert not types or sum(types) == found["total"]


OPENAI = {
    "prompt_tokens": 10,
    "completion_tokens": 2,
    "total_tokens": 12,
    "prompt_tokens_details": {"cached_tokens": 4},
}


@pytest.mark.parametrize("extra", [{"cost": 0.5}, {"cost_usd": 0.5}, {"total_cost": 0.5}])
def test_a_router_tells_the_cost_beside_the_counts(extra: dict[str, float]):
    call = langfuse({"langfuse.observation.usage_details": json.dumps(OPENAI | extra)})
    assert call.usage == {"input": 6, CACHED: 4, "output": 2, "total": 12}
    assert call.cost_usd == {"total": 0.5}


@pytest.mark.parametrize(
    "given",
    [
        OPENAI | {"queue_time": 1.5, "total_time": 3, "is_byok": False, "cost_details": {"upstream_inference_cost": 1}},
        {"promptTokens": 10, "completionTokens": 2, "totalTokens": 12, "promptTokensDetails": {"cachedTokens": 4}},
        {"promptTokens": 10, "completionTokens": 2, "cachedTokens": 4},
        {"inputTokens": 6, "outputTokens": 2, "totalTokens": 12, "cacheReadInputTokens": 4},
        {"promptTokenCount": 10, "candidatesTokenCount": 2, "totalTokenCount": 12, "cachedContentTokenCount": 4},
        {"input_tokens": 10, "output_tokens": 2, "total_tokens": 12, "cache_read_input_tokens": 4},
    ],
)
def test_the_shapes_of_providers_add_up_whatever_else_is_in_them(given: dict[str, Any]):
    assert normalised_usage(given) == {"input": 6, CACHED: 4, "output": 2, "total": 12}


def test_a_name_that_says_total_is_the_total():
    assert normalised_usage({"input": 5, "output": 2, "total_tokens": 7}) == {"input": 5, "output": 2, "total": 7}


@pytest.mark.parametrize(
    ("told", "cost"),
    [
        (
            {"gen_ai.cost.total_cost": 0.3, "gen_ai.cost.input_cost": 0.1, "gen_ai.cost.output_cost": 0.2},
            {"total": 0.3, "input": 0.1, "output": 0.2},
        ),
        ({"operation.cost": 0.25}, {"total": 0.25}),
        ({"gen_ai.usage.cost": 0.25}, {"total": 0.25}),
        ({"mlflow.llm.cost": '{"input_cost":1,"output_cost":2,"total_cost":3}'}, {"input": 1, "output": 2, "total": 3}),
        ({"langfuse.observation.cost_details": '{"input":1,"output":2}'}, {"input": 1, "output": 2, "total": 3}),
    ],
)
def test_told_costs_are_costs(told: dict[str, Any], cost: dict[str, float]):
    assert observed({"gen_ai.request.model": "a-model-nobody-knows", **told}).cost_usd == cost
