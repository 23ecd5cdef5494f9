"""What the map is coloured by: the widgets that choose it, and the codes that follow."""

from __future__ import annotations

import numpy as np
import streamlit as st

from kec_core.arrays import FloatVector, l2_normalize
from pages.map import colourings
from pages.map.colourings import Colouring
from pages.shared import cached, editing, markup
from state.project.project import Project
from state.revisions import revisions
from state.revisions.clusterings import load_clustering, load_features
from state.revisions.overview import Overview, cluster_names, load_overview
from state.revisions.revisions import Revision, RevisionInfo

WAYS = {
    "cluster": "Cluster",
    "concept": "Strongest concept",
    "label": "Label",
    "camera": "Camera",
    "taken": "Date taken",
    "moved": "Moved since",
    "unsure": "Uncertainty",
    "phrase": "A phrase",
}
TIPS = (
    "Strongest concept: the winner of omega, what the knowledge says first about a photo. Uncertainty: 100 % lies on "
    "the border to another cluster. A phrase: how well any words fit each photo (cosine)."
)


def choose(project: Project, revision: Revision) -> tuple[str, Colouring]:
    """Draw the choice; returns a name for it and the colours.

    Raises:
        StoreError: a stored result is missing or damaged.
        ResourceMissing: a phrase was asked for, and the encoder's weights are not on this machine.
    """
    dates, cameras, _ = project.exif_known
    known = {"label": any(cached.labels(project, revision.scan)), "camera": cameras, "taken": dates}
    ways = [way for way in WAYS if known.get(way, True)]
    chosen = st.selectbox(
        "Colour by",
        ways,
        format_func=WAYS.__getitem__,
        key="map_colour",
        persist_state="session",
        help=TIPS,
        width=210,
    )
    if chosen == "moved":
        return _moved(project, revision)
    if chosen == "phrase":
        return _phrase(project, revision)
    return chosen, _clusters(project, revision) if chosen == "cluster" else _known(project, revision, chosen)


def _clusters(project: Project, revision: Revision) -> Colouring:
    overview = load_overview(project, revision)
    return colourings.by_cluster(np.asarray(overview.labels), cluster_names(overview, revision.knowledge))


def _key(project: Project, revision: Revision, way: str) -> tuple[object, ...]:
    made = (revision.id, revision.clustering_fp, project.labels_version, project.exif_known)
    return str(project.folder), *made, way


@cached.remembered(_key)
def _known(project: Project, revision: Revision, way: str) -> Colouring:
    if way == "label":
        return colourings.by_label(cached.labels(project, revision.scan))
    if way in ("camera", "taken"):
        exif = project.exif(revision.scan)
        if way == "taken":
            return colourings.by_date([one.taken for one in exif])
        return colourings.by_label([one.camera or None for one in exif], "no camera")
    if way == "concept":
        return colourings.by_concept(load_features(project, revision).grounding, revision.knowledge)
    return colourings.by_value(1.0 - load_overview(project, revision).confidence, percent=True)


def _moved(project: Project, revision: Revision) -> tuple[str, Colouring]:
    others = [info for info in reversed(revisions.history(project)) if info.id != revision.id]
    overview = load_overview(project, revision)
    names = cluster_names(overview, revision.knowledge)
    labels = np.asarray(overview.labels)
    if not others:
        st.caption("This is the only revision: nothing has moved yet.")
        return "moved", colourings.by_move(labels, labels, names)
    notes = {info.id: f"{info.id} {info.name or info.note}" for info in others}
    parent = next((i for i, info in enumerate(others) if info.id == revision.parent), 0)
    since = st.selectbox(
        "Since",
        list(notes),
        index=parent,
        format_func=lambda one: markup.printable(notes[one]),
        key=f"map_since_{revision.id}",
        width=250,
    )
    earlier = next(info for info in others if info.id == since)
    return f"moved {since}", colourings.by_move(_earlier(project, earlier, revision, overview), labels, names)


def _earlier(project: Project, earlier: RevisionInfo, revision: Revision, overview: Overview) -> np.ndarray:
    """The clusters that an earlier revision gave to the photos of this one, -1 for photos that it does not have."""
    before = np.asarray(load_clustering(project, earlier).labels)
    if earlier.scan == revision.scan:
        return before
    row_of = cached.row_of(project, earlier.scan)
    rows = [row_of.get(image.id, -1) for image in cached.images(project, revision.scan)]
    found = np.array(rows, dtype=np.int64)
    return np.where(found >= 0, before[found], -1).astype(overview.labels.dtype)


def _phrase(project: Project, revision: Revision) -> tuple[str, Colouring]:
    knowledge = revision.knowledge
    known = dict.fromkeys([*(a.text for a in knowledge.uni), *(a.text for a in knowledge.bi)])
    phrase = st.selectbox(
        "Phrase",
        list(known),
        index=None,
        accept_new_options=True,
        format_func=markup.printable,
        placeholder="choose an attribute or write your own",
        key="map_phrase",
        width=330,
    )
    if not phrase or not phrase.strip():
        st.caption("Until a phrase is chosen, colours show the clusters.")
        return "cluster", _clusters(project, revision)
    return f"phrase {phrase}", colourings.by_value(_fit(project, revision, phrase))


@cached.remembered(
    lambda project, revision, phrase: (str(project.folder), revision.id, phrase),
    spinner="Comparing the phrase with every photo…",
)
def _fit(project: Project, revision: Revision, phrase: str) -> FloatVector:
    """How well a phrase fits each photo, float32 (N,), cosines."""
    collection = editing.workbench(project).live(revision).collection
    scores: FloatVector = collection.x @ l2_normalize(collection.encode([phrase]))[0]
    return scores
