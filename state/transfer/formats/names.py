"""File names that every system takes, and names told apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePosixPath

_MAX_NAME_BYTES = 120
_MAX_SUFFIX_BYTES = 10
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]+')
_NAMELESS = re.compile(r"[ .]*\.[A-Za-z0-9]{1,9} *")
"""Nothing is left of a name but its suffix: "?.jpg"."""
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def safe_name(name: str) -> str:
    """A file or folder name that every common file system takes, as close to ``name`` as possible; never empty."""
    clean = _NOT_IN_NAMES.sub(" ", name).encode("utf-8", "replace").decode("utf-8")
    if _NAMELESS.fullmatch(clean):
        clean = f"unnamed.{clean.strip(' .')}"
    clean = clean.strip(" .") or "unnamed"
    if len(clean.encode("utf-8")) > _MAX_NAME_BYTES:
        suffix = PurePosixPath(clean).suffix.encode("utf-8")
        suffix = suffix if len(suffix) <= _MAX_SUFFIX_BYTES else b""
        stem = clean.encode("utf-8")[: _MAX_NAME_BYTES - len(suffix)].decode("utf-8", "ignore")
        clean = stem.rstrip(" .") + suffix.decode("utf-8")
    return f"_{clean}" if _RESERVED.fullmatch(clean) else clean


def safe_path(path: str) -> str:
    """A path below a folder, each part of it a safe name."""
    return "/".join(safe_name(part) for part in path.split("/"))


def unique(names: Sequence[str], *, keep_suffix: bool = True) -> list[str]:
    """Number names that are alike, also when only their case differs: "a.jpg", "A (2).jpg".

    Args:
        names: paths with "/", or any names.
        keep_suffix: the number comes before the suffix, as it must for files.
    """
    taken: set[str] = set()
    last: dict[str, int] = {}
    told_apart = []
    for name in names:
        path, free = PurePosixPath(name), name
        while free.casefold() in taken:
            last[name.casefold()] = number = last.get(name.casefold(), 1) + 1
            free = (
                str(path.with_name(f"{path.stem} ({number}){path.suffix}"))
                if keep_suffix
                else f"{name} ({number})"
            )
        taken.add(free.casefold())
        told_apart.append(free)
    return told_apart
