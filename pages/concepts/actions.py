"""What a person does to concepts: go through them, add, rename, merge, split; each dialog shows the effect before it happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import streamlit as st

from kec_core.errors import InputError, KecError
from kec_core.knowledge.edits import (
    AddConcept,
    DeleteConcept,
    Edit,
    LockConcept,
    MergeConcepts,
    RenameConcept,
    SplitConcept,
    SplitPart,
)
from kec_core.knowledge.unique_names import unique_names
from kec_core.photos.images import ImageRecord
from kec_core.result.concept_photos import Kind, kinds_of
from kec_core.types import Concept, Knowledge
from pages.concepts import impact_bar
from pages.concepts.panels import phrase_probe
from pages.concepts.panels.workbench_view import View
from pages.shared import editing, markup, session, ui
from state.project.project import Project

EVIDENCE = 9
PINNED = 5
MAX_PARTS = 4


def focus(view: View) -> Concept:
    """The concept that is looked at: the latest picked one, the one looked at before, or the one with the most photos."""
    by_id = view.state.knowledge.by_id
    most = view.state.grounding.concept_ids[int(view.photos.counts.argmax())]
    wanted = (*reversed(session.selection().concepts), session.concept(), most)
    found = next(by_id[one] for one in wanted if one in by_id)
    session.open_concept(found.id)
    return found


def steps(view: View, concept: Concept) -> None:
    """Buttons to the previous and the next concept."""
    ids = [one.id for one in view.state.knowledge.concepts]
    here = ids.index(concept.id)
    for label, key, by, shortcut in (
        ("Previous", "concept_previous", -1, "K"),
        ("Next", "concept_next", 1, "J"),
    ):
        st.button(
            label,
            key=key,
            shortcut=shortcut,
            on_click=session.select,
            kwargs={"concepts": [ids[(here + by) % len(ids)]]},
        )


def act_on(project: Project, make: Callable[[], Edit]) -> bool:
    """Do the edit that a person's words make, or say why they make none; for callbacks of text fields.

    Returns:
        Whether it was done or collected: else the field keeps the words.
    """
    with ui.refusals():
        editing.act(project, [make()])
    return not session.was_refused()


def _do(project: Project, edits: Sequence[Edit], *, pick_new: bool = False) -> None:
    """Do it, and close the dialog; then the new concept is looked at. What is refused stays in the open dialog."""
    bench = editing.workbench(project)
    before = bench.shown().knowledge.by_id
    editing.act(project, edits)
    if session.was_refused():
        for text in session.take_refusals():
            ui.error(text)
        editing.saw(
            bench.shown().id
        )  # the effect above is that on the present revision, so pressing again is fair
        return
    new = [one.id for one in bench.shown().knowledge.concepts if one.id not in before]
    if pick_new and new:
        session.select(concepts=new[:1])
    st.rerun()


def _confirm(
    project: Project, make: Callable[[], Edit | None], label: str, *, hint: str = "", pick_new: bool = False
) -> None:
    """The effect of an edit, and the buttons that do it and that leave it; they are there before the effect is known.

    Args:
        project: what is edited.
        make: the edit of the words in the dialog, None while there is nothing to do; what it raises is said.
        label: of the button that does it.
        hint: what is said while there is nothing to do.
        pick_new: look at the new concept afterwards.
    """
    effect = st.container()
    with st.container(horizontal=True):
        does = st.button(label, key="dialog_ok", type="primary")
        if st.button("Cancel", key="dialog_cancel"):
            st.rerun()
    with effect, ui.errors():
        edit = make()
        if edit is None:
            ui.note(hint)
        elif impact_bar.effect(project, [edit]) and does:
            _do(project, [edit], pick_new=pick_new)


@ui.dialog("Add a concept")
def add(project: Project) -> None:
    """Name it, describe it, and see what it would draw to itself."""
    name = st.text_input("Name", key="add_name", placeholder="red deer")
    description = st.text_input(
        "Description", key="add_description", placeholder="what can be seen in such a photo, in one sentence"
    )
    attributes = st.text_area("What is typical, one per line", key="add_attributes", height=90)
    picked = session.selection().images
    use = bool(picked) and st.checkbox(
        f"Put the {markup.count(len(picked), 'picked photo')} into it", value=True, key="add_images"
    )
    lines = tuple(line.strip() for line in attributes.splitlines() if line.strip())

    def make() -> Edit | None:
        if not name.strip():
            return None
        return AddConcept(name=name, description=description, attributes=lines, images=picked if use else ())

    hint = "A name is enough: the program compares it with every photo."
    _confirm(project, make, "Add", hint=hint, pick_new=True)


@ui.dialog("Rename or describe")
def rename(project: Project, concept: Concept) -> None:
    """Name and description are what the program compares with the photos, so the effect is shown."""
    name = st.text_input("Name", concept.name, key=f"rename_name_{concept.id}_{concept.name}")
    description = st.text_area(
        "Description", concept.description, key=f"rename_text_{concept.id}_{concept.description}", height=90
    )
    new_name = name.strip() if name.strip() != concept.name else None
    new_text = description.strip() if description.strip() != concept.description else None

    def make() -> Edit | None:
        if new_name is None and new_text is None:
            return None
        if new_name == "":
            raise InputError("A concept needs a name; type one.")
        return RenameConcept(concept=concept.id, name=new_name, description=new_text)

    hint = "The words are what the photos are compared with; change them and see which photos move."
    _confirm(project, make, "Save", hint=hint)


@ui.dialog("Locked", width="small")
def locked(project: Project, concept: Concept) -> None:
    """Say why a concept cannot be changed, and the way on."""
    st.markdown(
        f"“{markup.plain(concept.name)}” is locked, so it is never renamed, merged, split, deleted or rebuilt. "
        "Unlock it first (L)."
    )
    with st.container(horizontal=True):
        if st.button("Unlock", key="dialog_ok", type="primary"):
            _do(project, [LockConcept(concept=concept.id, locked=False)])
        if st.button("Cancel", key="dialog_cancel"):
            st.rerun()


@ui.dialog("Delete")
def delete(project: Project, concept: Concept, wishes: str) -> None:
    """Say what goes with a concept, before it does."""
    st.markdown(
        f"With “{markup.plain(concept.name)}” goes {wishes}. Undo brings back both. To keep the wishes, mute the concept "
        "instead, or put these photos into another one first."
    )
    _confirm(project, lambda: DeleteConcept(concept=concept.id), "Delete")


@ui.dialog("Merge", width="large")
def merge(view: View, picked: Sequence[str]) -> None:
    """The picked concepts side by side; choose which name stays, see the effect."""
    knowledge, photos = view.state.knowledge, view.photos
    members = [knowledge.by_id[one] for one in picked if one in knowledge.by_id]
    shown = unique_names(knowledge)
    for column, member in zip(st.columns(min(len(members), MAX_PARTS)), members, strict=False):
        with column:
            _evidence(view, shown[member.id], photos.rows(member.id)[:EVIDENCE])
    by_photos = sorted(members, key=lambda one: -len(photos.rows(one.id)))
    name = st.selectbox(
        "Name of the merged concept",
        _merged_names(knowledge, by_photos),
        placeholder="write a name",
        key="merge_name",
        accept_new_options=True,
        help="Choose which name stays, or type another one. Names that other concepts have are left out.",
    )
    # The concept that gives the name comes first: it also gives its description and its place in the tree.
    ordered = sorted(by_photos, key=lambda one: one.name != name)
    ids = tuple(one.id for one in ordered)
    _confirm(view.project, lambda: MergeConcepts(concepts=ids, name=name), "Merge", pick_new=True)


def free_names(knowledge: Knowledge, concepts: Sequence[Concept], words: Sequence[str]) -> list[str]:
    """Those of some words that none but these concepts are called, each once in any case, in order."""
    own = {concept.id for concept in concepts}
    taken = {other.name.casefold() for other in knowledge.concepts if other.id not in own}
    free: dict[str, str] = {}
    for word in words:
        if word.casefold() not in taken:
            free.setdefault(word.casefold(), word)
    return list(free.values())


def _merged_names(knowledge: Knowledge, members: Sequence[Concept]) -> list[str]:
    """Names for a merged concept: those of its members, then their nouns."""
    nouns = [noun.word for one in members for noun in one.nouns]
    return free_names(knowledge, members, [*(one.name for one in members), *nouns])


@ui.dialog("Split", width="large")
def split(view: View, concept: Concept) -> None:
    """The kinds of photos within a concept; name them, see the effect."""
    count = st.segmented_control(
        "Into how many", list(range(2, MAX_PARTS + 1)), default=2, required=True, key="split_count"
    )
    try:
        kinds = kinds_of(view.photos, concept.id, int(count))
    except KecError as error:
        ui.error(error)
        return
    names: list[str] = []
    for number, (column, kind) in enumerate(zip(st.columns(len(kinds)), kinds, strict=True), start=1):
        with column:
            _evidence(view, f"{len(kind.rows)} photos", kind.rows[:EVIDENCE])
            guess = _guess(view.state.knowledge, concept, kind, number, names)
            names.append(
                st.text_input(f"Name of part {number}", guess, key=f"split_{concept.id}_{count}_{number}")
            )
            if kind.nouns:
                st.html(markup.chips(kind.nouns[:6], label="nouns"))
    pin = st.checkbox(
        f"Hold the {PINNED} most central photos of each part in it",
        value=True,
        key="split_pin",
        help="They are assigned to the part, so that words alone need not tell the parts apart.",
    )

    def make() -> Edit | None:
        if not all(name.strip() for name in names):
            return None
        parts = [_part(name, kind, view.images, pin=pin) for name, kind in zip(names, kinds, strict=True)]
        return SplitConcept(concept=concept.id, into=tuple(parts))

    _confirm(view.project, make, "Split", hint="Give every part a name.", pick_new=True)


def _guess(knowledge: Knowledge, concept: Concept, kind: Kind, number: int, others: Sequence[str]) -> str:
    """The first noun of a part that nothing else is called; else the concept's name with a number."""
    free = free_names(knowledge, [concept], kind.nouns)
    return next((noun for noun in free if noun not in others), f"{concept.name} {number}")


def _part(name: str, kind: Kind, images: Sequence[ImageRecord], *, pin: bool) -> SplitPart:
    held = tuple(images[row].id for row in kind.rows[:PINNED]) if pin else ()
    return SplitPart(name=name, nouns=kind.nouns, images=held)


def _evidence(view: View, caption: str, rows: Iterable[int]) -> None:
    """A few photos under a caption."""
    ui.card(caption)
    view.gallery(rows, label=caption, size="small")


@ui.dialog("Test a phrase on the photos", width="large")
def test(view: View, concept: Concept) -> None:
    """What a phrase tells apart, before it becomes an attribute."""
    nearest = view.photos.similar(concept.id, 1)
    bench = editing.workbench(view.project)
    phrase_probe.draw(view.project, bench, concept.id, nearest[0] if nearest else "")
    if st.button("Cancel", key="dialog_cancel"):
        st.rerun()
