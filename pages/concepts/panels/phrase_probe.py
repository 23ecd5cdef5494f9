"""The test bench for phrases: what a text tells apart, seen on the photos before it becomes an attribute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from kec_core.knowledge.edits import AddAttribute, AddPairAttribute, Edit
from kec_core.knowledge.unique_names import unique_names
from kec_core.result.concept_photos import Probe, probe
from kec_core.types import Concept
from pages.concepts.panels import workbench_view
from pages.concepts.panels.workbench_view import View
from pages.shared import editing, markup, ui
from state.project.project import Project
from state.work.workbench import Workbench

SHOWN = 6
"""Photos at either end of the collection."""
BLIND = 0.05
"""Distance from one half up to which a phrase tells nothing apart."""


def draw(project: Project, bench: Workbench, first_concept_id: str, second_concept_id: str = "") -> None:
    """Draw a line for a phrase, and what it says about the photos of two concepts.

    Args:
        project: whose photos.
        bench: of the project.
        first_concept_id: the concept the phrase is for.
        second_concept_id: the one to tell it from; by default the most similar one. The person can choose another.
    """
    view = workbench_view.look(project, bench)
    names = unique_names(view.state.knowledge)
    known = {one.id: replace(one, name=names[one.id]) for one in view.state.knowledge.concepts}  # no groups
    first = known.get(first_concept_id)
    if first is None or not view.count(first.id):
        ui.note("A phrase is tested on a concept's photos, and this one has none.")
        return
    others = [one for one in view.photos.similar(first.id, len(known)) if one in known and view.count(one)]
    if not others:
        ui.note("There is no other concept with photos to tell it from; add one first.")
        return
    phrase, second = _asked(first, [known[one] for one in others], second_concept_id)
    if not phrase:
        ui.note(
            "Write what can be seen in a photo. You will see at once which photos it fits, before it is added anywhere."
        )
        return
    found = probe(
        phrase,
        view.state.collection.x,
        view.photos.rows(first.id),
        view.photos.rows(second.id),
        view.state.collection.encode,
        shown=SHOWN,
    )
    _result(view, found, first, second)
    _actions(project, phrase, first, second)


def _asked(first: Concept, others: Sequence[Concept], wanted: str) -> tuple[str, Concept]:
    """The phrase, and the concept to tell the first one from."""
    known = {concept.id: concept for concept in others}
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    phrase = left.text_input(
        f"Phrase to test on {markup.plain(first.name)}",
        key=f"probe_phrase_{first.id}",
        placeholder="for example: branched antlers",
    )
    second = right.selectbox(
        "Against",
        list(known),
        index=list(known).index(wanted) if wanted in known else 0,
        format_func=lambda one: markup.printable(known[one].name),
        key=f"probe_other_{first.id}_{wanted}",
        help="The photos of both concepts are scored; most similar concepts first.",
    )
    return phrase.strip(), known[second]


def _result(view: View, found: Probe, first: Concept, second: Concept) -> None:
    st.markdown(
        markup.plain(verdict(found.auc, first.name, second.name)),
        help=f"Chance that a photo of the first scores above one of the second (AUC {found.auc:.2f}; 0.50 tells nothing).",
    )
    st.html(histogram(found, first.name, second.name))
    left, right = st.columns(2)
    with left:
        ui.card("Fits best, of all photos")
        view.gallery(found.top.tolist(), label="Photos the phrase fits best", size="strip")
    with right:
        ui.card("Fits least")
        view.gallery(found.bottom.tolist(), label="Photos the phrase fits least", size="strip")


def verdict(auc: float, first: str, second: str) -> str:
    """What an AUC means, in words."""
    if abs(auc - 0.5) <= BLIND:
        return f"It tells “{first}” from “{second}” no better than chance ({auc:.0%} of the cases)."
    if auc > 0.5:
        return f"It tells “{first}” from “{second}” in {auc:.0%} of the cases."
    return f"It fits “{second}” better: it tells it from “{first}” in {1 - auc:.0%} of the cases."


def histogram(found: Probe, first: str, second: str) -> str:
    """Bars of the first concept's photos above a line and of the second's below it; a share of each concept's photos."""
    totals = max(1, int(found.first.sum())), max(1, int(found.second.sum()))
    above, below = found.first / totals[0], found.second / totals[1]
    tallest = max(float(above.max()), float(below.max()), 1e-9)
    bars = "".join(
        f'<span title="{markup.text(f"cosine {low:.3f} to {high:.3f}: {up} of {first}, {down} of {second}")}">'
        f'<i style="height:{50 * tall / tallest:.1f}%"></i><i style="height:{50 * deep / tallest:.1f}%"></i></span>'
        for low, high, up, down, tall, deep in zip(
            found.edges[:-1], found.edges[1:], found.first, found.second, above, below, strict=True
        )
    )
    label = f"How well the phrase fits the photos: {first} above the line, {second} below"
    return (
        f'<div class="kec kec-histogram"><div class="kec-quiet">▲ {markup.text(first)}, '
        f'{markup.count(totals[0], "photo")}</div><div class="kec-bars" role="img" aria-label="{markup.text(label)}">{bars}</div>'
        f'<div class="kec-quiet">▼ {markup.text(second)}, {markup.count(totals[1], "photo")}</div>'
        '<div class="kec-ends kec-quiet"><span>fits less</span><span>fits more</span></div></div>'
    )


def _actions(project: Project, phrase: str, first: Concept, second: Concept) -> None:
    with st.container(horizontal=True), ui.errors():
        _add(
            project,
            f"Typical of {markup.plain(first.name)}",
            "probe_add",
            "Add it to what is typical of this concept (uni-attribute).",
            AddAttribute(concept=first.id, text=phrase),
        )
        _add(
            project,
            f"Sets {markup.plain(first.name)} apart from {markup.plain(second.name)}",
            "probe_add_pair",
            "Add it to what sets the two apart (bi-attribute); both receive it.",
            AddPairAttribute(concepts=(first.id, second.id), text=phrase),
        )


def _add(project: Project, label: str, key: str, help_text: str, edit: Edit) -> None:
    """A button whose effect the whole page must show, also from within a dialog."""
    if st.button(label, key=key, icon=":material/add:", help=help_text):
        editing.act(project, [edit])
        st.rerun()
