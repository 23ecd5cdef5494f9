"""Scores against labels of what projects hold: runs, edits and compared revisions; labels decide no cluster."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from kec_core.arrays import IntVector, as_labels
from kec_core.clustering.metrics import score
from kec_core.errors import StoreError
from kec_core.types import Scores
from state.project.project import Project
from state.revisions import revisions
from state.revisions.clusterings import load_baseline, load_clustering
from state.revisions.revisions import Baseline, RevisionInfo

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
