"""What a command costs before it works: no torch to list models or refuse a call, no transformers for one caption."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sightline.vlm.data.digit_scenes import sample_scenes

LOOKED_FOR = ("torch", "transformers", "pyarrow", "scipy", "sympy", "httpx2")
PROGRAM = """
import json, sys
from sightline.cli import main

try:
    main(sys.argv[1:])
finally:
    print(json.dumps([each for each in LOOKED_FOR if each in sys.modules]), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("first") / "photo.png"
    next(iter(sample_scenes(1, 1, "held-out"))).image.save(path)
    return path


def ran(*arguments: str | Path) -> tuple[int, str, list[str]]:
    """Exit code, what was said, and which of the slow packages were imported."""
    program = PROGRAM.replace("LOOKED_FOR", repr(LOOKED_FOR))
    call: Any = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    *said, imported = done.stderr.splitlines()
    return done.returncode, done.stdout + "\n".join(said), json.loads(imported)


def test_help_and_the_list_of_models_import_nothing_slow() -> None:
    for call in (("--help",), ("models",), ("models", "--json"), ("caption", "--help")):
        code, said, imported = ran(*call)
        assert (code, imported) == (0, []), call
        assert said


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (("caption", "gone.png"), "cannot read image gone.png"),
        (("caption", "PHOTO", "-m", "sightline-tin"), "did you mean sightline-tiny?"),
        (("caption", "PHOTO", "-m", "weights.pth"), "names a file of weights"),
        (("caption", "PHOTO", "--out", "rows.xlsx"), "its name must end in"),
        (("ask", "PHOTO"), "no question"),
        (("ask", "PHOTO", ""), "a question is empty"),
        (("match", "PHOTO"), "no text"),
        (("classify", "PHOTO", "--labels", "one"), "give two at least"),
        (("caption", "gone/*.png"), "nothing matches"),
        (("endpoint", "sightline-tin"), "did you mean sightline-tiny?"),
        (("evaluate", "sightline-tin"), "did you mean sightline-tiny?"),
    ],
)
def test_a_mistake_in_a_call_is_told_before_torch_is_imported(photo: Path, call: tuple[str, ...], words: str) -> None:
    code, said, imported = ran(*(str(photo) if each == "PHOTO" else each for each in call))
    assert words in said
    assert (code, imported) == (2, [])


def test_a_caption_of_the_tiny_model_does_without_transformers(photo: Path) -> None:
    code, said, imported = ran("caption", photo)
    assert (code, imported) == (0, ["torch"])
    assert len(said.split()) > 2


def test_decoding_and_template_are_options(photo: Path) -> None:
    for call in (
        ("caption", photo, "--sample", "--temperature", "0.7", "--top-p", "0.9", "--top-k", "5", "--seed", "3"),
        (
            "ask",
            photo,
            "how many digits are there ?",
            "--template",
            "question: {} answer:",
            "--repetition-penalty",
            "1.1",
        ),
    ):
        first, again = ran(*call), ran(*call)
        assert first[0] == 0
        assert first[1] == again[1]
    code, said, _ = ran("ask", photo, "how many ?", "--template", "no slot")
    assert (code, "write exactly one {}" in said) == (2, True)
