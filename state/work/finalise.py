"""Finalise: cluster the shown revision in full after edits, and tell what that changes (methods.md 6.5)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from kec_core.arrays import Progress, no_progress
from kec_core.errors import InputError
from kec_core.live.full import finalised, objective
from kec_core.result.impact import Impact, compare
from kec_core.types import Scores
from state.jobs.progress import JobContext
from state.project.project import Project
from state.revisions import revisions
from state.work.editing import keep, open_live

NOTE = "Finalised: clustered in full"


@dataclass(frozen=True, slots=True, kw_only=True)
class FinaliseReport:
    """What the full clustering changed.

    Attributes:
        impact: moved photos, flows, scores and coherence.
        objective: before and after, the mean cosine of the photos to their centroid; larger is better.
        revision: the new revision's id; the shown one's when no photo moved.
    """

    impact: Impact
    objective: tuple[float, float]
    revision: str

    def to_json(self) -> dict[str, Any]:
        """As ``kec finalise --json`` prints it."""
        impact = self.impact
        return {
            "before": {"scores": _json(impact.scores_before), "objective": self.objective[0]},
            "after": {"scores": _json(impact.scores_after), "objective": self.objective[1]},
            "moved": len(impact.moved),
            "concepts": impact.concepts[1],
            "clusters": impact.clusters[1],
            "revision": self.revision,
        }


def finalise(project: Project, *, progress: Progress = no_progress) -> FinaliseReport:
    """Cluster the photos of the shown revision with every restart; a new revision when a photo moves.

    Constraints, the person's number of clusters and weight hold; cluster ids follow the earlier ones. The caller
    holds the project's ``RunLock``.

    Raises:
        InputError: no result yet.
        StoreError: the project was changed by another window meanwhile; nothing is kept.
    """
    shown = revisions.current(project)
    if shown is None:
        raise InputError(
            f"The project {project.name!r} has no result to finalise yet; run 'kec run IMAGES --project {project.folder}' first."
        )
    before = open_live(project, shown)
    after = finalised(before, shown.config.clustering, progress=progress)
    impact = compare(before, after)
    kept = shown if not len(impact.moved) else keep(project, shown, after, (), note=NOTE)
    return FinaliseReport(impact=impact, objective=(objective(before), objective(after)), revision=kept.id)


def finalise_job(context: JobContext) -> dict[str, Any]:
    """The job "finalise": ``finalise`` on the shown revision; no params."""
    context.progress.stage("cluster")
    return finalise(context.project, progress=context.progress).to_json()


def _json(scores: Scores | None) -> dict[str, float] | None:
    return None if scores is None else asdict(scores)
