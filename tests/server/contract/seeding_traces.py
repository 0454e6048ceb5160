"""Spans of every kind, whole and bare, scores of every type and subject, files: through the API itself."""

from typing import Any

from server.contract.project import END, START, Project, announcement

KINDS = ("span", "generation", "event", "agent", "tool", "chain", "retriever", "evaluator", "embedding", "guardrail")
WHOLE, BARE = f"{1:032x}", f"{2:032x}"
WHOLE_SPAN, BARE_SPAN = f"{1:016x}", f"{100:016x}"
EXPERIMENT = "e0123456789abcde"


async def seed_traces(project: Project) -> None:
    await _spans(project)
    await _events(project)
    await _experiment(project)
    await _files(project)
    project.ids |= {"trace": WHOLE, "observation": WHOLE_SPAN, "session": "a-session", "experiment": EXPERIMENT}


async def seed_scores(project: Project) -> None:
    """One of each type about each subject; the second half says nothing that may be left out."""
    values: dict[str, Any] = {"NUMERIC": 0.5, "BOOLEAN": 1, "CATEGORICAL": "good", "TEXT": "words", "CORRECTION": "so"}
    subjects = (
        {"traceId": WHOLE},
        {"traceId": WHOLE, "observationId": WHOLE_SPAN},
        {"sessionId": "a-session"},
        {"datasetRunId": project["run"]},
        {"datasetRunId": EXPERIMENT},
    )
    for kind, value in values.items():
        for number, subject in enumerate(subjects):
            body = {"id": f"{kind}-{number}", "name": kind.lower(), "value": value, "dataType": kind, **subject}
            await project.make("/scores", body if number % 2 else body | _details(project, kind))
    project.ids |= {"score": "NUMERIC-0"}


def _details(project: Project, kind: str) -> dict[str, Any]:
    details = {"comment": "because", "metadata": {"by": "hand"}, "environment": "production"}
    if kind == "CORRECTION":
        return details
    return details | {"configId": project[kind], "queueId": project["queue"], "source": "ANNOTATION"}


async def _spans(project: Project) -> None:
    attributes = {
        "langfuse.trace.name": "a trace",
        "langfuse.trace.tags": ["first", "second"],
        "user.id": "somebody",
        "session.id": "a-session",
        "langfuse.environment": "production",
        "langfuse.release": "r1",
        "langfuse.version": "v1",
        "langfuse.trace.public": True,
        "langfuse.trace.metadata.customer": '"acme"',
        "langfuse.observation.input": '{"question": "which?"}',
        "langfuse.observation.output": '"this one"',
        "langfuse.observation.metadata.step": "1",
        "langfuse.observation.level": "WARNING",
        "langfuse.observation.status_message": "slow",
        "langfuse.observation.model.name": "gpt-4o",
        "langfuse.observation.model.parameters": '{"temperature": 0.1, "stop": ["a"], "seed": 1, "stream": true}',
        "langfuse.observation.usage_details": '{"input": 10, "output": 5, "total": 15}',
        "langfuse.observation.completion_start_time": f'"{START}"',
        "langfuse.observation.prompt.name": "greeting",
        "langfuse.observation.prompt.version": 1,
    }
    whole = [
        _span(WHOLE, number, attributes | {"langfuse.observation.type": kind}, parent=1 if number > 1 else None)
        for number, kind in enumerate(KINDS, start=1)
    ]
    await project.make("/otel/v1/traces", export(*whole, _span(BARE, 100, {})))


async def _events(project: Project) -> None:
    """What older clients send: everything they may say, and nothing."""
    whole = {"name": "old", "input": {"a": 1}, "output": "b", "metadata": {"k": "v"}, "version": "1"}
    observed = whole | {"traceId": "old", "startTime": START, "endTime": END, "level": "ERROR", "statusMessage": "no"}
    modelled = observed | {"model": "gpt-4o", "usage": {"input": 1, "output": 2, "unit": "TOKENS"}}
    bodies = {
        "trace-create": whole | {"id": "old", "timestamp": START, "userId": "u", "tags": ["a"], "sessionId": "old"},
        "span-create": observed | {"id": "old-span"},
        "generation-create": modelled | {"id": "old-generation", "parentObservationId": "old-span"},
        "event-create": {"id": "old-event", "traceId": "old"},
        "score-create": {"id": "old-score", "traceId": "old", "name": "old", "value": 1},
    }
    batch = [{"id": f"seed-{kind}", "type": kind, "timestamp": START, "body": each} for kind, each in bodies.items()]
    answer = await project.make("/ingestion", {"batch": batch})
    assert not answer["errors"], answer


async def _experiment(project: Project) -> None:
    root = f"{201:016x}"
    attributes = {
        "langfuse.experiment.id": EXPERIMENT,
        "langfuse.experiment.name": "an experiment",
        "langfuse.experiment.description": "a try",
        "langfuse.experiment.metadata": '{"model": "small"}',
        "langfuse.experiment.dataset.id": "a-dataset",
        "langfuse.experiment.item.id": "an-item",
        "langfuse.experiment.item.version": START,
        "langfuse.experiment.item.expected_output": '{"digit": 3}',
        "langfuse.experiment.item.metadata": '{"hard": true}',
        "langfuse.experiment.item.root_observation_id": root,
        "langfuse.observation.input": "which digit ?",
        "langfuse.observation.output": "three",
    }
    bare = {"langfuse.experiment.id": "bare", "langfuse.experiment.item.root_observation_id": f"{202:016x}"}
    await project.make("/otel/v1/traces", export(_span(f"{3:032x}", 201, attributes), _span(f"{4:032x}", 202, bare)))


async def _files(project: Project) -> None:
    content = b"what was said"
    made = await project.make("/media", announcement(content, traceId=WHOLE, observationId=WHOLE_SPAN))
    uploaded = await project.site.client.put(made["uploadUrl"], content=content)
    assert uploaded.is_success, uploaded.text
    project.ids |= {"media": made["mediaId"]}


def export(*spans: dict[str, Any]) -> dict[str, Any]:
    """An OTLP export in JSON, as the SDK for JavaScript sends it."""
    return {"resourceSpans": [{"scopeSpans": [{"scope": {"name": "langfuse-sdk"}, "spans": list(spans)}]}]}


def _span(trace_id: str, number: int, attributes: dict[str, Any], parent: int | None = None) -> dict[str, Any]:
    span = {
        "traceId": trace_id,
        "spanId": f"{number:016x}",
        "name": f"span {number}",
        "startTimeUnixNano": str(1_777_629_600_000_000_000 + number * 1_000_000),
        "endTimeUnixNano": str(1_777_629_602_000_000_000),
        "attributes": [{"key": key, "value": _value(value)} for key, value in attributes.items()],
    }
    return span if parent is None else span | {"parentSpanId": f"{parent:016x}"}


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(each) for each in value]}}
    if isinstance(value, bool):
        return {"boolValue": value}
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": str(value)}
