"""The seeded project has what answers may leave out: else the shapes of those parts would not have been looked at."""

from typing import Any

import pytest

from server.contract.project import SINCE, Project

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def read(project: Project, path: str, **query: Any) -> Any:
    answer = await project.send("GET", path, query=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def unset(row: dict[str, Any], *but: str) -> set[str]:
    """Fields without a value."""
    return {name for name, value in row.items() if value in (None, [], {}, "")} - set(but)


async def test_a_trace_says_everything(project: Project):
    trace = await read(project, f"/traces/{project['trace']}")
    assert unset(trace, "externalId") == set()
    assert {each["type"] for each in trace["observations"]} == {
        *("SPAN", "GENERATION", "EVENT", "AGENT", "TOOL", "CHAIN", "RETRIEVER", "EVALUATOR", "EMBEDDING", "GUARDRAIL")
    }


async def test_an_observation_says_everything(project: Project):
    rows = (await read(project, "/observations", type="GENERATION", traceId=project["trace"]))["data"]
    assert unset(rows[0], "totalPrice") == set()
    groups = "core,basic,time,io,metadata,model,usage,prompt,metrics,trace_context"
    rows = (await read(project, "/v2/observations", type="GENERATION", traceId=project["trace"], fields=groups))["data"]
    assert unset(rows[0], "totalPrice") == set()


async def test_scores_are_of_every_type_about_every_subject_by_every_source(project: Project):
    rows = (await read(project, "/v3/scores", fields="details,subject,annotation", limit=100))["data"]
    assert {row["dataType"] for row in rows} == {"NUMERIC", "BOOLEAN", "CATEGORICAL", "TEXT", "CORRECTION"}
    assert {row["subject"]["kind"] for row in rows} == {"trace", "observation", "session", "experiment"}
    assert {row["source"] for row in rows} == {"API", "ANNOTATION"}
    assert {row["comment"] is None for row in rows} == {True, False}


async def test_prompts_datasets_and_experiments_have_their_parts(project: Project):
    assert (await read(project, "/v2/prompts/chat"))["resolutionGraph"]
    item = await read(project, "/dataset-items/an-item")
    assert unset(item) == set()
    run = await read(project, "/datasets/questions/runs/a%20run")
    assert unset(run) == set()
    fields = "core,dataset,io,metadata,itemMetadata,experimentMetadata,scores"
    known = {"fromStartTime": SINCE, "experimentId": project["experiment"]}
    [experiment] = (await read(project, "/experiment-items", fields=fields, **known))["data"]
    assert unset(experiment, "scores") == set()
    [whole] = (
        await read(
            project, "/experiments", fromStartTime=SINCE, id=project["experiment"], fields="core,metadata,scores"
        )
    )["data"]
    assert unset(whole) == set()


async def test_models_and_judges_have_their_parts(project: Project):
    tiered = await read(project, f"/models/{project['tiered model']}")
    assert {len(tier["conditions"]) for tier in tiered["pricingTiers"]} == {0, 2}
    judge = await read(project, f"/v2/evaluators/{project['judge']}")
    assert judge["evaluationRuleAssignments"]
    assert judge["evaluationRuleAssignments"][0]["variableMappingOverride"]
