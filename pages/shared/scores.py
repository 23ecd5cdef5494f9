"""KEC beside plain k-means: with labels how right, without labels how clear the clusters are."""

from __future__ import annotations

import streamlit as st

from kec_core.types import InternalScores, Scores
from pages.shared import markup, ui
from state.revisions.revisions import Revision

AGREEMENT = (
    (
        "acc",
        "Photos in the right cluster",
        "ACC",
        "Share of photos in the cluster that fits their label best (clustering accuracy).",
    ),
    (
        "nmi",
        "Shared information",
        "NMI",
        "How much clusters and labels tell about each other (normalised mutual information).",
    ),
    (
        "ari",
        "Agreement of pairs",
        "ARI",
        "Pairs of photos that clusters and labels treat alike, beyond chance (adjusted Rand index).",
    ),
)
CLEARNESS = (
    (
        "silhouette",
        "Clear borders",
        "silhouette",
        "From -1 to 1: how much nearer photos are to their own cluster than to the next.",
        True,
    ),
    ("davies_bouldin", "Overlap", "Davies-Bouldin", "How much clusters overlap; less is better.", False),
    (
        "calinski_harabasz",
        "Separation",
        "Calinski-Harabasz",
        "Spread between groups against spread within; more is better.",
        True,
    ),
    (
        "size_entropy",
        "Even sizes",
        "size entropy",
        "1 when all clusters are equally large, near 0 when one holds nearly all photos.",
        True,
    ),
)


def panel(revision: Revision) -> None:
    """The scores of a revision and of k-means on the same photos."""
    baseline = revision.baseline.scores if revision.baseline else None
    if revision.scores is None:
        _internal(revision)
        ui.note(
            "These scores look at the photos alone: they say how clear the clusters are, not whether they are the "
            "ones you want. With labels for a part of the photos (page Data) you also see how right they are."
        )
        return
    st.html(markup.score_panel(_agreement(revision.scores, baseline)))
    if baseline and revision.scores.acc < baseline.acc:
        st.warning(
            "Here plain k-means fits the labels better. A smaller weight of the knowledge (Build, Cluster) may help.",
            icon=":material/balance:",
        )
    with st.expander("Scores that need no labels", key="internal_scores"):
        _internal(revision)


def _internal(revision: Revision) -> None:
    ours = revision.internal or InternalScores()
    theirs = (revision.baseline.internal if revision.baseline else None) or InternalScores()
    rows = [
        markup.ScoreRow(
            name=name,
            term=term,
            tip=tip,
            ours=getattr(ours, key),
            baseline=getattr(theirs, key),
            shown=",.1f" if key == "calinski_harabasz" else ".3f",
            higher_is_better=better,
            bar=False,
        )
        for key, name, term, tip, better in CLEARNESS
    ]
    st.html(markup.score_panel(rows))


def _agreement(ours: Scores, baseline: Scores | None) -> list[markup.ScoreRow]:
    return [
        markup.ScoreRow(
            name=name,
            term=term,
            tip=tip,
            ours=getattr(ours, key),
            baseline=getattr(baseline, key) if baseline else None,
        )
        for key, name, term, tip in AGREEMENT
    ]
