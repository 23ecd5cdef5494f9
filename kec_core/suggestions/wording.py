"""Words that help a person to accept a doubt about a concept's name."""

from __future__ import annotations

import numpy as np

from kec_core.arrays import l2_normalize
from kec_core.live import LiveState

NOUNS = 24
"""Nouns of a concept that are looked at, most frequent first."""


def fitting_names(state: LiveState, concept: str, count: int) -> tuple[str, ...]:
    """Those of a concept's nouns that fit the photos it wins better than they fit all photos, best first.

    The names that concepts have already are left out.

    Args:
        state: tells what the concept and its photos are.
        concept: its id.
        count: names at most.
    """
    nouns = [noun.word for noun in state.knowledge.by_id[concept].nouns[:NOUNS]]
    if not nouns or concept not in state.grounding.concept_ids:
        return ()
    x = state.collection.x
    won = state.grounding.winner == state.grounding.concept_ids.index(concept)
    if not won.any():
        return ()
    lift = l2_normalize(state.collection.encode(nouns)) @ (x[won].mean(axis=0) - x.mean(axis=0))
    taken = {one.name.casefold() for one in state.knowledge.concepts}
    ranked = (nouns[i] for i in np.argsort(-lift, kind="stable") if lift[i] > 0)
    return tuple(name for name in ranked if name.casefold() not in taken)[:count]
