"""A collection that grows: new photos join the groups there are, photos that are gone leave, all else stays (``kec add``).

Concepts, names, constraints and the groups of the photos that stay are those of the shown revision; nothing is clustered
anew. Only photos whose features are not stored yet are encoded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, IntVector
from kec_core.clustering.constraints import plan_constraints
from kec_core.clustering.geometry import centroids_of, nearest_centroids, row_cosines
from kec_core.clustering.metrics import internal_scores
from kec_core.clustering.whitening import Whitening
from kec_core.encoders import load_second_space
from kec_core.encoders.base import Encoder, visual_features
from kec_core.encoders.readymade import ReadymadeEncoder
from kec_core.errors import InputError
from kec_core.live import LiveState, start
from kec_core.photos.images import ImageRecord, Scan, passed_over, scan_images
from kec_core.result.group_model import GroupModel, second_space
from kec_core.stages import (
    Hooks,
    Runner,
    Stored,
    embed_photos,
    embed_second,
    near_copies,
    refuse_lacking,
    without_features,
)
from kec_core.types import Clustering, Embeddings, Knowledge, SkippedImage
from state.project.facts import Facts
from state.project.project import Project
from state.project.saved_selections import save_selection
from state.revisions import revisions
from state.revisions.clusterings import (
    load_baseline,
    load_clustering,
    load_features,
    load_result,
    save_baseline,
    save_whitening,
)
from state.revisions.group_models import model_of
from state.revisions.revisions import Baseline, Revision
from state.revisions.scoring import score_against
from state.work.assign import AssignedPhoto, sorted_out
from state.work.changed_folder import (
    Differences,
    PhotoFolder,
    Without,
    differences_between,
    photo_folder,
    wishes_following,
)
from state.work.editing import Photos, keep, live_collection, loaded_encoder
from state.work.run import readable
from state.work.scan import StageWatch, scan_photos


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowthReport:
    """What ``grow`` did.

    Attributes:
        images: photos of the collection now.
        assigned: new and changed photos that belong to a group.
        unlike: those that are unlike all groups; they lie in the nearest one until somebody sorts them.
        encoded: how many photos the encoder was asked for.
        revision: the new revision's id; the shown one's when no photo differs.
        skipped: files that cannot be used, and why.
        notes: what the person should know besides, in sentences.
    """

    images: int
    differences: Differences
    assigned: tuple[AssignedPhoto, ...]
    unlike: tuple[str, ...]
    encoded: int
    revision: str
    skipped: tuple[SkippedImage, ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As ``kec add --json`` prints it."""
        return {
            "added": list(self.differences.added),
            "removed": list(self.differences.removed),
            "changed": list(self.differences.changed),
            "renamed": dict(self.differences.renamed),
            "assigned": [one.to_json() for one in self.assigned],
            "unlike": list(self.unlike),
            "encoded": self.encoded,
            "revision": self.revision,
            "images": self.images,
            "skipped": [{"path": item.path, "reason": item.reason} for item in self.skipped],
            "notes": list(self.notes),
        }

    def summary(self) -> dict[str, Any]:
        """As ``kec add`` prints it for people: numbers, and names where somebody should look."""
        differences = self.differences
        return {
            "added": len(differences.added),
            "removed": len(differences.removed),
            "changed": len(differences.changed),
            "renamed": len(differences.renamed),
            "into": dict(Counter(one.name for one in self.assigned).most_common()),
            "unlike": list(self.unlike),
            "encoded": self.encoded,
            "skipped": [{"path": item.path, "reason": item.reason} for item in self.skipped],
            "images": self.images,
            "revision": self.revision,
        }


