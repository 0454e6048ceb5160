"""Everybody at every door: the walk of all routes and tools is what the committed table says, and nothing else."""

import json
import re
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any, cast, get_args

import pytest
import pytest_asyncio

from golden.walking import World, knock, outcome, requests, sign_in_again, told, verbs, world
from server.contract import published
from server.contract.calls import Request
from server.edges.running_site import ELSEWHERE
from sightline.server.accounts.permissions import PERMISSIONS, Verb
from sightline.server.accounts.records import KeyScope, Role
from sightline.server.edges.mcp.tools import Tool, tools

pytestmark = pytest.mark.asyncio(loop_scope="module")

Golden = Callable[[str, Any], Any]
NOT_COMPARED = ("apiKeys", "auditLogs", "memberships", "/scim/Users")
"""When keys were used changes by looking; people may be of several organisations, whose calls have a walk of theirs."""

LAST = (
    "DELETE /api/web/projects/{projectId}/members/me",
    "DELETE /api/web/session",
    "DELETE /api/web/session/person",
)
"""Whoever leaves, signs out or is erased is nobody from then on."""
SIGNED = re.compile(r"expires=\d+&signature=\w+|\"urlExpiry\":\"[^\"]+\"")
"""Parts of signed addresses, which are new each time."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def doors(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with world(tmp_path_factory.mktemp("walk")) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def asked(doors: World) -> dict[str, Request]:
    return await requests(doors.project)


async def contents(doors: World, asked: Mapping[str, Request]) -> dict[str, str]:
    """All that the first project's key reads of it."""
    reads = [key for key, verb in verbs(doors.site).items() if key.startswith("GET /api/public") and "key," in verb]
    found: dict[str, str] = {}
    for key in reads:
        if not any(part in key for part in NOT_COMPARED):
            who = doors.keys[
                "key of the organization" if verbs(doors.site)[key].startswith("organization") else "key to all"
            ]
            answer = await knock(doors, key, asked.get(published.route(key)), who)
            found[key] = SIGNED.sub("", answer.text)
    return found


async def test_another_projects_key_reaches_nothing_by_this_ones_ids(
    doors: World, asked: Mapping[str, Request], golden: Golden
):
    before = await contents(doors, asked)
    walked: dict[str, str] = {}
    for key, verb in verbs(doors.site).items():
        if "key," in verb:
            theirs = doors.keys["key of another organization"] if verb.startswith("organization key") else ELSEWHERE
            answer = await knock(doors, key, asked.get(published.route(key)), theirs)
            assert not (answer.is_success and '"here"' in answer.text), f"{key}: {answer.text}"
            walked[key] = str(answer.status_code)
    after = await contents(doors, asked)
    assert {key: (text, after[key]) for key, text in before.items() if text != after[key]} == {}
    sys.stdout.write(json.dumps(walked, indent=1))
    assert walked == golden("walk_other_key", walked)


async def test_every_route_lets_in_whom_the_table_says(doors: World, asked: Mapping[str, Request], golden: Golden):
    doors.site.app.state.hub.close()  # streams end by themselves from now on
    walked: dict[str, str] = {}
    for key, verb in sorted(verbs(doors.site).items(), key=lambda each: each[0] in LAST and 1 + LAST.index(each[0])):
        request, outcomes = asked.get(published.route(key)), {}
        if key in LAST:
            await sign_in_again(doors)
        for who, headers in (doors.keys | doors.people).items():
            outcomes[who] = outcome(await knock(doors, key, request, headers))
        if not verb.startswith("anyone"):
            assert let_in(outcomes) == by_the_table(*verb.split(", ")), key
        walked[f"{key} ({verb})"] = told(outcomes)
    sys.stdout.write(json.dumps(walked, indent=1))
    assert walked == golden("walk_routes", walked)


def let_in(outcomes: Mapping[str, str]) -> set[str]:
    """Scopes and roles that get in, by what the table calls them."""
    inside = {who.removeprefix("key to ") for who, how in outcomes.items() if how == "in"}
    return inside & {*get_args(KeyScope), *map(str.lower, get_args(Role))}


def by_the_table(caller: str, verb: str) -> set[str]:
    held = PERMISSIONS[cast("Verb", verb)]
    if caller in ("project key", "scores key"):
        return set(held.scopes)
    return {role.lower() for role in held.roles} if caller in ("member", "person") else set()


async def test_every_tool_lets_in_whom_the_table_says(doors: World, asked: Mapping[str, Request], golden: Golden):
    programs = {who: headers for who, headers in doors.keys.items() if "organization" not in who}
    walked: dict[str, str] = {}
    for name, tool in tools().items():
        request = asked.get(published.route(f"{tool.method.upper()} {tool.path}"))
        outcomes = {who: await called(doors, tool, request, headers) for who, headers in programs.items()}
        walked[f"{name} ({tool.verb})"] = told(outcomes)
    sys.stdout.write(json.dumps(walked, indent=1))
    assert walked == golden("walk_tools", walked)


async def test_tools_that_a_key_may_not_call_are_not_listed_for_it(doors: World):
    listed = {scope: await listing(doors, doors.keys[f"key to {scope}"]) for scope in ("read", "scores", "all")}
    assert listed["all"] == set(tools())
    assert "get_traces" in listed["read"] - listed["scores"]
    assert "post_scores" in listed["scores"] - listed["read"]


async def listing(doors: World, headers: Mapping[str, str]) -> set[str]:
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    answer = await doors.site.client.post("/mcp", json=body, headers=headers)
    return {each["name"] for each in answer.json()["result"]["tools"]}


async def called(doors: World, tool: Tool, request: Request | None, headers: Mapping[str, str]) -> str:
    """How a tool is answered, with the arguments of its operation's request."""
    path = dict(zip(tool.path_parameters, request.path.values(), strict=False)) if request else {}
    arguments = dict.fromkeys(tool.path_parameters, "anything") | {name: str(value) for name, value in path.items()}
    if tool.body_fields is None and request and request.body is not None:
        arguments["body"] = request.body
    params = {"name": tool.name, "arguments": arguments}
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    answer = await doors.site.client.post("/mcp", json=body, headers=headers)
    if answer.status_code in (401, 403):
        return str(answer.status_code)
    result = answer.json()["result"]
    if result["isError"] and "ForbiddenError" in result["content"][0]["text"]:
        return "403"
    return "in"
