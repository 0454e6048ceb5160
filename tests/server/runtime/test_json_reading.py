"""Texts that were cut inside a character: the half becomes U+FFFD, everything else is as it was sent."""

import orjson
import pytest

from sightline.server.runtime.json_reading import NotJson, loads, whole


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (rb'["cut \ud83d"]', ["cut \ufffd"]),
        (rb'["\ude00 cut"]', ["\ufffd cut"]),
        (rb'["\ud83d\ud83d\ude00"]', ["\ufffd\U0001f600"]),
        (rb'["\uD83D\u0041"]', ["\ufffdA"]),
        (rb'{"\ud83d": "a key"}', {"\ufffd": "a key"}),
        (rb'["\ud83d", "a backslash \\ud83d"]', ["\ufffd", r"a backslash \ud83d"]),
        (rb'["\ud83d", "\\\\\ud83d"]', ["\ufffd", "\\\\\ufffd"]),
        (b'["\xed\xa0\xbd \xff"]', ["\ufffd\ufffd\ufffd \ufffd"]),
    ],
)
def test_half_a_character_costs_that_character_only(document: bytes, said: object):
    assert loads(document) == said
    assert orjson.loads(orjson.dumps(loads(document))) == said


@pytest.mark.parametrize("document", [b"{", rb'["\ud83d"', b"", rb'["\ud83"]', '{"a":1}'.encode("utf-16")])
def test_what_is_no_json_stays_none(document: bytes):
    with pytest.raises(NotJson):
        loads(document)


def test_whole_characters_are_left_alone():
    text = r'["\ud83d\ude00", "\\ud83d"]'
    assert whole(text) == text
    assert loads(text) == ["\U0001f600", r"\ud83d"]
