"""Sort photos into the groups of a project, or of a model that was exported from one, without adding them: ``kec assign``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kec_core.arrays import Progress, no_progress
from kec_core.encoders import encode_files, load_second_space
from kec_core.encoders.base import Encoder
from kec_core.encoders.readymade import ReadymadeEncoder
from kec_core.errors import InputError
from kec_core.paths import exists, is_file
from kec_core.photos.images import passed_over, scan_images
from kec_core.result.group_model import Assigned, GroupModel
from kec_core.result.group_model_file import read_model
from kec_core.stages import Hooks, Runner, embed_second
from kec_core.store import MemoryStore
from kec_core.types import SkippedImage
from state.project.project import Project
from state.revisions import revisions
from state.revisions.group_models import model_of
from state.work.editing import loaded_encoder


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignedPhoto:
    """Where a photo belongs.

    Attributes:
        file: path below its folder, with "/".
        cluster: id of the group.
        name: of the group.
        confidence: in [0, 1]: 0 on the border to the next group, 1 at the group's centre.
    """

    file: str
    cluster: int
    name: str
    confidence: float

    def to_json(self) -> dict[str, Any]:
        """As ``kec assign --json`` and ``kec add --json`` print it."""
        return {**asdict(self), "confidence": round(self.confidence, 4)}


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignReport:
    """What became of the photos of a folder: each is in one of ``assigned``, ``unlike`` and ``skipped``.

    Attributes:
        unlike: photos that are unlike all groups.
        skipped: files that cannot be used, and why.
        notes: what the person should know besides, in sentences.
    """

    assigned: tuple[AssignedPhoto, ...]
    unlike: tuple[str, ...]
    skipped: tuple[SkippedImage, ...]
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As ``kec assign --json`` prints it."""
        return {
            "images": len(self.assigned) + len(self.unlike),
            "skipped": [{"path": item.path, "reason": item.reason} for item in self.skipped],
            "assigned": [one.to_json() for one in self.assigned],
            "unlike": list(self.unlike),
        }


def assign_folder(source: Path, folder: Path, *, progress: Progress = no_progress) -> AssignReport:
    """Sort the photos of a folder into groups; nothing is kept.

    Args:
        source: a project, or a file that ``kec export --format model`` wrote.
        folder: of the photos.
        progress: told during the work; may raise Cancelled.

    Raises:
        InputError: no result in the project, an unusable model or folder, features that were made elsewhere, or a second
            space of looks that lacks one of the photos.
        ResourceMissing: the weights of the encoder are not on this machine.
        StoreError: no project there, or a stored result is missing or damaged.
    """
    scan = scan_images(folder, progress=progress)
    model, encoder = model_with_encoder(source)
    encoded = encode_files(encoder, [folder / image.id for image in scan.images], progress=progress)
    failed = {scan.images[row].id: why for row, why in encoded.failed}
    files = [image.id for image in scan.images if image.id not in failed]
    second = None
    if model.space is not None:
        looks, runner = load_second_space(model.space), Runner(MemoryStore(), Hooks(progress=progress))
        second = embed_second(runner, scan.images, folder, looks, files).arrays["features"]
    assigned, unlike = sorted_out(model, files, model.assign(encoded.features, second, progress=progress))
    skipped = [*scan.skipped, *(SkippedImage(path=path, reason=why) for path, why in failed.items())]
    return AssignReport(
        assigned=assigned,
        unlike=unlike,
        skipped=tuple(sorted(skipped, key=lambda item: item.path)),
        notes=tuple(filter(None, (*scan.warnings, passed_over(scan.others)))),
    )


def model_with_encoder(source: Path) -> tuple[GroupModel, Encoder]:
    """The groups of a project, or of a file that was exported from one, and the encoder of their features.

    Raises:
        InputError: nothing there, no result in the project, an unusable model, or features that were made elsewhere.
        ResourceMissing: the weights of the encoder are not on this machine.
        StoreError: no project there, or a stored result is missing or damaged.
    """
    if not exists(source):
        raise InputError(
            f"A project or a model written by `kec export --format model` was expected, but there is nothing at {source}; "
            "check the path."
        )
    model = read_model(source) if is_file(source) else _model_of_project(Project.open(source))
    return model, _encoder_of(model)


def sorted_out(
    model: GroupModel, files: Sequence[str], found: Assigned
) -> tuple[tuple[AssignedPhoto, ...], tuple[str, ...]]:
    """The photos that belong to a group, and those that are unlike all of them."""
    columns = (found.clusters.tolist(), found.confidence.tolist(), found.unlike.tolist())
    names = model.groups.names_of(found.clusters)
    assigned, unlike = [], []
    for file, name, cluster, sure, is_unlike in zip(files, names, *columns, strict=True):
        if is_unlike:
            unlike.append(file)
        else:
            assigned.append(AssignedPhoto(file=file, cluster=cluster, name=name, confidence=sure))
    return tuple(assigned), tuple(unlike)


def _model_of_project(project: Project) -> GroupModel:
    shown = revisions.need_current(project, "groups yet")
    return model_of(project, shown, loaded_encoder(shown.facts.encoder))


def _encoder_of(model: GroupModel) -> Encoder:
    """The encoder whose features the groups were made from.

    Raises:
        InputError: the features were made elsewhere, or this machine has another version of the encoder.
        ResourceMissing: its weights are not on this machine.
    """
    encoder = loaded_encoder(model.encoder)
    if isinstance(encoder, ReadymadeEncoder):
        raise InputError(
            f"These groups were made from features of a file ({model.encoder}), which has none for new photos; "
            "run the project with an encoder, or add the new features to the file and run it again."
        )
    if encoder.info.revision != model.revision:
        raise InputError(
            f"This model was made with another version of the encoder {model.encoder}; "
            "export it again with this version of the program."
        )
    return encoder
