"""A leaf of a tree, in words."""

from collections.abc import Sequence
from typing import Any


def rule(tree: Any, leaf: int, names: Sequence[str]) -> str:
    """The conditions that lead to a leaf, shortest form, in the order of the columns.

    A missing input goes where the tree sends it, which the words do not say.

    Args:
        tree: a fitted scikit-learn tree.
        leaf: the number of its node.
        names: of the columns.
    """
    bounds = _bounds(tree.tree_, leaf)
    if not bounds:
        return "all rows"
    return " and ".join(_words(names[column], *bounds[column]) for column in sorted(bounds))


def _words(name: str, above: float | None, up_to: float | None) -> str:
    if above is None:
        return f"{name} <= {up_to:.6g}"
    return f"{name} > {above:.6g}" if up_to is None else f"{above:.6g} < {name} <= {up_to:.6g}"


def _bounds(nodes: Any, leaf: int) -> dict[int, tuple[float | None, float | None]]:
    """Per column ``(above, up_to)``, by walking from the leaf to the root; the nearest bound is the tightest."""
    parents = {int(nodes.children_left[node]): (node, True) for node in range(nodes.node_count)}
    parents |= {int(nodes.children_right[node]): (node, False) for node in range(nodes.node_count)}
    found: dict[int, tuple[float | None, float | None]] = {}
    node = leaf
    while node != 0:
        node, is_left = parents[node]
        above, up_to = found.get(int(nodes.feature[node]), (None, None))
        threshold = float(nodes.threshold[node])
        if is_left:
            up_to = threshold if up_to is None else up_to
        else:
            above = threshold if above is None else above
        found[int(nodes.feature[node])] = (above, up_to)
    return found
