"""What every format gets and gives: the result to write, the source to read, and rows of labels."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kec_core.disk import short
from kec_core.errors import InputError
from kec_core.paths import is_file, is_folder
from kec_core.wording import counted
from state.transfer.formats.names import unique

if TYPE_CHECKING:
    from state.project.project import Project
    from state.revisions.clusterings import Features
    from state.revisions.revisions import Revision
    from state.transfer.assignments import Assignments
    from state.transfer.export_files import WriteFile

_SHOWN = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class Content:
    """What is exported.

    Attributes:
        project: whose result.
        revision: which result.
        features: of its photos.
        table: which photo is where.
        link: link to the photos instead of copying them, where a format brings photos.
    """

    project: Project
    revision: Revision
    features: Features
    table: Assignments
    link: bool = False

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """A name for each cluster id, told apart by numbers where the person gave one name twice."""
        return tuple(unique(self.table.names, keep_suffix=False))

    @cached_property
    def used_clusters(self) -> tuple[int, ...]:
        """Ids of the clusters that hold photos."""
        return tuple(sorted(set(self.table.clusters.tolist())))

    @property
    def labels(self) -> Sequence[str | None]:
        """The person's label of each photo, None where unknown."""
        return self.table.labels or (None,) * len(self.table.files)

    def rows(self) -> Iterator[Row]:
        """Each photo with the name of its cluster."""
        for file, cluster in zip(self.table.files, self.table.clusters.tolist(), strict=True):
            yield Row(where="", file=file, label=self.classes[cluster])


@dataclass(frozen=True, slots=True)
class Row:
    """A photo as a file names it, and its label; "" for none.

    Attributes:
        where: the row's place in the file, for people: "line 3".
        file: name or path of the photo.
        label: one line of text.
    """

    where: str
    file: str
    label: str

    def __str__(self) -> str:
        return f"{quoted(self.file)} in {self.where}"


@dataclass(frozen=True, slots=True)
class Labels:
    """All rows of a source, and what the person should know about the rest of it, in sentences."""

    rows: Sequence[Row]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """A file or folder that labels are read from; its content decides which format it has.

    Attributes:
        path: where it is.
        column: what is read, "label" unless a table of something else is asked for.
    """

    path: Path
    column: str = "label"
    _documents: dict[Path, object] = field(default_factory=dict, repr=False, compare=False)

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return is_folder(self.path)

    @cached_property
    def head(self) -> bytes:
        """The first bytes of the file; b"" for a folder or a file that cannot be read."""
        try:
            with self.path.open("rb") as file:
                return file.read(512)
        except (OSError, ValueError):
            return b""

    @cached_property
    def looks_like_json(self) -> bool:
        """Whether the text begins as JSON does and a header of a table does not."""
        text = self.head.decode(json.detect_encoding(self.head), "ignore")
        return text.removeprefix("\ufeff").lstrip().startswith(("{", "["))

    def document(self, *names: str) -> object:
        """The JSON document in the file, or in the first of these files of the folder; None when there is none.

        Raises:
            InputError: the file looks like JSON but is damaged, or cannot be read.
        """
        if not self.is_folder:
            return self._parsed(self.path) if self.looks_like_json else None
        found = next((self.path / name for name in names if is_file(self.path / name)), None)
        return None if found is None else self._parsed(found)

    def _parsed(self, path: Path) -> object:
        """A whole document, or the list of the documents of its lines."""
        if path not in self._documents:
            text = self.text(path)
            try:
                self._documents[path] = _parse(text)
            except (ValueError, RecursionError) as error:
                self._documents[path] = _lines(path, text, error)
        return self._documents[path]

    def text(self, path: Path) -> str:
        """A JSON file of UTF-8, UTF-16 or UTF-32.

        Raises:
            InputError: it cannot be read as that.
        """
        try:
            content = path.read_bytes()
            return content.decode(json.detect_encoding(content))
        except (OSError, ValueError) as error:
            raise InputError(
                f"{path} should be text in UTF-8, but cannot be read ({short(error)}); "
                "export it again, no label was taken."
            ) from error


def _parse(text: str) -> object:
    """A JSON document; ValueError when an object of it has a key twice, of which one would be lost."""
    return json.loads(text, object_pairs_hook=_object)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise ValueError(f"the key {quoted(twice)} comes twice in one object")
    return found


def _lines(path: Path, text: str, error: Exception) -> list[Any]:
    """The documents of JSON lines; lines end with a line feed alone, for texts may hold other ends of lines.

    Args:
        path: for messages.
        text: of the file.
        error: why it is no single document.
    """
    documents: list[Any] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            documents.append(_parse(line))
        except (ValueError, RecursionError) as in_line:
            what = f"line {number}: {short(in_line)}" if documents else short(error)
            raise InputError(
                f"{path} begins like JSON but is damaged ({what}); export it again, no label was taken."
            ) from error
    return documents


Write = Callable[[Content], Mapping[str, "WriteFile"]]
"""The files of an export by path below its folder; InputError when it cannot be made of this project."""
Read = Callable[[Source], Labels | None]
"""The rows of a source, None when it has another format; InputError when it is damaged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A format of the table.

    Attributes:
        title: what people call it, on the page Export.
        write: makes the files of an export; None when it is only read.
        read: reads labels; None when it is only written.
    """

    title: str
    write: Write | None = None
    read: Read | None = None


def write_json(document: Mapping[str, Any] | Sequence[Any], path: Path) -> None:
    """Write a JSON document for people: UTF-8, indented."""
    path.write_text(json.dumps(document, ensure_ascii=False, indent=1), encoding="utf-8")


def quoted(text: str) -> str:
    """A text of a file in a message, shortened."""
    return repr(text if len(text) <= 80 else f"{text[:60]}…{text[-15:]}")


def first_few(items: Sequence[object]) -> str:
    """The first items, and how many more there are."""
    more = len(items) - _SHOWN
    return ", ".join(map(str, items[:_SHOWN])) + (f" and {more:,} more" if more > 0 else "")


def one_label(rows: Iterable[tuple[str, str, Sequence[str]]], what: str) -> Labels:
    """Rows whose labels are lists: one label is used, several are listed in a note and count as none.

    Args:
        rows: place, photo and labels of each.
        what: what the labels are called in this format, "categories".
    """
    single: list[Row] = []
    several: list[Row] = []
    for where, file, labels in rows:
        distinct = list(dict.fromkeys(label.strip() for label in labels if label.strip()))
        row = Row(where, file, distinct[0] if len(distinct) == 1 else "")
        single.append(row)
        if len(distinct) > 1:
            several.append(row)
    notes = (
        f"With several {what}, and so without a label: {counted(len(several), 'photo')}, {first_few(several)}.",
    )
    return Labels(single, notes if several else ())
