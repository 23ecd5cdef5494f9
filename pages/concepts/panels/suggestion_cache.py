"""What the review queue computes from a state, kept while reruns draw it again."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from kec_core.knowledge.edits import Edit
from kec_core.live import LiveState
from kec_core.result.impact import Impact
from kec_core.suggestions import Suggestion, least_certain, suggest
from kec_core.suggestions.concept_doubts import fitting_names
from pages.concepts.panels.workbench_view import View
from pages.shared import session
from state.work.workbench import Workbench

OTHER_NAMES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubts:
    """All suggestions on a state, and what to look at when there are none.

    Attributes:
        least_certain: concept ids.
    """

    all: tuple[Suggestion, ...]
    least_certain: tuple[str, ...]


def doubts(view: View) -> Doubts:
    """The suggestions on what is looked at; about 2 s at 50,000 photos and 100 concepts, then remembered."""
    return _doubts(*_key(view), view.state)


def impact(view: View, bench: Workbench, doubt: Suggestion, edit: Edit) -> Impact:
    """What accepting a suggestion would do.

    Raises:
        InputError: the edit does not fit.
    """
    return _impact((*_key(view), str(view.project.labels_version), doubt.key), bench, edit)


def other_names(view: View, concept: str) -> tuple[str, ...]:
    """Nouns that would fit a concept's photos."""
    return _other_names(_key(view), concept, view.state)


def _key(view: View) -> tuple[str, str, str]:
    return str(view.project.folder), view.revision.id, view.state.knowledge.fingerprint


@st.cache_resource(max_entries=8, show_spinner="Looking for what may be wrong…")
def _doubts(folder: str, revision: str, knowledge: str, _state: LiveState) -> Doubts:  # noqa: ARG001 - a key
    return Doubts(all=suggest(_state), least_certain=least_certain(_state))


@st.cache_resource(max_entries=64, show_spinner="Trying it out…")
def _impact(key: tuple[str, ...], _bench: Workbench, _edit: Edit) -> Impact:  # noqa: ARG001 - a key
    return _bench.preview((*session.staged(), _edit)).impact


@st.cache_resource(max_entries=64, show_spinner=False)
def _other_names(key: tuple[str, ...], concept: str, _state: LiveState) -> tuple[str, ...]:  # noqa: ARG001 - a key
    return fitting_names(_state, concept, OTHER_NAMES)
