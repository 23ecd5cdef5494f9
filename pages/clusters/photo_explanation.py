"""Why a photo is where it is: contributions that add up, and where in it a phrase is seen."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from kec_core.explain import Explainer, explain_place, explain_score
from kec_core.knowledge.unique_names import unique_names
from kec_core.live import LiveState
from kec_core.photos.images import ImageRecord
from pages.clusters import explanation_bars
from pages.shared import cached, editing, markup, session, ui
from pages.shared.thumbnails import LARGE, address
from state.project.project import Project
from state.revisions.overview import ClusterCard
from state.revisions.revisions import Revision
from state.work.photo_places import knows_places, phrase_map


def explainer(project: Project, revision: Revision) -> Explainer:
    """Explains a revision; the first one of a server loads the encoder, which takes seconds.

    Raises:
        ResourceMissing: the weights of its encoder are not on this machine.
        StoreError: a stored result is missing or damaged.
    """
    return _explainer(revision, editing.workbench(project).live(revision))


@cached.remembered(lambda revision, state: (revision.id, id(state)), entries=2)
def _explainer(_revision: Revision, state: LiveState) -> Explainer:
    return Explainer(state)  # holds the state, so its id stays its own while this is remembered


_ASKED, _PICKED = "why_photo", "why_picked"
SEEN = ("name", "attribute", "pair attribute")
"""Kinds of words that are short enough to look for."""
VIEWS = {"here": "Why here", "rival": "Why not there", "concept": "Why this concept"}


def asked(shown: Sequence[str]) -> str | None:
    """The photo to explain: of those shown the one that was picked last, None when none is picked."""
    among = set(shown)
    picked = [image for image in session.selection().images if image in among]
    before = session.widget(_PICKED)
    fresh = [image for image in picked if image not in (before if isinstance(before, tuple) else ())]
    last = session.widget(_ASKED)
    if len(fresh) == 1 or last not in picked:
        last = next(reversed(fresh or picked), None)
    session.set_widget(_PICKED, tuple(picked))
    session.set_widget(_ASKED, last)
    return None if last is None else str(last)


@st.fragment
def draw(
    project: Project, revision: Revision, cards: Sequence[ClusterCard], image: ImageRecord, row: int
) -> None:
    """Draw the explanation of one photo."""
    with ui.errors():
        found = explainer(project, revision)
        _photo(project, image)
        view = ui.choose("What to explain", VIEWS, key="why_view", lasting=False)
        {"here": _here, "rival": _rival, "concept": _concept}[view](found, cards, row)
        _places(project, revision, found, image, row)


def _photo(project: Project, image: ImageRecord) -> None:
    project_id = session.open_projects().id_of(project.folder)
    tile = markup.Tile(
        src=address(project_id, image.sha256, LARGE) if image.sha256 else "", alt=image.id, caption=image.id
    )
    st.html(markup.gallery([tile], size="one", label="The photo"))


def _here(explainer: Explainer, cards: Sequence[ClusterCard], row: int) -> None:
    cluster = int(explainer.state.clustering.labels[row])
    st.html(
        explanation_bars.contributions(
            explain_place(explainer, row),
            explainer.state.knowledge.by_id,
            total=f"Nearness to {_name(cards, cluster)}",
            tip="Cosine of the photo with the centre of its cluster, looks and knowledge together.",
        )
    )


def _rival(explainer: Explainer, cards: Sequence[ClusterCard], row: int) -> None:
    """What decides between its cluster and the second best one."""
    cluster = int(explainer.state.clustering.labels[row])
    others = [card for card in cards if card.id != cluster]
    if not others:
        ui.note("There is no other cluster it could be in.")
        return
    cosines = explainer.cosines(row)
    names = {card.id: card.name for card in others}
    ids = sorted(names, key=lambda other: -cosines[other])
    other = st.selectbox(
        "Rather than", ids, format_func=lambda one: markup.printable(names[one]), key=f"why_other_{cluster}"
    )
    found = explain_place(explainer, row, against=other)
    st.html(
        explanation_bars.contributions(
            found,
            explainer.state.knowledge.by_id,
            total=f"Leans to {_name(cards, cluster)}" if found.total >= 0 else f"Leans to {names[other]}",
            tip="Difference of the cosines with the two centres; above zero it is nearer to its own cluster.",
        )
    )


def _concept(explainer: Explainer, _cards: Sequence[ClusterCard], row: int) -> None:
    state = explainer.state
    shares = dict(zip(state.vectors.concept_ids, state.grounding.omega[row].tolist(), strict=True))
    by_id = state.knowledge.by_id
    ids = sorted(shares, key=lambda concept: -shares[concept])
    names = unique_names(state.knowledge)
    concept = st.selectbox(
        "Concept",
        ids,
        format_func=lambda one: f"{markup.printable(names[one])} ({shares[one]:.0%})",
        key=f"why_concept_{row}",
        help="With the share of the photo it takes (posterior omega).",
    )
    st.html(
        explanation_bars.contributions(
            explain_score(explainer, row, concept),
            by_id,
            total=f"Score of {names[concept]}",
            tip="The logit: photo times concept vector. Its softmax over all concepts is the share.",
        )
    )
    ui.note("Attributes do not count in this score; they shape where the photo lies, see “Why here”.")


def _name(cards: Sequence[ClusterCard], cluster: int) -> str:
    return next((card.name for card in cards if card.id == cluster), f"cluster {cluster}")


# --- where in the photo


def _places(project: Project, revision: Revision, explainer: Explainer, image: ImageRecord, row: int) -> None:
    st.subheader("Where in the photo", anchor=False)
    if not knows_places(revision):
        ui.note(
            "This encoder has features of whole photos only. With the compact encoder or an open_clip ViT you see here "
            "where a phrase fits the photo."
        )
        return
    parts = explain_place(explainer, row).parts
    strongest = next((part.text for part in parts if part.kind in SEEN), "")
    phrase = st.text_input(
        "Phrase", value=strongest, key=f"why_phrase_{image.id}", help="What can be seen, in a few words."
    )
    if phrase.strip():
        with ui.errors():
            _heat(project, revision, image, phrase)


def _heat(project: Project, revision: Revision, image: ImageRecord, phrase: str) -> None:
    found = phrase_map(project, revision, image.id, phrase)
    st.image(explanation_bars.draw(found), width="stretch")
    low, high = (explanation_bars.signed(float(end), 2) for end in (found.values.min(), found.values.max()))
    how = (
        f"The places average to {explanation_bars.signed(float(found.values.mean()))}, the cosine of photo and phrase."
        if found.adds_up
        else "Cosines of patches and phrase; patches have exchanged what they saw, so the map is a hint."
    )
    ui.note(f"Grey {low} to orange {high}. {how}")
