"""A folder of photos that has changed since it was clustered: where it is, and what is different in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path

from kec_core.arrays import Progress
from kec_core.errors import InputError
from kec_core.knowledge.changes import with_photos_renamed
from kec_core.paths import is_folder
from kec_core.photos.images import ImageRecord, ScanReport, passed_over, scan_images
from kec_core.types import Knowledge, SkippedImage
from kec_core.wording import counted
from state.project.project import Project
from state.revisions import revisions
from state.revisions.revisions import RevisionInfo
from state.transfer.ingest import copy_photos

Without = Callable[[Sequence[ImageRecord]], Mapping[str, str]]
"""Says of new photos, under the ids they would have, why some cannot be used; InputError when none is to be taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """How the photos of a folder differ from those of a revision; image ids.

    Attributes:
        added: were not there before.
        removed: are not there any more.
        changed: show something else than before under the same name.
        renamed: new names by old ones, of photos with the same content; a new name may be an old one of another photo.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    renamed: Mapping[str, str]

    @property
    def replaced(self) -> Set[str]:
        """Names of removed photos that other photos have now."""
        return {*self.removed} & {*self.added, *self.renamed.values()}

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.renamed)

    def __str__(self) -> str:
        counts = {
            "added": len(self.added),
            "removed": len(self.removed),
            "changed": len(self.changed),
            "renamed": len(self.renamed),
        }
        said = ", ".join(f"{number:,} {what}" for what, number in counts.items() if number)
        return f"Photos: {said or 'none added or removed'}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoFolder:
    """The photo folder that holds all photos from now on, and what the person should know of the folder they named.

    Attributes:
        skipped: files of a folder elsewhere that were not copied, by their paths there.
    """

    root: Path
    skipped: tuple[SkippedImage, ...] = ()
    notes: tuple[str, ...] = ()


def photo_folder(
    project: Project,
    photos: Sequence[ImageRecord],
    folder: Path,
    *,
    without: Without,
    is_aside: bool = False,
    progress: Progress,
) -> PhotoFolder:
    """Find or make the folder that holds all photos from now on.

    The photo folder of the project stays when ``folder`` is it, or a part of it; a folder that holds most photos under
    their names takes its place; photos of any other folder are copied into it.

    Args:
        project: whose.
        photos: of the project until now.
        folder: of new photos, or of all photos.
        without: see ``Without``; asked before anything is copied.
        is_aside: the folder is there for the moment only, so it cannot take the place of the photo folder.
        progress: told about photos; may raise Cancelled.

    Raises:
        InputError: ``folder`` is no folder with a sound photo, it holds the photo folder among others, there is no
            photo folder any more, or ``without`` refuses.
        StoreError: the disk is full or not writable.
    """
    if not is_folder(folder):
        raise InputError(f"A folder of photos was expected, but {folder} is not a folder; check the path.")
    root = project.images_root
    if root is not None and not is_aside and folder.resolve().is_relative_to(root.resolve()):
        return PhotoFolder(root=root)
    if root is not None and root.resolve().is_relative_to(folder.resolve()):
        raise InputError(
            f"{folder} holds the photo folder of the project, {root}, among others; name that folder, or one with new "
            f"photos alone. To make all of {folder} one project, use kec run."
        )
    known = {image.id: image.sha256 for image in photos}
    found = scan_images(folder, progress=progress)
    if not is_aside and 2 * sum(known.get(image.id) == image.sha256 for image in found.images) >= len(known):
        said = f"{folder} is the photo folder of the project now: most of its photos are there."
        return PhotoFolder(root=folder, notes=(said,))
    return _copied_in(project, folder, found, set(known.values()), without, progress)


def _copied_in(
    project: Project,
    folder: Path,
    found: ScanReport,
    contents: Set[str],
    without: Without,
    progress: Progress,
) -> PhotoFolder:
    """Copy photos of another folder into the photo folder, but for those that the project has by content or cannot use."""
    root = project.images_root
    if root is None or not is_folder(root):
        raise InputError(
            f"The photo folder {root} of the project is not there any more, and {folder} does not hold its photos; "
            "link the project to the folder that holds them now on the Data page, then add photos."
        )
    name = folder.resolve().name
    new = {f"{name}/{image.id}": image for image in found.images if image.sha256 not in contents}
    reasons = without([replace(image, id=place) for place, image in new.items()])
    lacking = [
        SkippedImage(path=image.id, reason=reasons[place]) for place, image in new.items() if place in reasons
    ]
    wanted = [(folder / image.id, place) for place, image in new.items() if place not in reasons]
    taken = copy_photos(wanted, root, progress=progress)
    said = (
        f"{counted(len(taken.saved), 'photo was', 'photos were')} copied into {root / name}; "
        f"{len(found.images) - len(new):,} of that folder were in the project already."
    )
    return PhotoFolder(
        root=root,
        skipped=(*found.skipped, *lacking, *taken.skipped),
        notes=tuple(filter(None, (said, passed_over(found.others)))),
    )


def differences_between(before: Sequence[ImageRecord], now: Sequence[ImageRecord]) -> Differences:
    """How photos now differ from photos before.

    A photo is what it shows: one whose content lies under another name now is renamed, also where all names have moved on
    by one. What is left under one name shows something else.
    """
    old, new = ({image.id: image.pixels_key for image in images} for images in (before, now))
    places: dict[str, list[str]] = {}
    for image_id in reversed(old):
        if new.get(image_id) != old[image_id]:
            places.setdefault(old[image_id], []).append(image_id)
    renamed: dict[str, str] = {}
    for image_id, content in new.items():
        if old.get(image_id) != content and places.get(content):
            renamed[places[content].pop()] = image_id
    taken = set(renamed.values())
    left = {image_id for image_id in old if image_id not in renamed}
    fresh = [image_id for image_id in new if old.get(image_id) != new[image_id] and image_id not in taken]
    return Differences(
        added=tuple(image_id for image_id in fresh if image_id not in left),
        removed=tuple(
            image_id for image_id in old if image_id in left and (image_id not in new or image_id in taken)
        ),
        changed=tuple(image_id for image_id in fresh if image_id in left),
        renamed=renamed,
    )


def wishes_following(knowledge: Knowledge, differences: Differences) -> Knowledge:
    """The knowledge whose wishes call photos by the names that they have now."""
    return with_photos_renamed(knowledge, differences.renamed, gone=differences.replaced)


def kept_knowledge(
    project: Project, shown: RevisionInfo | None, now: Sequence[ImageRecord]
) -> Knowledge | None:
    """What a run keeps of the knowledge that a person last had a hand in on this branch, with photos by their names now.

    Args:
        project: whose.
        shown: the revision that the run goes on from; None for none.
        now: the photos that are there.
    """
    edited = revisions.last_edited(project, shown)
    if edited is None:
        return None
    return wishes_following(edited.knowledge, differences_between(project.images(edited.scan), now))
