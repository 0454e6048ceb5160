"""The guide to integrations shows what the programs do, and every program is in it."""

import ast
import re

import pytest

from integrations.conftest import PROGRAMS, ROOT

PAGES = [ROOT / "docs/guide/integrations.md", *sorted((ROOT / "docs/guide/integrations").glob("*.md"))]
GUIDE = "\n".join(page.read_text() for page in PAGES)
EXCERPT = re.compile(r"<!-- (\S+) -->\n```(\w+)\n(.*?)```", re.S)
WITHOUT_EXCERPT = {"openai_wrapper_image.py", "langchain_image.py"}


def excerpts() -> list[tuple[str, str, str]]:
    """Program, language and code of every excerpt."""
    return EXCERPT.findall(GUIDE)


@pytest.mark.parametrize(("program", "language", "code"), excerpts(), ids=[program for program, _, _ in excerpts()])
def test_an_excerpt_is_lines_of_its_program_in_their_order(program: str, language: str, code: str):
    lines = iter((PROGRAMS / program).read_text().splitlines())
    for line in filter(str.strip, code.splitlines()):
        assert line in lines, f"{program} has no such line, or not at that place: {line}"
    if language == "python":
        ast.parse(code)


def test_every_program_is_linked():
    linked = set(re.findall(r"\]\((?:\.\./)+tests/integrations/programs/(\S+?)\)", GUIDE))
    there = {str(each.relative_to(PROGRAMS)) for each in PROGRAMS.rglob("*.*") if each.suffix in (".py", ".mjs")}
    assert linked == there - WITHOUT_EXCERPT


def test_every_code_block_but_the_shells_is_an_excerpt():
    blocks = re.findall(r"^```(?!sh$)(\w+)$", GUIDE, re.M)
    assert len(blocks) == len(excerpts())
