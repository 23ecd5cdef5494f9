"""What one browser window remembers: the open project, the open cluster, messages; the only user of session state.

The address of the page carries the project and the cluster, so a reload, a bookmark or a second tab finds them again.
"""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st

from kec_core.errors import KecError
from state.jobs import JobManager
from state.open_projects import OpenProjects
from state.project import Project
from state.serve import IMAGES_ROOTS_VARIABLE
from state.workspace import Workspace

_PROJECT, _CLUSTER, _NOTICES = "kec_project", "kec_cluster", "kec_notices"
_PROJECT_PARAMETER, _CLUSTER_PARAMETER = "project", "cluster"


def workspace() -> Workspace:
    """The folder of projects and the folders that may be read."""
    roots = os.environ.get(IMAGES_ROOTS_VARIABLE, "")
    return Workspace(images_roots=[Path(root) for root in roots.split(os.pathsep) if root])


def open_projects() -> OpenProjects:
    """The projects that may be shown, by id."""
    return OpenProjects(workspace())


@st.cache_resource(show_spinner=False)
def jobs() -> JobManager:
    """The one manager of background jobs of this server."""
    return JobManager()


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
    st.session_state.pop(_PROJECT, None)
    st.query_params.pop(_PROJECT_PARAMETER, None)


def cluster() -> int | None:
    """The cluster whose photos are shown, or None for all clusters."""
    wanted = st.session_state.get(_CLUSTER, st.query_params.get(_CLUSTER_PARAMETER, ""))
    if not str(wanted).isdecimal():
        return None
    st.session_state[_CLUSTER] = int(wanted)
    st.query_params[_CLUSTER_PARAMETER] = str(wanted)
    return int(wanted)


def open_cluster(cluster_id: int) -> None:
    """Show the photos of one cluster."""
    st.session_state[_CLUSTER] = cluster_id


def close_cluster() -> None:
    """Show all clusters."""
    st.session_state.pop(_CLUSTER, None)
    st.query_params.pop(_CLUSTER_PARAMETER, None)


def notice(text: str) -> None:
    """Say something in passing when the page is drawn next."""
    st.session_state.setdefault(_NOTICES, []).append(text)


def take_notices() -> tuple[str, ...]:
    """What is to be said now; each once."""
    return tuple(st.session_state.pop(_NOTICES, ()))


def widget(key: str) -> object:
    """What a widget holds now, None before it was drawn."""
    return st.session_state.get(key)


def set_widget(key: str, value: object) -> None:
    """Make a widget show a value; call before it is drawn."""
    st.session_state[key] = value
