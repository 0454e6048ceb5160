"""Langfuse's older batch ingestion: traces, observations and scores as events, each with its own status (207)."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Request
from pydantic import ValidationError

from sightline.server.accounts.permissions import Verb, holds, lacking
from sightline.server.accounts.records import Access
from sightline.server.edges.access import public_key_for
from sightline.server.edges.answers import Json, issues
from sightline.server.edges.bodies import BOUNDED_HERE, ESCAPED_NUL, has_nul, json_of
from sightline.server.edges.langfuse.ingestion.bodies import Event, change_of
from sightline.server.edges.langfuse.scores.bodies import ScoreBody
from sightline.server.edges.langfuse.scores.fitting import EXISTS, fitting_scores
from sightline.server.edges.large.json_events import has_list, listed
from sightline.server.edges.large.spool import Body
from sightline.server.edges.services import Served, Services
from sightline.server.runtime.errors import Forbidden, InvalidRequest, SightlineError
from sightline.server.tracing.clocks import believable
from sightline.server.tracing.merging import Change
from sightline.server.tracing.records import Score

log = structlog.get_logger()
router = APIRouter(prefix="/api/public", max_body_size=BOUNDED_HERE)

Sender = Annotated[Access, public_key_for("events.send")]

CONTENTS = ("input", "output", "metadata")
"""Fields whose texts may hold a NUL."""
NO_BATCH = "the body needs `batch`, a list of events"


@dataclass
class Verdicts:
    """What became of a batch."""

    changes: list[Change] = field(default_factory=list)
    scores: list[tuple[Event, ScoreBody]] = field(default_factory=list)
    """With the events that say them."""
    successes: list[dict[str, Any]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)

    def accept(self, event_id: str) -> None:
        self.successes.append({"id": event_id, "status": 201})

    def withdraw(self, event_id: str, problem: SightlineError) -> None:
        """Refuse after all what was accepted."""
        self.successes = [each for each in self.successes if each["id"] != event_id]
        self.refuse(event_id, problem.status, problem.message)

    def refuse(self, event_id: str, status: int, message: str, error: Any = None) -> None:
        self.errors.append({"id": event_id, "status": status, "message": message, "error": error})


@router.post("/ingestion")
async def ingest(request: Request, who: Sender, services: Served) -> Json:
    """207 Multi-Status for every well-formed batch; accepted events are durable and readable when the answer comes.

    A large batch is stored in chunks after all of it was parsed. A retry is idempotent: event ids deduplicate.
    """
    answer: dict[str, list[dict[str, Any]]] = {"successes": [], "errors": []}
    async with services.spool.received(request, services.limits.export_bytes) as body:
        async for batch, suspects in _batches(body, services):
            services.space.require()
            # A NUL refuses its event, not the batch.
            nameless = {place for place, event in enumerate(suspects) if _names_hold_nul(event)}
            verdicts = judged(batch, who, nameless)
            await services.tracing.apply(who.project_id, verdicts.changes)
            await _record_scores(verdicts, who, services)
            answer["successes"] += verdicts.successes
            answer["errors"] += verdicts.errors
    return Json(answer, status_code=207)


async def _batches(body: Body, services: Services) -> AsyncIterator[tuple[list[Any], list[Any]]]:
    """The events, and those of them that are searched for a NUL: none where the body has no escape of it."""
    if isinstance(body, bytes):
        document = json_of(body)
        batch = document.get("batch") if isinstance(document, dict) else None
        if not isinstance(batch, list):
            raise InvalidRequest(NO_BATCH)
        yield batch, batch if ESCAPED_NUL in body else []
        return
    async with services.spool.inflated(body, "", services.limits.export_bytes) as file:
        if not await asyncio.to_thread(has_list, file, "batch"):
            raise InvalidRequest(NO_BATCH)
        groups = listed(file, "batch")
        while (group := await asyncio.to_thread(next, groups, None)) is not None:
            yield group, group


async def _record_scores(verdicts: Verdicts, who: Access, services: Services) -> None:
    """Store the scores; who may only create them has the events refused that would change one."""
    fitting = await _fitting(verdicts, who, services)
    scores = [score for _, score in fitting]
    exist = await services.tracing.record_scores(who.project_id, scores, only_new=not holds(who, "scores.write"))
    for event, score in fitting:
        if score.id in exist:
            verdicts.withdraw(event.id, Forbidden(EXISTS.format(score.id)))


async def _fitting(verdicts: Verdicts, who: Access, services: Services) -> list[tuple[Event, Score]]:
    """The scores that are valid by their configs; the events of the others are refused after all."""
    found = await fitting_scores(services, who.project_id, [body for _, body in verdicts.scores])
    scores: list[tuple[Event, Score]] = []
    for (event, _), score in zip(verdicts.scores, found, strict=True):
        if isinstance(score, Score):
            # Clock skew: a change from the future would win over all later ones, so the time is clamped.
            said_at = event.timestamp if believable(event.timestamp) else score.updated_at
            moment = min(said_at, score.updated_at)
            scores.append((event, replace(score, created_at=moment, updated_at=moment)))
        else:
            verdicts.withdraw(event.id, score)
    return scores


def _names_hold_nul(event: Any) -> bool:
    """Whether one does outside the contents, which are kept where a NUL is text like any other."""
    body = event.get("body") if isinstance(event, dict) else None
    if not isinstance(body, dict):
        return has_nul(event)
    named = {name: value for name, value in body.items() if name not in CONTENTS}
    return has_nul({**event, "body": named})


def judged(batch: Sequence[Any], who: Access, nameless: Collection[int] = ()) -> Verdicts:
    """What becomes of each event; those at the places in `nameless` have a NUL in an id or a name."""
    verdicts = Verdicts()
    for place, given in enumerate(batch):
        event_id = str(given.get("id", "")) if isinstance(given, dict) else ""
        if place in nameless:
            verdicts.refuse(event_id, 400, "an id or name of the event holds the character NUL: leave it out")
            continue
        try:
            _judge(Event.model_validate(given), who, verdicts)
        except ValidationError as problem:
            verdicts.refuse(event_id, 400, "Invalid request data", issues(problem.errors()))
    return verdicts


def _judge(event: Event, who: Access, verdicts: Verdicts) -> None:
    verb: Verb = "scores.create" if event.type == "score-create" else "traces.write"
    if not holds(who, verb):
        verdicts.refuse(event.id, 401, lacking(who, verb))
    elif event.type == "score-create":
        body = ScoreBody.model_validate(event.body)
        # A score without a time of its own was given when its event says.
        verdicts.scores.append((event, body.model_copy(update={"timestamp": body.timestamp or event.timestamp})))
        verdicts.accept(event.id)
    elif event.type == "sdk-log":
        log.info("message of a client", message=str(event.body)[:1000])
        verdicts.accept(event.id)
    elif (change := change_of(event)) is not None:
        verdicts.changes.append(change)
        verdicts.accept(event.id)
    else:
        verdicts.refuse(event.id, 400, f"there are no events of type {event.type!r}")
