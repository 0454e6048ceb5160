"""Deduplicates usage and cost that several spans of a trace report (double counting). Pure, by structure alone.

A wrapper (an agent, a chain, a call around a call) counts only as far as its descendants do not report the same; two
spans with the same response id report one call; a record of usage beside its call says nothing new. Whatever nobody
else reports stays. Deterministic: the result depends on the spans alone, not on their order of arrival.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

CALLS = frozenset(("GENERATION", "EMBEDDING"))
"""Kinds that stand for one call of a model."""
PLAIN = frozenset(("SPAN", "EVENT"))
"""Kinds that say nothing of what the span is."""
TOTAL = "total"
"""Usage type of the sum."""
WHOLES = ("input", "output")
"""Families of usage types: `input_cached_tokens` is a part of `input`."""
ROUNDING = 1e-9
"""Relative tolerance of comparing costs: floating-point error is smaller, real differences are larger."""

Amounts = Mapping[str, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What one observation reports, and where it stands in its trace."""

    id: str
    parent_id: str
    kind: str
    model: str
    began: str
    """Start as sortable text."""
    usage: Mapping[str, int]
    cost_usd: Amounts
    is_priced_here: bool
    """Its cost was calculated from its usage, not reported."""
    call_id: str


@dataclass(frozen=True, slots=True)
class Repeated:
    """The part of a report that is a duplicate: it is counted elsewhere."""

    usage: Mapping[str, int] = field(default_factory=dict)
    cost_usd: Amounts = field(default_factory=dict)


NOTHING = Repeated()
"""A report without duplicates."""


def repeated(reports: Sequence[Report], kept_elsewhere: Collection[str] = ()) -> dict[str, Repeated]:
    """The duplicated part by observation id, for every report of one trace that has any.

    `kept_elsewhere` are ids of reports whose very call counts in another trace.
    """
    tree = _Tree(reports)
    found = tree.covered()
    dropped = {*kept_elsewhere, *_same_calls(tree, found), *_beside_their_call(tree)}
    for each in reports:
        if each.id in dropped and is_metered(each):
            found[each.id] = Repeated(dict(each.usage), dict(each.cost_usd))
    return found


def is_metered(report: Report) -> bool:
    return bool(report.usage or report.cost_usd)


def total_cost(cost_usd: Amounts) -> float:
    """US dollars; parts are summed where no total is told."""
    return cost_usd[TOTAL] if TOTAL in cost_usd else sum(cost_usd.values())


def counted(amounts: Mapping[str, float], less: Mapping[str, float]) -> dict[str, float]:
    """Amounts by type without what is repeated; types that are used up are left out."""
    rest = {kind: amount - less.get(kind, 0) for kind, amount in amounts.items()}
    return {kind: amount for kind, amount in rest.items() if abs(amount) > ROUNDING * abs(amounts[kind])}


@dataclass(slots=True)
class _Covered:
    """What the spans of a subtree report, each call once."""

    usage: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    cost_usd: float = 0.0
    calls: dict[str, tuple[Mapping[str, float], float]] = field(default_factory=dict)

    def joined(self, other: "_Covered") -> "_Covered":
        """Both, in the one with more calls: along a chain of spans nothing is copied."""
        if len(other.calls) > len(self.calls):
            return other.joined(self)
        for kind, units in other.usage.items():
            self.usage[kind] += units
        self.cost_usd += other.cost_usd
        for call_id, (usage, cost_usd) in other.calls.items():
            if call_id in self.calls:  # The same call in two branches.
                for kind, units in usage.items():
                    self.usage[kind] -= units
                self.cost_usd -= cost_usd
        self.calls |= other.calls
        return self


class _Tree:
    """The span tree of a trace. A missing parent makes a root, and so does a cycle."""

    def __init__(self, reports: Sequence[Report]) -> None:
        self.reports = {each.id: each for each in reports}
        self.children: dict[str, list[str]] = defaultdict(list)
        for each in self.reports.values():
            is_root = each.parent_id not in self.reports or each.parent_id == each.id
            self.children["" if is_root else each.parent_id].append(each.id)
        self.order = self._children_first()
        self._ends = self._subtrees()

    def _children_first(self) -> list[str]:
        """Post-order traversal (children first); iterative, because traces may be thousands of spans deep."""
        order: list[str] = []
        seen: set[str] = set()
        for start in (*self.children[""], *sorted(self.reports)):
            stack = [start]
            while stack:
                identity = stack.pop()
                if identity not in seen:
                    seen.add(identity)
                    order.append(identity)
                    stack += self.children.get(identity, ())
        return order[::-1]

    def _subtrees(self) -> dict[str, tuple[int, int]]:
        """Where in the reversed order a span stands, and where what is below it ends."""
        places = {identity: place for place, identity in enumerate(reversed(self.order))}
        ends = dict.fromkeys(places, 0)
        for identity in self.order:
            inner = (ends[child] for child in self.children.get(identity, ()) if places[child] > places[identity])
            ends[identity] = max(places[identity], *inner, 0)
        return {identity: (place, ends[identity]) for identity, place in places.items()}

    def is_under(self, identity: str, ancestor: str) -> bool:
        """Whether it is that span or below it."""
        begin, end = self._ends[ancestor]
        return begin <= self._ends[identity][0] <= end

    def covered(self) -> dict[str, Repeated]:
        """What wrappers repeat of what is below them."""
        below: dict[str, _Covered] = {}
        found: dict[str, Repeated] = {}
        for identity in self.order:
            report, under = self.reports[identity], below.pop(identity, _Covered())
            repeats = _repeats(report, under)
            if repeats is not NOTHING:
                found[identity] = repeats
            rest = counted(report.usage, repeats.usage)
            cost_usd = total_cost(report.cost_usd) - total_cost(repeats.cost_usd)
            for kind, units in rest.items():
                under.usage[kind] += units
            under.cost_usd += cost_usd
            if report.call_id and (rest or cost_usd > 0):
                under.calls[report.call_id] = rest, cost_usd
            if report.parent_id in self.reports and report.parent_id != identity:
                beside = below.pop(report.parent_id, None)
                below[report.parent_id] = under if beside is None else beside.joined(under)
        return found


