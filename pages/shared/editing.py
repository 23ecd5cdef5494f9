"""Edits of the open project from one browser window: tried, applied at once or collected, taken back.

They go through ``act``: it knows what this window has seen, so a window that is behind is told instead of overwriting.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from kec_core.errors import KecError, StoreError
from kec_core.knowledge.edits import Edit, script_to_json
from pages.shared import cached, session, visitors
from pages.shared.session import MODE, SEEN, STAGED
from state.project.locks import Holder
from state.project.project import Project
from state.revisions import revisions
from state.revisions.revisions import Revision
from state.work import warm_up
from state.work.editing import edits_in_words
from state.work.workbench import LiveStates, Preview, Workbench

Mode = Literal["live", "staged"]
"""Every edit at once, or collected and looked at before they are applied together."""
LIVE_PHOTOS = 100_000
"""Up to so many photos an edit takes about a second, so edits apply at once unless the person says otherwise."""
MAKES_REVISIONS = ("run", "rebuild", "finalise", "add")
"""Jobs whose result would be lost if the project moved on meanwhile."""

_WINDOW = "kec_window"
_SERVER = uuid.uuid4().hex
"""This server, among those whose windows may edit the same project."""


@st.cache_resource(show_spinner=False)
def _live_states() -> LiveStates:
    return LiveStates()


def workbench(project: Project) -> Workbench:
    """Where edits are tried and kept."""
    return Workbench(project, _live_states())


def saw(revision_id: str | None) -> None:
    """Remember which revision this window shows; edits are refused when the project has moved on since."""
    st.session_state[SEEN] = revision_id


def prepare(project: Project, revision: Revision) -> None:
    """Get ready, in the background, for edits of the shown revision."""
    warm_up.open_project(_live_states(), project, revision)


def mode(project: Project) -> Mode:
    """Whether edits apply at once or are collected first."""
    usual: Mode = "live" if len(project.images()) <= LIVE_PHOTOS else "staged"
    chosen: Mode = st.session_state.get(MODE, usual)
    return chosen


def set_mode(chosen: Mode) -> None:
    """Apply edits at once, or collect them first."""
    st.session_state[MODE] = chosen


def staged() -> tuple[Edit, ...]:
    """The edits that are collected and not applied."""
    collected: tuple[Edit, ...] = st.session_state.get(STAGED, ())
    return collected


def unstage(count: int | None = None) -> None:
    """Take back the latest ``count`` collected edits, by default all."""
    kept = staged()[: -count if count else 0]
    st.session_state[STAGED] = kept


def preview(project: Project, edits: Sequence[Edit]) -> Preview | None:
    """What edits would do, on top of those collected; None when they do not fit (the person is told why)."""
    try:
        return workbench(project).preview((*staged(), *edits))
    except KecError as error:
        session.refuse(str(error))
        return None


def act(project: Project, edits: Sequence[Edit]) -> None:
    """Apply edits at once, or collect them, as the mode says; the person is told why they are refused.

    A widget's callback, as ``apply_staged``, ``undo``, ``redo`` and ``go_to`` are; ``was_refused`` tells how it went.
    """
    if mode(project) == "live":
        apply_now(project, edits)
    elif preview(project, edits) is not None:
        st.session_state[STAGED] = (*staged(), *edits)


def apply_staged(project: Project) -> None:
    """Apply the collected edits together; they stay collected when they are refused."""
    if apply_now(project, staged()) is not None:
        unstage()


def apply_now(project: Project, edits: Sequence[Edit]) -> Revision | None:
    """Apply edits whatever the mode is; None when there are none or they are refused (the person is told why)."""
    if not edits:  # a second click on Apply comes when the first has applied all
        return None

    def kept(bench: Workbench, _seen: str) -> Revision:
        return bench.commit(bench.preview(edits))

    return _change(project, kept, edits)


def undo(project: Project) -> None:
    """Step back; what is collected goes first, edit by edit."""
    if staged():
        unstage(1)
    else:
        _change(project, lambda bench, seen: bench.undo(expected=seen))


def redo(project: Project) -> None:
    """Step forth again."""
    _change(project, lambda bench, seen: bench.redo(expected=seen))


def go_to(project: Project, revision_id: str) -> None:
    """Show any revision."""
    _change(project, lambda bench, seen: bench.go_to(revision_id, expected=seen))


def _change(
    project: Project, work: Callable[[Workbench, str], Revision], edits: Sequence[Edit] = ()
) -> Revision | None:
    """Do something that leads to another revision, or say why not; what a person wrote is said back to them."""
    bench = workbench(project)
    try:
        seen = str(st.session_state.get(SEEN) or bench.shown().id)
        _need_turn(project, bench, seen)
        revision = work(bench, seen)
    except StoreError as error:
        session.refuse(f"{error} {_not_done(project, edits)}".rstrip())
        return None
    except KecError as error:
        session.refuse(str(error))
        return None
    saw(revision.id)
    return revision


def _not_done(project: Project, edits: Sequence[Edit]) -> str:
    """Edits that were refused, in words, so that they can be repeated."""
    if not edits:
        return ""
    try:
        seen = revisions.get(project, str(st.session_state.get(SEEN)))
        words = edits_in_words(edits, cached.knowledge_in_words(project, seen))
    except KecError:  # the project itself cannot be read; that was said
        words = str(script_to_json(edits)["edits"])
    return f"Not done: {words.removesuffix('.')}."


def _need_turn(project: Project, bench: Workbench, seen: str) -> None:
    """Raise when somebody else changes the project, or has changed it since this window looked."""
    job = session.jobs().active(project)
    if job is not None and job.kind in MAKES_REVISIONS:
        raise StoreError("A run is working on this project; wait for its end or cancel it, then edit.")
    if bench.shown().id != seen:
        raise StoreError(
            f"This project was changed in another window: it is at {bench.shown().id} now, this window showed {seen}. "
            "Nothing was lost and nothing was changed here; look at it as it is now, then repeat your edit."
        )
    project.lock.take(_window(), _window_label())


def other_editor(project: Project) -> Holder | None:
    """The window that edits this project now, None when it is this one or nobody."""
    holder = project.lock.holder()
    return None if holder is None or holder.owner == _window() or _is_gone(holder.owner) else holder


def _window() -> str:
    """An id of this browser window, as long as it is open."""
    opened = f"{datetime.now():%H:%M} {uuid.uuid4().hex} {_SERVER} {_connection()}"
    window: str = st.session_state.setdefault(_WINDOW, opened)
    return window


def _connection() -> str:
    """Streamlit's id of this window's connection to the server; a reload makes another one."""
    context = get_script_run_ctx()
    return "" if context is None else context.session_id


def _is_gone(owner: str) -> bool:
    """Whether a window of this server was closed or reloaded; of windows of another server nothing is known."""
    _, server, connection = owner.rsplit(" ", 2) if owner.count(" ") > 1 else ("", "", "")
    return server == _SERVER and runtime.exists() and not runtime.get_instance().is_active_session(connection)


def _window_label() -> str:
    whose = f" by {email}" if (email := visitors.of_page()) else ""
    return f"the window opened at {_window().split()[0]}{whose}"
