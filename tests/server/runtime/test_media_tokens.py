"""One definition of a media token: what is written is what is read."""

import json
from pathlib import Path
from typing import Any

import pytest

from sightline.server.runtime.media_tokens import media_token, tokens_in

EXAMPLES = json.loads(Path(__file__).with_name("media_tokens.json").read_text())
"""Held against the pages' definition too, by `web/tests/media-token.test.ts`."""


@pytest.mark.parametrize("example", EXAMPLES, ids=[each["name"] for each in EXAMPLES])
def test_a_text_has_the_tokens_that_the_pages_find_in_it(example: dict[str, Any]):
    found = [{"contentType": kind, "id": id, "source": source} for _, kind, id, source in tokens_in(example["text"])]
    assert found == example["tokens"]


def test_a_token_that_was_written_is_found_in_a_text():
    written = media_token("audio/wav", "AbC-_123", "bytes")
    [found] = tokens_in(f'{{"data":"{written}"}}')
    assert found == (written, "audio/wav", "AbC-_123", "bytes")


def test_a_type_with_an_escaped_slash_is_that_type_and_what_is_cut_off_is_no_token():
    [found] = tokens_in(r"@@@langfuseMedia:type=image\/png|id=a|source=file@@@ @@@langfuseMedia:type=image/png|id=")
    assert found.content_type == "image/png"
    assert list(tokens_in(None)) == []
