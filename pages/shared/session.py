"""What one browser window remembers: the open project, what is picked, edits to come; the only user of session state.

The address of the page carries the project and the cluster, so a reload, a bookmark or a second tab finds them again.
Edits go through ``act``: it knows what this window has seen, so a window that is behind is told instead of overwriting.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

import streamlit as st
from starlette.requests import Request
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from kec_core.errors import KecError, StoreError
from kec_core.knowledge.edits import Edit, script_to_json
from pages.shared import cached, visitors
from pages.shared.picked import Selection, Way
from state.jobs.jobs import JobManager
from state.project.locks import Holder
from state.project.project import Project
from state.revisions import revisions
from state.revisions.revisions import Revision
from state.work import warm_up
from state.work.editing import edits_in_words
from state.work.workbench import LiveStates, Preview, Workbench
from state.workspace.workspace import OpenProjects, Workspace

Mode = Literal["live", "staged"]
"""Every edit at once, or collected and looked at before they are applied together."""
LIVE_PHOTOS = 100_000
"""Up to so many photos an edit takes about a second, so edits apply at once unless the person says otherwise."""
MAKES_REVISIONS = ("run", "rebuild", "finalise", "add")
"""Jobs whose result would be lost if the project moved on meanwhile."""

_CAME_BARE, _FIRST_PAGE = "kec_came_bare", "kec_first_page"
_PROJECT, _CLUSTER, _NOTICES, _REFUSALS = "kec_project", "kec_cluster", "kec_notices", "kec_refusals"
_SEEN, _SELECTION, _EPOCH, _CONCEPT = "kec_seen", "kec_selection", "kec_epoch", "kec_concept"
_MODE, _STAGED, _WINDOW, _DIALOG = "kec_mode", "kec_staged", "kec_window", "kec_dialog"
_PROJECT_PARAMETER, _CLUSTER_PARAMETER = "project", "cluster"
_SERVER = uuid.uuid4().hex
"""This server, among those whose windows may edit the same project."""


def workspace() -> Workspace:
    """The folder of projects and the folders that whoever looks at this page may read.

    Raises:
        InputError: this server asks for a login, and nobody is logged in.
    """
    return visitors.workspace(visitors.of_page())


def open_projects() -> OpenProjects:
    """The projects that may be shown on this page, by id.

    Raises:
        InputError: as ``workspace``.
    """
    return OpenProjects(workspace())


def open_projects_of(request: Request) -> OpenProjects:
    """The projects that may be shown to whoever sent a request, by id.

    Raises:
        InputError: as ``workspace``.
    """
    return OpenProjects(visitors.workspace(visitors.of_cookies(request.cookies)))


@st.cache_resource(show_spinner=False)
def jobs() -> JobManager:
    """The one manager of background jobs of this server."""
    return JobManager()


def arrive(page: str) -> None:
    """Note whether the address names anything: that of a page just gone to does not; call it first in every run.

    Args:
        page: path of the page that is looked at, "" for the app's own address.
    """
    st.session_state.pop(_DIALOG, None)
    st.session_state[_CAME_BARE] = _PROJECT_PARAMETER not in st.query_params
    st.session_state.setdefault(_FIRST_PAGE, page)


def asked_for_nothing() -> bool:
    """Whether this window came to the app's own address, which names neither a page nor a project."""
    return not st.session_state[_FIRST_PAGE] and not project_id()


def project_id() -> str:
    """The id of the open project, "" when none is."""
    return str(st.session_state.get(_PROJECT) or st.query_params.get(_PROJECT_PARAMETER, ""))


def project() -> Project | None:
    """The open project, or None.

    Raises:
        InputError: it is not there any more, or the address names none; it is closed then.
    """
    wanted = project_id()
    if not wanted:
        return None
    try:
        opened = Project(open_projects().folder(wanted))
    except KecError:
        close_project()
        raise
    st.session_state[_PROJECT] = wanted
    st.query_params[_PROJECT_PARAMETER] = wanted
    return opened


