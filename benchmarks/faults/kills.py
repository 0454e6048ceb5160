"""kill -9 under load, again and again on one folder: spans, scores, prompts, files, deletions, an export, migrations.

What a kill cut off is not sent again. After each start the acknowledged of the last life is read back, at the end all.
"""

import json
import shutil
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.faults.served import ORGANIZATION, PROJECT, ReadFailed, Server, Zygote
from benchmarks.faults.shim import Page
from benchmarks.faults.subjects import NOTHING, MediaFiles, Prompts, Scores, identity, span

LONGEST_LIFE_S = 1.2
STARTING_SHARE = 0.2
MIGRATING_SHARE = 0.06
SENDERS = 2
SPANS = 10
"""Of a request."""
SAMPLE = 8
"""Scores, prompts, files and deletions of a life that are read after it; all of them are at the end."""
EXPORT = {
    "projectId": "here",
    "type": "S3",
    "bucketName": "campaign",
    "prefix": "",
    "region": "auto",
    "accessKeyId": "none",
    "secretAccessKey": "none",
    "exportFrequency": "hourly",
    "enabled": True,
    "forcePathStyle": True,
    "fileType": "JSONL",
}


@dataclass
class Life:
    """What one start acknowledged."""

    number: int
    began_ns: int = field(default_factory=time.time_ns)
    spans: dict[str, str] = field(default_factory=dict)
    """Span id to trace id."""
    scores: list[str] = field(default_factory=list)
    prompts: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    """Trace ids whose deletion was acknowledged."""
    doubtful: set[str] = field(default_factory=set)
    """Trace ids whose deletion was asked for and cut off."""


