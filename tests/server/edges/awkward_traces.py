"""Everyday traces whose usage several spans report, each with what counts: told as spans, whoever makes them.

A span is `name`, `parent` and what it says; `again` sends it a second time with another start, `apart` in a trace of
its own. Tokens are split nine to one between input and output.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Part:
    name: str
    parent: str = ""
    kind: str = "span"
    tokens: int = 0
    cost: float = 0.0
    model: str = ""
    call: str = ""
    again: bool = False
    apart: bool = False

    def attributes(self) -> dict[str, Any]:
        said: dict[str, Any] = {"langfuse.observation.type": self.kind}
        if self.model:
            said["gen_ai.request.model"] = self.model
        if self.tokens:
            said["gen_ai.usage.input_tokens"] = self.tokens - self.tokens // 10
            said["gen_ai.usage.output_tokens"] = self.tokens // 10
        if self.cost:
            said["langfuse.observation.cost_details"] = f'{{"total": {self.cost}}}'
        return said


def call(name: str, parent: str = "", **said: Any) -> Part:
    return Part(name=name, parent=parent, kind="generation", model="house-model", **said)


@dataclass(frozen=True, kw_only=True)
class Awkward:
    kind: str
    parts: Sequence[Part]
    tokens: int
    cost: float = 0.0
    apart_tokens: int = field(default=0)
    """What counts in the second trace, where there is one."""


A, B = (call(name, "agent", tokens=1100) for name in "ab")
AGENT = {"kind": "agent", "model": "house-model"}
TRACES = (
    Awkward(
        kind="an agent that repeats its two calls",
        parts=[
            Part(name="agent", tokens=2200, **AGENT),
            call("a", "agent", tokens=1100),
            call("b", "agent", tokens=1100),
        ],
        tokens=2200,
    ),
    Awkward(
        kind="an agent that reports more than its calls",
        parts=[Part(name="agent", tokens=2200, **AGENT), call("a", "agent", tokens=1100)],
        tokens=2200,
    ),
    Awkward(
        kind="an agent that reports less than its calls",
        parts=[
            Part(name="agent", tokens=500, **AGENT),
            call("a", "agent", tokens=1100),
            call("b", "agent", tokens=100),
        ],
        tokens=1200,
    ),
    Awkward(
        kind="an agent in an agent, both repeat",
        parts=[
            Part(name="outer", tokens=300, **AGENT),
            Part(name="inner", parent="outer", tokens=300, **AGENT),
            call("a", "inner", tokens=100),
            call("b", "inner", tokens=200),
        ],
        tokens=300,
    ),
    Awkward(
        kind="a chain around the repeated calls, and one beside it",
        parts=[
            Part(name="chain", kind="chain", tokens=100),
            call("a", "chain", tokens=100),
            Part(name="root", kind="span"),
            call("b", "root", tokens=7),
        ],
        tokens=107,
    ),
    Awkward(
        kind="a call around the same call, a span without usage between them",
        parts=[call("outer", tokens=1100), Part(name="http", parent="outer"), call("inner", "http", tokens=1100)],
        tokens=1100,
    ),
    Awkward(
        kind="the same response reported by two siblings",
        parts=[
            Part(name="root"),
            call("one", "root", tokens=100, call="resp-siblings"),
            call("two", "root", tokens=100, call="resp-siblings"),
        ],
        tokens=100,
    ),
    Awkward(
        kind="the same response reported by parent and child",
        parts=[call("outer", tokens=100, call="resp-nested"), call("inner", "outer", tokens=100, call="resp-nested")],
        tokens=100,
    ),
    Awkward(
        kind="the same response reported in a second root trace",
        parts=[
            call("ours", tokens=100, cost=0.25, call="resp-apart"),
            call("theirs", tokens=100, cost=0.25, call="resp-apart", apart=True),
        ],
        tokens=100,
        cost=0.25,
        apart_tokens=0,
    ),
    Awkward(
        kind="equal usage under different response ids",
        parts=[
            Part(name="root"),
            call("one", "root", tokens=100, call="resp-one"),
            call("two", "root", tokens=100, call="resp-two"),
        ],
        tokens=200,
    ),
    Awkward(
        kind="a record of usage beside every call",
        parts=[
            Part(name="root"),
            call("a", "root", tokens=50),
            Part(name="record a", parent="root", model="house-model", tokens=50),
            call("b", "root", tokens=50),
            Part(name="record b", parent="root", model="house-model", tokens=50),
        ],
        tokens=100,
    ),
    Awkward(
        kind="an agent's own cost beside a cheap call",
        parts=[
            Part(name="root"),
            Part(name="agent", parent="root", kind="agent", cost=0.42),
            call("a", "root", tokens=10, cost=0.001),
        ],
        tokens=10,
        cost=0.421,
    ),
    Awkward(
        kind="a tool's own cost beside a call",
        parts=[
            Part(name="root"),
            Part(name="tool", parent="root", kind="tool", cost=0.005),
            call("a", "root", tokens=10, cost=0.001),
        ],
        tokens=10,
        cost=0.006,
    ),
    Awkward(
        kind="a remote agent with nothing inside, beside a call",
        parts=[
            Part(name="root"),
            Part(name="remote", parent="root", tokens=70, **AGENT),
            call("a", "root", tokens=30),
        ],
        tokens=100,
    ),
    Awkward(
        kind="an agent that tells the cost of all its calls",
        parts=[
            Part(name="agent", kind="agent", cost=1.0),
            call("a", "agent", tokens=10, cost=0.25),
            call("b", "agent", tokens=10, cost=0.25),
        ],
        tokens=20,
        cost=1.0,
    ),
    Awkward(
        kind="a call sent again with another start",
        parts=[Part(name="root"), call("a", "root", tokens=100, cost=0.5, again=True)],
        tokens=100,
        cost=0.5,
    ),
    Awkward(
        kind="a wrapper sent again with another start",
        parts=[Part(name="agent", tokens=100, again=True, **AGENT), call("a", "agent", tokens=100)],
        tokens=100,
    ),
    Awkward(
        kind="a root that never came",
        parts=[Part(name="agent", parent="lost", tokens=100, **AGENT), call("a", "agent", tokens=100)],
        tokens=100,
    ),
    Awkward(kind="one plain call", parts=[call("a", tokens=42, cost=0.125)], tokens=42, cost=0.125),
)
