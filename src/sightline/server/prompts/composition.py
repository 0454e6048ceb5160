"""Composition of prompts: a tag in a text is replaced by another text prompt (transclusion).

`@@@langfusePrompt:name=greeting|label=production@@@` or `…|version=3@@@`; the syntax is Langfuse's. Included texts may
include others. What goes wrong is an `InvalidRequest` that names the prompts.
"""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sightline.server.prompts.records import Composed, Content, Inclusion, Prompt, PromptId, Selector
from sightline.server.runtime.errors import InvalidRequest

DEEPEST = 5
"""Depth limit of inclusion, the outermost prompt counted."""
LONGEST_CHARACTERS = 2_000_000
"""Size limit of a text after inclusion: repeated tags grow exponentially (billion laughs)."""

TAG = re.compile(
    r"@@@langfusePrompt:name=(?P<name>(?:(?!@@@)[^|\n])+)\|(?:version=(?P<version>\d{1,9})|label=(?P<label>[^|@\s]+))@@@"
)
"""An inclusion."""
VARIABLE = re.compile(r"\{\{\s*([^{}\s]+)\s*\}\}")
"""A template variable `{{name}}`."""

Find = Callable[[Selector], Awaitable[Prompt | None]]


def inclusions_of(content: Content) -> list[Selector]:
    """What a content includes, each once, in order of appearance."""
    tags = (_selector(match) for text in _texts(content) for match in TAG.finditer(text))
    return list(dict.fromkeys(tags))


def clashing_names(content: Content) -> list[str]:
    """Names that chat messages use for a variable and for a placeholder."""
    if isinstance(content, str):
        return []
    placeholders = {message.get("name") for message in content if message.get("type") == "placeholder"}
    variables = {name for text in _texts(content) for name in VARIABLE.findall(text)}
    return sorted(variables & placeholders)


async def compose(prompt: Prompt, find: Find) -> Composed:
    """The prompt with its inclusions resolved; `find` reads versions of its project. InvalidRequest for a cycle."""
    composer = _Composer(prompt, find)
    content, _ = await composer.resolved(prompt, ())
    return Composed(prompt=replace(prompt, content=content), inclusions=composer.inclusions)


class _Composer:
    """One memoized resolution: every prompt is resolved once, however often it is included."""

    def __init__(self, root: Prompt, find: Find) -> None:
        self._root = root
        self._find = find
        self._done: dict[PromptId, tuple[Content, int]] = {}
        self.inclusions: dict[PromptId, list[Inclusion]] = {}

    async def resolved(self, prompt: Prompt, path: Sequence[Prompt]) -> tuple[Content, int]:
        """The content with its inclusions resolved, and its depth in prompts. Depth-first, with cycle detection.

        A memoized prompt cannot lead back to the path, whose prompts are not done yet. So only its depth is checked.
        """
        here = (*path, prompt)
        self._check_circle(prompt, path)
        if prompt.id not in self._done:
            _check_depth(here, 1)
            self._done[prompt.id] = await self._resolve(prompt, here)
        _check_depth(here, self._done[prompt.id][1])
        return self._done[prompt.id]

    async def _resolve(self, prompt: Prompt, here: Sequence[Prompt]) -> tuple[Content, int]:
        texts: dict[Selector, str] = {}
        deepest = 0
        for selector in inclusions_of(prompt.content):
            text, depth = await self.resolved(await self._included(selector, prompt), here)
            texts[selector] = str(text)
            deepest = max(deepest, depth)
        return _with_texts(prompt.content, texts), deepest + 1

    async def _included(self, selector: Selector, prompt: Prompt) -> Prompt:
        found = await self._find(selector)
        if found is None:
            raise InvalidRequest(
                f"prompt {prompt.name!r} includes prompt {selector}, which does not exist: create it first, "
                "or read with resolve=false"
            )
        if found.kind != "text":
            raise InvalidRequest(
                f"prompt {prompt.name!r} includes prompt {selector}, a chat: only texts can be included"
            )
        inclusion = Inclusion(id=found.id, name=found.name, version=found.version)
        self.inclusions.setdefault(prompt.id, []).append(inclusion)
        return found

    def _check_circle(self, prompt: Prompt, path: Sequence[Prompt]) -> None:
        again = any(outer.id == prompt.id for outer in path)
        # Another version of the outermost prompt counts too: moving a label would otherwise close the cycle later.
        if again or (path and prompt.name == self._root.name):
            names = " → ".join(f"{each.name} {each.version}" for each in (*path, prompt))
            raise InvalidRequest(f"prompts include one another in a circle: {names}")


def _check_depth(path: Sequence[Prompt], depth: int) -> None:
    """`depth`: of what hangs on the path's last prompt, itself counted."""
    deep = len(path) - 1 + depth
    if deep > DEEPEST:
        names = " → ".join(each.name for each in path)
        raise InvalidRequest(f"prompts include one another {deep} deep, {DEEPEST} are allowed: {names}")


def _selector(match: re.Match[str]) -> Selector:
    version = match["version"]
    return Selector(name=match["name"], version=int(version) if version else None, label=match["label"])


def _with_texts(content: Content, texts: Mapping[Selector, str]) -> Content:
    if not texts:
        return content
    if isinstance(content, str):
        return _replaced(content, texts)
    return [{key: _replaced_in(value, texts) for key, value in message.items()} for message in content]


def _replaced_in(value: Any, texts: Mapping[Selector, str]) -> Any:
    return _replaced(value, texts) if isinstance(value, str) else value


def _replaced(text: str, texts: Mapping[Selector, str]) -> str:
    pieces: list[str] = []
    end = length = 0
    for match in TAG.finditer(text):
        pieces += text[end : match.start()], texts[_selector(match)]
        length += len(pieces[-1])
        if length > LONGEST_CHARACTERS:
            raise InvalidRequest(f"the included texts grow past {LONGEST_CHARACTERS:,} characters: include less")
        end = match.end()
    return "".join([*pieces, text[end:]])


def _texts(content: Content) -> Iterator[str]:
    if isinstance(content, str):
        yield content
        return
    for message in content:
        yield from (value for value in message.values() if isinstance(value, str))
