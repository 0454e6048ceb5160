"""Calls about skills of agents, which the SDK knows and the contract, of an earlier server, does not."""

from typing import Any

from server.contract.calls import Call
from server.contract.project import SINCE, Project, fresh

SKILLS = "/api/public/unstable/skills"
UNTIL = "2036-01-01T00:00:00.000Z"


def _files(name: str) -> list[dict[str, str]]:
    head = f"---\nname: {name}\ndescription: says hello\n---\nSay hello.\n"
    return [{"path": "SKILL.md", "content": head}, {"path": "notes.txt", "content": "be kind"}]


async def _skill(project: Project) -> Any:
    return await project.make("/unstable/skills", {"files": _files(fresh("skill"))})


async def _named(project: Project) -> dict[str, str]:
    return {"skillName": (await _skill(project))["name"]}


async def _in_production(project: Project) -> dict[str, str]:
    made = await _a_version(project)
    address = f"/unstable/skills/{made['skillName']}/versions/{made['version']}"
    await project.make(address, {"labels": ["production"]}, method="PATCH")
    return {"skillName": made["skillName"]}


async def _a_version(project: Project) -> dict[str, str]:
    made = await _skill(project)
    return {"skillName": made["name"], "version": str(made["version"])}


async def _hashes(project: Project) -> dict[str, Any]:
    return {"sha256Hashes": [file["sha256Hash"] for file in (await _skill(project))["files"]]}


async def _search(project: Project) -> dict[str, Any]:
    name = (await _named(project))["skillName"]
    await project.make(f"/unstable/skills/{name}", {"tags": ["kind"]}, method="PATCH")
    return {
        **{"page": 1, "limit": 10, "name": name, "search": "skill", "tag": "kind"},
        **{"fromUpdatedAt": SINCE, "toUpdatedAt": UNTIL},
    }


CALLS = (
    Call(key=f"POST {SKILLS}", label="least", body=lambda _: {"files": _files(fresh("skill"))}),
    Call(
        key=f"POST {SKILLS}", label="whole", body=lambda _: {"files": _files(fresh("skill")), "commitMessage": "first"}
    ),
    Call(key=f"GET {SKILLS}", query=_search),
    Call(key=f"GET {SKILLS}/{{skillName}}", path=_in_production),
    Call(key=f"GET {SKILLS}/{{skillName}}", label="a version", path=_named, query={"version": 1}),
    Call(key=f"GET {SKILLS}/{{skillName}}", label="a label", path=_named, query={"label": "latest"}),
    Call(key=f"PATCH {SKILLS}/{{skillName}}", path=_named, body={"tags": ["kind", "short"]}),
    Call(key=f"GET {SKILLS}/files/content", query=_hashes),
    Call(key=f"PATCH {SKILLS}/{{skillName}}/versions/{{version}}", path=_a_version, body={"labels": ["production"]}),
    Call(key=f"DELETE {SKILLS}/{{skillName}}/versions/{{version}}", path=_a_version),
)
