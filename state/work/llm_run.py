"""A run with a language model: what it would ask, before; how it is told of pauses and items, while it asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

from kec_core.config import RunConfig
from kec_core.errors import InputError
from kec_core.llm.builder import LLMBuilder
from kec_core.llm.cost import HOW, Estimate
from kec_core.photos.images import scan_images
from kec_core.stages import Hooks, pipeline
from state.jobs.progress import JobContext
from state.llm.items import ItemLog
from state.llm.setup import LLMSetup
from state.project.project import Project
from state.revisions import revisions
from state.work.changed_folder import kept_knowledge
from state.work.loading import Asking, MakeResources, load_resources


@contextmanager
def asking(
    project: Project,
    setup: LLMSetup | None,
    *,
    paused: Callable[[], bool] = lambda: False,
    retry_failed: bool = False,
) -> Iterator[MakeResources]:
    """What makes a run's resources, with every question noted in the project; None asks no language model."""
    if setup is None:
        yield load_resources
        return
    with ItemLog(project.database) as items:
        options = Asking(setup=setup, paused=paused, on_item=items, retry_failed=retry_failed)
        yield partial(load_resources, asking=options)


def estimate_run(
    project: Project,
    images_root: Path | None,
    config: RunConfig,
    resources: MakeResources,
    *,
    hooks: Hooks | None = None,
) -> Estimate:
    """What a run would ask, without asking; the stages before the concepts are computed and kept.

    Args:
        project: where everything is kept; no scan, setting or revision of it is touched.
        images_root: folder of the photos; None takes the one the project knows.
        config: every option of the run.
        resources: with a language model, as ``asking`` or ``Asking`` give them.
        hooks: told about progress and stages; progress may raise Cancelled.

    Raises:
        InputError: no folder, no readable photo in it, or the options name no language model.
    """
    root = images_root or project.images_root
    if root is None:
        raise InputError("This project has no photos yet; choose their folder.")
    hooks = hooks or Hooks()
    loaded = resources(project, config)
    if not isinstance(loaded.builder, LLMBuilder):
        raise InputError(
            "An estimate is made for a language model, but the options name none; "
            "give its address and name, and leave the builder at llm or auto."
        )
    builder = loaded.builder.counting()
    scan = scan_images(root, progress=hooks.progress)
    pipeline.rehearse(
        scan.images,
        root,
        replace(loaded, builder=builder),
        config,
        project.store,
        keep=kept_knowledge(project, revisions.current(project), scan.images),
        hooks=hooks,
    )
    return builder.client.counted


def dry_run(
    project: Project,
    images_root: Path | None,
    config: RunConfig,
    setup: LLMSetup | None,
    *,
    retry_failed: bool = False,
    hooks: Hooks | None = None,
) -> dict[str, Any]:
    """``estimate_run`` as JSON, with the model and how the numbers were found."""
    options = None if setup is None else Asking(setup=setup, retry_failed=retry_failed)
    resources = partial(load_resources, asking=options)
    estimate = estimate_run(project, images_root, config, resources, hooks=hooks)
    return {
        "model": "" if setup is None else setup.endpoint.model,
        **asdict(estimate),
        "budget": None if setup is None else asdict(setup.budget),
        "how": HOW,
    }


def estimate_job(context: JobContext) -> dict[str, Any]:
    """The job "estimate": a ``dry_run``; params as for the job "run"."""
    params = context.params
    return dry_run(
        context.project,
        Path(params["images"]) if params.get("images") else None,
        RunConfig.from_json(params["config"]),
        LLMSetup.from_json(params.get("llm")),
        retry_failed=params.get("retry_failed", False),
        hooks=Hooks(progress=context.progress, on_start=context.progress.stage),
    )
