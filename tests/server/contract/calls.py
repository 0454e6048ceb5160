"""A call of an operation: what is sent, by whom, and what of the contract it can not keep."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any, Literal
from urllib.parse import quote

import httpx2

from server.contract.project import Caller, Project

Make = Callable[[Project], Any | Awaitable[Any]]
"""Parts of a request that are known only once the project stands."""

Judge = Literal["document", "SDK"]


@dataclass(frozen=True, kw_only=True)
class Call:
    key: str
    """The operation, as the contract writes it: method and path."""
    label: str = ""
    """What sets this call apart from others of its operation."""
    path: Mapping[str, str] | Make | None = None
    """Path parameters: names of the project's ids by parameter, or what makes the values."""
    query: Mapping[str, Any] | Make | None = None
    body: Any = None
    caller: Caller = "project"
    variant: str = ""
    """Which of the contract's bodies this is."""
    beyond: tuple[str, ...] = ()
    """Fields of the least body that the contract calls optional and that the server, like Langfuse's, needs."""
    judges: tuple[Judge, ...] = ("document", "SDK")
    """Whose types the answer must have: the SDK's are of another form of this call where one is left out."""
    shape: str = ""
    """The component of the document that the answer has, where neither judge knows the operation."""
    wrong: bool = False
    """Whether the body is none that the document allows: the answer says what is refused of it."""
    empty: bool = False
    """Whether a list in the answer may be empty."""

    @property
    def id(self) -> str:
        return f"{self.key} {self.label}".strip()

    async def resolved(self, project: Project) -> "Request":
        path = await _made(self.path, project) or {}
        if isinstance(self.path, Mapping):
            path = {name: project[of] for name, of in path.items()}
        return Request(self, path, await _made(self.query, project), await _made(self.body, project))


@dataclass(frozen=True)
class Request:
    """A call with all its parts."""

    call: Call
    path: Mapping[str, str]
    query: Mapping[str, Any] | None
    body: Any

    async def sent(self, project: Project) -> httpx2.Response:
        method, template = self.call.key.split(" ")
        given = {name: quote(str(value), safe="") for name, value in self.path.items()}
        path = re.sub(r"\{([^}]*)\}", lambda found: given[found[1]], template).removeprefix("/api/public")
        return await project.send(method, path, self.body, self.query, self.call.caller)


async def _made(part: Any, project: Project) -> Any:
    made = part(project) if callable(part) else part
    return await made if isawaitable(made) else made
