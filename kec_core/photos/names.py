"""Which photo a name in somebody's table means: the one matcher of labels, captions and ready-made embeddings."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

_DRIVE = re.compile(r"(file:/*)?(?=[A-Za-z]:/)|file:/*(?=/)", re.IGNORECASE)
_UNSEEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060\ufeff]")
"""Letters without a shape that web pages and spreadsheets leave in copied names."""
_JPEG = re.compile(r"\.(jpeg|jpe|jfif|jif)$")
_ABSOLUTE = re.compile(r"([A-Za-z]:)?/")


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", _composed(_UNSEEN.sub("", name)).casefold()).strip()


def _jpeg(name: str) -> str:
    return _JPEG.sub(".jpg", _folded(name))


def _without_suffix(name: str) -> str:
    path = PurePosixPath(name)
    return _folded(name.removesuffix(path.suffix))


def _number(name: str) -> str:
    """A name that is a number, without its leading zeros."""
    folder, slash, last = _without_suffix(name).rpartition("/")
    return folder + slash + (last.lstrip("0") or "0") if last.isascii() and last.isdigit() else ""


_LEVELS: tuple[tuple[Callable[[str], str], Callable[[str], str]], ...] = (
    (str, str),
    (_composed, _composed),
    (_folded, _folded),
    (_jpeg, _jpeg),
    (_without_suffix, _folded),
)
"""How a photo's id and a given name are written before they are compared, strictest first."""
_NUMBERS = (_number, _number)


class PhotoNames:
    """Finds photos by what another program or machine calls them.

    In this order: the path below the photo folder; an absolute path of any machine, or one that begins with the name
    of the photo folder, whose end is such a path; the end of such a path, the bare file name for example. Each is
    tried as written, then in composed Unicode, then without case and blanks around it, then with one suffix for JPEG, then without the
    photo's suffix. The address of a file
    or page stands for its path.
    """

    def __init__(self, ids: Iterable[str], root: Path, *, numbers: bool = False) -> None:
        """Index photos.

        Args:
            ids: of the photos, paths below ``root`` with "/".
            root: the photo folder.
            numbers: names are whole numbers: 7 means "007.jpg".
        """
        self._ids = sorted(set(ids))
        self._root = _folded(root.name)
        self._levels = (*_LEVELS, _NUMBERS) if numbers else _LEVELS
        self._whole: dict[int, dict[str, list[str]]] = {}
        self._ends: dict[int, dict[str, list[str]]] = {}

    def find(self, name: str) -> tuple[str, ...]:
        """The ids that a name may mean: one when it is clear, none, or several."""
        written = name.replace("\\", "/")
        for spelling in dict.fromkeys(
            (name, _clean(written), _clean(written.strip()), _clean(_of_url(written)))
        ):
            if spelling and (found := self._find(spelling)):
                return tuple(found)
        return ()

    def _find(self, name: str) -> Sequence[str]:
        for level, (_, write) in enumerate(self._levels):
            for candidate in (name, *self._remainders(name)):
                if found := self._whole_names(level).get(write(candidate)):
                    return found
            if found := self._end_names(level).get(write(name)):
                return found
        return ()

    def _remainders(self, name: str) -> list[str]:
        """What a path says below a photo folder that may lie elsewhere, longest first."""
        parts = [part for part in name.split("/") if part]
        is_absolute = _ABSOLUTE.match(name) is not None
        return [
            "/".join(parts[start:])
            for start in range(0 if is_absolute else 1, len(parts))
            if is_absolute or _folded(parts[start - 1]) == self._root
        ]

    def _whole_names(self, level: int) -> dict[str, list[str]]:
        if level not in self._whole:
            self._whole[level] = _index((self._levels[level][0](one), one) for one in self._ids)
        return self._whole[level]

    def _end_names(self, level: int) -> dict[str, list[str]]:
        if level not in self._ends:
            write = self._levels[level][0]
            self._ends[level] = _index((write(end), one) for one in self._ids for end in _ends(one))
        return self._ends[level]


def _index(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, one in pairs:
        if key:
            found.setdefault(key, []).append(one)
    return found


def _ends(image_id: str) -> list[str]:
    parts = image_id.split("/")
    return ["/".join(parts[start:]) for start in range(1, len(parts))]


def _of_url(name: str) -> str:
    """The path that the address of a file or page names, as it was before it was encoded; other names as they are."""
    scheme, separator, rest = name.strip().partition("://")
    if not separator or not scheme.isalnum():
        return name
    return "/" + unquote(re.split(r"[?#]", rest, maxsplit=1)[0].lstrip("/"))


def _clean(name: str) -> str:
    """Without "file:", "." parts, doubled slashes, and ".." where it can be resolved."""
    name = _DRIVE.sub("", name, count=1)
    parts: list[str] = []
    for part in name.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return ("/" if name.startswith("/") else "") + "/".join(parts)
