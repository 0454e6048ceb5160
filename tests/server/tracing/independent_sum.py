"""What a trace's spans add up to, counted in another way than the product does: by visiting every path from the root.

Usage is one number a span here. A call is counted once; a span that wraps others adds only what they leave.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Node:
    id: str
    parent: str
    units: int


def total(nodes: Sequence[Node]) -> int:
    """Of a node whose children tell `below`: as much as they tell, and what it tells beyond that."""
    by_id: Mapping[str, Node] = {node.id: node for node in nodes}

    def told(node: Node, path: tuple[str, ...]) -> int:
        below = sum(
            told(child, (*path, child.id))
            for child in by_id.values()
            if child.parent == node.id and child.id not in path
        )
        return max(node.units, below)

    roots = [node for node in by_id.values() if node.parent not in by_id]
    return sum(told(root, (root.id,)) for root in roots)
