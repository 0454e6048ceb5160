"""Which of the spans seen lately have a call of a model inside: such a span wraps calls and is none."""

from collections import OrderedDict
from collections.abc import Sequence

from sightline.server.tracing.records import Kind, Observation, ObservationId, ProjectId, TraceId

TRACES = 2_000
"""Traces remembered, the least recently seen evicted first."""
SPANS = 500
"""Spans remembered of one trace."""
MODEL_CALLS = (Kind.GENERATION, Kind.EMBEDDING)
Link = tuple[ObservationId | None, bool]
"""A span's parent, and whether it is a call itself."""


class Nesting:
    """Spans of a trace arrive in any order, over several requests: links are kept until somebody asks."""

    def __init__(self) -> None:
        self._traces: OrderedDict[tuple[ProjectId, TraceId], dict[ObservationId, Link]] = OrderedDict()

    def saw(self, project_id: ProjectId, observations: Sequence[Observation]) -> None:
        for each in observations:
            key = (project_id, each.trace_id)
            links = self._traces.get(key)
            if links is None:
                links = self._traces[key] = {}
                if len(self._traces) > TRACES:
                    self._traces.popitem(last=False)
            else:
                self._traces.move_to_end(key)
            if len(links) < SPANS:
                links[each.id] = (each.parent_id, each.kind in MODEL_CALLS)

    def wrappers(self, project_id: ProjectId, trace_id: TraceId) -> set[ObservationId]:
        """Every ancestor of every call."""
        links = self._traces.get((project_id, trace_id), {})
        found: set[ObservationId] = set()
        for parent, is_call in links.values():
            above = parent if is_call else None
            while above is not None and above not in found:
                found.add(above)
                above = links.get(above, (None, False))[0]
        return found