def grow(
    project: Project,
    folder: Path,
    *,
    hooks: Hooks | None = None,
    scan: Scan | None = None,
    is_aside: bool = False,
) -> GrowthReport:
    """Bring the shown revision up to date with the photos, and keep that as a new revision.

    The photo folder of the project is read anew when ``folder`` is it, or a part of it; a folder that holds most photos
    of the project under their names takes its place; photos of any other folder are copied into it first.

    Args:
        project: with at least one revision; the caller holds its ``RunLock``.
        folder: of photos.
        hooks: told about progress and stages; progress may raise Cancelled.
        scan: what finds the photos where ``folder`` only stands for them; None to scan it.
        is_aside: ``folder`` is there for the moment only: its photos are copied.

    Raises:
        InputError: no result yet, no such folder, no sound photo, or a second space of looks that lacks one of the photos.
        ResourceMissing: the weights of the encoder are not on this machine.
        StoreError: a stored result is missing or damaged, the disk is full, or the project was changed by another window
            meanwhile.
    """
    shown = revisions.need_current(project, "groups yet that photos could join")
    encoder, space = _encoder(project, shown), second_space(load_features(project, shown).whitening)
    looks = None if space is None else load_second_space(space)
    watch = StageWatch(project, shown.config, hooks or Hooks())
    with project.database.kept_open(), watch:
        brought = (
            PhotoFolder(root=folder)
            if scan
            else photo_folder(
                project,
                project.images(shown.scan),
                folder,
                without=_features_check(project, shown, encoder, looks),
                is_aside=is_aside,
                progress=watch.hooks().progress,
            )
        )
        found = scan_photos(project, brought.root, watch, scan=scan or scan_images)
        runner = Runner(project.store, watch.hooks())
        embedded = embed_photos(runner, found.images, brought.root, encoder)
        second = (
            None
            if looks is None
            else embed_second(runner, found.images, brought.root, looks, embedded.data["ids"])
        )
        copies = near_copies(runner, embedded)
    found = readable(found, [SkippedImage(**item) for item in embedded.data["failed"]])
    number = project.set_images(found)
    differences = differences_between(project.images(shown.scan), found.images)
    sorted_in = _Sorted()
    if differences:
        facts = replace(
            shown.facts,
            images=len(found.images),
            near_copies={"photos": sum(map(len, copies)), "groups": len(copies)},
        )
        sorted_in = _sort_in(project, shown, embedded, second, differences, scan=number, facts=facts)
    made_elsewhere = isinstance(encoder, ReadymadeEncoder) or runner.reports[0].reused
    return GrowthReport(
        images=len(found.images),
        differences=differences,
        assigned=sorted_in.assigned,
        unlike=sorted_in.unlike,
        encoded=0 if made_elsewhere else int(embedded.data["summary"]["encoded"]),
        revision=sorted_in.revision or shown.id,
        skipped=(*brought.skipped, *found.skipped),
        notes=tuple(filter(None, (*brought.notes, *found.warnings, passed_over(found.others)))),
    )


def _encoder(project: Project, shown: Revision) -> Encoder:
    """The encoder of a revision, if it still gives the features that its groups were made from."""
    encoder = loaded_encoder(shown.facts.encoder)
    stored = load_result(project, "embed", load_features(project, shown).embed_key)
    made_with = stored.data.get("encoder", encoder.info.revision)
    if not isinstance(encoder, ReadymadeEncoder) and made_with != encoder.info.revision:
        raise InputError(
            f"The groups were made with another version of the encoder {shown.facts.encoder}, so new photos cannot be "
            f"compared with them; run 'kec run {project.images_root} --project {project.folder}' once."
        )
    return encoder


def _features_check(project: Project, shown: Revision, encoder: Encoder, looks: Encoder | None) -> Without:
    """What says which new photos have no features in the files that the encoders read."""

    def without(new: Sequence[ImageRecord]) -> Mapping[str, str]:
        photos, root = [*project.images(shown.scan), *new], project.images_root or project.folder
        lacking = without_features(project.store, "embed", photos, root, encoder)
        if looks is not None:
            used = [photo for photo in photos if photo.id not in lacking]
            reasons = without_features(project.store, "second", used, root, looks)
            refuse_lacking(looks.info, reasons, len(used))
        return lacking

    return without


# --- into the groups


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sorted:
    """Where new photos went, and the revision that keeps it; "" when there is none."""

    assigned: tuple[AssignedPhoto, ...] = ()
    unlike: tuple[str, ...] = ()
    revision: str = ""


