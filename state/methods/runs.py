"""Compare methods on a project: what ``kec methods`` and the Compare page call.

Every method sees the stored features, the nouns and the knowledge of the shown revision; labels are looked at only
when its clusters are made. Each seed of each method is kept in the project, so a stopped comparison goes on.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from kec_core.arrays import Progress, fingerprint
from kec_core.config import RunConfig
from kec_core.errors import InputError
from kec_core.methods import MethodInputs, find_method, missing_needs, run_method
from kec_core.methods.base import Method, depends_on, spread, summarise
from kec_core.methods.prepare import Split, find_split, prepare, split_note
from kec_core.photos.images import ImageRecord
from kec_core.stages import Hooks, Resources, Runner, Stored, clustering_result, read_clustering
from kec_core.store import StageResult
from kec_core.types import Clustering
from state.jobs.progress import JobContext
from state.llm.setup import LLMSetup
from state.methods.labels import (
    PhotoCaptions,
    labels_of_test,
    photo_captions,
    read_captions,
    top1,
    with_answers,
)
from state.methods.results import MethodRow, Preset, keep_row
from state.project.project import Project
from state.revisions import revisions
from state.revisions.clusterings import load_clustering, load_features
from state.revisions.revisions import Revision
from state.revisions.scoring import score_against
from state.work.llm_run import asking
from state.work.loading import MakeResources, load_resources

NO_CAPTIONS = PhotoCaptions()


def compare_methods(
    project: Project,
    names: Sequence[str],
    *,
    n_seeds: int = 5,
    preset: Preset = "fast",
    captions: Path | None = None,
    described: PhotoCaptions = NO_CAPTIONS,
    resources: MakeResources = load_resources,
    hooks: Hooks | None = None,
) -> list[MethodRow]:
    """Run methods on the photos of the shown revision, several seeds each.

    The caller holds the project's ``RunLock``.

    Args:
        project: run before, so that features and knowledge are there.
        names: keys of ``METHODS``, in the order of the rows.
        n_seeds: seeds 0 to n - 1.
        preset: "fast" takes the options for a CPU where a method has them.
        captions: text file, one caption per line, for the methods that need captions.
        described: where captions of the photos themselves come from.
        resources: makes encoder, vocabulary and knowledge builder.
        hooks: told about progress; progress may raise Cancelled, and finished seeds are kept.

    Raises:
        InputError: an unknown method, something a method needs is missing, or the project has no result yet;
            nothing is run then.
    """
    methods = {name: find_method(name) for name in names}
    if not methods or n_seeds < 1:
        raise InputError(
            f"A comparison needs at least one method and one seed, but got {len(methods)} and {n_seeds}."
        )
    revision = revisions.current(project)
    if revision is None:
        raise InputError("This project has no result to compare with yet; run `kec run` on its photos first.")
    runner = Runner(project.store, hooks or Hooks())
    with project.database.kept_open():
        inputs, split = _inputs(project, revision, methods, resources, runner)
        inputs = replace(inputs, captions=read_captions(captions) if captions else ())
        if any("photo captions" in method.needs for method in methods.values()):
            photos = _clustered(project, revision, split)
            sentences = photo_captions(project, described, photos, runner.hooks.progress)
            inputs = replace(inputs, photo_captions=sentences)
        labels = labels_of_test(project.labels(revision.scan), split)
        inputs = with_answers(inputs, labels)
        _check(methods, inputs)
        comparison = _Comparison(runner, inputs, labels, _n_clusters(project, revision), preset, split)
        rows = []
        for name, method in methods.items():
            rows.append(comparison.row(name, method, n_seeds))
            keep_row(project, revision.id, preset, rows[-1])
        return rows


class _Comparison:
    """What the rows of one table share."""

    def __init__(
        self,
        runner: Runner,
        inputs: MethodInputs,
        labels: Sequence[str | None],
        n_clusters: int,
        preset: Preset,
        split: Split | None,
    ) -> None:
        self.runner, self.inputs, self.labels = runner, inputs, labels
        self.n_clusters, self.preset, self.split = n_clusters, preset, split
        self._photos_key = fingerprint(inputs.train.x, inputs.test.x if inputs.has_split else None)

    def row(self, name: str, method: Method, n_seeds: int) -> MethodRow:
        """Run all seeds of one method."""
        runs = [self._run(name, method, seed, n_seeds) for seed in range(n_seeds)]
        made = [read_clustering(run) for run in runs]
        found = [score_against(each.labels, self.labels) for each in made]
        scores = [each for each in found if each is not None]
        return MethodRow(
            name=name,
            caption=method.caption,
            provenance=method.provenance,
            scores=summarise(scores) if scores else None,
            seconds=spread([run.data["seconds"] for run in runs]).mean,
            note=self._note(method, made),
            keys=tuple(run.key for run in runs),
        )

    def _run(self, name: str, method: Method, seed: int, n_seeds: int) -> Stored:
        options = method.fast if self.preset == "fast" and method.fast is not None else method.options

        def compute(_key: str) -> StageResult:
            started = time.perf_counter()
            made = run_method(
                name,
                self.inputs,
                self.n_clusters,
                options=options,
                seed=seed,
                progress=self._telling(f"{method.caption}, seed {seed + 1} of {n_seeds}"),
            )
            return clustering_result(made, seconds=time.perf_counter() - started)

        content = [self._photos_key, *depends_on(method, self.inputs)]
        inputs = [name, options.to_json(), content, self.n_clusters, seed]
        return self.runner.stage("method", inputs, compute)

    def _telling(self, prefix: str) -> Progress:
        tell = self.runner.hooks.progress
        return lambda done, total, label: tell(done, total, f"{prefix}: {label}")

    def _note(self, method: Method, made: Sequence[Clustering]) -> str:
        direct = ""
        if "class names" in method.needs:
            direct = f"Direct top-1 accuracy {top1(made[0].labels, self.labels):.3f}."
        parts = [method.note, direct, made[0].note, split_note(self.split)]
        return " ".join(filter(None, parts))


def _inputs(
    project: Project,
    revision: Revision,
    methods: Mapping[str, Method],
    make_resources: MakeResources,
    runner: Runner,
) -> tuple[MethodInputs, Split | None]:
    """The inputs of the shown revision: its own knowledge, or with a split knowledge of the train photos alone."""
    features = load_features(project, revision)
    split = find_split(features.ids)
    resources: Resources = make_resources(
        project, revision.config if split else _without_builder(revision.config)
    )
    embedded = Stored(
        key=features.embed_key, arrays={"features": features.raw}, data={"ids": list(features.ids)}
    )
    needs = {need for method in methods.values() for need in method.needs}
    return prepare(
        runner,
        embedded,
        resources,
        revision.config,
        _n_clusters(project, revision),
        needs=needs,
        knowledge=revision.knowledge if split is None else None,
        keep=revision.knowledge if revisions.journal(project, revision.id) else None,
    )


def _clustered(project: Project, revision: Revision, split: Split | None) -> list[ImageRecord]:
    """The photos that are clustered, in row order."""
    photos = project.images(revision.scan)
    return list(photos) if split is None else [photos[row] for row in split.test]


def _without_builder(config: RunConfig) -> RunConfig:
    """The revision's own knowledge is used, so no language model is needed."""
    return replace(config, knowledge=replace(config.knowledge, builder="wordnet"))


