"""Tokens are counted as the model's own tokenizer cuts them, or not at all."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from sightline.server.pricing.counting import NEWER, OLDER, counted, counts_alone, encoding_of
from sightline.server.pricing.listed import named
from sightline.server.pricing.records import Model, ModelId, Tier

MOMENT = datetime(2026, 6, 1, tzinfo=UTC)
BIRTHDAY = "お誕生日おめでとう"
"""Nine tokens to OpenAI's older encoding, eight to its newer one."""


def model(tokenizer_id: str | None = "openai", config: Any = None) -> Model:
    tier = Tier(id="t", name="Standard", is_default=True, priority=0, prices={"input": 1})
    return Model(
        id=ModelId("m"),
        project_id=None,
        name="m",
        match_pattern="m",
        tokenizer_id=tokenizer_id,
        tokenizer_config=config,
        tiers=(tier,),
        created_at=MOMENT,
    )


def text(value: Any) -> str:
    return orjson.dumps(value).decode()


@pytest.mark.parametrize(("encoding", "size"), [(OLDER, 9), (NEWER, 8)])
def test_a_text_has_as_many_tokens_as_its_tokenizer_makes(encoding: str, size: int):
    assert counted(model(), encoding, BIRTHDAY, "hello world") == {"input": size, "output": 2, "total": size + 2}


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("gpt-4", OLDER),
        ("gpt-4-0613", OLDER),
        ("openai/gpt-4-turbo-preview", OLDER),
        ("gpt-3.5-turbo", OLDER),
        ("ft:gpt-3.5-turbo:mine", OLDER),
        ("text-embedding-3-small", OLDER),
        ("gpt-4o-mini", NEWER),
        ("gpt-4.1", NEWER),
        ("ft:gpt-4o:mine", NEWER),
    ],
)
def test_the_name_of_a_model_says_which_encoding_it_uses(name: str, encoding: str):
    assert encoding_of(model(), name) == encoding


def test_a_models_own_settings_go_before_its_name():
    assert encoding_of(model(config={"tokenizerModel": "gpt-4"}), "house-model") == OLDER
    assert encoding_of(model(tokenizer_id=None), "gpt-4o") is None
    assert encoding_of(model(tokenizer_id="claude"), "claude-3") is None


def test_a_chat_counts_what_surrounds_its_messages():
    chat = [{"role": "system", "content": "hello world"}, {"role": "user", "name": "ada", "content": "hello world"}]
    # Three for the answer; for each message three around it, its role and two words; a name and its mark.
    found = counted(model(), OLDER, text(chat), text({"role": "assistant", "content": "hello world"}))
    assert found == {"input": 3 + 2 * (3 + 1 + 2) + (1 + 1), "output": 2, "total": 19}
    plain = counted(model(config={"tokensPerMessage": 0, "tokensPerName": 0}), OLDER, text({"messages": chat}), "")
    assert plain == {"input": 10, "output": 0, "total": 10}


def test_parts_of_text_are_one_text_and_a_list_of_texts_is_several():
    parts = [{"role": "user", "content": [{"type": "text", "text": "hello"}, {"type": "text", "text": " world"}]}]
    assert counted(model(), NEWER, text(parts), "")["input"] == 3 + 3 + 1 + 2
    assert counted(model(), NEWER, text(["hello world", "hello world"]), None)["input"] == 4


@pytest.mark.parametrize(
    ("given", "made"),
    [
        (text([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]), "a duck"),
        (text([{"role": "user", "content": "@@@langfuseMedia:type=image/png|id=x|source=bytes@@@"}]), "a duck"),
        ("who", text({"role": "assistant", "content": None, "tool_calls": [{"id": "1"}]})),
        (None, None),
    ],
)
def test_what_is_no_text_is_not_counted(given: str | None, made: str | None):
    assert counted(model(), NEWER, given, made) is None


def test_built_in_models_that_think_out_of_sight_are_not_counted():
    assert named("gpt-4o-mini", MOMENT).tokenizer_id == "openai"
    assert named("text-embedding-3-small", MOMENT).tokenizer_id == "openai"
    for name in ("o3-mini", "gpt-5", "claude-3-5-sonnet-latest", "gpt-4o-audio-preview"):
        assert named(name, MOMENT).tokenizer_id is None, name
    assert not counts_alone("gpt-oss-120b")
