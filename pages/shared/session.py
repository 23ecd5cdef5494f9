"""What one browser window remembers: the open project, what is looked at and picked, what is to be said.

The address of the page carries the project and the cluster, so a reload, a bookmark or a second tab finds them again.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import streamlit as st
from starlette.requests import Request

from kec_core.errors import KecError
from pages.shared import visitors
from pages.shared.picked import Selection, Way
from state.jobs.jobs import JobManager
from state.project.project import Project
from state.workspace.workspace import OpenProjects, Workspace

_CAME_BARE, _FIRST_PAGE = "kec_came_bare", "kec_first_page"
_PROJECT, _CLUSTER, _NOTICES, _REFUSALS = "kec_project", "kec_cluster", "kec_notices", "kec_refusals"
_SELECTION, _EPOCH, _CONCEPT, _DIALOG = "kec_selection", "kec_epoch", "kec_concept", "kec_dialog"
SEEN, MODE, STAGED = "kec_seen", "kec_mode", "kec_staged"
"""What ``editing`` remembers of the open project."""
_PROJECT_PARAMETER, _CLUSTER_PARAMETER = "project", "cluster"


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
    for key in (_SELECTION, _CONCEPT, SEEN, MODE, STAGED):
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