def _n_clusters(project: Project, revision: Revision) -> int:
    return load_clustering(project, revision).n_clusters


_HOW: Final = {
    "photo captions": "name their file (--photo-captions), or a model that may be sent the photos (--llm-url, --llm-model and --send-photos)"
}
"""How a person gives what a method lacks."""


def _check(methods: Mapping[str, Method], inputs: MethodInputs) -> None:
    """Refuse the whole comparison when one method cannot run: nothing is computed in vain."""
    for name, method in methods.items():
        lacking = missing_needs(method, inputs)
        if lacking:
            raise InputError(
                f"Method {name!r} needs {' and '.join(lacking)}, which this comparison does not have; "
                f"{_HOW.get(lacking[0], 'give them')}, or leave the method out."
            )


def methods_job(context: JobContext) -> dict[str, Any]:
    """The job "methods".

    Params: methods (names), seeds, preset ("full" or "fast"), captions (file or null), llm (``LLMSetup`` JSON or null,
    as for a run), photo_captions (file or null), send_photos (true: the person agrees that llm is shown the photos).
    """
    params = context.params
    captions = params.get("captions")
    setup = LLMSetup.from_json(params.get("llm"))
    with asking(context.project, setup, paused=context.progress.paused) as resources:
        rows = compare_methods(
            context.project,
            params["methods"],
            n_seeds=params.get("seeds", 5),
            preset=params.get("preset", "fast"),
            captions=Path(captions) if captions else None,
            described=PhotoCaptions(
                file=Path(params["photo_captions"]) if params.get("photo_captions") else None,
                model=setup if params.get("send_photos") else None,
            ),
            resources=resources,
            hooks=Hooks(progress=context.progress, on_start=context.progress.stage),
        )
    return {"methods": [{**row.to_json(), "caption": row.caption, "keys": row.keys} for row in rows]}
