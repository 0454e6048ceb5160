"""Every language family and vision kind of the installed transformers: right, right by a slower way, or refused.

    python -m benchmarks.campaign_families [family …]

Each is shrunk to a tiny random model, composed, asked many questions with and without beams, ranked and classified
beside the transformers model itself (`tests/vlm/family_trials.py`). Compositions drawn from what is right are trained
one step, saved, read again and asked again. Results go to results/families.json, the table to the guide. Exit code 1
for any cell that is wrong, and for any error that is not a sentence of ours.
"""

import itertools
import json
import logging
import shutil
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from family_trials import Subject, Verdict, encoder_of, judged, kept, seen
from rich.console import Console
from rich.progress import track

from benchmarks.families import eyes, languages, shipped
from benchmarks.families_page import PAGE, page
from benchmarks.machine import ROOT, header, save
from sightline.vlm.families.proved import SHIPPED

SAMPLE = 8
"""Of how many families that run one is composed, trained, saved and read again."""
JOURNAL = ROOT / "build" / "families"
"""Folder of what is done, a line a row, so that a campaign that was cut short goes on where it stopped."""


def main(wanted: Sequence[str]) -> int:
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    logging.getLogger("sightline.vlm").setLevel(logging.ERROR)
    import transformers

    transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    console = Console(stderr=True)
    subjects = [each for each in (*eyes(), *languages()) if not wanted or each.kind in wanted]
    rows = _done("families", [(f"{each.role} {each.name}", partial(_verdict, each)) for each in subjects], wanted)
    compositions = [] if wanted else _done("compositions", list(_compositions(subjects, rows)), wanted)
    for (role, verdict), many in sorted(Counter((row["role"], row["verdict"]) for row in rows).items()):
        console.print(f"{role}: {many} {verdict}")
    bad = [row for row in rows if row["verdict"] in ("wrong", "error")] + [row for row in compositions if row["forgot"]]
    for row in bad:
        console.print(json.dumps(row))
    if not wanted:
        result = {**header("transformers", "torch", dtype="float32"), "families": rows, "compositions": compositions}
        save("families", result)
        PAGE.write_text(page(result))
        SHIPPED.write_text(json.dumps(shipped(), indent=1) + "\n")
        shutil.rmtree(JOURNAL)
    return 1 if bad else 0


def _done(name: str, jobs: Sequence[tuple[str, Callable[[], dict[str, Any]]]], wanted: Sequence[str]) -> list[Any]:
    """A row a job, those of an earlier run of the same campaign as they are."""
    path = JOURNAL / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = path.read_text().splitlines() if path.exists() and not wanted else []
    rows = dict(map(json.loads, lines))
    for key, job in track(jobs, name, console=Console(stderr=True)):
        if key not in rows:
            rows[key] = job()
            if not wanted:
                with path.open("a") as journal:
                    journal.write(json.dumps([key, rows[key]]) + "\n")
    return [rows[key] for key, _ in jobs]


def _verdict(subject: Subject) -> dict[str, Any]:
    try:
        verdict = seen(subject) if subject.role == "vision" else judged(subject)
    except Exception:  # an error that is no sentence of ours is what the campaign looks for
        verdict = Verdict(subject, "error", traceback.format_exc(limit=-2))
    return {**verdict.row()}


def _compositions(
    subjects: Sequence[Subject], rows: Sequence[dict[str, str]]
) -> Iterator[tuple[str, Callable[[], dict[str, Any]]]]:
    """A sample of the language families that run, each with one of the vision kinds that do, in turn."""
    runs = [each for each, row in zip(subjects, rows, strict=True) if row["verdict"] in ("right", "slower")]
    kinds = itertools.cycle([each for each in runs if each.role == "vision"])
    for language in [each for each in runs if each.role != "vision"][::SAMPLE]:
        eye = next(kinds)
        yield f"{eye.name} with {language.role} {language.name}", partial(_kept, language, eye)


def _kept(language: Subject, eye: Subject) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        try:
            forgot = kept(language, encoder_of(eye), Path(folder) / "whole")
        except Exception:  # as above
            forgot = [traceback.format_exc(limit=-2)]
    return {"encoder": eye.name, "language": language.name, "forgot": forgot}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
