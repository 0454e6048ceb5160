"""The guide's page of families, from the campaign's results: `python -m benchmarks.families_page`."""

import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from benchmarks.machine import RESULTS, ROOT

PAGE = ROOT / "docs" / "guide" / "families.md"

INTRODUCTION = """# Families

Which encoders and language models of transformers {transformers} fit (PyTorch {torch}), made from the results of
`make campaign-families`. No list decides it: when a model is built, a self-check runs a tiny twin of it, with all of
its settings but its sizes, beside itself without cache, padding or batch, and keeps what it found for the next time.

- **right**: the fastest way gives what the family itself gives.
- **slower**: it answers as right, by a slower way that is said once on stderr. Grouped by length: rows of different
  length run one group after the other, as padding would change them. Token by token: a prefix that is read already, the
  picture's, is continued one word at a time. Read again: nothing is cached.
- **refused**: no way makes it right. `build()` and `load()` raise `FamilyRefusedError` with the reason below.

{counts}
"""
TITLES = {"causal": "Causal language models", "seq2seq": "Encoder-decoders", "vision": "Vision kinds"}
WORDS = {"right": "right", "slower": "slower", "refused": "refused"}


def page(result: Mapping[str, Any]) -> str:
    rows = result["families"]
    counts = Counter((row["role"], row["verdict"]) for row in rows)
    told = [
        f"{TITLES[role]}: {', '.join(f'{counts[role, verdict]} {WORDS[verdict]}' for verdict in WORDS)}."
        for role in TITLES
    ]
    packages = result["packages"]
    said = INTRODUCTION.format(
        transformers=packages["transformers"], torch=packages["torch"].partition("+")[0], counts="\n".join(told)
    )
    many = len(result["compositions"])
    matrix = (
        f"\n{many} compositions, a sample of what runs with one of the vision kinds in turn, were trained "
        "one step, saved, read again and gave the same tokens, with many questions and with beams.\n"
    )
    return said + matrix + "".join(_section(role, rows) for role in TITLES)


def _section(role: str, rows: Iterable[Mapping[str, str]]) -> str:
    mine = [row for row in rows if row["role"] == role]
    right = ", ".join(f"`{row['family']}`" for row in mine if row["verdict"] == "right")
    lines = [f"\n## {TITLES[role]}\n\nRight: {right}.\n"]
    for verdict, head in (("slower", "how"), ("refused", "because")):
        some = [row for row in mine if row["verdict"] == verdict]
        if some:
            lines.append(f"\n| {verdict} | {head} |\n|---|---|\n")
            lines += [f"| `{row['family']}` | {_cell(row['why'])} |\n" for row in some]
    return "".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")[:300]


if __name__ == "__main__":
    PAGE.write_text(page(json.loads((RESULTS / "families.json").read_text())))
    sys.exit(0)
