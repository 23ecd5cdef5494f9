"""All concepts as a table or as a tree; what is picked here is picked on every page."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from kec_core.knowledge.unique_names import unique_names
from kec_core.live import LiveState
from kec_core.types import Concept
from pages.concepts import actions
from pages.concepts.panels import tree
from pages.concepts.panels.workbench_view import View
from pages.shared import editing, markup, session, ui
from pages.shared.thumbnails import SMALL, address

HEIGHT = 470
VIEWS = {"table": "Table", "tree": "Tree"}


def draw(view: View) -> None:
    """Draw the list with its own search, and the ways to add a concept."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(
            markup.count(len(view.state.knowledge.concepts), "concept"), anchor=False, width="content"
        )
        st.space("stretch")
        shown_as = ui.choose("View", VIEWS, key="concepts_view")
    if shown_as == "tree":
        tree.draw(view.project, editing.workbench(view.project))
    else:
        _table(view)
    with st.container(horizontal=True):
        if st.button("Add a concept", key="concept_add", icon=":material/add:", shortcut="Shift+A"):
            actions.add(view.project)


def found(state: LiveState, words: str) -> list[Concept]:
    """The concepts in whose name, description or nouns the words occur."""
    wanted = words.casefold().split()
    return [concept for concept in state.knowledge.concepts if all(word in _text(concept) for word in wanted)]


def _text(concept: Concept) -> str:
    nouns = " ".join(noun.word for noun in concept.nouns)
    return f"{concept.id} {concept.name} {concept.description} {nouns}".casefold()


def _table(view: View) -> None:
    state = view.state
    words = st.text_input(
        "Find a concept",
        key="concept_find",
        placeholder="Find in names, descriptions, nouns",
        label_visibility="collapsed",
        icon=":material/search:",
    )
    shown = found(state, words or "")
    if not shown:
        ui.note("No concept has these words.")
        return
    project_id = session.open_projects().id_of(view.project.folder)
    picked = session.selection().concepts
    key = f"concept_table_{state.knowledge.fingerprint[:8]}_{session.selection_epoch()}_{words}"
    ids = [concept.id for concept in shown]
    names = unique_names(state.knowledge)
    here = actions.focus(view).id
    st.dataframe(
        [
            _row(view, one, f"▸ {names[one.id]}" if one.id == here else names[one.id], project_id)
            for one in shown
        ],
        key=key,
        hide_index=True,
        height=min(HEIGHT, 38 + 35 * len(shown)),
        on_select=lambda: _pick(key, ids),
        selection_mode="multi-row",
        placeholder="",
        selection_default={"selection": {"rows": [i for i, one in enumerate(ids) if one in picked]}},
        column_config={
            "Photo": st.column_config.ImageColumn("", width=38),
            "Concept": st.column_config.TextColumn(width=110),
            "Photos": st.column_config.NumberColumn(
                width=52, help="Photos that this concept explains best (largest omega)."
            ),
            "Sure": st.column_config.NumberColumn(
                width=52, format="percent", help="How sure it is of its own photos (mean omega)."
            ),
        },
    )


def _row(view: View, concept: Concept, name: str, project_id: str) -> dict[str, object]:
    photos = view.photos
    column = photos.columns.get(concept.id)
    example = photos.examples.get(concept.id)
    hashed = view.images[example].sha256 if example is not None else ""
    states = (word for word, on in (("muted", concept.muted), ("locked", concept.locked)) if on)
    return {
        "Photo": address(project_id, hashed, SMALL) if hashed else None,
        "Concept": " · ".join((*states, name)),
        "Photos": 0 if column is None else int(photos.counts[column]),
        "Sure": None if column is None else round(float(photos.sureness[column]), 2),
    }


def _pick(key: str, ids: Sequence[str]) -> None:
    chosen = session.widget(key)
    rows = chosen["selection"]["rows"] if chosen else []  # type: ignore[index]
    chosen = [ids[row] for row in rows]
    before = [one for one in session.selection().concepts if one in chosen]
    # The latest one comes last, whatever its place in the table: that is the one to look at.
    session.select(concepts=dict.fromkeys([*before, *chosen]), from_widget=True)
