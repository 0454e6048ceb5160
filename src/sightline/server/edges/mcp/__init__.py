"""The Model Context Protocol over streamable HTTP, stateless: one request, one JSON response.

Agents get the public API's operations as tools, with a project's key pair as HTTP Basic. It is at Langfuse's address
and, for short, at /mcp; `/.well-known/mcp.json` says where.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sightline import __version__
from sightline.server.accounts.permissions import holds
from sightline.server.accounts.records import Access
from sightline.server.edges.access import Anyone, key_for
from sightline.server.edges.answers import Json
from sightline.server.edges.bodies import read_body
from sightline.server.edges.mcp.tools import call, tools
from sightline.server.edges.services import Served, base_url
from sightline.server.runtime.errors import InvalidRequest, MethodNotAllowed
from sightline.server.runtime.json_reading import NotJson, loads

router = APIRouter(include_in_schema=False)

Holder = Annotated[Access, key_for("project.read")]

PATH, SHORT_PATH = "/api/public/mcp", "/mcp"

VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26")
"""Of the protocol, the newest first."""
NOT_JSON, NOT_A_REQUEST, UNKNOWN_METHOD, WRONG_PARAMETERS = -32700, -32600, -32601, -32602
"""JSON-RPC error codes."""


class Call(BaseModel):
    """A JSON-RPC 2.0 request; without an id a notification, which has no response."""

    model_config = ConfigDict(extra="ignore")

    jsonrpc: str = Field(pattern=r"^2\.0$")
    id: str | int | None = None
    method: str
    params: dict[str, Any] = Field(default_factory=dict)


class Refused(Exception):  # noqa: N818 - named for what happened
    """A JSON-RPC error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@router.post(PATH)
@router.post(SHORT_PATH)
async def message(request: Request, who: Holder, services: Served) -> Response:
    """One message of a client."""
    asked: Call | None = None
    try:
        asked = _parsed(await read_body(request, services.limits.body_bytes))
        if asked.id is None:
            return Response(status_code=202)
        result = await _answer(asked, who, request)
    except Refused as refused:
        error = {"code": refused.code, "message": str(refused)}
        return Json({"jsonrpc": "2.0", "id": asked.id if asked else None, "error": error})
    return Json({"jsonrpc": "2.0", "id": asked.id, "result": result})


@router.get(PATH, dependencies=[key_for("project.read")])
@router.delete(PATH, dependencies=[key_for("project.read")])
@router.get(SHORT_PATH, dependencies=[key_for("project.read")])
@router.delete(SHORT_PATH, dependencies=[key_for("project.read")])
async def stream() -> None:
    """There are no sessions to end and nothing to listen to."""
    raise MethodNotAllowed("this server keeps no sessions: send each message with POST")


@router.get("/.well-known/mcp.json", dependencies=[Anyone])
async def discovery(request: Request, services: Served) -> Json:
    """Where the endpoint is and how one signs in."""
    url = f"{base_url(request, services)}{PATH}"
    return Json(
        {
            "name": "sightline",
            "version": __version__,
            "protocolVersions": list(VERSIONS),
            "endpoint": url,
            "servers": [{"name": "sightline", "url": url, "transport": "streamable-http"}],
            "authentication": {"type": "http", "scheme": "basic", "description": "A project's key pair."},
        }
    )


def _parsed(body: bytes) -> Call:
    try:
        return Call.model_validate(loads(body))
    except NotJson as problem:
        raise Refused(NOT_JSON, f"the body is not JSON: {problem}") from problem
    except ValidationError as problem:
        raise Refused(
            NOT_A_REQUEST, f"the body is not a JSON-RPC 2.0 request: {problem.errors()[0]['msg']}"
        ) from problem


async def _answer(asked: Call, who: Access, request: Request) -> dict[str, Any]:
    match asked.method:
        case "initialize":
            return _introduction(asked.params.get("protocolVersion"))
        case "ping":
            return {}
        case "tools/list":
            return {"tools": [tool.shape() for tool in tools().values() if holds(who, tool.verb)]}
        case "tools/call":
            return await _called(asked.params, request)
        case _:
            raise Refused(UNKNOWN_METHOD, f"method {asked.method!r} is not supported: this server offers tools")


def _introduction(wanted: Any) -> dict[str, Any]:
    return {
        "protocolVersion": wanted if wanted in VERSIONS else VERSIONS[0],
        "capabilities": {"tools": {}},
        "serverInfo": {"name": "sightline", "version": __version__},
        "instructions": "Traces, scores, prompts, datasets and metrics of one project. Tools are the operations of its "
        "public API; what they refuse, they explain.",
    }


async def _called(params: dict[str, Any], request: Request) -> dict[str, Any]:
    """Call a tool: its result as text. An error of the API is a tool error (`isError`), for the model to read."""
    tool, arguments = tools().get(str(params.get("name"))), params.get("arguments") or {}
    if tool is None or not isinstance(arguments, dict):
        raise Refused(WRONG_PARAMETERS, f"tool {params.get('name')!r} is unknown: ask for tools/list")
    try:
        answer = await call(request, tool, arguments)
    except InvalidRequest as problem:
        return {"content": [{"type": "text", "text": problem.message}], "isError": True}
    return {"content": [{"type": "text", "text": answer.text}], "isError": answer.status_code >= 400}
