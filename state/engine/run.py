"""A run of KEC on a Ray cluster: what ``kec run --engine ray`` and ``kec apply`` call.

list -> encode into shards -> draw a sample -> the ordinary run on the sample -> refine the groups on all photos ->
label all photos. A collection that fits the sample is the ordinary project that a run on this machine makes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from kec_core.arrays import Progress, fingerprint, no_progress
from kec_core.config import RunConfig
from kec_core.encoders import load_encoder
from kec_core.encoders.base import Encoder
from kec_core.encoders.readymade import ReadymadeEncoder
from kec_core.errors import InputError, StoreError
from kec_core.photos.images import ScanReport, reported
from kec_core.stages import Hooks, Runner, keep_features
from state.engine.cluster import LOCAL, cluster, over
from state.engine.collection import (
    Collection,
    LatestApplied,
    collection_of,
    save_applied,
    save_collection,
)
from state.engine.encoding import MakeEncoder, encode_parts
from state.engine.labelling import Labelled, label_all, refined
from state.engine.listing import Part, list_photos
from state.engine.sampling import draw
from state.engine.shards import finished, part_of, read_facts
from state.engine.stores import Store, store_at
from state.engine.thumbnails import Thumbnails, make_thumbnails
from state.jobs.progress import JobContext
from state.project.project import Project
from state.revisions import revisions
from state.revisions.group_models import model_of
from state.revisions.revisions import Revision
from state.work.editing import loaded_encoder
from state.work.loading import MakeResources, load_resources
from state.work.run import LabelSource, RunSummary, run_project

SAMPLE: Final = 200_000
"""Photos that a project holds at most: what the live loop regroups within seconds."""
_FEATURES: Final = "features"
_LABELS: Final = "labels"


@dataclass(frozen=True, slots=True)
class NamedEncoder:
    """Loads an encoder by its name; equal ones are loaded once in a process."""

    name: str

    def __call__(self) -> Encoder:
        """The encoder."""
        return load_encoder(self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Where a run on a cluster takes place.

    Attributes:
        photos: folder or address of the photos.
        address: of the cluster, see ``cluster``.
        results: folder or address for features and labels; "" for the project's folder.
        sample: photos that the project holds at most.
        thumbnails: which to make of photos that the app cannot read by itself.
        make: loads the encoder on a worker; None for the one that the options name.
    """

    photos: str
    address: str = LOCAL
    results: str = ""
    sample: int = SAMPLE
    thumbnails: Thumbnails = "small"
    make: MakeEncoder | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The groups of a revision given to all photos of its collection.

    Attributes:
        labels: address of the files of labels.
        names: of the groups, by id.
    """

    revision: str
    labels: str
    photos: int
    names: dict[int, str]
    labelled: Labelled

    def to_json(self) -> dict[str, Any]:
        """As ``kec apply --json`` prints it."""
        sizes = self.labelled.sizes
        return {
            "revision": self.revision,
            "photos": self.photos,
            "labels": self.labels,
            "clusters": [
                {"cluster": cluster, "name": name, "images": sizes[cluster]}
                for cluster, name in self.names.items()
            ],
            "unlike": self.labelled.unlike,
        }


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
        InputError: no readable photo, an unusable address or option.
        ResourceMissing: Ray, a driver or weights are not installed.
        StoreError: features cannot be written or read.
        EngineError: the cluster failed; what is encoded is kept.
    """
    hooks = hooks or Hooks()
    results = store_at(plan.results or project.folder / "collection")
    with cluster(plan.address):
        clock = _Clock()
        loaded = resources(project, config)
        clock.lap("load")
        gathered = _gathered(project, plan, results, loaded.encoder, config.seed, clock, hooks.progress)
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
            applied = _apply(
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


def apply_job(context: JobContext) -> dict[str, Any]:
    """The job "apply": ``apply_to_all`` on the cluster of the latest run."""
    return apply_to_all(context.project, progress=context.progress).to_json()


def apply_to_all(project: Project, *, address: str = "", progress: Progress) -> Applied:
    """Give the groups of the shown revision, as the person left them, to all photos of the collection.

    Args:
        project: the caller holds its ``RunLock``.
        address: of the cluster; "" for that of the latest run.
        progress: told during the work; may raise Cancelled, what is labelled stays.

    Raises:
        InputError: no result yet, or the project stands for no collection.
        ResourceMissing: Ray, a driver or weights are not installed.
        StoreError: features cannot be read, or labels not be written.
        EngineError: the cluster failed; what is labelled is kept.
    """
    shown, collection = revisions.current(project), collection_of(project)
    if shown is None or collection is None:
        raise InputError(
            f"The project {project.name!r} was not made from a collection on a cluster, so it holds all its photos "
            f"itself; run 'kec run ADDRESS --engine ray --project {project.folder}' for one."
        )
    with cluster(address or collection.cluster):
        encoder = loaded_encoder(shown.facts.encoder)
        return _apply(project, collection, shown, encoder, refine=False, progress=progress)


def _apply(
    project: Project,
    collection: Collection,
    revision: Revision,
    encoder: Encoder,
    *,
    refine: bool,
    progress: Progress,
) -> Applied:
    results = store_at(collection.results)
    shards = results.below(_FEATURES)
    files = json.loads(results.needed(collection.files))
    model = model_of(project, revision, encoder)
    if refine:
        model = refined(shards, files, model, progress=progress)
    key = fingerprint(revision.clustering_fp, list(model.groups.names), refine)[:12]
    labels = results.below(f"{_LABELS}/{revision.id}-{key}")
    found = label_all(shards, files, model, labels, progress=progress)
    save_applied(project, LatestApplied(revision=revision.id, labels=labels.address, unlike=found.unlike))
    return Applied(
        revision=revision.id,
        labels=labels.address,
        photos=collection.photos,
        names=dict(zip(model.groups.clusters.tolist(), model.groups.names, strict=True)),
        labelled=found,
    )


# --- photos


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gathered:
    """A collection whose features are there, and the report of a scan of its sample.

    Attributes:
        encoded: photos that were encoded now.
    """

    collection: Collection
    report: ScanReport
    encoded: int

    def scan(self, _root: Path, /, *, progress: Progress = no_progress) -> ScanReport:
        """Stands for a scan of the photo folder."""
        del progress
        return self.report


def _gathered(
    project: Project,
    plan: Plan,
    results: Store,
    encoder: Encoder,
    seed: int,
    clock: _Clock,
    progress: Progress,
) -> _Gathered:
    """Encode what is not encoded yet, draw the sample, and keep its features and thumbnails in the project."""
    if plan.sample < 1:
        raise InputError(
            f"A sample should hold at least one photo, but {plan.sample} was asked for; give more."
        )
    if isinstance(encoder, ReadymadeEncoder):
        raise InputError(
            f"The engine ray encodes photos, but {encoder.info.name} is a file of features; choose an encoder."
        )
    photos, shards = store_at(plan.photos), results.below(_FEATURES)
    listing = list_photos(photos, encoder.info.revision, progress=progress)
    clock.lap("list")
    make = plan.make or NamedEncoder(encoder.info.name)
    files, fresh = _encoded(listing.parts, photos, shards, make, encoder.info.revision, progress)
    clock.lap("encode")
    facts = dict(over(files, lambda file: (file, read_facts(shards, file)))) if files else {}
    skipped = [*listing.skipped, *(item for file in files for item in facts[file].skipped)]
    report = ScanReport(
        images=(),
        skipped=tuple(sorted(skipped, key=lambda item: item.path)),
        others=sum((facts[file].others for file in files), start=listing.others),
    )
    counts = [facts[file].photos for file in files]
    if not sum(counts):
        reported(plan.photos, report)  # refuses a collection without photos
    sample = draw(shards, files, counts, plan.sample, seed)
    clock.lap("sample")
    if photos.folder is None:
        make_thumbnails(photos, sample.records, project.folder, plan.thumbnails, progress=progress)
        clock.lap("thumbnails")
    runner = Runner(project.store, Hooks(progress=progress))
    keep_features(runner, sample.records, sample.features, encoder)
    collection = Collection(
        address=photos.address,
        results=results.address,
        files=_save_files(results, files),
        photos=sum(counts),
        sample=len(sample.records),
        cluster=plan.address,
    )
    return _Gathered(
        collection=collection,
        report=reported(plan.photos, replace(report, images=sample.records, taken=sample.taken)),
        encoded=sum(facts[file].photos for file in fresh),
    )


def _encoded(
    parts: Sequence[Part], photos: Store, shards: Store, make: MakeEncoder, revision: str, progress: Progress
) -> tuple[list[str], list[str]]:
    """The files of all parts in their order, and those that were made now; finished ones are not made again.

    Raises:
        StoreError: a shard that a worker wrote is not seen from here.
    """
    done = finished(shards)
    missing = [part for part in parts if part.name not in done]
    progress(len(parts) - len(missing), len(parts), "Encoding parts of the collection")
    written: dict[str, str] = {}
    for file in encode_parts(missing, photos, shards, make, revision) if missing else ():
        written[part_of(file)] = file
        progress(len(parts) - len(missing) + len(written), len(parts), "Encoding parts of the collection")
    seen = {file.name for file in shards.files()} if written else set()
    if lost := sorted(set(written.values()) - seen):
        raise StoreError(
            f"A worker wrote {lost[0]} to {shards.address}, but it is not seen from here; give --results an address "
            "that every machine of the cluster reaches, such as s3://bucket/folder."
        )
    return [written.get(part.name, f"{part.name}.parquet") for part in parts], list(written.values())


def _save_files(results: Store, files: Sequence[str]) -> str:
    """Keep the list of the shards of a collection; returns its name."""
    name = f"shards-{fingerprint(list(files))[:12]}.json"
    results.write(name, json.dumps(list(files)).encode())
    return name


class _Clock:
    """Seconds of the steps of the work."""

    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._since = time.perf_counter()

    def lap(self, name: str) -> None:
        """A step has ended."""
        now = time.perf_counter()
        self.laps[name] = now - self._since
        self._since = now
