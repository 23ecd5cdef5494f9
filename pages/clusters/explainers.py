"""What explains a revision, kept in the server's memory."""

from __future__ import annotations

import streamlit as st

from kec_core.explain import Explainer
from kec_core.live import LiveState
from pages.shared import session
from state.project.project import Project
from state.revisions.revisions import Revision


def explainer(project: Project, revision: Revision) -> Explainer:
    """Explains a revision; the first one of a server loads the encoder, which takes seconds.

    Raises:
        ResourceMissing: the weights of its encoder are not on this machine.
        StoreError: a stored result is missing or damaged.
    """
    state = session.workbench(project).live(revision)
    return _explainer(revision.id, id(state), state)


@st.cache_resource(max_entries=2, show_spinner=False)
def _explainer(revision_id: str, made: int, _state: LiveState) -> Explainer:  # noqa: ARG001 - a key
    return Explainer(_state)  # holds the state, so its id stays its own while this is remembered