def open_project(folder: Path) -> None:
    """Show this project from now on.

    Raises:
        InputError: it is outside the allowed folders.
        StoreError: there is no project in it, it is damaged, or from a newer version.
    """
    close_project()
    st.session_state[_PROJECT] = open_projects().add(folder)


def close_project() -> None:
    """Show no project."""
    close_cluster()
    for key in (_SEEN, _SELECTION, _CONCEPT, _MODE, _STAGED):
        st.session_state.pop(key, None)
    st.session_state.pop(_PROJECT, None)
    st.query_params.pop(_PROJECT_PARAMETER, None)


def cluster() -> int | None:
    """The cluster whose photos are shown, or None for all clusters.

    The address says it, so that the browser's Back works; one that names nothing is that of a page just gone to, where
    what was open before is opened again.
    """
    wanted = st.query_params.get(_CLUSTER_PARAMETER, "")
    if not wanted and st.session_state.get(_CAME_BARE):
        wanted = st.session_state.get(_CLUSTER, "")
    if not str(wanted).isdecimal():
        st.session_state.pop(_CLUSTER, None)
        return None
    open_cluster(int(wanted))
    return int(wanted)


def open_cluster(cluster_id: int) -> None:
    """Show the photos of one cluster."""
    st.session_state[_CLUSTER] = cluster_id
    st.query_params[_CLUSTER_PARAMETER] = str(cluster_id)


def close_cluster() -> None:
    """Show all clusters."""
    st.session_state.pop(_CLUSTER, None)
    st.query_params.pop(_CLUSTER_PARAMETER, None)


def concept() -> str:
    """The id of the concept that is looked at, "" for none; it may be gone."""
    return str(st.session_state.get(_CONCEPT, ""))


def open_concept(concept_id: str) -> None:
    """Look at one concept."""
    st.session_state[_CONCEPT] = concept_id


def dialog_opened() -> None:
    """Remember that a dialog is open until the page is drawn anew, which closes it."""
    st.session_state[_DIALOG] = True


def has_dialog() -> bool:
    """Whether a dialog is open: who draws the page anew unasked would close it, with what was typed in it."""
    return _DIALOG in st.session_state


def notice(text: str) -> None:
    """Say something in passing when the page is drawn next, once."""
    notices = st.session_state.setdefault(_NOTICES, [])
    if text not in notices:
        notices.append(text)


def has_news() -> bool:
    """Whether something is to be said that only the frame above the page says."""
    return bool(st.session_state.get(_NOTICES) or st.session_state.get(_REFUSALS))


def take_notices() -> tuple[str, ...]:
    """What is to be said now; each once."""
    return tuple(st.session_state.pop(_NOTICES, ()))


def refuse(text: str) -> None:
    """Say, when the page is drawn next, why something was not done; it stays until the person does something else."""
    st.session_state.setdefault(_REFUSALS, []).append(text)


def was_refused() -> bool:
    """Whether something was not done and that is still to be said: in a callback, what it has just tried."""
    return bool(st.session_state.get(_REFUSALS))


def take_refusals() -> tuple[str, ...]:
    """What was not done, and why; each once."""
    return tuple(st.session_state.pop(_REFUSALS, ()))


def widget(key: str) -> object:
    """What a widget holds now, None before it was drawn."""
    return st.session_state.get(key)


def set_widget(key: str, value: object) -> None:
    """Make a widget show a value; call before it is drawn."""
    st.session_state[key] = value


# --- what is picked


def selection() -> Selection:
    """The photos and concepts that are picked, the same on every page."""
    picked: Selection = st.session_state.get(_SELECTION, Selection())
    return picked