def _repeats(report: Report, under: _Covered) -> Repeated:
    """What of a report its descendants report too."""
    if not is_metered(report) or not (under.usage or under.cost_usd):
        return NOTHING
    usage = _repeated_usage(report.usage, under.usage)
    return Repeated(usage, _repeated_cost(report, under, usage))


def _repeated_usage(own: Mapping[str, int], below: Mapping[str, float]) -> dict[str, int]:
    """Family by family: a wrapper may tell input as a whole where its calls tell the cached part apart."""
    repeats: dict[str, int] = defaultdict(int)
    for family in sorted({family_of(kind) for kind in own if kind != TOTAL}):
        types = [kind for kind in own if family_of(kind) == family]
        left = round(sum(units for kind, units in below.items() if family_of(kind) == family))
        # Type by type first; what is left of the family then goes against whatever types there are.
        for kind, most in [(kind, round(below.get(kind, 0))) for kind in types] + [(kind, left) for kind in types]:
            units = max(min(own[kind] - repeats[kind], most, left), 0)
            repeats[kind] += units
            left -= units
    if TOTAL in own:
        parts = sum(units for kind, units in own.items() if kind != TOTAL)
        total = sum(repeats.values()) if parts == own[TOTAL] else min(own[TOTAL], round(below.get(TOTAL, 0)))
        repeats[TOTAL] = total
    return {kind: units for kind, units in repeats.items() if units}


def _repeated_cost(report: Report, under: _Covered, usage: Mapping[str, int]) -> dict[str, float]:
    """A told cost goes as far as those below have one; a calculated one as far as the usage that it is calculated of.

    Cached tokens that a wrapper does not tell apart would make its calculated cost too large, not another cost.
    """
    own = total_cost(report.cost_usd)
    if own <= 0 or under.cost_usd <= 0:
        return {}
    if report.is_priced_here and report.usage:
        share = _total_units(usage) / max(_total_units(report.usage), 1)
    else:
        share = min(under.cost_usd / own, 1.0)
    if share > 1 - ROUNDING:
        return dict(report.cost_usd)
    return {kind: cost_usd * share for kind, cost_usd in report.cost_usd.items() if cost_usd * share > 0}


def _total_units(usage: Mapping[str, int]) -> int:
    return usage[TOTAL] if TOTAL in usage else sum(usage.values())


def family_of(kind: str) -> str:
    """`input` and `output` with their parts; every other type by itself."""
    return next((whole for whole in WHOLES if kind == whole or kind.startswith(f"{whole}_")), kind)


def _same_calls(tree: _Tree, found: Mapping[str, Repeated]) -> Iterable[str]:
    """Reports of a call that is counted by another report of it: of several the first stays.

    One around another of the same call counts only what that leaves, so both stay. Where one is covered by descendants
    that do not name the call, the call is counted there.
    """
    by_call: dict[str, list[Report]] = defaultdict(list)
    for each in tree.reports.values():
        if each.call_id and is_metered(each):
            by_call[each.call_id].append(each)
    for reports in by_call.values():
        if len(reports) == 1:
            continue
        counting = sorted((each for each in reports if _counts(each, found)), key=lambda each: (each.began, each.id))
        covered = [each.id for each in reports if not _counts(each, found)]
        here = all(any(tree.is_under(each.id, outer) for each in counting) for outer in covered)
        first = counting[0].id if here and counting else ""
        for each in counting:
            if not (first and (tree.is_under(each.id, first) or tree.is_under(first, each.id))):
                yield each.id


def _counts(report: Report, found: Mapping[str, Repeated]) -> bool:
    repeats = found.get(report.id, NOTHING)
    return bool(counted(report.usage, repeats.usage) or counted(report.cost_usd, repeats.cost_usd))


def _beside_their_call(tree: _Tree) -> Iterable[str]:
    """Records of usage beside the call that they are of, or beside its parent: a plain leaf with the same usage."""
    for siblings in tree.children.values():
        records = [tree.reports[each] for each in siblings if _is_record(tree.reports[each], tree)]
        if not records:
            continue
        near = (*siblings, *(child for sibling in siblings for child in tree.children.get(sibling, ())))
        reports = (tree.reports[each] for each in near)
        calls = Counter((each.model, _total_units(each.usage)) for each in reports if each.kind in CALLS and each.usage)
        for record in sorted(records, key=lambda each: (each.began, each.id)):
            key = record.model, _total_units(record.usage)
            if calls[key]:
                calls[key] -= 1
                yield record.id


def _is_record(report: Report, tree: _Tree) -> bool:
    return bool(report.usage and report.model and report.kind in PLAIN and not tree.children.get(report.id))
