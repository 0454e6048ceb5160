"""Images in messages, through the clients of Langfuse: uploaded once, and referred to by a token."""

import json

import pytest

from integrations.conftest import Runner


@pytest.mark.parametrize("program", ["openai_wrapper_image.py", "langchain_image.py"])
def test_an_image_is_stored_once_and_messages_refer_to_it(runner: Runner, program: str):
    first, second = (each for each in runner.run(program).all() if each.type == "GENERATION")
    assert ";base64," not in first.input
    tokens = {_token(call.given[0]["content"][1]) for call in (first, second)}
    assert len(tokens) == 1
    kind, identity, _ = tokens.pop().removeprefix("@@@langfuseMedia:").removesuffix("@@@").split("|")
    assert kind == "type=image/png"
    media = runner.reader.get(f"/media/{identity.removeprefix('id=')}")
    picture = runner.reader.download(media["url"])
    assert picture.startswith(b"\x89PNG")
    assert (media["contentType"], media["contentLength"]) == ("image/png", len(picture))


def _token(part: object) -> str:
    """The one text in a message part that is a reference."""
    [token] = [text for text in json.dumps(part).split('"') if text.startswith("@@@langfuseMedia:")]
    return token
