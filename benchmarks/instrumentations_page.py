"""The guide's page of instrumentations, from the campaign's results: `python -m benchmarks.instrumentations_page`."""

import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.instrumentations_notes import MENDED, NOT_SENT
from benchmarks.machine import RESULTS

INTRODUCTION = """# Instrumentations that were looked at

Made from the results of `make campaign-instrumentations`: each package, in the newest version that its registry had,
ran a program that asks a stand-in provider, and what arrived was read back through the API. Parts are the parts of
usage that a package tells beside input and output.

"""
HEAD = (
    "| Package | Version | Kinds | Model | Parts of usage | Question and answer | User, session |\n"
    "|---|---|---|---|---|---|---|\n"
)
LEFT_OUT = "\n## Left no spans\n\nThe package's fault, its client's, or the program's: nobody looked yet.\n\n| Package | Version | What it said |\n|---|---|---|\n"


def page(rows: list[Mapping[str, Any]]) -> str:
    told = [row for row in rows if "kinds" in row]
    silent = [row for row in rows if "kinds" not in row]
    counted = f"{len(told)} packages left spans.\n\n"
    notes = "".join(f"- `{name}`: {what}\n" for name, what in sorted(NOT_SENT.items()))
    mended = "".join(f"- {what}\n" for what in MENDED)
    return (
        INTRODUCTION
        + counted
        + HEAD
        + "".join(map(_told, told))
        + "\n## What was wrong and is right now\n\n"
        + mended
        + "\n## What a package does not send, or sends otherwise\n\n"
        + notes
        + LEFT_OUT
        + "".join(f"| {row['package']} | {row['version']} | {_cell(row['failed'])} |\n" for row in silent)
    )


def _told(row: Mapping[str, Any]) -> str:
    parts = sorted({name for usage in row["usage"] for name in usage or {}} - {"input", "output", "total"})
    cells = (
        row["package"],
        row["version"],
        ", ".join(row["kinds"]),
        ", ".join(row["models"]) or "no",
        ", ".join(parts) or ("none" if any(row["usage"]) else "no usage"),
        " and ".join(_said(row)) or "no",
        " and ".join(name for name in ("user", "session") if row[name]) or "no",
    )
    return f"| {' | '.join(map(_cell, cells))} |\n"


def _said(row: Mapping[str, Any]) -> Iterator[str]:
    yield from (word for word, key in (("question", "asked"), ("answer", "answered")) if row[key])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(page(json.loads((RESULTS / "instrumentations.json").read_text())["rows"]))
