"""The guide's page on deletion, made from the table of what goes with what.

`python -m sightline.server.upkeep.documented > docs/guide/deletion.md`
"""

import sys
from collections.abc import Iterator

from sightline.server.upkeep.belongings import FOLDER, PLACES
from sightline.server.upkeep.records import Place, Thing, Tie

HEAD = """# Deletion: what goes with what, and when it is off the disk

Made by `python -m sightline.server.upkeep.documented` from the table that deletions are compiled from: not written by
hand.

When a deletion is answered, no read finds the object any more: no list, page, API or MCP tool. Its bytes are off the
disk within an hour (`SIGHTLINE_ERASE_WITHIN_MINUTES`), or at once with the server stopped:

```console
$ sightline erase --data-dir sightline-data --now
```

A deletion is logged before its first row is deleted, so that one which a crash or a full disk interrupts is finished by
itself; until then it is answered 503, and says so. On a ClickHouse server and on PostgreSQL rows are deleted as below;
when their bytes leave the disk there is for those servers to say.

{calls}

Erasing a person leaves what they wrote, and their keys, which belong to their project. Where their id stood as an
author stands `erased-person`; so where their address stood, in the projects of their organisations, or in all of them
when it is done on the machine. The last owner of an organisation cannot be erased. What they wrote into the text of a
comment is not searched.
"""
CALLS = {
    "traces": "`DELETE /api/public/traces/{traceId}`, `DELETE /api/public/traces`",
    "a session": "`DELETE /api/public/sessions/{sessionId}`",
    "a score": "`DELETE /api/public/scores/{scoreId}`",
    "a dataset": "`DELETE /api/public/v2/datasets/{name}`",
    "a dataset item": "`DELETE /api/public/dataset-items/{itemId}`; earlier versions stay for reads as of their time, "
    "unless `?erase=true`",
    "a prompt, or versions of it": "`DELETE /api/public/v2/prompts/{name}`",
    "a project": "`DELETE /api/public/projects/{projectId}`, with an organisation's key",
    "an organisation": '`DELETE /api/public/organizations`, with its key and `{"name": "…"}`',
    "a person": "`DELETE /api/public/organizations/people/{userId}`, with the key of the only organisation they belong "
    "to; themselves: `DELETE /api/web/session/person`; on the machine: `sightline erase --person ada@example.org`",
    "what is old": "[retention](exports-and-retention.md) of a project",
}
ORDER = (
    *(Thing.TRACE, Thing.OBSERVATION, Thing.SESSION, Thing.SCORE, Thing.DATASET, Thing.ITEM, Thing.RUN, Thing.PROMPT),
    *(Thing.SKILL, Thing.EVALUATOR, Thing.QUEUE, Thing.COMMENT, Thing.MEDIA, Thing.PROJECT, Thing.ORGANIZATION),
    *(Thing.PERSON, Thing.AGE),
)
SAYS = {
    Thing.OBSERVATION: "Observations are deleted with their trace.",
    Thing.SESSION: "With all its traces, and what goes with those.",
    Thing.DATASET: "With its items and runs, and what goes with those.",
    Thing.ITEM: "With `?erase=true`; else the last version is closed and its run items go.",
    Thing.RUN: "The traces of a run stay.",
    Thing.QUEUE: "A queue is deleted with its project.",
    Thing.COMMENT: "A comment is deleted with what it is on.",
    Thing.MEDIA: "A file is deleted with its last use.",
    Thing.ORGANIZATION: "With all its projects. Its people stay: they own their accounts.",
    Thing.AGE: "Once an hour. With a trace that ends goes what goes with a deleted one.",
}


def text() -> str:
    calls = ["| to delete | call |", "|---|---|", *(f"| {what} | {call} |" for what, call in CALLS.items())]
    head = HEAD.replace("{calls}", "\n".join(calls))
    return "\n".join([head, *_objects(), *_disk()]) + "\n"


def _objects() -> Iterator[str]:
    for thing in ORDER:
        yield f"## {thing.value[0].upper()}{thing.value[1:]}\n"
        if thing in SAYS:
            yield f"{SAYS[thing]}\n"
        yield "| where | what | becomes |\n|---|---|---|"
        for place in PLACES:
            for tie in place.ties:
                if tie.thing is thing:
                    yield _row(place, tie)
        yield ""


def _row(place: Place, tie: Tie) -> str:
    which = f", {' '.join(tie.when.values())}" if any(tie.when.values()) else ""
    note = f". {tie.note}" if tie.note else ""
    return f"| `{place.name}` by {tie.by}{which} | {place.keeps} | {tie.how.value}{note} |"


def _disk() -> Iterator[str]:
    yield "## Off the disk\n\n| where | what | deleted bytes |\n|---|---|---|"
    for place in PLACES:
        if place in FOLDER or place.kind in ("memory", "elsewhere"):
            yield f"| {place.name} | {place.keeps} | {place.off_disk or '–'} |"


if __name__ == "__main__":
    sys.stdout.write(text())