def select(
    *,
    images: Iterable[str] | None = None,
    concepts: Iterable[str] | None = None,
    way: Way = "replace",
    from_widget: bool = False,
) -> None:
    """Pick photos or concepts; what is not given stays as it is.

    Args:
        images: image ids.
        concepts: concept ids.
        way: instead of what is picked, besides it, or taken out of it.
        from_widget: the widget in which it was picked shows it already; every other widget is drawn anew.
    """
    picked = selection()
    if images is not None:
        picked = picked.with_images(images, way)
    if concepts is not None:
        picked = picked.with_concepts(concepts, way)
    st.session_state[_SELECTION] = picked
    if not from_widget:
        _new_epoch()


def clear_selection() -> None:
    """Pick nothing."""
    st.session_state.pop(_SELECTION, None)
    _new_epoch()


def selection_epoch() -> int:
    """Changes when the selection was changed from outside the widgets that show it: a part of their keys."""
    epoch: int = st.session_state.get(_EPOCH, 0)
    return epoch


def _new_epoch() -> None:
    st.session_state[_EPOCH] = selection_epoch() + 1


# --- editing


@st.cache_resource(show_spinner=False)
def _live_states() -> LiveStates:
    return LiveStates()


def workbench(project: Project) -> Workbench:
    """Where edits are tried and kept."""
    return Workbench(project, _live_states())


def saw(revision_id: str | None) -> None:
    """Remember which revision this window shows; edits are refused when the project has moved on since."""
    st.session_state[_SEEN] = revision_id


def prepare(project: Project, revision: Revision) -> None:
    """Get ready, in the background, for edits of the shown revision."""
    warm_up.open_project(_live_states(), project, revision)


def mode(project: Project) -> Mode:
    """Whether edits apply at once or are collected first."""
    usual: Mode = "live" if len(project.images()) <= LIVE_PHOTOS else "staged"
    chosen: Mode = st.session_state.get(_MODE, usual)
    return chosen


def set_mode(chosen: Mode) -> None:
    """Apply edits at once, or collect them first."""
    st.session_state[_MODE] = chosen


def staged() -> tuple[Edit, ...]:
    """The edits that are collected and not applied."""
    collected: tuple[Edit, ...] = st.session_state.get(_STAGED, ())
    return collected


def unstage(count: int | None = None) -> None:
    """Take back the latest ``count`` collected edits, by default all."""
    kept = staged()[: -count if count else 0]
    st.session_state[_STAGED] = kept


def preview(project: Project, edits: Sequence[Edit]) -> Preview | None:
    """What edits would do, on top of those collected; None when they do not fit (the person is told why)."""
    try:
        return workbench(project).preview((*staged(), *edits))
    except KecError as error:
        refuse(str(error))
        return None


def act(project: Project, edits: Sequence[Edit]) -> None:
    """Apply edits at once, or collect them, as the mode says; the person is told why they are refused.

    A widget's callback, as ``apply_staged``, ``undo``, ``redo`` and ``go_to`` are; ``was_refused`` tells how it went.
    """
    if mode(project) == "live":
        apply_now(project, edits)
    elif preview(project, edits) is not None:
        st.session_state[_STAGED] = (*staged(), *edits)


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
        seen = str(st.session_state.get(_SEEN) or bench.shown().id)
        _need_turn(project, bench, seen)
        revision = work(bench, seen)
    except StoreError as error:
        refuse(f"{error} {_not_done(project, edits)}".rstrip())
        return None
    except KecError as error:
        refuse(str(error))
        return None
    saw(revision.id)
    return revision


def _not_done(project: Project, edits: Sequence[Edit]) -> str:
    """Edits that were refused, in words, so that they can be repeated."""
    if not edits:
        return ""
    try:
        seen = revisions.get(project, str(st.session_state.get(_SEEN)))
        words = edits_in_words(edits, cached.knowledge_in_words(project, seen))
    except KecError:  # the project itself cannot be read; that was said
        words = str(script_to_json(edits)["edits"])
    return f"Not done: {words.removesuffix('.')}."


def _need_turn(project: Project, bench: Workbench, seen: str) -> None:
    """Raise when somebody else changes the project, or has changed it since this window looked."""
    job = jobs().active(project)
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
