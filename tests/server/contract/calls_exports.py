"""Calls about exports to buckets. None of them is enabled, so nothing is sent anywhere."""

from typing import Any

from server.contract.calls import Call
from server.contract.calls_organization import ORGANIZATION, a_project
from server.contract.project import START, Project
from server.contract.seeding import EXPORT

EXPORTS = "/api/public/integrations/blob-storage"
REST: dict[str, Any] = {
    **{"endpoint": "https://storage.example.org", "accessKeyId": "key", "secretAccessKey": "secret", "prefix": "a/"},
    **{"exportStartDate": START, "compressed": True, "exportSource": "OBSERVATIONS_V2"},
    "exportFieldGroups": ["core", "basic", "io"],
}
CHANGED = {"type": "S3_COMPATIBLE", "forcePathStyle": True, "exportMode": "FROM_CUSTOM_DATE"}


async def _body(project: Project) -> dict[str, Any]:
    return await a_project(project) | EXPORT


async def _whole_body(project: Project) -> dict[str, Any]:
    return await a_project(project) | EXPORT | CHANGED | REST


async def _an_export(project: Project) -> dict[str, str]:
    path = EXPORTS.removeprefix("/api/public")
    return {"id": (await project.make(path, await _body(project), ORGANIZATION, "PUT"))["id"]}


CALLS = (
    Call(key=f"GET {EXPORTS}", caller=ORGANIZATION),
    Call(key=f"PUT {EXPORTS}", label="least", body=_body, caller=ORGANIZATION),
    Call(key=f"PUT {EXPORTS}", label="whole", body=_whole_body, caller=ORGANIZATION),
    Call(key=f"GET {EXPORTS}/{{id}}", path=_an_export, caller=ORGANIZATION),
    Call(key=f"DELETE {EXPORTS}/{{id}}", path=_an_export, caller=ORGANIZATION),
)