@dataclass
class Campaign:
    zygote: Zygote
    folder: Path
    page: Page
    older: Callable[[Path], None]
    rng: Random
    lives: list[Life] = field(default_factory=list)
    kills: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    tracebacks: list[str] = field(default_factory=list)

    def server(self) -> Server:
        return Server(
            zygote=self.zygote,
            folder=self.folder / "data",
            log=self.folder / "server.log",
            page=self.page,
            patches=("jobs", "exports"),
            settings={"min_free_bytes": 0},
        )

    def kill_while_starting(self, *, migrating: bool) -> None:
        if migrating:
            self.older(self.folder / "data")
        server = self.server()
        server.start(until_up=False)
        time.sleep(self.rng.uniform(0.0, 1.4 if migrating else 0.9))
        server.kill()
        self.kills["migrating" if migrating else "starting"] += 1

    def live(self) -> None:
        server = self.server().start()
        if not server.is_up:
            self.lost.append(f"the folder does not open: {server.said()[-500:]}")
            raise SystemExit(self.lost[-1])
        if self.lives:
            self.check(server, self.lives[-1], SAMPLE)
        life = Life(len(self.lives))
        self.lives.append(life)
        enough = threading.Event()
        acts = [self._spans] * SENDERS + [self._registers, self._deletions, self._exports]
        threads = [
            threading.Thread(target=act, args=(server, life, Random(f"{life.number} {place}"), enough))
            for place, act in enumerate(acts)
        ]
        for thread in threads:
            thread.start()
        time.sleep(self.rng.uniform(0.02, LONGEST_LIFE_S))
        merging = any((self.folder / "data/observations").glob("store/*/*/tmp_merge_*"))
        mutating = any((self.folder / "data/observations").glob("store/*/*/tmp_mut_*"))
        exporting = any(Path(self.folder / "exported").rglob("*#*"))
        server.kill()
        enough.set()
        for thread in threads:
            thread.join()
        self.kills.update({"under load": 1, "merging": merging, "deleting": mutating, "exporting": exporting})
        if "Traceback" in server.said():
            self.tracebacks.append(server.said()[-600:])

    def check(self, server: Server, life: Life, sample: int | None = None) -> None:
        try:
            self._check_spans(server, life)
            self._check_registers(server, life, sample)
        except ReadFailed as failure:
            self.lost.append(str(failure))

    def _check_spans(self, server: Server, life: Life) -> None:
        seen: Counter[str] = Counter()
        path = f"/api/public/v2/observations?limit=1000&name=life-{life.number}"
        more = ""
        while True:
            page = server.read(path + more)
            seen.update(row["id"] for row in page["data"])
            if not page["meta"].get("cursor"):
                break
            more = f"&cursor={page['meta']['cursor']}"
        gone = {each for later in self.lives for each in later.deleted}
        doubtful = {each for later in self.lives for each in later.doubtful} - gone
        self.doubled += [each for each, times in seen.items() if times > 1]
        for span_id, trace_id in life.spans.items():
            if trace_id in gone and seen[span_id]:
                self.lost.append(f"the deletion of {trace_id}")
            if trace_id not in gone | doubtful and not seen[span_id]:
                self.lost.append(f"span {span_id} of life {life.number}")

    def _check_registers(self, server: Server, life: Life, sample: int | None) -> None:
        for subject, keys in ((Scores(), life.scores), (Prompts(), life.prompts), (MediaFiles(), life.files)):
            for key in keys if sample is None else self.rng.sample(keys, min(sample, len(keys))):
                if subject.get(server, key) == NOTHING:
                    self.lost.append(f"{subject.name} {key}")

    def _spans(self, server: Server, life: Life, rng: Random, enough: threading.Event) -> None:
        kind = {**PROJECT, "Content-Type": "application/x-protobuf"}
        while not enough.is_set():
            trace_id = f"{rng.getrandbits(128):032x}"
            spans = [f"{rng.getrandbits(64):016x}" for _ in range(SPANS)]
            # Messages of one type put one after another are one message: so are the exports of single spans.
            body = b"".join(span(trace_id, each, f"life-{life.number}", life.began_ns, weight=500) for each in spans)
            if server.ask("POST", "/v1/traces", body, kind)[0] == 200:
                life.spans |= dict.fromkeys(spans, trace_id)

    def _registers(self, server: Server, life: Life, rng: Random, enough: threading.Event) -> None:
        places = ((Scores(), life.scores), (Prompts(), life.prompts), (MediaFiles(), life.files))
        while not enough.is_set():
            for subject, acknowledged in places:
                key = identity(str(rng.random()), 20)
                if 200 <= subject.put(server, key, "v0") < 300:
                    acknowledged.append(key)

    def _deletions(self, server: Server, life: Life, rng: Random, enough: threading.Event) -> None:
        """Some traces of the life before; later lives leave them alone."""
        if len(self.lives) < 2:
            return
        before = sorted(set(self.lives[-2].spans.values()))
        rng.shuffle(before)
        for trace_id in before[:5]:
            if enough.is_set():
                return
            life.doubtful.add(trace_id)
            if server.ask("DELETE", f"/api/public/traces/{trace_id}")[0] == 200:
                life.deleted.append(trace_id)

    def _exports(self, server: Server, life: Life, rng: Random, enough: threading.Event) -> None:
        """A changed start makes the export begin anew."""
        del enough
        start = f"2026-0{rng.randint(1, 9)}-01T00:00:{life.number % 60:02d}Z"
        body = {**EXPORT, "exportMode": "FROM_CUSTOM_DATE", "exportStartDate": start}
        server.ask("PUT", "/api/public/integrations/blob-storage", body, ORGANIZATION)


def run_kills(campaign: Campaign, count: int, tell: Callable[[str], None]) -> dict[str, Any]:
    campaign.live()
    while (done := sum(campaign.kills[name] for name in ("under load", "starting", "migrating"))) < count:
        chance = campaign.rng.random()
        if chance < STARTING_SHARE + MIGRATING_SHARE:
            campaign.kill_while_starting(migrating=chance < MIGRATING_SHARE)
        else:
            campaign.live()
        if done % 10 == 0:
            tell(f"{done}/{count} kills, {len(campaign.lost)} lost, {len(campaign.doubled)} doubled")
    server = campaign.server().start()
    for life in campaign.lives:
        campaign.check(server, life)
    status = json.loads(server.ask("GET", "/api/public/integrations/blob-storage", headers=ORGANIZATION)[1])
    server.kill()
    shutil.rmtree(campaign.folder / "exported", ignore_errors=True)
    lives = campaign.lives
    return {
        "kills": count,
        "kills_by_kind": dict(campaign.kills),
        "acknowledged": {
            "spans": sum(len(life.spans) for life in lives),
            "scores": sum(len(life.scores) for life in lives),
            "prompts": sum(len(life.prompts) for life in lives),
            "files": sum(len(life.files) for life in lives),
            "deletions": sum(len(life.deleted) for life in lives),
        },
        "lost": campaign.lost[:50],
        "doubled": campaign.doubled[:50],
        "tracebacks": campaign.tracebacks[:5],
        "exports": [each.get("lastError") for each in status.get("data", ())],
    }
