"""Packages with instrumentation of their own, run as their users run them: each row of senders.py must become true."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest

from integrations.conftest import Runner
from integrations.reading import Observation, Reader, Traces
from integrations.senders import SENDERS, Sender

Sent = Callable[[str], Traces]
EACH = pytest.mark.parametrize("name", SENDERS)


@pytest.fixture(scope="module")
def sent(runner: Runner) -> Sent:
    """What a program left on the server; it runs once, in an environment of its own that its totals are asked for."""

    @cache
    def run(name: str) -> Traces:
        sender = SENDERS[name]
        resource = {"OTEL_RESOURCE_ATTRIBUTES": f"deployment.environment.name={name}"}
        return runner.run(sender.program, otlp="/api/public/otel", **resource, **sender.variables)

    return run


def calls(traces: Traces, sender: Sender) -> list[Observation]:
    """The calls of a model that tell what they used: some packages tell of a stream as it begins and as it ends."""
    return [each for each in traces.named(sender.calls) if each.usageDetails]


@EACH
def test_spans_keep_their_kinds_and_their_places(sent: Sent, name: str):
    shapes = [without_log_lines(without_seconds(root.shape())) for root in sent(name).roots]
    assert shapes == list(SENDERS[name].shapes)


@EACH
def test_a_call_has_its_model_its_usage_and_its_price(sent: Sent, name: str):
    sender = SENDERS[name]
    made = calls(sent(name), sender)
    assert made
    for call in made:
        assert (call.type, call.model) == ("GENERATION", sender.model)
        assert call.usageDetails == sender.usage
        assert call.totalCost == pytest.approx(sender.call_usd)


@EACH
def test_every_total_counts_every_call_once(sent: Sent, name: str, runner: Runner):
    sender, traces = SENDERS[name], sent(name)
    told = totals(runner.reader, name, traces)
    right = {"tokens": sender.total_tokens, "usd": pytest.approx(sender.total_usd)}
    assert told == {surface: {kind: right[kind] for kind in said} for surface, said in told.items()}


@EACH
def test_a_trace_shows_what_was_asked_and_what_was_answered(sent: Sent, name: str, runner: Runner):
    for root, said in zip(sent(name).roots, SENDERS[name].said, strict=True):
        trace = runner.reader.get(f"/traces/{root.traceId}")
        if said:
            asked, answered = said
            assert asked in json.dumps(trace["input"])
            assert answered in json.dumps(trace["output"])


@EACH
def test_a_call_shows_its_messages_and_a_tool_its_arguments_and_result(sent: Sent, name: str):
    sender, traces = SENDERS[name], sent(name)
    questions = tuple(said[0] for said in sender.said if said)
    for call in calls(traces, sender) if questions else []:
        assert any(question in json.dumps(call.given) for question in questions)
        assert call.made
    for tool in (each for each in traces.of_type("TOOL") if each.name.endswith("weather")):
        assert '"city": "Paris"' in json.dumps(tool.given)
        assert "sunny in Paris" in json.dumps(tool.made)


@EACH
def test_user_session_and_tags_are_those_the_program_told(sent: Sent, name: str):
    sender = SENDERS[name]
    told = [each for root, said in zip(sent(name).roots, sender.said, strict=True) if said for each in root.walk()]
    context = {(each.userId, each.sessionId, tuple(each.tags)) for each in told}
    assert context <= {(sender.user, sender.session, sender.tags)}


@EACH
def test_a_first_token_never_comes_after_the_end(sent: Sent, name: str):
    for each in sent(name).all():
        assert each.timeToFirstToken is None or each.timeToFirstToken <= each.latency + 0.002


@pytest.mark.parametrize("name", [name for name, sender in SENDERS.items() if sender.picture])
def test_a_picture_is_stored_and_messages_refer_to_it(sent: Sent, name: str):
    written = "".join(str(each.row["input"]) for each in sent(name).all())
    assert "@@@langfuseMedia:type=image/png|id=" in written
    assert "iVBORw0KGgo" not in written


def without_seconds(shape: Any) -> Any:
    """logfire writes into a name how long a stream took."""
    if isinstance(shape, tuple):
        return (without_seconds(shape[0]), [without_seconds(child) for child in shape[1]])
    return "took 0.05s".join([shape.rpartition("took ")[0], ""]) if "took " in shape else shape


def without_log_lines(shape: Any) -> Any:
    """semantic-kernel's own log goes the way of its messages: each line is an event of the span it was written in."""
    if not isinstance(shape, tuple):
        return shape
    inside = [without_log_lines(each) for each in shape[1] if not str(each).startswith("EVENT semantic_kernel.")]
    return (shape[0], inside) if inside else shape[0]


def totals(reader: Reader, environment: str, traces: Traces) -> dict[str, dict[str, Any]]:
    """What each surface says that a program's traces used and cost."""
    [listed, measured] = [_of_traces(reader, environment), _measured(reader, environment)]
    costs = [reader.trace_cost_usd(root) for root in traces.roots]
    return {"traces one by one": {"usd": sum(costs)}, "list of traces": listed, **measured}


def _of_traces(reader: Reader, environment: str) -> dict[str, Any]:
    rows = reader.get("/traces", environment=environment, limit=100)["data"]
    return {"usd": sum(row["totalCost"] for row in rows)}


def _measured(reader: Reader, environment: str) -> dict[str, dict[str, Any]]:
    now = datetime.now(UTC)
    window = {
        "fromTimestamp": (now - timedelta(hours=1)).isoformat(),
        "toTimestamp": (now + timedelta(hours=1)).isoformat(),
    }
    found = {
        f"{path} of {view}": _metrics(reader, path, view, environment, window)
        for path, view in (("/metrics", "traces"), ("/metrics", "observations"), ("/v2/metrics", "observations"))
    }
    [day] = reader.get("/metrics/daily", environment=environment, **window)["data"]
    tokens = sum(model["totalUsage"] for model in day["usage"])
    return {**found, "daily": {"tokens": tokens, "usd": day["totalCost"]}}


def _metrics(reader: Reader, path: str, view: str, environment: str, window: dict[str, str]) -> dict[str, Any]:
    here = {"column": "environment", "operator": "=", "value": environment, "type": "string"}
    measures = [{"measure": name, "aggregation": "sum"} for name in ("totalTokens", "totalCost")]
    query = {"view": view, "dimensions": [], "metrics": measures, "filters": [here], **window}
    [row] = reader.get(path, query=json.dumps(query))["data"]
    return {"tokens": int(row["sum_totalTokens"]), "usd": row["sum_totalCost"]}
