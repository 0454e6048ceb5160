"""Another server in a process of its own, with a project of every kind of thing in it."""

import base64
import hashlib
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

KEYS = ("pk-lf-origin", "sk-lf-origin")
FIRST = datetime(2026, 3, 1, 12, tzinfo=UTC)
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
)
LONG = "far " * 100
TRACES = 7


def written(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Origin:
    """A running server; `close()` at the end."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sightline.server.cli", "--port", "0", "--data-dir", str(folder)],
            env={
                **os.environ,
                "SIGHTLINE_INIT_ORG_ID": "theirs",
                "SIGHTLINE_INIT_PROJECT_ID": "origin",
                "SIGHTLINE_INIT_PROJECT_NAME": "Origin",
                "SIGHTLINE_INIT_PROJECT_PUBLIC_KEY": KEYS[0],
                "SIGHTLINE_INIT_PROJECT_SECRET_KEY": KEYS[1],
            },
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().split()[-1]
        self.client = httpx2.Client(base_url=f"{self.url}/api/public", auth=KEYS, timeout=60)

    def close(self) -> None:
        self.client.close()
        self._process.terminate()
        self._process.wait(30)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def post(self, path: str, body: Any, method: str = "POST") -> Any:
        answer = self.client.request(method, path, json=body)
        assert answer.status_code < 300, f"{path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def get(self, path: str, **params: Any) -> Any:
        answer = self.client.get(path, params=params)
        assert answer.status_code == 200, f"{path}: {answer.text}"
        return answer.json()

    def events(self, *events: tuple[str, dict[str, Any]]) -> None:
        batch = [
            {
                "id": f"{kind}-{body['id']}",
                "type": kind,
                "timestamp": body.get("timestamp", written(FIRST)),
                "body": body,
            }
            for kind, body in events
        ]
        answer = self.post("/ingestion", {"batch": batch})
        assert answer["errors"] == []


def seed(origin: Origin) -> None:
    """One of everything, and a few of what comes in numbers."""
    _models(origin)
    _prompts(origin)
    media = _picture(origin)
    _traces(origin, media)
    _experiment(origin)
    _datasets(origin)
    _scores(origin)
    _comments(origin)


def _models(origin: Origin) -> None:
    origin.post(
        "/models", {"modelName": "house", "matchPattern": "(?i)^house$", "inputPrice": 0.001, "outputPrice": 0.002}
    )


def _prompts(origin: Origin) -> None:
    for number in range(1, 5):
        origin.post(
            "/v2/prompts",
            {
                "name": "folder/greeting",
                "prompt": f"Hello {number} {{{{name}}}}",
                "labels": ["production"] if number == 3 else [f"number-{number}"],
                "tags": ["polite"],
                "config": {"temperature": number},
                "commitMessage": f"number {number}",
            },
        )
    origin.client.delete("/v2/prompts/folder%2Fgreeting", params={"version": 2}).raise_for_status()
    # By name before what it includes: whoever carries them in this order must wait.
    origin.post("/v2/prompts", {"name": "zebra", "prompt": "stripes", "labels": ["production"]})
    token = "@@@langfusePrompt:name=zebra|label=production@@@"
    origin.post("/v2/prompts", {"name": "ape", "prompt": f"an ape and {token}"})
    chat = [{"role": "system", "content": "Be kind"}, {"type": "placeholder", "name": "history"}]
    origin.post("/v2/prompts", {"name": "talk", "type": "chat", "prompt": chat})


def _picture(origin: Origin) -> str:
    """A file at a place of a trace; its reference."""
    announced = origin.post(
        "/media",
        {
            "contentType": "image/png",
            "contentLength": len(PICTURE),
            "sha256Hash": base64.b64encode(hashlib.sha256(PICTURE).digest()).decode(),
            "field": "input",
            "traceId": "trace-0",
            "observationId": "answer-0",
        },
    )
    answer = httpx2.put(announced["uploadUrl"], content=PICTURE, headers={"Content-Type": "image/png"})
    assert answer.status_code == 200, answer.text
    return f"@@@langfuseMedia:type=image/png|id={announced['mediaId']}|source=bytes@@@"


def _traces(origin: Origin, media: str) -> None:
    for number in range(TRACES):
        began = FIRST + timedelta(days=9 * number)
        trace = {
            "id": f"trace-{number}",
            "timestamp": written(began),
            "name": f"visit {number % 3}",
            "userId": f"user-{number % 2}",
            "sessionId": f"session-{number // 2}",
            "tags": ["b", f"t{number}"],
            "metadata": {"far": LONG, "number": number},
            "release": "r1",
            "version": "v1",
            "public": number == 1,
            "environment": "staging",
            "input": {"question": number},
            "output": "asked and answered",
        }
        root = {
            "id": f"root-{number}",
            "traceId": trace["id"],
            "timestamp": written(began),
            "name": "root",
            "startTime": written(began),
            "endTime": written(began + timedelta(seconds=3)),
            "input": {"question": number},
            "environment": "staging",
        }
        answer = {
            "id": f"answer-{number}",
            "traceId": trace["id"],
            "timestamp": written(began),
            "parentObservationId": root["id"],
            "name": "answer",
            "startTime": written(began + timedelta(seconds=1)),
            "completionStartTime": written(began + timedelta(seconds=1.5)),
            "endTime": written(began + timedelta(seconds=2)),
            "model": "house",
            "modelParameters": {"temperature": "0.5"},
            "input": [{"role": "user", "content": media if number == 0 else "what is this"}],
            "output": "a duck",
            "usageDetails": {"input": 10, "output": 4, "total": 14},
            "metadata": {"deep": {"er": [1, 2]}, "long": LONG},
            "level": "WARNING",
            "statusMessage": "slow",
            "promptName": "folder/greeting",
            "promptVersion": 4,
            "environment": "staging",
        }
        origin.events(("trace-create", trace), ("span-create", root), ("generation-create", answer))


def _experiment(origin: Origin) -> None:
    """Two items as a current SDK runs them: nothing but spans that say so."""
    origin.post("/v2/datasets", {"name": "birds/ducks", "description": "of all sizes", "metadata": {"a": 1}})
    dataset = origin.get("/v2/datasets/birds%2Fducks")
    spans = []
    for number in range(2):
        start = int((FIRST + timedelta(days=5, minutes=number)).timestamp() * 1e9)
        span_id = f"{number + 1:016x}"
        said = {
            "langfuse.experiment.id": "ducks-again",
            "langfuse.experiment.name": "ducks again",
            "langfuse.experiment.dataset.id": dataset["id"],
            "langfuse.experiment.item.id": f"duck-{number}",
            "langfuse.experiment.item.expected_output": f"mallard {number}",
            "langfuse.experiment.item.root_observation_id": span_id,
            "langfuse.observation.input": f"duck {number}",
            "langfuse.environment": "sdk-experiment",
        }
        attributes = [{"key": key, "value": {"stringValue": value}} for key, value in said.items()]
        spans.append(
            {
                "traceId": f"{number + 1:032x}",
                "spanId": span_id,
                "name": "experiment-item-run",
                "startTimeUnixNano": str(start),
                "endTimeUnixNano": str(start + 5_000_000),
                "attributes": attributes,
            }
        )
    origin.post("/otel/v1/traces", {"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})


def _datasets(origin: Origin) -> None:
    for number in range(3):
        origin.post(
            "/dataset-items",
            {
                "datasetName": "birds/ducks",
                "id": f"duck-{number}",
                "input": {"n": number},
                "expectedOutput": "mallard",
                "metadata": {"m": number},
                "sourceTraceId": f"trace-{number}",
            },
        )
    for number in range(2):
        origin.post(
            "/dataset-run-items",
            {
                "runName": "first run",
                "runDescription": "to see",
                "metadata": {"by": "hand"},
                "datasetItemId": f"duck-{number}",
                "traceId": f"trace-{number}",
                "observationId": f"root-{number}",
                "createdAt": written(FIRST + timedelta(days=1, seconds=number)),
            },
        )


def _scores(origin: Origin) -> None:
    mood = origin.post(
        "/score-configs",
        {
            "name": "mood",
            "dataType": "CATEGORICAL",
            "categories": [{"label": "glad", "value": 1}, {"label": "sad", "value": 0}],
        },
    )
    origin.post("/score-configs", {"name": "size", "dataType": "NUMERIC", "minValue": 0, "maxValue": 9})
    run = origin.get("/datasets/birds%2Fducks/runs/first%20run")
    kinds: list[dict[str, Any]] = [
        {"name": "numeric", "value": 0.25, "traceId": "trace-0", "comment": "so so", "metadata": {"k": 1}},
        {"name": "truth", "value": 1, "dataType": "BOOLEAN", "traceId": "trace-1", "observationId": "root-1"},
        {"name": "mood", "value": "glad", "configId": mood["id"], "traceId": "trace-1", "source": "ANNOTATION"},
        {"name": "words", "value": "well said", "dataType": "TEXT", "sessionId": "session-0"},
        {"name": "run", "value": 3, "datasetRunId": run["id"]},
    ]
    batch = [
        {
            "id": f"event-{number}",
            "type": "score-create",
            "timestamp": written(FIRST + timedelta(days=number)),
            "body": {"id": f"score-{number}", "environment": "staging", **body},
        }
        for number, body in enumerate(kinds)
    ]
    assert origin.post("/ingestion", {"batch": batch})["errors"] == []
    origin.post(f"/score-configs/{mood['id']}", {"isArchived": True}, "PATCH")


def _comments(origin: Origin) -> None:
    prompt = origin.get("/v2/prompts/talk", version=1)
    for kind, identity in (
        ("TRACE", "trace-1"),
        ("OBSERVATION", "root-2"),
        ("SESSION", "session-1"),
        ("PROMPT", prompt["id"]),
    ):
        body = {"projectId": "origin", "objectType": kind, "objectId": identity, "content": f"look at this {kind}"}
        origin.post("/comments", body)
