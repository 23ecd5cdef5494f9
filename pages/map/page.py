"""Map: does the space agree? Every photo a point; what lies together can be picked and worked on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import numpy as np
import streamlit as st

from kec_core.maps.layout import LayoutMethod, Space
from kec_core.maps.planar import drawn_rows
from pages.map import canvas, colour
from pages.map.canvas import Pane, Sight
from pages.map.colourings import Colouring
from pages.shared import cached, finding, markup, moved, selection, session, ui
from state.jobs.jobs import Job
from state.project.project import Project
from state.revisions.layouts import LayoutInfo, find_layout, usual_method
from state.revisions.overview import load_overview
from state.revisions.revisions import Revision

MOST_DRAWN = 50_000
SPACES: dict[Space, str] = {"combined": "Both", "visual": "Looks", "knowledge": "Knowledge"}
METHODS: dict[LayoutMethod, str] = {"umap": "UMAP", "tsne": "t-SNE"}
MOST_MAPS = 2
COLUMNS = (4, 1.25)
"""Of the map, and of what is picked."""
KEY = "map_canvas"
_SPACES, _BEFORE, _STARTED = "map_spaces", "map_spaces_before", "map_started"
MAKING = (
    "Every photo gets a place, near photos that are like it. A thousand photos take some seconds, fifty thousand "
    "about two minutes."
)
HINT = "Nothing is picked. Draw a line around photos on the map, click one, or press Pick in the legend."


def _choices(count: int) -> tuple[list[Space], LayoutMethod]:
    """Draw the choice of maps of ``count`` photos; two are shown at most."""
    chosen = st.segmented_control(
        "Maps",
        list(SPACES),
        format_func=SPACES.__getitem__,
        selection_mode="multi",
        default=["combined"],
        key=_SPACES,
        persist_state="session",
        on_change=_keep_two,
        help="Looks: what the photos look like (x). Knowledge: what the concepts say about them (kappa). "
        "Both: as they are clustered. Choose two to see them side by side.",
    )
    method = ui.choose(
        "Drawn by",
        METHODS,
        key="map_method",
        default=usual_method(count),
        labelled=True,
        tip="UMAP keeps more of the large shape; t-SNE separates small groups more clearly.",
    )
    session.set_widget(_BEFORE, tuple(chosen))
    return [space for space in SPACES if space in chosen] or ["combined"], method


def _keep_two() -> None:
    """A third map takes the place of the first of the two that were shown, and that is said."""
    chosen, before = (session.widget(key) for key in (_SPACES, _BEFORE))
    if not isinstance(chosen, list) or len(chosen) <= MOST_MAPS or not isinstance(before, tuple):
        return
    kept = [
        *[space for space in before if space in chosen][1:],
        *[one for one in chosen if one not in before],
    ]
    session.set_widget(_SPACES, kept[-MOST_MAPS:])
    session.notice("Two maps fit side by side; the first of them made room.")


def _start(project: Project, spaces: Sequence[Space], method: LayoutMethod, *, again: bool) -> None:
    params: dict[str, Any] = {"spaces": list(spaces), "method": method, "again": again}
    session.jobs().start(project, "layout", params)
    st.rerun()


def _not_yet(
    project: Project, missing: Sequence[Space], method: LayoutMethod, job: Job | None, *, small: bool
) -> None:
    """No map of this kind: it is made at once, unless that went wrong; one line when another map is shown below."""
    names = " and ".join(f"“{SPACES[space]}”" for space in missing)
    title, body = f"No map of {names} with {METHODS[method]} yet", MAKING
    if job is not None:
        is_map = job.kind == "layout"
        title = f"The map of {names} is being made" if is_map else "Another job is running"
        body = (
            "It appears here when it is ready; you can go on elsewhere."
            if is_map
            else "Make the map when it is done."
        )
    latest = next((one for one in session.jobs().jobs(project) if one.kind == "layout"), None)
    if latest is not None and latest.state == "failed":
        ui.error(latest.error)
    wanted = (str(project.folder), tuple(missing), method)
    is_new = session.widget(_STARTED) != wanted and not project.database.is_read_only()
    if is_new and job is None and (latest is None or latest.state == "done"):
        session.set_widget(_STARTED, wanted)  # once: what is missing afterwards is made when it is asked for
        _start(project, missing, method, again=False)
    if not small:
        st.html(markup.empty(title, body))
    align: Literal["left", "center"] = "left" if small else "center"
    with st.container(horizontal=True, horizontal_alignment=align, vertical_alignment="center"):
        if small:
            st.markdown(f"{title}.", width="content")
        make = partial(st.button, "Make the map", key="map_make", icon=":material/scatter_plot:")
        if job is None and make(type="secondary" if small else "primary"):
            _start(project, missing, method, again=False)


def _age(
    project: Project, revision: Revision, found: Sequence[LayoutInfo], method: LayoutMethod, job: Job | None
) -> None:
    """Say whose places are shown when the knowledge has moved on, and offer new ones."""
    old = [info for info in found if info.revision != revision.id and info.space != "visual"]
    if not old:
        return
    if st.button(
        f"Places as of {old[0].revision} · Reproject",
        key="map_again",
        type="tertiary",
        icon=":material/refresh:",
        disabled=job is not None,
        help="While you edit, photos keep their places and only colours change. Reproject moves them to where they "
        "belong now, starting from here, so that you keep your bearings.",
    ):
        _start(project, [info.space for info in old], method, again=True)


@st.fragment
def _map(
    project: Project, revision: Revision, found: Sequence[LayoutInfo], name: str, colouring: Colouring
) -> None:
    """The map with what is picked beside it; picking redraws this part of the page alone."""
    if (
        session.has_news() or finding.is_asked()
    ):  # of an edit that was made here: header and colours change with it
        st.rerun()
    images = cached.images(project, revision.scan)
    picked = np.zeros(len(images), dtype=bool)
    row_of = cached.row_of(project, revision.scan)
    picked[[row_of[image] for image in session.selection().images if image in row_of]] = True
    sight = Sight(
        panes=[
            Pane(title=f"{SPACES[info.space]} · {METHODS[info.method]}", layout=info.key) for info in found
        ],
        scan=revision.scan,
        drawn=_drawn(project, revision),
        picked=picked,
        colouring=colouring,
        name=name,
        heading=colour.WAYS[name.split()[0]],
    )
    ids = [image.id for image in images]
    on_map, beside = st.columns(COLUMNS, gap="small")
    with on_map:
        canvas.draw(project, sight, key=KEY, on_picked=lambda: canvas.take(project, KEY, sight, ids))
    with beside, st.container(key="map_picked"):
        selection.draw(project, revision, hint=HINT, place="beside")


@cached.remembered(lambda project, revision: (str(project.folder), revision.clustering_fp))
def _drawn(project: Project, revision: Revision) -> np.ndarray:
    return drawn_rows(np.asarray(load_overview(project, revision).labels), MOST_DRAWN)


def _page(project: Project, revision: Revision) -> None:
    job = session.jobs().active(project)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium", key="map_choices"):
        st.title("Map", anchor=False, width="content")
        spaces, method = _choices(len(cached.images(project, revision.scan)))
        name, colouring = colour.choose(project, revision)
        found = {space: find_layout(project, revision, space, method) for space in spaces}
        known = [info for info in found.values() if info is not None]
        _age(project, revision, known, method, job)
    missing = [space for space, info in found.items() if info is None]
    if missing:
        _not_yet(project, missing, method, job, small=bool(known))
    if known:
        _map(project, revision, known, name, colouring)
    with st.bottom:
        moved.bar(project, revision)


project = ui.need_project()
with ui.errors():
    revision = ui.need_result(
        project, "Map", "No clusters yet", "A map shows the result of a run; run the stages once."
    )
    _page(project, revision)
