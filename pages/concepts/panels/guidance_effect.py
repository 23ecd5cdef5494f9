"""What guidance does to the knowledge there is: what counts more, what counts less, and words that touch nothing."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from kec_core.grounding import Emphasis, emphasis
from kec_core.knowledge.guidance import Guidance
from kec_core.knowledge.unique_names import unique_names
from kec_core.live import LiveState
from pages.shared import markup

SHOWN = 6
"""Names in a line, the most changed first."""


def draw(state: LiveState, words: Guidance) -> None:
    """Draw it for words that were typed, applied or not."""
    told = {phrase: _under(state, phrase) for phrase in (*words.prefer, *words.avoid)}
    silent = [phrase for phrase, found in told.items() if not _touched(found)]
    if len(silent) < len(told):
        preferred = "; ".join(words.prefer)
        avoided = f"ignore {', '.join(words.avoid)}" if words.avoid else ""
        found = _under(state, f"{preferred}; {avoided}")
        _line("counts more", _changed(state, found, more=True))
        _line("counts less", _changed(state, found, more=False))
    for phrase in silent:
        st.html(
            markup.note(
                f"Nothing in your concepts and attributes is about “{phrase}”; applied at once it changes nothing. "
                "A rebuild looks for such nouns, or add a concept or an attribute for it."
            )
        )


def _under(state: LiveState, guidance: str) -> Emphasis:
    knowledge = replace(state.knowledge, guidance=guidance)
    return emphasis(knowledge, state.collection.encode, state.collection.config)


def _touched(found: Emphasis) -> bool:
    return any(factor != 1 for factor in (*found.concepts.values(), *found.attributes.values()))


def _changed(state: LiveState, found: Emphasis, *, more: bool) -> list[str]:
    """Concepts and attributes whose weight grows, or shrinks, each with its factor, the most changed first."""
    names = unique_names(state.knowledge)
    every = [(names[concept], factor) for concept, factor in found.concepts.items()]
    every += list(found.attributes.items())
    changed = [(name, factor) for name, factor in every if (factor > 1 if more else factor < 1)]
    changed.sort(key=lambda one: -max(one[1], 1 / one[1]))
    return [f"{name} × {factor:.2g}" for name, factor in changed]


def _line(label: str, changed: list[str]) -> None:
    if changed:
        rest = len(changed) - SHOWN
        st.html(markup.chips([*changed[:SHOWN], *([f"{rest} more"] if rest > 0 else [])], label=label))
