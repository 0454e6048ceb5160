"""Half an emoji, which any `slice` in JavaScript makes, sent by Langfuse's span processor."""

from integrations.conftest import Runner


def test_half_an_emoji_costs_neither_its_span_nor_the_batch(runner: Runner):
    spans = runner.run("ai-7/cut_emoji.mjs").all()
    assert {span.name: span.made for span in spans} == {
        "first 10": "It is warm",
        "first 12": "It is warm \ufffd",
        "first 13": "It is warm \U0001f31e",
    }
