"""Photos uploaded into a project, and what of the uploads was left out: the next scan lists it with its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from kec_core.errors import InputError
from kec_core.paths import is_file, is_folder
from kec_core.photos.files import hidden_kind, is_hidden
from kec_core.photos.formats import is_named_photo, kind_of, suffix_of
from kec_core.photos.images import ScanReport
from kec_core.types import SkippedImage
from state.project.project import Project
from state.transfer.ingest import save_uploads
from state.transfer.photo_folder import Ingested
from state.transfer.saved_datasets import is_saved_dataset, unpack_dataset
from state.transfer.tar_shards import SUFFIX

UPLOADED = "photos"
"""Folder of the uploaded photos inside a project's."""
_KEY = "left_out_of_uploads"


def add_uploads(project: Project, files: Sequence[tuple[str, BinaryIO]]) -> Ingested:
    """Save uploaded photos and archives in the project; see ``save_uploads``.

    What is left out is remembered per upload: the same file uploaded again replaces what was said of it.
    """
    taken = save_uploads(files, project.folder / UPLOADED)
    _remember(project, taken)
    return joined(list(taken.values()))


def _remember(project: Project, taken: Mapping[str, Ingested]) -> None:
    """Keep what was left out of uploads and what was noticed of them, by their names."""
    known = project.meta(_KEY, {})
    for name, one in taken.items():
        known.pop(name, None)
        if one.skipped or one.others or one.notes:
            skipped = [[item.path, item.reason] for item in one.skipped]
            known[name] = {"skipped": skipped, "others": dict(one.others), "notes": list(one.notes)}
    project.set_meta(_KEY, known)


def unpacked(project: Project, given: Path) -> Path:
    """The folder of the photos: what is given, or, where photos lie packed in it, that of the uploads with its photos.

    Args:
        project: whose folder of uploads is filled; what is there already is kept.
        given: a folder of photos, a zip or tar archive, a folder of tar archives without photos beside them, or a dataset of
            Hugging Face saved on disk.

    Raises:
        InputError: an archive or a dataset cannot be used, or has no photo.
        StoreError: the disk is full or not writable.
    """
    if is_saved_dataset(given):
        _remember(project, {given.name: unpack_dataset(given, project.folder / UPLOADED)})
        return project.folder / UPLOADED
    archives = _archives(given)
    if not archives:
        return given
    unusable = [error for archive in archives if (error := _refused(project, archive))]
    if len(unusable) == len(archives):
        raise unusable[0]
    _remember(project, {f"{given.name}/": Ingested(others=_beside(given, archives))})
    return project.folder / UPLOADED


def _refused(project: Project, archive: Path) -> InputError | None:
    """Unpack an archive; why it cannot be used, which is remembered as of an upload."""
    try:
        with archive.open("rb") as content:
            add_uploads(project, [(archive.name, content)])
    except InputError as error:
        _remember(
            project, {archive.name: Ingested(skipped=(SkippedImage(path=archive.name, reason=str(error)),))}
        )
        return error
    return None


def is_archive(path: Path) -> bool:
    """Whether a path is a file that ``unpacked`` takes for an archive."""
    return is_file(path) and suffix_of(path.name) in (".zip", SUFFIX)


def _archives(given: Path) -> list[Path]:
    if is_archive(given):
        return [given]
    if not is_folder(given):
        return []
    files = sorted(given.iterdir())
    has_photos = any(is_folder(path) or is_named_photo(path.name) for path in files)
    return [] if has_photos else [path for path in files if is_file(path) and suffix_of(path.name) == SUFFIX]


def _beside(given: Path, archives: Sequence[Path]) -> dict[str, int]:
    """How many other files of each kind lie beside the archives of a folder."""
    files = (path for path in given.iterdir() if path not in archives) if is_folder(given) else ()
    names = [path.name for path in files]
    return dict(Counter(hidden_kind(name) if is_hidden(name) else kind_of(name) for name in names))


def joined(parts: Sequence[Ingested]) -> Ingested:
    """What came in with several uploads."""
    return Ingested(
        saved=tuple(dict.fromkeys(name for one in parts for name in one.saved)),
        skipped=tuple(item for one in parts for item in one.skipped),
        others=dict(sum((Counter(one.others) for one in parts), Counter())),
        notes=tuple(note for one in parts for note in one.notes),
    )


def with_left_out(report: ScanReport, project: Project, root: Path) -> ScanReport:
    """A scan of the uploaded photos with what was left out of the uploads; any other folder's as it is."""
    if root.resolve() != (project.folder / UPLOADED).resolve():
        return report
    skipped, others, notes = list(report.skipped), Counter(report.others), list(report.warnings)
    for upload in project.meta(_KEY, {}).values():
        notes += upload.get("notes", ())  # older projects kept none
        skipped += [SkippedImage(path=path, reason=reason) for path, reason in upload["skipped"]]
        others += Counter(upload["others"])
    ordered = sorted(skipped, key=lambda item: item.path)
    warnings = tuple(dict.fromkeys(notes))
    return replace(report, skipped=tuple(ordered), others=dict(others), warnings=warnings)
