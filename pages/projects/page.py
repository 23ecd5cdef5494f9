"""Projects: what do I have?"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from kec_core.stages.table import STEPS
from pages.projects import verbs
from pages.shared import markup, navigation, session, ui
from state.project.project import Project
from state.work.demo import DEMO_FOLDER
from state.workspace.workspace import ProjectCard

_LOOKED, _WELCOME = "projects_looked", "projects_welcome"


_WELCOME_STEPS = (
    (
        "Choose photos",
        ["A folder on this computer. Nothing is changed in it, and no photo leaves this computer."],
    ),
    (
        "See groups",
        ["They are made by what the photos look like and by words for what they show, and named by these."],
    ),
    (
        "Put them right",
        [
            "Move photos, merge, split, rename, or answer a few questions; photos like them follow. Z takes back."
        ],
    ),
    ("Take them home", ["Folders of photos by group, tables, or a report."]),
)


def _draw_welcome() -> None:
    """What this program is for, in four steps."""
    st.html(
        markup.empty(
            "Welcome",
            "Group photos by what they show, then put the groups right with words and by showing. "
            "Everything runs on this computer; no photo leaves it.",
        )
    )
    _, middle, _ = st.columns([1, 4, 1])
    with middle:
        st.html(markup.definitions(_WELCOME_STEPS))


def _open(folder: Path, page: str) -> None:
    with ui.errors():
        session.open_project(folder)
        navigation.go_to(page)


def _create(name: str) -> None:
    with ui.errors():
        made = session.workspace().create_project(name)
        session.open_project(made.folder)
        navigation.go_to("data")


def _demo() -> Path | None:
    """The folder of the demo project, None when it was never made."""
    folder = session.workspace().home / DEMO_FOLDER
    return folder if Project.is_project(folder) else None


def _open_demo() -> None:
    folder = _demo()
    if folder is not None:
        _open(folder, "clusters")


def _is_first_look() -> bool:
    """Whether this window sees the app for the first time, with nothing opened by its address."""
    looked = session.widget(_LOOKED)
    session.set_widget(_LOOKED, True)
    return not looked and session.asked_for_nothing()


def _actions() -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Your photo projects", anchor=False, width="content")
        st.space("stretch")
        st.button(
            "Welcome",
            key="welcome",
            type="tertiary",
            icon=":material/waving_hand:",
            help="What this program is for, and the demo.",
            on_click=lambda: session.set_widget(_WELCOME, not session.widget(_WELCOME)),
        )
        with st.popover("Open a project folder", icon=":material/folder_open:", key="elsewhere"):
            st.caption("A project made elsewhere, for example by `kec run`, or one that was copied here.")
            folder = st.text_input("Project folder", key="open_folder", placeholder="/home/me/project")
            if st.button("Open", type="primary", key="open_folder_go", disabled=not folder.strip()):
                _open(Path(folder.strip()), "clusters")
        with (
            st.popover("New project", icon=":material/add:", type="primary", key="new"),
            st.form("new_project", border=False),  # Enter creates it
        ):
            name = st.text_input("Name", key="new_name", placeholder="for example: Camera traps, spring")
            if st.form_submit_button("Create", type="primary", key="new_create"):
                _create(name)


def _begin() -> None:
    """The two ways to begin."""
    has_demo = _demo() is not None
    with st.container(horizontal=True, horizontal_alignment="center"):
        if st.button(
            "Open the demo",
            type="primary",
            key="open_demo_first",
            icon=":material/play_arrow:",
            disabled=not has_demo,
        ):
            _open_demo()
        if st.button("Choose a folder of photos", key="new_first", icon=":material/folder_open:"):
            _create("My photos")
    if not has_demo:
        with st.container(horizontal=True, horizontal_alignment="center"):
            st.caption(
                "The demo photos are not on this computer yet; run `kec setup --demo` once.", width="content"
            )


def _dots(card: ProjectCard) -> str:
    """How far the latest run of a project came."""
    state = dict(card.stages)
    done = [{state[stage] for stage in step.stages if stage in state} == {"fresh"} for step in STEPS]
    return markup.dots([(step.name, is_done) for step, is_done in zip(STEPS, done, strict=True)])


def _card(card: ProjectCard) -> None:
    key = session.open_projects().id_of(card.folder)
    if card.problem:
        ui.card(card.name, ["cannot be opened"])
        ui.error(card.problem)
        return
    st.html(markup.mosaic(ui.tiles_of(key, card.photos), cells=4))
    counts = [markup.count(card.n_images, "photo")] if card.n_images else ["no photos yet"]
    counts += [markup.count(card.n_clusters, "cluster")] if card.n_clusters else []
    counts += [card.revision] if card.revision else []
    st.html(markup.card_text(card.name, [" · ".join(counts), ui.when(card.updated)]) + _dots(card))
    page = "clusters" if card.revision else "build" if card.n_images else "data"
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button("Open", key=f"open_{key}", width="stretch"):
            _open(card.folder, page)
        verbs.draw(card, key)


def _greet() -> None:
    """Who sees the app for the first time and has nothing but the demo begins there."""
    if not _is_first_look():
        return
    sound = [card.folder for card in session.open_projects().cards() if not card.problem]
    if sound == [_demo()]:
        session.notice("This is the demo. Projects has a welcome, and your own photos can be chosen there.")
        _open_demo()


def _page() -> None:
    cards = session.open_projects().cards()
    if not cards or session.widget(_WELCOME):
        _draw_welcome()
        _begin()
    if cards:
        grid = st.grid(min_column_width=290, border=True)
        for card in cards:
            with grid.cell():
                _card(card)
    verbs.trash()


with ui.errors():
    _greet()
_actions()
with ui.errors():
    _page()
