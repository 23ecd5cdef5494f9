"""Pointers between the rows of a table, compact enough to be stored as two arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from kec_core.arrays import IntVector


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Links:
    """Rows that each row points to: those of row i are ``targets[starts[i]:starts[i + 1]]``, in file order."""

    starts: list[int]
    targets: list[int]

    def of(self, row: int) -> list[int]:
        """The rows that ``row`` points to."""
        return self.targets[self.starts[row] : self.starts[row + 1]]


def make_links(rows: Iterable[Sequence[int]]) -> Links:
    """Links from one list of target rows per row."""
    starts, targets = [0], list[int]()
    for row in rows:
        targets.extend(row)
        starts.append(len(targets))
    return Links(starts=starts, targets=targets)


def count_below(links: Links) -> IntVector:
    """int32 (n,): how many different rows can be reached from each row."""
    n_rows = len(links.starts) - 1
    below: dict[int, frozenset[int]] = {}
    counts = np.zeros(n_rows, dtype=np.int32)
    for row in _children_first(n_rows, links.of):
        children = links.of(row)
        below[row] = frozenset(children).union(*(below.get(child, ()) for child in children)) - {row}
        counts[row] = len(below[row])
    return counts


def _children_first(n_rows: int, children: Callable[[int], list[int]]) -> Iterator[int]:
    """Rows so that each comes after those below it; a loop in a damaged file is cut."""
    seen: set[int] = set()
    done: set[int] = set()
    for root in range(n_rows):
        stack = [root]
        while stack:
            row = stack[-1]
            if row not in seen:
                seen.add(row)
                stack.extend(child for child in children(row) if child not in seen)
            else:
                stack.pop()
                if row not in done:
                    done.add(row)
                    yield row
