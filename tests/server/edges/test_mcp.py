"""Agents work with the public API through the Model Context Protocol."""

import json
from typing import Any

import jsonschema
import pytest

from server.edges.running_site import ELSEWHERE, HERE, SCORES_ONLY, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def ask(site: Site, method: str, params: Any = None, headers: dict[str, str] = HERE) -> Any:
    body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params or {}}
    answer = await site.client.post("/mcp", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["jsonrpc"], answer.json()["id"]) == ("2.0", 7)
    return answer.json()


async def call(site: Site, tool: str, headers: dict[str, str] = HERE, **arguments: Any) -> tuple[bool, Any]:
    result = (await ask(site, "tools/call", {"name": tool, "arguments": arguments}, headers))["result"]
    [content] = result["content"]
    return result["isError"], json.loads(content["text"]) if content["text"].startswith(("{", "[")) else content["text"]


async def test_a_client_is_greeted_in_a_version_it_speaks(site: Site):
    for wanted, given in (("2025-06-18", "2025-06-18"), ("1999-01-01", "2025-11-25")):
        greeting = (await ask(site, "initialize", {"protocolVersion": wanted, "capabilities": {}}))["result"]
        assert (greeting["protocolVersion"], greeting["capabilities"]) == (given, {"tools": {}})
    assert (await ask(site, "ping"))["result"] == {}


async def test_notifications_have_no_answer_and_streams_are_not_offered(site: Site):
    note = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    assert (await site.client.post("/mcp", json=note, headers=HERE)).status_code == 202
    for method in ("GET", "DELETE"):
        answer = await site.client.request(method, "/mcp", headers=HERE)
        assert (answer.status_code, answer.json()["error"]) == (405, "MethodNotAllowedError")


async def test_every_operation_of_a_project_is_a_tool_with_a_schema_that_stands_alone(site: Site):
    tools = {tool["name"]: tool for tool in (await ask(site, "tools/list"))["result"]["tools"]}
    assert len(tools) > 80
    assert all(len(name) <= 64 for name in tools)
    for tool in tools.values():
        jsonschema.Draft202012Validator.check_schema(tool["inputSchema"])
        assert "#/components" not in json.dumps(tool)
    assert tools["get_comments"]["annotations"]["readOnlyHint"]
    assert tools["delete_models_by_modelId"]["annotations"]["destructiveHint"]
    assert tools["get_comments_by_commentId"]["inputSchema"]["required"] == ["commentId"]
    assert not any("organizations" in name or "scim" in name for name in tools)


async def test_a_tool_does_what_the_api_does(site: Site):
    sent = await site.send({"session.id": "agents"})
    body = {"projectId": "here", "objectType": "TRACE", "objectId": sent.trace_id, "content": "said by an agent"}
    failed, made = await call(site, "post_comments", body=body)
    assert not failed
    _, listed = await call(site, "get_comments", objectType="TRACE", objectId=sent.trace_id)
    assert [each["id"] for each in listed["data"]] == [made["id"]]
    _, read = await call(site, "get_comments_by_commentId", commentId=made["id"])
    assert read["content"] == "said by an agent"
    question = {
        "view": "observations",
        "metrics": [{"measure": "count", "aggregation": "count"}],
        "fromTimestamp": "2020-01-01T00:00:00Z",
        "toTimestamp": "2100-01-01T00:00:00Z",
    }
    failed, answer = await call(site, "get_v2_metrics", query=question)
    assert not failed
    assert answer["data"][0]["count_count"] >= 1


async def test_a_slash_in_an_argument_stays_in_its_segment(site: Site):
    prompt = {"name": "folder/prompt", "prompt": "hello", "type": "text", "labels": ["production"]}
    assert not (await call(site, "post_v2_prompts", body=prompt))[0]
    names = [tool["name"] for tool in (await ask(site, "tools/list"))["result"]["tools"]]
    [read] = [name for name in names if name.startswith("get_v2_prompts_by_")]
    failed, found = await call(site, read, **{read.removeprefix("get_v2_prompts_by_"): "folder/prompt"})
    assert (failed, found["prompt"]) == (False, "hello")


async def test_prompts_have_the_tools_that_langfuse_names(site: Site):
    new = {"name": "agents/known", "labels": ["production"], "config": {"t": 1}}
    assert not (await call(site, "createTextPrompt", name="agents/part", prompt="you"))[0]
    whole = "hello @@@langfusePrompt:name=agents/part|version=1@@@"
    assert not (await call(site, "createTextPrompt", prompt=whole, **new))[0]
    assert (await call(site, "getPrompt", name="agents/known"))[1]["prompt"] == "hello you"
    assert not (await call(site, "createTextPrompt", name="agents/known", prompt="second"))[0]
    failed, raw = await call(site, "getPromptUnresolved", name="agents/known")
    assert (failed, raw["prompt"], raw["config"]) == (False, whole, {"t": 1})
    assert not (await call(site, "updatePromptLabels", name="agents/known", version=2, newLabels=["production"]))[0]
    failed, found = await call(site, "getPrompt", name="agents/known")
    assert (failed, found["prompt"], found["version"]) == (False, "second", 2)
    chat = [{"role": "user", "content": "hi"}]
    assert not (await call(site, "createChatPrompt", name="agents/chat", prompt=chat))[0]
    failed, listed = await call(site, "listPrompts", name="agents/chat")
    assert (failed, [each["type"] for each in listed["data"]]) == (False, ["chat"])
    assert (await call(site, "getPrompt", name="x", resolve=False))[0]


async def test_it_is_where_langfuse_has_it_and_says_so(site: Site):
    ping = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
    answer = await site.client.post("/api/public/mcp", json=ping, headers=HERE)
    assert (answer.status_code, answer.json()["result"]) == (200, {})
    found = await site.client.get("/.well-known/mcp.json")
    assert found.json()["endpoint"].endswith("/api/public/mcp")
    other = await site.client.get("/.well-known/oauth-protected-resource")
    assert (other.status_code, other.json()["error"]) == (404, "LangfuseNotFoundError")


async def test_refusals_reach_the_model_as_errors_of_the_tool(site: Site):
    failed, said = await call(site, "get_comments_by_commentId", commentId="none")
    assert (failed, said["error"]) == (True, "LangfuseNotFoundError")
    failed, said = await call(site, "get_comments_by_commentId")
    assert (failed, "needs commentId" in said) == (True, True)
    failed, said = await call(site, "get_comments", moon=1)
    assert (failed, "moon" in said) == (True, True)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{", -32700),
        ("[]", -32600),
        ('{"jsonrpc": "1.0", "id": 1, "method": "ping"}', -32600),
        ('{"jsonrpc": "2.0", "id": 1, "method": "resources/list"}', -32601),
        ('{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "moon"}}', -32602),
    ],
)
async def test_what_is_not_the_protocol_is_refused_in_its_terms(site: Site, body: str, code: int):
    answer = await site.client.post("/mcp", content=body, headers=HERE)
    assert (answer.status_code, answer.json()["error"]["code"]) == (200, code)


async def test_a_tool_sees_the_callers_project_only(site: Site):
    sent = await site.send()
    failed, _ = await call(site, "get_traces_by_traceId", traceId=sent.trace_id)
    assert not failed
    failed, said = await call(site, "get_traces_by_traceId", headers=ELSEWHERE, traceId=sent.trace_id)
    assert (failed, said["error"]) == (True, "LangfuseNotFoundError")
    for headers in ({}, SCORES_ONLY):
        assert (await site.client.post("/mcp", json={}, headers=headers)).status_code == 401
