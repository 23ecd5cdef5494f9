"""What to look at next: doubts about concepts and attributes, ordered by expected gain.

Every doubt is measured in one unit: the share of the collection's photos that would be better placed if the doubt is
justified. A photo belongs to the concept with its largest omega, its winner.
"""

from __future__ import annotations

import numpy as np

from kec_core.live import LiveState
from kec_core.suggestions.attribute_doubts import attributes, mixed_clusters
from kec_core.suggestions.base import Suggestion, View
from kec_core.suggestions.concept_doubts import merges, names, splits, unused


def suggest(state: LiveState) -> tuple[Suggestion, ...]:
    """Every doubt about the knowledge of a state, largest expected gain first; locked concepts are left alone."""
    view = View(state)
    found = [
        *merges(view),
        *splits(view),
        *unused(view),
        *attributes(view),
        *names(view),
        *mixed_clusters(view),
    ]
    # No edit of a concept fits a collapsed group.
    open_ones = {concept.id for concept in state.knowledge.concepts}
    fitting = [one for one in found if open_ones.issuperset(one.concepts)]
    return tuple(sorted(fitting, key=lambda one: (-one.gain, one.key)))


def least_certain(state: LiveState, count: int = 3) -> tuple[str, ...]:
    """Ids of the concepts whose own photos they win by least, for when there is nothing to suggest."""
    view = View(state)
    certainty = [
        float(view.omega[rows, column].mean()) if len(rows) else 0.0 for column, rows in enumerate(view.rows)
    ]
    return tuple(view.concepts[column].id for column in np.argsort(certainty, kind="stable")[:count])


__all__ = ["Suggestion", "least_certain", "suggest"]
