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
