"""What each step of the Build page made: figures, and words with the photos behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import streamlit as st

from kec_core.types import BiAttribute, Concept, Knowledge, UniAttribute
from pages.shared import gallery, markup, navigation, ui
from state.project.project import Project
from state.revisions import revisions
from state.work.stage_results import StageResults, StepView

PER_PAGE = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Whose results are drawn, and where they come from."""

    project: Project
    results: StageResults


def show(made: Made, view: StepView) -> None:
    """Draw the results of one step."""
    name = view.step.name
    figures = [
        (label, f"{view.summary[key]:,}", tip)
        for key, label, tip in FIGURES[name]
        if isinstance(view.summary.get(key), int)
    ]
    if figures:
        st.html(markup.facts(figures))
    if view.summary.get("note"):
        st.info(markup.plain(view.summary["note"]), icon=":material/info:")
    if name in DETAILS:
        DETAILS[name](made)


def _over_cluster(made: Made) -> None:
    sizes = made.results.sizes()
    if len(sizes):
        ui.note(f"The small clusters hold {sizes.min():,} to {sizes.max():,} photos.")


@st.fragment
def _nouns(made: Made) -> None:
    shown = gallery.turn("page_centres", made.results.n_centres(), PER_PAGE)
    grid = st.grid(min_column_width=300, border=True)
    for centre in made.results.centres(shown.start, shown.stop):
        with grid.cell():
            ui.photos(made.project, centre.photos, size="strip", label=f"Small cluster {centre.number}")
            st.html(markup.chips(centre.nouns))
            ui.note(markup.count(centre.size, "photo"))


@st.fragment
def _concepts(made: Made) -> None:
    knowledge = made.results.knowledge()
    if knowledge is None:
        return
    shown = knowledge.concepts[gallery.turn("page_concepts", len(knowledge.concepts), PER_PAGE)]
    photos = made.results.concept_photos([concept.id for concept in shown], photos=6)
    grid = st.grid(min_column_width=300, border=True)
    for concept in shown:
        with grid.cell():
            if photos.get(concept.id):
                ui.photos(made.project, photos[concept.id], size="strip", label=f"Concept {concept.id}")
            _concept(concept)


def _concept(concept: Concept) -> None:
    ui.card(concept.name, [concept.description, concept.note])
    st.html(markup.chips(_first([noun.word for noun in concept.nouns], 8), label="from"))


def _first(words: Sequence[str], count: int) -> list[str]:
    more = len(words) - count
    return [*words[:count], *([f"and {more} more"] if more > 0 else [])]


@st.fragment
def _attributes(made: Made) -> None:
    knowledge = made.results.knowledge()
    if knowledge is None:
        return
    alone, pairs = st.tabs(
        [f"Of one concept ({len(knowledge.uni):,})", f"Between two concepts ({len(knowledge.bi):,})"]
    )
    with alone:
        _uni(knowledge)
    with pairs:
        _bi(knowledge)


def _uni(knowledge: Knowledge) -> None:
    texts: dict[str, list[str]] = {}
    for attribute in knowledge.uni:
        texts.setdefault(attribute.concept, []).append(attribute.text + _marked(knowledge, attribute))
    ids = [concept.id for concept in knowledge.concepts if concept.id in texts]
    rows = [(knowledge.by_id[i].name, texts[i]) for i in ids[gallery.turn("page_uni", len(ids), 50)]]
    st.html(markup.definitions(rows))


def _bi(knowledge: Knowledge) -> None:
    texts: dict[tuple[str, str], list[str]] = {}
    for attribute in knowledge.bi:
        receives = " and ".join(knowledge.by_id[i].name for i in attribute.ends if i in knowledge.by_id)
        text = f"{attribute.text} ({receives})" if receives else attribute.text
        texts.setdefault(attribute.pair, []).append(text + _marked(knowledge, attribute))
    pairs = list(texts)[gallery.turn("page_bi", len(texts), 50)]
    names = {concept.id: concept.name for concept in knowledge.concepts}
    st.html(markup.definitions([(f"{names[a]} or {names[b]}", texts[a, b]) for a, b in pairs]))


def _marked(knowledge: Knowledge, attribute: UniAttribute | BiAttribute) -> str:
    """Says where WordNet stood in for a language model."""
    stood_in = knowledge.builder.startswith("llm") and attribute.source == "wordnet"
    return " · by WordNet" if stood_in else ""


@st.fragment
def _ground(made: Made) -> None:
    knowledge = made.results.knowledge()
    if knowledge is None:
        return
    ui.note("The photos that each concept is strongest in:")
    shown = knowledge.concepts[gallery.turn("page_ground", len(knowledge.concepts), PER_PAGE)]
    photos = made.results.concept_photos([concept.id for concept in shown], photos=8)
    for concept in shown:
        if photos.get(concept.id):
            ui.card(concept.name)
            ui.photos(made.project, photos[concept.id], size="small", label=f"Strongest in {concept.id}")


def _cluster(made: Made) -> None:
    shown = revisions.current(made.project)
    for note in shown.facts.notes if shown else ():
        ui.note(note)
    if st.button("See the clusters", key="see_clusters", icon=":material/grid_view:", type="primary"):
        navigation.go_to("clusters")


DETAILS: dict[str, Callable[[Made], None]] = {
    "Over-cluster": _over_cluster,
    "Nouns": _nouns,
    "Concepts": _concepts,
    "Attributes": _attributes,
    "Ground": _ground,
    "Cluster": _cluster,
}

FIGURES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "Scan": (
        ("images", "Photos", "Photos that can be read"),
        ("skipped", "Cannot be used", "Left out, see Data"),
    ),
    "Embed": (
        ("images", "Photos", "Photos with features"),
        ("skipped", "Could not be read", "Left out of the result"),
        ("clusters", "Clusters, estimated", "How many clusters the photos seem to have (K)"),
    ),
    "Over-cluster": (("overclusters", "Small clusters", "Over-clusters, k in the paper"),),
    "Nouns": (
        ("vocabulary", "Nouns looked at", "Nouns of WordNet that the encoder understands"),
        ("nouns", "Nouns used", "Nouns near at least one small cluster"),
    ),
    "Concepts": (
        ("components", "Merged sets", "Components of similar small clusters, one concept each"),
        ("concepts", "Concepts", "M in the paper"),
    ),
    "Attributes": (
        ("uni_attributes", "Of one concept", "Uni attributes"),
        ("bi_attributes", "Between two", "Bi attributes"),
    ),
    "Ground": (("concepts", "Concepts in use", "Concepts that photos are matched with"),),
    "Cluster": (("clusters", "Clusters", "K in the paper"),),
}
"""Figures of each step: key in its summary, label, explanation."""
