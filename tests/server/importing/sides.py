"""Everything that a project's API says, in a form in which two projects can be compared."""

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

Read = Callable[..., Awaitable[Any]]
MADE_HERE = frozenset(
    ("id", "projectId", "createdAt", "updatedAt", "createdBy", "datasetId", "datasetRunId", "configId", "htmlPath")
)
"""What the public API does not let a client choose."""
OF_PRICES = frozenset(
    ("usagePricingTierId", "usagePricingTierName", "promptId", "modelId", "internalModelId", "lastUpdatedAt", "version")
)

OF_ITEMS = ("experimentId", "experimentName")


def plain(row: dict[str, Any], *more: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in MADE_HERE | set(more)}


async def everything(read: Read) -> dict[str, Any]:
    return {
        "models": [plain(row, "pricingTiers") for row in await own_models(read)],
        "prompts": await prompts(read),
        "datasets": [plain(row) for row in await every(read, "/v2/datasets")],
        "items": {row["id"]: plain(row, "version") for row in await every(read, "/dataset-items")},
        "runs": await runs(read),
        "traces": {row["id"]: await trace(read, row["id"]) for row in await every(read, "/traces")},
        "observations": {row["id"]: plain(row, *OF_PRICES - {"version"}) for row in await every(read, "/observations")},
        "sessions": {row["id"] for row in await every(read, "/sessions")},
        "scores": {row["id"]: plain(row) for row in await every(read, "/v2/scores")},
        "configs": {row["name"]: plain(row) for row in await every(read, "/score-configs")},
        "experiments": await experiments(read),
        "comments": sorted((row["objectType"], row["content"]) for row in await every(read, "/comments")),
    }


async def every(read: Read, path: str, **params: Any) -> list[Any]:
    rows: list[Any] = []
    page = 1
    while True:
        answer = await read(path, page=page, limit=100, **params)
        rows += answer["data"]
        if page >= answer["meta"]["totalPages"]:
            return rows
        page += 1


async def own_models(read: Read) -> list[Any]:
    page = await read("/models", limit=100)
    return [row for row in page["data"] if not row["isLangfuseManaged"]]


async def prompts(read: Read) -> dict[tuple[str, int], Any]:
    found = {}
    for row in await every(read, "/v2/prompts"):
        for version in row["versions"]:
            path = f"/v2/prompts/{quote(row['name'], safe='')}"
            whole = plain(await read(path, version=version, resolve="false"), "resolutionGraph")
            found[row["name"], version] = whole | {"labels": sorted(whole["labels"])}
    return found


async def runs(read: Read) -> dict[str, Any]:
    found = {}
    for dataset in await every(read, "/v2/datasets"):
        path = f"/datasets/{quote(dataset['name'], safe='')}/runs"
        for row in await every(read, path):
            run = await read(f"{path}/{quote(row['name'], safe='')}")
            items = {
                (item["datasetItemId"], item["traceId"], item["observationId"], item["createdAt"])
                for item in run["datasetRunItems"]
            }
            found[row["name"]] = plain(run, "datasetRunItems") | {"items": items, "createdAt": run["createdAt"]}
    return found


async def trace(read: Read, trace_id: str) -> dict[str, Any]:
    row = await read(f"/traces/{trace_id}")
    ids = {name: sorted(each["id"] for each in row[name]) for name in ("observations", "scores")}
    return plain(row) | ids


async def experiments(read: Read) -> dict[str, Any]:
    since = "2020-01-01T00:00:00Z"
    groups = "core,metadata"
    listed = await read("/experiments", fromStartTime=since, fields=groups)
    items = await read("/experiment-items", fromStartTime=since, fields="core,dataset,io,metadata,itemMetadata")
    rows = [row | {"datasetId": None} | _derived(row, "id", "name") for row in listed["data"]]
    ran = [
        row | {"experimentDatasetId": None, "experimentItemVersion": None} | _derived(row, *OF_ITEMS)
        for row in items["data"]
    ]
    # What was filed is listed by when it was filed, which is another time here.
    return {
        "experiments": sorted(rows, key=lambda row: row["id"]),
        "items": sorted(ran, key=lambda row: (row["experimentId"], row["traceId"], row["id"])),
    }


def _derived(row: dict[str, Any], identity: str, name: str) -> dict[str, Any]:
    """Ids that follow from the project and the dataset are others here; those that a client chose are the same."""
    return {identity: row[name]} if len(row[identity]) == 16 else {}
