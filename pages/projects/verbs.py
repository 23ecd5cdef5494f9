"""What can be done with a project as a whole: rename, duplicate, delete; and bringing back what was deleted."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.shared import markup, session, ui
from state.project.project import Project
from state.workspace import project_files
from state.workspace.project_files import Deleted
from state.workspace.workspace import ProjectCard


def draw(card: ProjectCard, key: str) -> None:
    """The menu of one card; what is in it is drawn only while it is open.

    Args:
        card: of the project.
        key: its id, which tells the widgets of the cards apart.
    """
    menu = st.popover(
        "",
        icon=":material/more_horiz:",
        key=f"menu_{key}",
        on_change="rerun",
        help="Rename, duplicate, delete",
    )
    if menu.open:
        with menu:
            _menu(card, key)


def _menu(card: ProjectCard, key: str) -> None:
    st.text_input("Name", card.name, key=f"rename_{key}")
    st.button("Rename", key=f"rename_do_{key}", type="primary", on_click=_rename, args=(card, key))
    st.button(
        "Duplicate",
        key=f"duplicate_{key}",
        icon=":material/content_copy:",
        help="A copy with all results and the whole history, to try something out.",
        on_click=_duplicate,
        args=(card, key),
    )
    if session.open_projects().is_inside(card.folder):
        st.button(
            "Delete",
            key=f"delete_{key}",
            icon=":material/delete:",
            help="Into the trash, from where it can be restored. Your photos stay where they are.",
            on_click=_delete,
            args=(card, key),
        )
    else:
        st.button(
            "Take off this list",
            key=f"forget_{key}",
            icon=":material/close:",
            help=markup.plain(f"The project stays in {card.folder}."),
            on_click=_forget,
            args=(card,),
        )


def trash() -> None:
    """The deleted projects, each of which can be restored; nothing when there are none."""
    found = project_files.deleted(session.workspace())
    if not found:
        return
    with st.expander(f"Trash · {markup.count(len(found), 'project')}", icon=":material/delete:", key="trash"):
        ui.note(f"They lie in {found[0].folder.parent}; what is removed there is gone.")
        for number, one in enumerate(found):
            _deleted(number, one)


def _deleted(number: int, one: Deleted) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(markup.plain(one.name), width="content")
        st.caption(f"deleted {ui.when(one.when)}", width="content")
        st.button("Restore", key=f"restore_{number}", on_click=_restore, args=(one,))


@ui.refusals()
def _rename(card: ProjectCard, key: str) -> None:
    Project.open(card.folder).rename(str(session.widget(f"rename_{key}") or ""))
    session.set_widget(f"menu_{key}", False)


@ui.refusals()
def _duplicate(card: ProjectCard, key: str) -> None:
    copy = project_files.duplicate(session.workspace(), Project.open(card.folder), _copy_name(card.name))
    session.set_widget(f"menu_{key}", False)
    session.notice(f"Duplicated as “{copy.name}”.")


def _copy_name(name: str) -> str:
    taken = {card.name for card in session.open_projects().cards()}
    wanted, number = f"{name} copy", 2
    while wanted in taken:
        wanted, number = f"{name} copy {number}", number + 1
    return wanted


@ui.refusals()
def _delete(card: ProjectCard, key: str) -> None:
    is_open = session.project_id() == key
    gone = project_files.delete(session.workspace(), Project.open(card.folder))
    if is_open:
        session.close_project()
    session.notice(f"“{gone.name}” is in the trash; it can be restored below.")


@ui.refusals()
def _restore(one: Deleted) -> None:
    back = project_files.restore(session.workspace(), one.folder)
    session.notice(f"“{back.name}” is back.")


@ui.refusals()
def _forget(card: ProjectCard) -> None:
    if session.project_id() == session.open_projects().id_of(card.folder):
        session.close_project()
    session.open_projects().forget(Path(card.folder))
