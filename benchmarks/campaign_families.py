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
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from family_trials import Subject, Verdict, encoder_of, judged, kept, seen
from rich.console import Console
from rich.progress import track

from benchmarks.families import eyes, languages
from benchmarks.families_page import PAGE, page
from benchmarks.machine import header, save

PLACES = ("vision", "causal", "seq2seq")


def main(wanted: Sequence[str]) -> int:
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    logging.getLogger("sightline.vlm").setLevel(logging.ERROR)
    import transformers

    transformers.logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    console = Console(stderr=True)
    subjects = [each for each in (*eyes(), *languages()) if not wanted or each.kind in wanted]
    verdicts = [_verdict(each) for each in track(subjects, "families", console=console)]
    rows = [each.row() for each in verdicts]
    compositions = [] if wanted else _compositions(verdicts, console)
    counts = Counter((row["role"], row["verdict"]) for row in rows)
    for (role, verdict), many in sorted(counts.items()):
        console.print(f"{role}: {many} {verdict}")
    bad = [row for row in rows if row["verdict"] in ("wrong", "error")] + [row for row in compositions if row["forgot"]]
    for row in bad:
        console.print(json.dumps(row))
    if not wanted:
        result = {**header("transformers", "torch", dtype="float32"), "families": rows, "compositions": compositions}
        save("families", result)
        PAGE.write_text(page(result))
    return 1 if bad else 0


def _verdict(subject: Subject) -> Verdict:
    try:
        return seen(subject) if subject.role == "vision" else judged(subject)
    except Exception:  # an error that is no sentence of ours is what the campaign looks for
        return Verdict(subject, "error", traceback.format_exc(limit=-2))


def _compositions(verdicts: Sequence[Verdict], console: Console) -> list[dict[str, Any]]:
    """Every language family that runs with one of the vision kinds that do, in turn."""
    runs = [each.subject for each in verdicts if each.verdict in ("right", "slower")]
    kinds = itertools.cycle([each for each in runs if each.role == "vision"])
    rows = []
    for language in track([each for each in runs if each.role != "vision"], "compositions", console=console):
        eye = next(kinds)
        with tempfile.TemporaryDirectory() as folder:
            try:
                forgot = kept(language, encoder_of(eye), Path(folder) / "whole")
            except Exception:  # as above
                forgot = [traceback.format_exc(limit=-2)]
        rows.append({"encoder": eye.name, "language": language.name, "forgot": forgot})
    return rows


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
