"""The page about limits says the numbers that hold."""

import re
from pathlib import Path

from sightline.server.edges.http_limits import SLOWEST_BYTES_PER_S, HttpLimits
from sightline.server.edges.large import protobuf, spool
from sightline.server.runtime.json_reading import DEEPEST
from sightline.server.settings import MEBIBYTE, Settings
from sightline.server.tracing.clocks import EARLIEST, FARTHEST_AHEAD, TIMES, TOLD
from sightline.server.tracing.environments import INSTEAD, LONGEST, RESERVED
from sightline.server.tracing.pictures.decoding import MAX_PIXELS
from sightline.server.tracing.pictures.process import LONGEST_S
from sightline.server.tracing.pictures.worker import MEMORY_BYTES

PAGE = (Path(__file__).parents[3] / "docs/guide/limits-and-troubleshooting.md").read_text()
ONE_LINE = " ".join(PAGE.split())


def test_every_limit_of_size_is_there_with_its_setting():
    said = dict(re.findall(r"\| (\d+) MiB \| `SIGHTLINE_(\w+)` \|", PAGE))
    limits = {name for name in Settings.model_fields if re.fullmatch(r"max_\w+_bytes", name)}
    assert {name.lower(): int(size) * MEBIBYTE for size, name in said.items()} == {
        name: Settings.model_fields[name].default for name in limits
    }


def test_every_limit_of_connections_is_there_with_its_setting():
    found = re.findall(r"\| ([\d,]+)(?: bytes| s)? \| `SIGHTLINE_((?:HTTP|STREAMS)_\w+)` \|", PAGE)
    limits = {name for name in Settings.model_fields if name.startswith(("http_", "streams_"))}
    assert {by.lower(): float(most.replace(",", "")) for most, by in found} == {
        name: Settings.model_fields[name].default for name in limits
    }
    limits_of_a_door = HttpLimits()
    assert all(
        getattr(limits_of_a_door, name.removeprefix("http_"), default) == default
        for name, default in ((name, Settings.model_fields[name].default) for name in limits)
    )


def test_the_other_numbers_are_those_of_the_code():
    assert f"Bodies over {spool.SMALL_BYTES // MEBIBYTE} MiB" in ONE_LINE
    assert f"some {spool.BATCH_BYTES // MEBIBYTE} MiB at a time" in ONE_LINE
    assert f"others wait {spool.PATIENCE_S:.0f} seconds" in ONE_LINE
    assert (spool.AT_ONCE, "Two are worked on at once" in ONE_LINE) == (2, True)
    assert f"one span may have {protobuf.LARGEST_SPAN_BYTES // MEBIBYTE} MiB" in ONE_LINE
    assert f"one resource or scope {protobuf.LARGEST_HEAD_BYTES // MEBIBYTE} MiB" in ONE_LINE
    assert f"nested {DEEPEST} levels deep" in ONE_LINE
    assert f"at {SLOWEST_BYTES_PER_S} bytes a second" in ONE_LINE
    assert f"up to {MAX_PIXELS // 1_000_000} megapixels" in ONE_LINE
    assert f"{MEMORY_BYTES // MEBIBYTE} MiB of address space and {LONGEST_S:.0f} seconds" in ONE_LINE
    assert f"before {EARLIEST:%Y-%m-%d}, or more than {FARTHEST_AHEAD.days * 24} hours ahead" in ONE_LINE
    assert all(f"`{TOLD}{name}`" in ONE_LINE for name in (*TIMES, "timestamp"))
    assert f"{LONGEST} characters are kept" in ONE_LINE
    assert f"`{RESERVED}…` is reserved and becomes `{INSTEAD}…`" in ONE_LINE