def _sort_in(
    project: Project,
    shown: Revision,
    embedded: Stored,
    second: Stored | None,
    differences: Differences,
    *,
    scan: int,
    facts: Facts,
) -> _Sorted:
    """Keep the photos of a scan in the groups of a revision."""
    model = model_of(project, shown, loaded_encoder(shown.facts.encoder))
    of_second = None if second is None else second.arrays["features"]
    whitening = _regrown(model.whitening, of_second)
    knowledge = wishes_following(shown.knowledge, differences)
    photos = Embeddings(
        features=embedded.arrays["features"], ids=tuple(embedded.data["ids"]), encoder=shown.facts.encoder
    )
    come_from = {new: old for old, new in differences.renamed.items()}
    before = {image.id: row for row, image in enumerate(project.images(shown.scan))}
    fresh = {*differences.changed, *differences.added}
    rows = np.array([-1 if i in fresh else before[come_from.get(i, i)] for i in photos.ids], dtype=np.int64)
    new = np.flatnonzero(rows < 0)
    found = model.assign(photos.features[new], None if of_second is None else of_second[new])
    clustering = load_clustering(project, shown)
    labels = _joined(clustering.labels, rows, found.clusters)
    labels = _held(labels, knowledge, photos.ids, new)
    baseline = _grown_baseline(project, shown, model, photos, rows, scan)
    collection = live_collection(
        shown,
        photos,
        model.defaults,
        labels=project.labels(scan),
        baseline=None if baseline is None else baseline[1],
        whitening=whitening,
    )
    state = _with_centroids(start(collection, knowledge, _regrouped(clustering, labels, model)))
    kept = keep(
        project,
        shown,
        state,
        (),
        photos=Photos(
            scan=scan,
            embed=embedded.key,
            looks=save_whitening(project, whitening),
            facts=facts,
            baseline=None if baseline is None else baseline[0],
        ),
        note=str(differences),
    )
    files = [photos.ids[row] for row in new]
    assigned, unlike = sorted_out(model, files, replace(found, clusters=labels[new]))
    if unlike:
        save_selection(project, f"Unlike anything here ({kept.id})", unlike)
    return _Sorted(assigned=assigned, unlike=unlike, revision=kept.id)


def _regrown(whitening: Whitening | None, second: FloatMatrix | None) -> Whitening | None:
    """The whitening of a revision, with all photos of now in the second space of looks, raw float32 (N, d2)."""
    if whitening is None or whitening.space is None or second is None:
        return whitening
    return replace(whitening, second=whitening.space.unit(second))


def _joined(labels: IntVector, rows: NDArray[np.int64], of_new: IntVector) -> IntVector:
    """Labels of N photos: those of earlier rows, and those of the photos with row -1 in their order; int32 (N,)."""
    joined = np.asarray(labels)[np.maximum(rows, 0)]
    joined[rows < 0] = of_new
    return joined


def _held(
    labels: IntVector, knowledge: Knowledge, image_ids: Sequence[str], new: NDArray[np.int64]
) -> IntVector:
    """The labels with photos that have come back where the person had put them."""
    plan = plan_constraints(knowledge, image_ids)
    held = labels.copy()
    rows, places = plan.placed
    held[rows] = np.asarray(plan.kept, dtype=np.int32)[places]
    for unit in plan.free:
        members = plan.units[unit]
        stayed = members[~np.isin(members, new)]
        if len(stayed):
            held[members] = held[stayed[0]]
    return held


def _regrouped(before: Clustering, labels: IntVector, model: GroupModel) -> Clustering:
    """The clustering with other photos; its centroids are found by ``_with_centroids``."""
    n_ids = max(before.next_cluster_id, int(labels.max()) + 1)
    return replace(
        before,
        labels=labels,
        centroids=np.zeros((n_ids, model.groups.centres.shape[1]), dtype=np.float32),
        note="",
    )


def _with_centroids(state: LiveState) -> LiveState:
    """The state with the centroids and the objective of its labels."""
    fused, clustering = state.fused(), state.clustering
    centroids = centroids_of(fused, clustering.labels, clustering.next_cluster_id)
    objective = float(row_cosines(fused, centroids, clustering.labels).sum(dtype=np.float64))
    return replace(state, clustering=replace(clustering, centroids=centroids, objective=objective))


def _grown_baseline(
    project: Project,
    shown: Revision,
    model: GroupModel,
    photos: Embeddings,
    rows: NDArray[np.int64],
    scan: int,
) -> tuple[Baseline, IntVector] | None:
    """The plain method beside the revision with the photos of now, new ones in the nearest of its clusters."""
    if shown.baseline is None:
        return None
    before = load_baseline(project, shown.baseline)
    x_new = visual_features(photos.features[rows < 0], model.defaults, mean=model.mean)
    labels = _joined(before.labels, rows, nearest_centroids(x_new, before.centroids)[0])
    x = visual_features(photos.features, model.defaults)
    return Baseline(
        method=shown.baseline.method,
        clustering_fp=save_baseline(project, replace(before, labels=labels)),
        scores=score_against(labels, project.labels(scan)),
        internal=internal_scores(x, labels, seed=shown.config.seed),
    ), labels
