"""Write files into a folder that may hold an earlier export, and nothing else.

``kec-export.json`` tells which files are ours: only these are replaced or removed. It is written before the first
file, so an export that was killed is recognised too.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kec_core.arrays import Progress
from kec_core.disk import reason, short
from kec_core.errors import InputError, StoreError
from kec_core.paths import is_file, is_folder, is_link
from kec_core.photos.files import is_hidden
from kec_core.store import write_atomically
from kec_core.types import SkippedImage

MANIFEST = "kec-export.json"
FORMAT_VERSION = 1

WriteFile = Callable[[Path], None]
"""Writes one file to the path it is given; InputError when its photo is gone."""
Plan = Mapping[str, Mapping[str, WriteFile]]
"""For each format the files to write, by path below the folder, with "/"."""

_NAME_REFUSED = (errno.EINVAL, errno.ENAMETOOLONG, errno.EILSEQ)
"""What file systems answer to a name that they do not take."""


class ForeignFilesError(InputError):
    """The folder holds files that are not ours; they are left as they are."""


@dataclass(frozen=True, slots=True)
class Written:
    """What ``write_files`` did: paths below the folder, photos that were not there, files of an earlier export that stay."""

    files: tuple[str, ...]
    skipped: tuple[SkippedImage, ...]
    kept: tuple[str, ...]


def write_files(out: Path, plan: Plan, header: Mapping[str, str], *, progress: Progress) -> Written:
    """Write all files, each at once; what an earlier export in the same formats had more is removed.

    Args:
        out: new, empty, or an earlier export.
        plan: what to write.
        header: what the manifest says besides its list of files.
        progress: told about files; may raise Cancelled.

    Raises:
        InputError: ``out`` holds files that are not ours.
        StoreError: the disk is full or not writable.
    """
    earlier = _earlier_files(out)
    old = {name for names in earlier.values() for name in names}
    new = {name for files in plan.values() for name in files}
    _refuse_foreign(out, new - old)
    kept = {name: list(files) for name, files in earlier.items() if name not in plan}
    planned = {name: sorted({*files, *earlier.get(name, ())}) for name, files in plan.items()}
    _write_manifest(out, header, {**kept, **planned})
    skipped = _write_all(out, [item for files in plan.values() for item in files.items()], progress)
    gone = {item.path for item in skipped}
    done = {name: sorted(set(files) - gone) for name, files in plan.items()}
    current = {name for files in (*kept.values(), *done.values()) for name in files}
    if not skipped:  # an earlier copy may be the only one left of a photo that is gone
        _remove(out, old - current)
        _write_manifest(out, header, {**kept, **done})
    written = tuple(name for files in done.values() for name in files)
    stay = sorted(name for name in old.difference(written) if os.path.lexists(out / name))
    return Written(files=written, skipped=tuple(skipped), kept=tuple(stay))


def _earlier_files(out: Path) -> dict[str, list[str]]:
    """The files of an earlier export, by format; refuses a folder that is neither that nor empty."""
    if not os.path.lexists(out):
        return {}
    try:
        if not is_file(out / MANIFEST):
            _refuse_unless_empty(out)
            return {}
        listed = json.loads((out / MANIFEST).read_text(encoding="utf-8"))["files"]
        return {str(name): [_inside(out, file) for file in files] for name, files in listed.items()}
    except ForeignFilesError:
        raise
    except OSError as error:
        raise InputError(
            f"A folder to export to was expected, but {out} cannot be used ({reason(error, out)}); choose another one."
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{out / MANIFEST} should list the files of an earlier export, but cannot be used ({short(error)}); "
            "choose another folder, nothing was changed."
        ) from error


def _refuse_unless_empty(out: Path) -> None:
    if any(not is_hidden(path.name) for path in out.iterdir()):
        raise ForeignFilesError(
            f"A new or empty folder, or an earlier export, was expected, but {out} holds other files; "
            "choose another folder, nothing was changed."
        )


def _inside(out: Path, name: object) -> str:
    """Check that a listed name lies below the folder, links followed."""
    path = PurePosixPath(str(name))
    if path.is_absolute() or ".." in path.parts or not _parent_is_below(out, out / path):
        raise InputError(f"{name!r} leads out of the folder")
    return str(path)


def _parent_is_below(out: Path, path: Path) -> bool:
    return path.parent.resolve().is_relative_to(out.resolve())


def _refuse_foreign(out: Path, names: Iterable[str]) -> None:
    for name in sorted(names):
        is_taken = os.path.lexists(out / name) or not _parent_is_below(out, out / name)
        if is_taken or any(is_file(out / parent) for parent in PurePosixPath(name).parents):
            raise ForeignFilesError(
                f"{out / name} is not a file of an earlier export, so it is not replaced; "
                "move it away or choose another folder, nothing was changed."
            )


def _write_manifest(out: Path, header: Mapping[str, str], files: Mapping[str, list[str]]) -> None:
    document = {"format_version": FORMAT_VERSION, **header, "files": files}
    write_atomically(out / MANIFEST, json.dumps(document, ensure_ascii=False, indent=1).encode("utf-8"))


def _write_all(out: Path, files: list[tuple[str, WriteFile]], progress: Progress) -> list[SkippedImage]:
    skipped: list[SkippedImage] = []
    for number, (name, write) in enumerate(files):
        try:
            _write(out / name, write)
        except InputError as error:
            skipped.append(SkippedImage(path=name, reason=str(error)))
        progress(number + 1, len(files), "Exporting")
    return skipped


def _write(path: Path, write: WriteFile) -> None:
    """Replace a file at once, without waiting for the disk each time: an export can be made again."""
    fresh = path.with_name(f".new{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(fresh)
        fresh.replace(path)
    except OSError as error:
        if error.errno in _NAME_REFUSED:
            raise InputError(
                f"{path.name!r} is no name that files may have there ({error.strerror}); rename the photo, or choose a "
                "folder on another disk"
            ) from error
        raise StoreError(
            f"{path} could not be written ({reason(error, path.parent)}); free some space or choose another folder, "
            "then export again."
        ) from error
    finally:
        fresh.unlink(missing_ok=True)


def _remove(out: Path, names: Iterable[str]) -> None:
    """Remove files of an earlier export, and folders that are empty then."""
    try:
        for name in names:
            if is_link(out / name) or is_file(out / name):
                (out / name).unlink()
            _remove_empty(out, PurePosixPath(name).parents)
    except OSError as error:
        raise StoreError(
            f"An earlier file in {out} could not be removed ({reason(error, out)}); "
            "make the folder writable, then export again."
        ) from error


def _remove_empty(out: Path, parents: Sequence[PurePosixPath]) -> None:
    for parent in parents[:-1]:
        folder = out / parent
        if not is_folder(folder) or any(folder.iterdir()):
            return
        folder.rmdir()
