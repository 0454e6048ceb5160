"""The unmodified Langfuse SDK against a real server process, told by environment variables; nothing is patched."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from langfuse import Langfuse
from langfuse.api import LangfuseAPI
from langfuse.api.commons.errors.not_found_error import NotFoundError

from serving import served

PROGRAM = Path(__file__).with_name("langfuse_program.py")
KEYS = ("pk-lf-test", "sk-lf-test")
EVERYTHING = "core,basic,time,io,metadata,model,usage,prompt,metrics,trace_context"


@dataclass(frozen=True)
class Written:
    """What the program wrote, and the SDK's client to read it back."""

    url: str
    api: LangfuseAPI
    ids: dict[str, str]

    def observation(self, name: str) -> Any:
        found = self.api.observations.get_many(
            trace_id=self.ids["trace"], fields=EVERYTHING, expand_metadata="resourceAttributes,scope"
        )
        [one] = [each for each in found.data if each.id == self.ids[name]]
        return one

    def legacy(self, path: str, **params: Any) -> Any:
        answer = httpx2.get(f"{self.url}/api/public{path}", params=params, auth=KEYS)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    names = {"org_name": "The lab", "project_id": "vision", "project_name": "Vision"}
    with served(tmp_path_factory.mktemp("data"), KEYS, **names) as address:
        yield address


