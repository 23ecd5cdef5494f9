"""Where every run, rebuild, edit and full clustering ends: its result is kept as a revision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kec_core.arrays import FloatMatrix, RowBlocks
from kec_core.clustering import FusedRows
from kec_core.clustering.constraints import plan_constraints
from kec_core.clustering.metrics import internal_scores
from kec_core.config import RunConfig
from kec_core.types import Clustering, Grounding, Knowledge, Scores
from state.project.facts import Facts
from state.project.project import Project
from state.revisions import revisions
from state.revisions.overview import compute_overview, save_overview
from state.revisions.revisions import Baseline, Edit, NewRevision, Revision


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Result:
    """A clustering and all it was made from; row i of every array belongs to ``image_ids[i]``.

    Attributes:
        scan: number of the scan whose photos were clustered.
        x: float32 (N, d), unit rows, the visual features.
        looks: float32 (N, e), unit rows, what was clustered beside the knowledge.
        clustering_fp: what the clustering is stored under.
        scores: agreement with the labels, None without labels.
        baseline: the plain method beside it.
    """

    knowledge: Knowledge
    config: RunConfig
    scan: int
    image_ids: Sequence[str]
    x: RowBlocks
    looks: FloatMatrix
    grounding: Grounding
    clustering: Clustering
    clustering_fp: str
    facts: Facts
    scores: Scores | None
    baseline: Baseline | None


def keep(
    project: Project, result: Result, parent: Revision | None, *, note: str, edits: Sequence[Edit] = ()
) -> Revision:
    """Keep a result as the child of ``parent`` and show it; without edits, one like the parent's is the parent.

    Args:
        project: where.
        result: what; its clustering is stored already.
        parent: what it was made from, None for the first one of a project.
        note: for the history.
        edits: what made it, as JSON.

    Raises:
        StoreError: another window has moved on from ``parent``; no revision is made.
    """
    _save_overview(project, result)
    if parent is not None and not edits and _is_same(parent, result):
        return revisions.get(project, parent.id)
    new = NewRevision(
        knowledge=result.knowledge,
        config=result.config,
        clustering_fp=result.clustering_fp,
        scan=result.scan,
        note=note,
        edits=tuple(edits),
        scores=result.scores,
        baseline=result.baseline,
        internal=internal_scores(result.x, result.clustering.labels, seed=result.config.seed),
        summary=result.facts.to_json(),
    )
    return revisions.commit(project, new, parent=None if parent is None else parent.id)


def _save_overview(project: Project, result: Result) -> None:
    plan = plan_constraints(result.knowledge, result.image_ids)
    fused = FusedRows(result.looks, result.grounding.kappa, result.facts.weight)
    overview = compute_overview(result.x, fused, result.grounding, result.clustering, wishes=plan)
    save_overview(project, result.clustering_fp, overview)


def _is_same(revision: Revision, result: Result) -> bool:
    return (
        revision.scan == result.scan
        and revision.clustering_fp == result.clustering_fp
        and revision.knowledge == result.knowledge
        and revision.config == result.config
    )
