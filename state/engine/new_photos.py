"""Photos at any address for ``kec add`` and ``kec assign``: beside what ``state.work`` does with a folder of this machine."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from kec_core.arrays import Progress, blocks
from kec_core.errors import InputError
from kec_core.paths import is_folder
from kec_core.photos.images import ImageRecord, ScanReport, passed_over, reported
from kec_core.stages import Hooks
from kec_core.types import SkippedImage
from state.engine.applying import Applied, apply_groups
from state.engine.cluster import cluster
from state.engine.collection import Collection, collection_of, save_collection
from state.engine.encoding import READERS, decode_part, encode_part
from state.engine.gathering import SAMPLE, Clock, Plan, gather
from state.engine.listing import list_photos
from state.engine.stores import Store, Unread, store_at
from state.jobs.progress import JobContext
from state.project.project import Project
from state.project.thumbnails import SIDES, THUMBNAILS, build_thumbnails
from state.revisions import revisions
from state.revisions.layouts import make_first_map
from state.transfer.ingest import safe_path
from state.work.assign import AssignedPhoto, AssignReport, assign_folder, model_with_encoder, sorted_out
from state.work.editing import loaded_encoder
from state.work.growing import GrowthReport, grow

_BATCH: Final = 256  # photos that are fetched at once, at most in memory together               [R]


def assign_photos(source: Path, photos: str, *, progress: Progress) -> AssignReport:
    """Sort the photos of a folder or at an address into groups, part by part in this process; nothing is kept.

    Args:
        source: a project, or a file that ``kec export --format model`` wrote.
        photos: folder or address.
        progress: told during the work; may raise Cancelled.

    Raises:
        InputError: no result in the project, an unusable model or place, no sound photo, features made elsewhere, or
            photos at an address for groups whose looks come from a second space too.
        ResourceMissing: the weights of the encoder, or the driver for the address, are not on this machine.
        StoreError: no project there, or a stored result is missing or damaged.
    """
    store = store_at(photos)
    if store.folder is not None:
        return assign_folder(source, store.folder, progress=progress)
    model, encoder = model_with_encoder(source)
    if model.space is not None:
        raise InputError(
            f"The looks of these groups come from a second space too ({model.space.encoder}), which is made of photos on this "
            f"machine alone; copy the photos at {store.address} into a folder and give that."
        )
    listing = list_photos(store, encoder.info.revision, progress=progress)
    assigned: list[AssignedPhoto] = []
    unlike: list[str] = []
    images, skipped, others = list[ImageRecord](), list(listing.skipped), Counter(listing.others)
    for number, part in enumerate(listing.parts):
        progress(number, len(listing.parts), "Assigning photos")
        shard = encode_part(encoder, decode_part(store, encoder, part))
        sorted_in = sorted_out(model, [record.id for record in shard.records], model.assign(shard.features))
        assigned += sorted_in[0]
        unlike += sorted_in[1]
        images += shard.records
        skipped += shard.skipped
        others += shard.others
    found = ScanReport(images=tuple(images), skipped=tuple(skipped), others=others)
    report = reported(store.address, found)
    return AssignReport(
        assigned=tuple(assigned),
        unlike=tuple(unlike),
        skipped=tuple(sorted(report.skipped, key=lambda item: item.path)),
        notes=tuple(filter(None, (*report.warnings, passed_over(report.others)))),
    )


def add_photos(
    project: Project, photos: str, *, address: str = "", hooks: Hooks | None = None
) -> GrowthReport:
    """Bring a project up to date with a folder or an address.

    A project that was run on an address reads it anew and encodes what is new there on a cluster. Any other project
    takes photos from an address into its photo folder, and those of a folder as ``grow`` does.

    Args:
        project: with at least one revision; the caller holds its ``RunLock``.
        photos: folder or address.
        address: of the cluster; "" for that of the latest run.
        hooks: told about progress and stages; progress may raise Cancelled.

    Raises:
        InputError: no result yet, no sound photo, an unusable place, or photos elsewhere than the collection's.
        ResourceMissing: Ray, a driver or weights are not installed.
        StoreError: something cannot be read or written.
        EngineError: the cluster failed; what is encoded is kept.
    """
    hooks = hooks or Hooks()
    store, collection = store_at(photos), collection_of(project)
    if collection is not None:
        if f"{store.address}/".startswith(f"{collection.address}/"):
            return _collection_grown(project, collection, address or collection.cluster, hooks)
        if collection.is_sampled or store_at(collection.address).folder is None:
            raise InputError(
                f"The photos of this project lie at {collection.address}, and only photos there can join it; put new ones "
                f"there and give that address, or run 'kec run' on {photos} for a project of its own."
            )
    if store.folder is not None:
        return grow(project, store.folder, hooks=hooks)
    return _taken_in(project, store, hooks)


def add_job(context: JobContext) -> dict[str, Any]:
    """The job "add": ``add_photos``, then thumbnails of photos on this machine and the map; params: images (folder or address)."""
    project, progress = context.project, context.progress
    hooks = Hooks(progress=progress, on_start=progress.stage)
    report = add_photos(project, context.params["images"], hooks=hooks)
    root = project.images_root
    if root is not None and is_folder(root):
        build_thumbnails(
            project.images(), root, project.folder / THUMBNAILS, sides=SIDES[:1], progress=progress
        )
    make_first_map(context)
    return report.to_json()


def _taken_in(project: Project, store: Store, hooks: Hooks) -> GrowthReport:
    """Copy photos from an address into the photo folder, and sort them into the groups there are."""
    name = safe_path(store.address.rpartition("/")[2]).name
    with tempfile.TemporaryDirectory(prefix=".adding-", dir=project.folder) as aside:
        folder = Path(aside) / name
        unread = _fetch(store, folder, progress=hooks.progress)
        report = grow(project, folder, hooks=hooks, is_aside=True)
    return replace(report, skipped=(*unread, *report.skipped))


def _collection_grown(project: Project, collection: Collection, address: str, hooks: Hooks) -> GrowthReport:
    """Encode what is new, keep it in the groups of the sample, and give these to all photos."""
    shown = revisions.current(project)
    if shown is None:
        raise InputError("The project has no groups yet that photos could join; run 'kec run' first.")
    encoder = loaded_encoder(shown.facts.encoder)
    plan = Plan(
        photos=collection.address,
        address=address,
        results=collection.results,
        sample=collection.sample if collection.is_sampled else SAMPLE,
    )
    with cluster(address):
        gathered = gather(
            project,
            plan,
            store_at(collection.results),
            encoder,
            shown.config.seed,
            Clock(),
            hooks.progress,
            keep=frozenset(image.id for image in project.images(shown.scan)),
        )
        root = project.images_root or project.folder / "photos"
        report = grow(project, root, hooks=hooks, scan=gathered.scan)
        save_collection(project, gathered.collection)
        report = replace(report, encoded=gathered.encoded)
        now = revisions.current(project)
        if not gathered.collection.is_sampled or now is None:
            return report
        applied = apply_groups(
            project, gathered.collection, now, encoder, refine=False, progress=hooks.progress
        )
    return replace(report, notes=(*report.notes, _all_have(applied)))


def _all_have(applied: Applied) -> str:
    return (
        f"What is told here is of the sample. All {applied.photos:,} photos have the groups now, "
        f"{applied.labelled.unlike:,} of them unlike all groups: {applied.labels}."
    )


def _fetch(photos: Store, folder: Path, *, progress: Progress) -> Sequence[SkippedImage]:
    """Copy the files at an address into a folder; returns those that could not be."""
    folder.mkdir()
    names = [name for part in list_photos(photos, "", progress=progress).parts for name in part.files]
    skipped: list[SkippedImage] = []
    with ThreadPoolExecutor(READERS) as pool:
        for batch in blocks(len(names), _BATCH):
            progress(batch.start, len(names), "Fetching photos")
            for name, content in zip(names[batch], pool.map(photos.read, names[batch]), strict=True):
                if why := content.reason if isinstance(content, Unread) else _written(folder, name, content):
                    skipped.append(SkippedImage(path=name, reason=why))
    return skipped


def _written(folder: Path, name: str, content: bytes) -> str:
    """Write a file below a folder; why not, or ""."""
    try:
        path = folder / safe_path(name)
    except InputError as error:
        return str(error)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return ""
