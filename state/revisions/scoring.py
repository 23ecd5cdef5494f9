"""Scores against labels of what projects hold: runs, edits and compared revisions; labels decide no cluster."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from kec_core.arrays import FloatMatrix, IntVector, Progress, as_labels, fingerprint, no_progress
from kec_core.clustering import bootstrap_agreement
from kec_core.clustering.metrics import score
from kec_core.errors import StoreError
from kec_core.store import StageResult
from kec_core.types import Scores
from state.jobs.progress import JobContext
from state.project.project import Project
from state.revisions import revisions
from state.revisions.clusterings import load_baseline, load_clustering, load_features
from state.revisions.revisions import Baseline, RevisionInfo

RESAMPLES = 8
_STAGE = "stability"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stability:
    """Share of photos that keep their cluster when photos and starts are drawn anew, in [0, 1].

    Attributes:
        ours: photos and knowledge together, as the revision weighs them.
        visual: photos alone (k-means).
    """

    ours: float
    visual: float


def load_stability(project: Project, revision: RevisionInfo) -> Stability | None:
    """The stability of a revision, None when it was not measured."""
    stored = project.store.load(_STAGE, _key(revision))
    return None if stored is None else Stability(**stored.data)


def measure_stability(
    project: Project, revision: RevisionInfo, *, progress: Progress = no_progress
) -> Stability:
    """Measure the stability of a revision and keep it.

    Args:
        project: whose.
        revision: which.
        progress: told after each resample; may raise Cancelled.

    Raises:
        StoreError: a stored result is missing or damaged.
    """
    known = load_stability(project, revision)
    if known is not None:
        return known
    features = load_features(project, revision)
    weight = revision.facts.weight
    n_clusters = load_clustering(project, revision).n_clusters

    def share(rows: FloatMatrix, step: int, label: str) -> float:
        agreement = bootstrap_agreement(
            rows,
            n_clusters,
            n_resamples=RESAMPLES,
            progress=lambda done, total, _: progress(step * total + done, 2 * total, label),
        )
        return float(agreement.mean(dtype=np.float64))

    found = Stability(
        ours=share(features.fused(weight), 0, "Resampling photos and knowledge"),
        visual=share(features.visual(), 1, "Resampling the photos alone"),
    )
    project.store.save(_STAGE, _key(revision), StageResult(data=asdict(found)))
    return found


def stability_job(context: JobContext) -> dict[str, Any]:
    """The job "stability"; params: revision (its id)."""
    revision = revisions.get(context.project, context.params["revision"])
    return asdict(measure_stability(context.project, revision, progress=context.progress))


def _key(revision: RevisionInfo) -> str:
    return fingerprint("stability", revision.clustering_fp, revision.facts.weight, RESAMPLES)


logger = logging.getLogger(__name__)


def score_against(predicted: IntVector, labels: Sequence[str | None]) -> Scores | None:
    """ACC, NMI and ARI over the photos that have a label; None when none has.

    Args:
        predicted: int32 (N,), cluster of each photo.
        labels: N labels, None where unknown.
    """
    rows = [row for row, label in enumerate(labels) if label is not None]
    if not rows:
        return None
    return score(predicted[rows], as_labels([labels[row] for row in rows]))


def rescore(project: Project) -> None:
    """Score every revision and its baseline against the labels of now; nothing else of them changes.

    A revision whose arrays are gone loses its scores: those it had belong to other labels.
    """
    for revision in revisions.history(project):
        try:
            scores, baseline = _scored(project, revision)
        except StoreError:
            logger.warning("revision %s cannot be scored", revision.id, exc_info=True)
            scores, baseline = None, None
        if (scores, baseline) != (revision.scores, revision.baseline):
            revisions.set_scores(project, revision.id, scores, baseline)


def _scored(project: Project, revision: RevisionInfo) -> tuple[Scores | None, Baseline | None]:
    truth = project.labels(revision.scan)
    scores = score_against(load_clustering(project, revision).labels, truth)
    if revision.baseline is None:
        return scores, None
    beside = score_against(load_baseline(project, revision.baseline).labels, truth)
    return scores, replace(revision.baseline, scores=beside)


# --- as people read them


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """A score as people read it.

    Attributes:
        key: of ``Scores`` or ``InternalScores``.
        name, term, tip: plain words, the field's term, what it means.
        shown: format of a value.
        higher_is_better: False for scores where less is better.
        needs_labels: whether it compares with labels; those are shares, and drawn as bars.
    """

    key: str
    name: str
    term: str
    tip: str
    shown: str = ".3f"
    higher_is_better: bool = True
    needs_labels: bool = False

    def of(self, revision: RevisionInfo) -> float | None:
        """The value of a revision, None where it has none."""
        return _value(self.key, revision.scores if self.needs_labels else revision.internal)

    def of_baseline(self, revision: RevisionInfo) -> float | None:
        """The value of k-means beside a revision."""
        if revision.baseline is None:
            return None
        found = revision.baseline
        return _value(self.key, found.scores if self.needs_labels else found.internal)


def _value(key: str, scores: object) -> float | None:
    value: float | None = getattr(scores, key, None)
    return value


WITH_LABELS = (
    Metric(
        key="acc",
        name="Photos in the right cluster",
        term="ACC",
        tip="Share of photos in the cluster that fits their label best (clustering accuracy).",
        shown=".1%",
        needs_labels=True,
    ),
    Metric(
        key="nmi",
        name="Shared information",
        term="NMI",
        tip="How much clusters and labels tell about each other (normalised mutual information).",
        shown=".1%",
        needs_labels=True,
    ),
    Metric(
        key="ari",
        name="Agreement of pairs",
        term="ARI",
        tip="Pairs of photos that clusters and labels treat alike, beyond chance (adjusted Rand index).",
        shown=".1%",
        needs_labels=True,
    ),
)
WITHOUT_LABELS = (
    Metric(
        key="silhouette",
        name="Clear borders",
        term="silhouette",
        tip="From -1 to 1: how much nearer photos are to their own cluster than to the next.",
    ),
    Metric(
        key="davies_bouldin",
        name="Overlap",
        term="Davies-Bouldin",
        tip="How much clusters overlap; less is better.",
        higher_is_better=False,
    ),
    Metric(
        key="calinski_harabasz",
        name="Separation",
        term="Calinski-Harabasz",
        tip="Spread between groups against spread within; more is better.",
        shown=",.1f",
    ),
    Metric(
        key="size_entropy",
        name="Even sizes",
        term="size entropy",
        tip="1 when all clusters are equally large, near 0 when one holds nearly all photos.",
    ),
)


def metrics(revision: RevisionInfo) -> Sequence[Metric]:
    """The scores to show for a revision: those against labels where there are labels."""
    return WITHOUT_LABELS if revision.scores is None else WITH_LABELS
