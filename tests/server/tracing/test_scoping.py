"""A project never sees, changes or deletes what is another's. Every public method is walked."""

import base64
import hashlib
import inspect
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import inf

import pytest

from server.edges.logging_senders import export, semantic_kernel
from server.edges.running_site import Sent
from server.tracing.making import ELSEWHERE, HERE, media_bytes, observation, score
from sightline.server.runtime.errors import Forbidden, NotFound
from sightline.server.tracing.actions import Tracing
from sightline.server.tracing.logs import heard
from sightline.server.tracing.mapping import SdkInfo
from sightline.server.tracing.records import (
    MediaUpload,
    ObservationId,
    ObservationQuery,
    ScoreId,
    ScoreQuery,
    Series,
    TraceId,
    TraceQuery,
)

BODY = b"a picture"
UPLOAD = MediaUpload(
    sha256_base64=base64.b64encode(hashlib.sha256(BODY).digest()).decode(),
    content_type="text/plain",
    content_length=len(BODY),
    field="input",
    trace_id=TraceId("t1"),
)


async def fill(tracing: Tracing) -> str:
    await tracing.record(HERE, [observation("t1", "o1", is_root=True, input='"secret"')])
    await tracing.record_scores(HERE, [score("s1")])
    media, _ = await tracing.register_media(HERE, UPLOAD)
    await tracing.upload_media(HERE, media.id, BODY)
    return media.id


async def test_reads_of_another_project_find_nothing(tracing: Tracing):
    media_id = await fill(tracing)
    assert not (await tracing.traces(ELSEWHERE, TraceQuery(counted=True))).items
    assert not (await tracing.traces(ELSEWHERE, TraceQuery(search="secret"))).items
    assert not (await tracing.observations(ELSEWHERE, ObservationQuery(trace_id=TraceId("t1")))).items
    assert not (await tracing.scores(ELSEWHERE, ScoreQuery(ids=(ScoreId("s1"),), counted=True))).items
    assert await tracing.series(ELSEWHERE, TraceQuery()) == Series()
    for read in (
        tracing.trace(ELSEWHERE, TraceId("t1")),
        tracing.outline(ELSEWHERE, TraceId("t1")),
        tracing.observation(ELSEWHERE, ObservationId("o1")),
        tracing.score(ELSEWHERE, ScoreId("s1")),
        tracing.media(ELSEWHERE, media_id),
        media_bytes(tracing, ELSEWHERE, media_id),
        tracing.thumbnail(ELSEWHERE, media_id),
        tracing.upload_media(ELSEWHERE, media_id, BODY),
        tracing.finish_media(ELSEWHERE, media_id, 200, None),
    ):
        with pytest.raises(NotFound):
            await read
    expires = datetime.now(UTC) + timedelta(hours=1)
    signature = tracing.sign(HERE, media_id, "GET", expires)
    tracing.check_signature(HERE, media_id, "GET", expires, signature)
    with pytest.raises(Forbidden):
        tracing.check_signature(ELSEWHERE, media_id, "GET", expires, signature)


async def test_the_same_ids_live_side_by_side_in_two_projects(tracing: Tracing):
    await fill(tracing)
    await tracing.record(ELSEWHERE, [replace(observation("t1", "o1", name="theirs"), project_id=ELSEWHERE)])
    await tracing.record_scores(ELSEWHERE, [replace(score("s1", value=0.0), project_id=ELSEWHERE)])
    media, needs_upload = await tracing.register_media(ELSEWHERE, UPLOAD)
    assert needs_upload
    assert (await tracing.observation(HERE, ObservationId("o1"))).name == ""
    assert (await tracing.observation(ELSEWHERE, ObservationId("o1"))).name == "theirs"
    assert (await tracing.score(HERE, ScoreId("s1"))).value == 1.0
    with pytest.raises(NotFound):
        await media_bytes(tracing, ELSEWHERE, media.id)


async def test_log_records_find_spans_of_their_project_only(tracing: Tracing):
    logged = heard(ELSEWHERE, export(*semantic_kernel(Sent("0a" * 16, "0b" * 8))), SdkInfo(), 0)
    await tracing.record_logs(ELSEWHERE, logged.observations, logged.messages)
    await tracing.record(HERE, [observation("0a" * 16, "0b" * 8)])
    await tracing.logs.settle(until=inf)
    assert (await tracing.observation(HERE, ObservationId("0b" * 8))).input is None
    assert "Which digits?" in ((await tracing.observation(ELSEWHERE, ObservationId("0b" * 8))).input or "")


async def test_deletes_of_another_project_change_nothing(tracing: Tracing):
    await fill(tracing)
    await tracing.delete_traces(ELSEWHERE, [TraceId("t1")])
    await tracing.delete_score(ELSEWHERE, ScoreId("s1"))
    assert (await tracing.trace(HERE, TraceId("t1")))[0].scores[0].id == "s1"


def test_every_public_method_takes_the_project_first():
    methods = inspect.getmembers(Tracing, inspect.isfunction)
    for name, method in methods:
        if not name.startswith("_") and name != "open":
            assert list(inspect.signature(method).parameters)[1] == "project_id", name
