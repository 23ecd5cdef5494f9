"""How far the groups survive chance: photos drawn anew, k-means started anew (a score that needs no labels)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kec_core.arrays import FloatMatrix, Progress, fingerprint, no_progress
from kec_core.clustering import bootstrap_agreement
from kec_core.store import StageResult
from state.jobs.progress import JobContext
from state.project.project import Project
from state.revisions import revisions
from state.revisions.clusterings import load_clustering
from state.revisions.features import load_features
from state.revisions.revisions import RevisionInfo

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
