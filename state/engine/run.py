"""A run of KEC on a Ray cluster: what ``kec run --engine ray`` calls.

list -> encode into shards -> draw a sample -> the ordinary run on the sample -> refine the groups on all photos ->
label all photos. A collection that fits the sample is the ordinary project that a run on this machine makes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kec_core.config import RunConfig
from kec_core.errors import InputError
from kec_core.stages import Hooks
from state.engine.applying import Applied, apply_groups
from state.engine.cluster import cluster
from state.engine.collection import Collection, save_collection
from state.engine.gathering import Clock, Plan, gather
from state.engine.stores import store_at
from state.project.project import Project
from state.work.loading import MakeResources, load_resources
from state.work.run import LabelSource, RunSummary, run_project


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSummary:
    """What a run on a cluster came to.

    Attributes:
        summary: of the run on the photos that the project holds.
        collection: all of them.
        encoded: photos that were encoded in this run.
        seconds: of the parts of the work that the cluster does.
        applied: the groups of all photos; None when the project holds them all.
    """

    summary: RunSummary
    collection: Collection
    encoded: int
    seconds: dict[str, float]
    applied: Applied | None

    def to_json(self) -> dict[str, Any]:
        """As ``kec run --engine ray --json`` prints it."""
        return {
            **self.summary.to_json(),
            "engine": {
                "photos": self.collection.photos,
                "sample": self.collection.sample,
                "encoded": self.encoded,
                "results": self.collection.results,
                "seconds": {name: round(value, 3) for name, value in self.seconds.items()},
            },
            "all": None if self.applied is None else self.applied.to_json(),
        }


def run_on_cluster(
    project: Project,
    plan: Plan,
    config: RunConfig,
    *,
    labels: LabelSource = "keep",
    resources: MakeResources = load_resources,
    hooks: Hooks | None = None,
) -> EngineSummary:
    """Run KEC on photos at any address and keep the result as a revision.

    The caller holds the project's ``RunLock``. Stopped half-way, the same call goes on behind the last shard.

    Args:
        project: where everything but features and labels of all photos is kept.
        plan: photos, cluster, places.
        config: every option; becomes the project's settings.
        labels: as in ``run_project``.
        resources: as in ``run_project``.
        hooks: told about progress and stages; progress may raise Cancelled.

    Raises:
        InputError: no readable photo, an unusable address or option, or a second space of looks.
        ResourceMissing: Ray, a driver or weights are not installed.
        StoreError: features cannot be written or read.
        EngineError: the cluster failed; what is encoded is kept.
    """
    if config.looks:
        raise InputError(
            "On a cluster looks come from the encoder alone; leave out --looks, or run on this machine, without --engine."
        )
    hooks = hooks or Hooks()
    results = store_at(plan.results or project.folder / "collection")
    with cluster(plan.address):
        clock = Clock()
        loaded = resources(project, config)
        clock.lap("load")
        gathered = gather(project, plan, results, loaded.encoder, config.seed, clock, hooks.progress)
        collection = gathered.collection
        summary = run_project(
            project,
            store_at(plan.photos).folder or project.folder / "photos",
            config,
            labels=labels,
            resources=lambda _project, _config: loaded,
            scan=gathered.scan,
            hooks=hooks,
        )
        clock.lap("group")
        save_collection(project, collection)
        applied = None
        if collection.is_sampled:
            applied = apply_groups(
                project, collection, summary.revision, loaded.encoder, refine=True, progress=hooks.progress
            )
            clock.lap("assign")
    return EngineSummary(
        summary=summary,
        collection=collection,
        encoded=gathered.encoded,
        seconds=clock.laps,
        applied=applied,
    )
