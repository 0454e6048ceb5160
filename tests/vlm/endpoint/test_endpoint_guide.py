"""The endpoint's guide: its programs run against a served model, its tables are the code's."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
import uvicorn
from openai.types.chat.completion_create_params import CompletionCreateParamsBase

from sightline.vlm import load
from sightline.vlm.endpoint import bind, create_app
from sightline.vlm.endpoint.fields import NO_EFFECT, UNSERVED
from sightline.vlm.endpoint.wire import ChatRequest

GUIDE = (Path(__file__).resolve().parents[3] / "docs/guide/endpoint.md").read_text()
PROGRAMS = re.findall(r"^```(?:sh|python)\n(.*?)^```$", GUIDE, re.M | re.S)
PRINTED = "http://127.0.0.1:8100"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A served `sightline-tiny`, on a free port."""
    listening = bind("127.0.0.1", 0, None)
    app = create_app({"sightline-tiny": load("sightline-tiny")})
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    thread.join(30)


def run(program: list[str], folder: Path, address: str) -> str:
    """What a program printed that was written for the address in the guide."""
    command = [each.replace(PRINTED, address) for each in program]
    environment = {**os.environ, "NO_PROXY": "127.0.0.1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_curl_the_sdk_and_a_stream_get_one_answer(address: str, tmp_path: Path) -> None:
    start, picture, curl, sdk = PROGRAMS
    assert start == "sightline endpoint sightline-tiny --port 8100\n"
    run([sys.executable, "-c", picture], tmp_path, address)
    answer = json.loads(run(["bash", "-c", curl], tmp_path, address))
    written = answer["choices"][0]["message"]["content"]
    whole, streamed = run([sys.executable, "-c", sdk], tmp_path, address).splitlines()
    assert written
    assert whole == f"{written} {answer['usage']['total_tokens']}"
    assert streamed == written


def test_the_sdk_says_which_field_was_refused(address: str) -> None:
    body: dict[str, Any] = {"model": "sightline-tiny", "messages": [{"role": "user", "content": "hello"}]}
    tool: Any = {"type": "function", "function": {"name": "look", "parameters": {}}}
    client = openai.OpenAI(base_url=f"{address}/v1", api_key="none", max_retries=0)
    with pytest.raises(openai.BadRequestError, match="tools is not served: the models call no tools") as refused:
        client.chat.completions.create(**body, tools=[tool])
    assert refused.value.param == "tools"


def test_the_tables_of_fields_are_the_codes() -> None:
    section = GUIDE.partition("\n## Fields\n")[2].partition("\n## ")[0]
    no_effect = re.findall(r"^\| `(\w+)` \| ([^|]+) \|$", section, re.M)
    unserved = re.findall(r"^\| `(\w+)` \| ([^|]*) \| ([^|]+) \|$", section, re.M)
    assert dict(no_effect) == NO_EFFECT
    assert {name: (passes.strip(), instead) for name, passes, instead in unserved} == {
        name: (", ".join(f"`{json.dumps(each)}`" for each in field.defaults), field.instead)
        for name, field in UNSERVED.items()
    }
    assert all(f"`{name}`" in section for name in ChatRequest.model_fields)


def test_every_field_that_openais_sdk_can_send_is_decided() -> None:
    sent = set(CompletionCreateParamsBase.__annotations__)
    assert "tools" in sent
    assert sent - set(ChatRequest.model_fields) - set(NO_EFFECT) - set(UNSERVED) == set()
