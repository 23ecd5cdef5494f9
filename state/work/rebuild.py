"""Build the knowledge again under what the person has said since: guidance, number of clusters, weight, constraints.

What the person made, locked or gave photos stays, with its ids; everything automatic is made anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from kec_core.arrays import Progress, no_progress
from kec_core.config import RunConfig
from kec_core.errors import InputError
from kec_core.knowledge.edits import Edit, SetGuidance
from kec_core.live.full import finalised, objective
from kec_core.result.impact import Impact, compare
from kec_core.stages import Hooks
from state.jobs.progress import JobContext
from state.llm.setup import LLMSetup
from state.project.facts import scores_json
from state.project.project import Project
from state.revisions import revisions
from state.revisions.layouts import make_first_map
from state.revisions.revisions import Revision
from state.work.editing import keep, open_live
from state.work.llm_run import asking
from state.work.loading import MakeResources, load_resources
from state.work.run import RunSummary, run_project

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
            "before": {"scores": scores_json(impact.scores_before), "objective": self.objective[0]},
            "after": {"scores": scores_json(impact.scores_after), "objective": self.objective[1]},
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
    shown = revisions.need_current(project, "result to finalise yet")
    before = open_live(project, shown)
    after = finalised(before, shown.config.clustering, progress=progress)
    impact = compare(before, after)
    kept = shown if not len(impact.moved) else keep(project, shown, after, (), note=NOTE)
    return FinaliseReport(impact=impact, objective=(objective(before), objective(after)), revision=kept.id)


def finalise_job(context: JobContext) -> dict[str, Any]:
    """The job "finalise": ``finalise`` on the shown revision; no params."""
    context.progress.stage("cluster")
    return finalise(context.project, progress=context.progress).to_json()


def asks_for_rebuild(edits: Sequence[Edit]) -> bool:
    """Whether guidance among these edits wants new knowledge."""
    return any(isinstance(edit, SetGuidance) and edit.rebuild for edit in edits)


def rebuild(
    project: Project, *, resources: MakeResources = load_resources, hooks: Hooks | None = None
) -> RunSummary:
    """Run again with the project's options and the wishes of the shown revision.

    The caller holds the project's ``RunLock``.

    Raises:
        InputError: no result yet, or the guidance leaves no noun.
        StoreError: the project was changed by another window meanwhile; what was computed is kept.
    """
    shown = revisions.current(project)
    if shown is None:
        raise InputError(
            f"The project {project.name!r} has no knowledge to build again yet; build it on the Build page first."
        )
    return run_project(project, None, _wished(project.settings(), shown), resources=resources, hooks=hooks)


def rebuild_job(context: JobContext) -> dict[str, Any]:
    """The job "rebuild", then the map of its result if it has none; params: llm (``LLMSetup`` JSON, or null). A key comes as the secret ``OPENAI_API_KEY``."""
    hooks = Hooks(progress=context.progress, on_start=context.progress.stage)
    setup = LLMSetup.from_json(context.params.get("llm"))
    with asking(context.project, setup, paused=context.progress.paused) as resources:
        summary = rebuild(context.project, resources=resources, hooks=hooks)
    make_first_map(context)
    return {**summary.to_json(), "notes": list(summary.notes), "is_new": summary.is_new}


def _wished(config: RunConfig, shown: Revision) -> RunConfig:
    """The options with the guidance, number of clusters and weight that hold now."""
    knowledge = shown.knowledge
    return replace(
        config,
        n_clusters=knowledge.n_clusters,
        knowledge=replace(config.knowledge, guidance=knowledge.guidance),
        clustering=replace(config.clustering, weight=knowledge.weight),
    )