@pytest.fixture(scope="module")
def written(server: str) -> Iterator[Written]:
    environment = {
        **os.environ,
        "LANGFUSE_BASE_URL": server,
        "LANGFUSE_PUBLIC_KEY": KEYS[0],
        "LANGFUSE_SECRET_KEY": KEYS[1],
        "LANGFUSE_RELEASE": "r-9",
        "LANGFUSE_TIMEOUT": "120",
    }
    ran = subprocess.run(
        [sys.executable, str(PROGRAM)], env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""
    with httpx.Client(timeout=120) as client:
        api = LangfuseAPI(base_url=server, username=KEYS[0], password=KEYS[1], httpx_client=client)
        yield Written(server, api, json.loads(ran.stdout.splitlines()[-1]))


def test_the_project_and_the_servers_health_are_told(written: Written):
    [project] = written.api.projects.get().data
    assert (project.id, project.name, project.organization.name) == ("vision", "Vision", "The lab")
    assert written.api.health.health().status == "OK"


def test_the_root_comes_back_with_every_field(written: Written):
    root = written.observation("root")
    assert (root.trace_id, root.parent_observation_id, root.is_root_observation) == (written.ids["trace"], None, True)
    assert (root.type, root.name, root.level, root.environment) == ("SPAN", "request", "DEFAULT", "staging")
    assert (root.user_id, root.session_id, root.tags) == ("ada", "s-1", ["blue", "held-out"])
    assert (root.trace_name, root.version, root.release, root.public) == ("look", "7", "r-9", True)
    assert json.loads(root.input) == {"question": "which digit?"}
    assert json.loads(root.output) == {"answer": 3}
    assert root.metadata["depth"] == {"of": [1, None]}
    assert root.metadata["text"] == 3, "Langfuse's reads type what is JSON"
    assert root.metadata["tier"] == "gold"
    assert root.metadata["resourceAttributes"]["telemetry.sdk.language"] == "python"
    assert root.metadata["scope"]["name"] == "langfuse-sdk"
    assert root.end_time is not None
    assert root.latency == pytest.approx((root.end_time - root.start_time).total_seconds(), abs=0.002)


def test_nested_spans_keep_their_parents_types_and_levels(written: Written):
    retriever = written.observation("retriever")
    assert (retriever.type, retriever.parent_observation_id) == ("RETRIEVER", written.ids["root"])
    assert (retriever.level, retriever.status_message) == ("WARNING", "slow")
    assert json.loads(retriever.output) == ["a", "b"]
    assert retriever.is_root_observation is False


def test_a_generation_comes_back_with_model_parameters_usage_and_costs(written: Written):
    generation = written.observation("generation")
    assert (generation.type, generation.model, generation.output) == ("GENERATION", "sightline-tiny", "a red three")
    assert generation.model_parameters == {"temperature": "0.5", "max_tokens": "30", "stop": '["a","b"]'}
    assert generation.usage_details == {"input": 12, "output": 3, "total": 15}
    assert generation.cost_details == {"input": 0.25, "output": 0.5, "total": 0.75}
    assert generation.total_cost == 0.75
    assert generation.completion_start_time == datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    assert generation.user_id == "ada"


def test_the_image_is_stored_once_and_comes_back_byte_for_byte(written: Written):
    generation = written.observation("generation")
    [message] = json.loads(generation.input)
    token = f"@@@langfuseMedia:type=image/png|id={written.ids['media']}|source=base64_data_uri@@@"
    assert message["content"] == ["which digit?", token]
    media = written.api.media.get(written.ids["media"])
    content = httpx2.get(media.url)
    assert (media.content_type, media.content_length) == ("image/png", len(content.content))
    assert content.headers["content-type"] == "image/png"
    assert content.content.startswith(b"\x89PNG")
    assert base64.b64encode(content.content).decode() in PROGRAM.read_text()


def test_an_event_is_an_event(written: Written):
    event = written.observation("event")
    assert (event.type, event.name, event.input) == ("EVENT", "note", "plain text")
    assert event.metadata["count"] == 3


def test_scores_come_back_typed_with_their_subjects(written: Written):
    found = written.api.scores.get_many(trace_id=written.ids["trace"], fields="details,subject,annotation")
    scores = {score.name: score for score in found.data}
    assert set(scores) == {"correct", "quality", "colour"}
    assert (scores["correct"].value, scores["correct"].data_type) == (True, "BOOLEAN")
    assert scores["correct"].comment == "exactly"
    assert scores["correct"].subject is not None
    assert (scores["correct"].subject.kind, scores["correct"].subject.id) == ("observation", written.ids["generation"])
    assert (scores["quality"].value, scores["quality"].metadata) == (0.75, {"by": "hand"})
    assert scores["quality"].subject is not None
    assert (scores["quality"].subject.kind, scores["quality"].subject.id) == ("trace", written.ids["trace"])
    assert (scores["colour"].value, scores["colour"].data_type) == ("red", "CATEGORICAL")
    assert scores["quality"].source == "API"


def test_observations_page_by_cursor_without_repeats(written: Written):
    seen: list[str] = []
    cursor = None
    while True:
        page = written.api.observations.get_many(trace_id=written.ids["trace"], limit=1, cursor=cursor)
        seen += [each.id for each in page.data]
        cursor = page.meta.cursor
        if cursor is None:
            break
    names = ("root", "retriever", "generation", "event")
    assert sorted(seen) == sorted(written.ids[name] for name in names)


def test_the_legacy_reads_show_the_same_trace(written: Written):
    trace = written.legacy(f"/traces/{written.ids['trace']}")
    assert (trace["name"], trace["userId"], trace["sessionId"]) == ("look", "ada", "s-1")
    assert (trace["tags"], trace["public"], trace["release"]) == (["blue", "held-out"], True, "r-9")
    assert (trace["input"], trace["output"]) == ({"question": "which digit?"}, {"answer": 3})
    assert (trace["metadata"]["tier"], trace["metadata"]["depth"]) == ("gold", {"of": [1, None]})
    assert {each["id"] for each in trace["observations"]} >= {written.ids["root"], written.ids["generation"]}
    assert {each["name"] for each in trace["scores"]} == {"correct", "quality", "colour"}
    [listed] = written.legacy("/traces", userId="ada", tags=["blue"])["data"]
    assert set(listed["observations"]) == {written.ids[n] for n in ("root", "retriever", "generation", "event")}
    generation = written.legacy(f"/observations/{written.ids['generation']}")
    assert generation["usage"]["total"] == 15
    assert generation["promptTokens"] == 12
    assert written.legacy("/observations", traceId=written.ids["trace"], type="GENERATION")["meta"]["totalItems"] == 1
    assert {each["name"] for each in written.legacy("/v2/scores", traceId=written.ids["trace"])["data"]} == {
        "correct",
        "quality",
        "colour",
    }


def test_an_experiment_reads_back_with_its_item_and_both_kinds_of_scores(written: Written):
    since = datetime.now(UTC) - timedelta(hours=1)
    experiments = written.api.experiments.list(
        from_start_time=since, dataset_id=written.ids["dataset"], fields="core,metadata,scores"
    )
    [experiment] = experiments.data
    assert (experiment.name, experiment.description, experiment.item_count) == ("look once", "one pass", 1)
    assert experiment.metadata is not None
    assert experiment.metadata["model"] == "tiny"
    assert [(score.name, score.value) for score in experiment.scores or ()] == [("mean", 1)]
    [item] = written.api.experiments.list_items(
        from_start_time=since, experiment_id=experiment.id, fields="core,dataset,io,scores"
    ).data
    assert (item.experiment_item_id, item.experiment_dataset_id) == (written.ids["item"], written.ids["dataset"])
    assert (item.input, item.output) == ({"question": "Which digit is it?"}, "three")
    assert (item.expected_output, item.environment) == ("three", "sdk-experiment")
    assert [(score.name, score.value) for score in item.scores or ()] == [("exact", 1)]


def test_the_sdks_experiment_is_a_run_of_its_dataset_by_name(written: Written):
    path = "/datasets/digits%2Fheld%20out/runs"
    [run] = written.legacy(path)["data"]
    assert (run["name"], run["datasetId"], run["metadata"]) == ("look once", written.ids["dataset"], {"model": "tiny"})
    [item] = written.legacy(f"{path}/look%20once")["datasetRunItems"]
    assert (item["datasetItemId"], item["datasetRunId"]) == (written.ids["item"], run["id"])
    assert written.legacy("/dataset-run-items", datasetId=run["datasetId"], runName="look once")["data"] == [item]
    assert [score["name"] for score in written.legacy("/v2/scores", datasetRunId=run["id"])["data"]] == ["mean"]
    filed = {"runName": "look once", "datasetItemId": item["datasetItemId"], "traceId": item["traceId"]}
    answer = httpx2.post(f"{written.url}/api/public/dataset-run-items", json=filed, auth=KEYS)
    assert answer.json()["datasetRunId"] == run["id"]
    assert len(written.legacy(f"{path}/look%20once")["datasetRunItems"]) == 1, "filed as well, it is the same item"


def test_a_run_that_was_filed_first_has_the_id_that_the_sdk_derives(written: Written):
    filed = {"runName": "again", "datasetItemId": written.ids["item"], "traceId": written.ids["trace"]}
    answer = httpx2.post(f"{written.url}/api/public/dataset-run-items", json=filed, auth=KEYS).json()
    derived = Langfuse._create_experiment_id(
        Langfuse.__new__(Langfuse), project_id="vision", dataset_id=written.ids["dataset"], run_name="again"
    )
    assert answer["datasetRunId"] == derived
    since = datetime.now(UTC) - timedelta(hours=1)
    [experiment] = written.api.experiments.list(from_start_time=since, id=derived).data
    assert (experiment.name, experiment.item_count) == ("again", 1)
    [item] = written.api.experiments.list_items(from_start_time=since, experiment_id=derived, fields="io").data
    assert (item.id, item.input, item.expected_output) == (written.ids["root"], {"question": "which digit?"}, "three")


def test_a_prompt_and_a_dataset_are_found_by_names_with_slashes(written: Written):
    prompt = written.api.prompts.get("digits/ask")
    assert (prompt.version, prompt.labels, prompt.prompt) == (1, ["production", "latest"], "Which {{what}} is it?")
    [listed] = written.api.prompts.list(name="digits/ask").data
    assert (listed.versions, listed.tags) == ([1], [])
    dataset = written.api.datasets.get("digits/held out")
    assert (dataset.id, dataset.metadata) == (written.ids["dataset"], {"from": "hand"})
    [item] = written.api.dataset_items.list(dataset_name="digits/held out").data
    assert (item.id, item.expected_output, item.media_references) == (written.ids["item"], "three", [])


def test_a_deleted_trace_is_gone(written: Written):
    before = written.api.observations.get_many(trace_id=written.ids["trace"])
    assert before.data
    written.api.trace.delete(written.ids["trace"])
    assert written.api.observations.get_many(trace_id=written.ids["trace"]).data == []


def test_what_does_not_exist_is_said_in_langfuses_words(written: Written):
    with pytest.raises(NotFoundError) as problem:
        written.api.media.get("nothing-of-the-kind-00")
    assert problem.value.body["error"] == "LangfuseNotFoundError"
