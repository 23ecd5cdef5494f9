"""The table of compared methods: kept with the project row by row, so a stopped comparison shows what it finished."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import TypeAdapter

from kec_core.methods.base import Spread
from state.project.database import now
from state.project.meta import read_meta, read_meta_below, write_meta
from state.project.project import Project

Preset = Literal["full", "fast"]
_PREFIX = "methods:"


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodRow:
    """One method over all seeds.

    Attributes:
        scores: by metric; None when no photo that was clustered has a label.
        seconds: of one seed, on average, without what all methods share (features, nouns, knowledge).
        note: what people must know to read the numbers.
        keys: of the clustering of each seed in the project's store, stage "method".
    """

    name: str
    caption: str
    provenance: str
    scores: Mapping[str, Spread] | None
    seconds: float
    note: str
    keys: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As ``kec methods --json`` prints it."""
        scores = None if self.scores is None else {name: asdict(s) for name, s in self.scores.items()}
        return {
            "name": self.name,
            "provenance": self.provenance,
            "scores": scores,
            "seconds": round(self.seconds, 3),
            "note": self.note,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRow:
    """A row as it is kept.

    Attributes:
        revision: whose photos, K and knowledge the method was given.
        preset: of its options.
        labels_version: of the labels it was scored against (``Project.labels_version``).
        created: UTC, ISO 8601.
    """

    row: MethodRow
    revision: str
    preset: Preset
    labels_version: int
    created: str

    @property
    def n_seeds(self) -> int:
        """How many seeds it was run with."""
        return len(self.row.keys)


def keep_row(project: Project, revision: str, preset: Preset, row: MethodRow) -> None:
    """Keep a row; an earlier one of the same method on the same revision makes room for it."""
    kept = KeptRow(
        row=row,
        revision=revision,
        preset=preset,
        labels_version=project.labels_version,
        created=now(),
    )
    key = _PREFIX + revision
    with project.database.writing() as db:
        write_meta(db, key, {**read_meta(db, key, {}), row.name: asdict(kept)})


def kept_rows(project: Project, revision: str) -> tuple[KeptRow, ...]:
    """The table of a revision, in the order the methods were first run; empty before."""
    rows = project.meta(_PREFIX + revision, {})
    return tuple(map(TypeAdapter(KeptRow).validate_python, rows.values()))


def compared_revisions(project: Project) -> tuple[str, ...]:
    """Revisions that have a table, the newest revision first."""
    with project.database.reading() as db:
        found = read_meta_below(db, _PREFIX)
    return tuple(sorted(found, key=lambda revision: int(revision[1:]), reverse=True))
