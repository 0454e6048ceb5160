"""The commands of the model half: results on stdout, the rest on stderr, exit codes that mean something."""

import base64
import gzip
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx2
import numpy as np
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from PIL import Image
from random_models import checkpoint, opt

from sightline import cli
from sightline.vlm.loaded import Loaded


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint with random weights and two pictures, one of them broken."""
    folder = tmp_path_factory.mktemp("cli")
    Loaded(checkpoint(opt(), seed=3)).save(folder / "model")
    for seed, name in enumerate(("one", "two")):
        pixels = np.random.default_rng(seed).integers(0, 255, (32, 32, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}.png")
    (folder / "broken.png").write_bytes((folder / "one.png").read_bytes()[:500])
    return folder


def run(*arguments: str | Path) -> int:
    """The exit code of a command line."""
    with pytest.raises(SystemExit) as end:
        cli.main([str(each) for each in arguments])
    return int(end.value.code or 0)


def test_a_question_is_answered_on_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = Loaded(checkpoint(opt(), seed=3))
    assert run("ask", folder / "one.png", "how many", "red ?", "--model", folder / "model") == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == [each.text for each in model.ask(folder / "one.png", ["how many", "red ?"])]
    assert said.err == ""


def test_json_is_one_document_with_tokens_and_usage(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("ask", folder / "one.png", "how many", "--model", folder / "model", "--beams", "3", "--json") == 0
    (answer,) = json.loads(capsys.readouterr().out)["answers"]
    assert answer["question"] == "how many"
    assert answer["usage"]["output_tokens"] == len(answer["tokens"]) == len(answer["logprobs"])
    assert answer["looked"] is None


def test_where_it_looked_becomes_a_picture(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "looked.png"
    assert run("ask", folder / "one.png", "how many", "--model", folder / "model", "--looked", out, "--json") == 0
    answer = json.loads(capsys.readouterr().out)["answers"][0]
    assert answer["looked"]["method"] == "gradient"
    with Image.open(out) as sheet:
        assert sheet.width == 256 * min(6, len(answer["looked"]["words"]))


def test_where_it_looked_becomes_arrays_of_every_answer(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ("--model", folder / "model")
    for questions, names in ((["how many"], {"words", "grids"}), (["how many", "red ?"], {"words_0", "grids_1"})):
        assert run("ask", folder / "one.png", *questions, *model, "--looked", tmp_path / "maps.npz") == 0
        with np.load(tmp_path / "maps.npz") as arrays:
            assert names <= set(arrays)
    assert run("match", folder / "one.png", "a red", "two", *model, "--looked", tmp_path / "match.png") == 0
    assert run("caption", folder / "one.png", "--prompt", "how many", *model, "--looked", tmp_path / "caption.png") == 0
    with Image.open(tmp_path / "match.png") as sheet:
        assert sheet.size == (3 * 256, 2 * (256 + 22))  # the whole text and each of two words; and a text of one word
    assert len(capsys.readouterr().out.splitlines()) == 1 + 2 + 2 + 1


def test_a_broken_image_in_a_batch_is_reported_and_the_rest_is_captioned(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images = [folder / name for name in ("one.png", "broken.png", "two.png")]
    assert run("caption", *images, "--model", folder / "model") == 1
    said = capsys.readouterr()
    assert [line.split(": ")[0] for line in said.out.splitlines()] == [str(images[0]), str(images[2])]
    assert said.err.startswith(f"error: image {images[1]} is")
    assert run("caption", *images, "--model", folder / "model", "--json") == 1
    told = json.loads(capsys.readouterr().out)["captions"]
    assert [("caption" in each, "error" in each) for each in told] == [(True, False), (False, True), (True, False)]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("ask", "{}/none.png", "how many", "--model", "{}/model"), "cannot read image"),
        (("ask", "{}/broken.png", "how many", "--model", "{}/model"), "broken.png is"),
        (("ask", "{}/one.png", "how many", "--model", "sightline-tinny"), "did you mean sightline-tiny"),
        (("ask", "{}/one.png", "how many", "--model", "{}"), "is it a checkpoint folder"),
        (("ask", "{}/one.png", "how many", "--model", "{}/model", "--looked", "{}/looked"), "ends in .png"),
        (("ask", "{}/one.png", "how many", "--model", "{}/model", "--max-new-tokens", "900"), "has 128"),
        (("evaluate", "{}/model", "--benchmark", "cats"), "unknown benchmark 'cats'"),
        (("endpoint", "{}/model", "--host", "0.0.0.0"), "SIGHTLINE_ENDPOINT_KEY"),
        (("ask", "{}/one.png"), "no question: give one"),
        (("caption",), "Missing argument"),
        (("sing",), "No such command"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_is_one_line_and_exit_code_2(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    assert run(*(each.replace("{}", str(folder)) for each in arguments)) == 2
    said = capsys.readouterr()
    assert words in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


def test_known_models_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("models") == 0
    assert capsys.readouterr().out.startswith("sightline-tiny")
    assert run("models", "--json") == 0
    assert "blip2-opt-2.7b" in [each["name"] for each in json.loads(capsys.readouterr().out)["models"]]


def test_help_opens_neither_half() -> None:
    program = (
        "import sys; sys.argv = ['sightline', '--help']\n"
        "from sightline.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([name for name in ('torch', 'transformers', 'numpy', 'chdb', 'fastapi') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert all(name in done.stdout for name in ("ask", "caption", "endpoint", "evaluate", "models", "server"))


def test_without_the_extra_the_command_to_install_it_is_named(folder: Path) -> None:
    program = "import sys; sys.modules['torch'] = None\nfrom sightline.cli import main; main(sys.argv[1:])"
    command = [sys.executable, "-c", program, "caption", str(folder / "one.png")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'sightline[vlm]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_endpoint_says_where_it_is_and_sends_its_spans(folder: Path) -> None:
    with collector() as (address, spans):
        environment = {**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": address}
        command = [sys.executable, "-m", "sightline.cli", "endpoint", str(folder / "model"), "--port", "0"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stderr is not None
            url = process.stderr.readline().split(" at ")[1].split()[0]
            image = base64.b64encode((folder / "one.png").read_bytes()).decode()
            part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{image}"}}
            body = {"model": str(folder / "model"), "messages": [{"role": "user", "content": [part]}]}
            said = httpx2.post(f"{url}/chat/completions", json=body, timeout=60).json()
            process.send_signal(signal.SIGINT)
            process.wait(30)
    (generation,) = [span for span in spans if span.name.startswith("chat ")]
    assert generation.trace_id.hex() == said["sightline"]["trace_id"]
    assert generation.span_id.hex() == said["sightline"]["observation_id"]
    assert {span.name for span in spans} >= {"preprocess", "vision_encoder", "bridge", "prefill", "decode"}


@contextmanager
def collector() -> Iterator[tuple[str, list[Span]]]:
    """An OTLP/HTTP address on loopback, and the spans that have arrived there."""
    spans: list[Span] = []

    class Traces(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if self.headers.get("content-encoding") == "gzip":
                body = gzip.decompress(body)
            for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
                spans.extend(span for scope in resource.scope_spans for span in scope.spans)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Traces)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", spans
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
