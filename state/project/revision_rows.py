"""What a revision is, and how it lies in the database; every function works inside a caller's transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any

from kec_core.config import RunConfig
from kec_core.errors import InputError
from kec_core.types import InternalScores, Knowledge, Scores
from state.project.database import now, pack, stored, to_text, unpack
from state.project.facts import Facts

KNOWLEDGE_ENTRIES = 16
"""Knowledge kept in memory, by its content: that of the shown revision and its parent, of some projects."""

Edit = Mapping[str, Any]
"""One edit as JSON, e.g. {"op": "rename_concept", ...}."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The plain method shown beside KEC; its clustering is the stage "baseline" with this fingerprint."""

    method: str
    clustering_fp: str
    scores: Scores | None = None
    internal: InternalScores | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionInfo:
    """A revision without its knowledge and options: what lists and trees need.

    Attributes:
        id: "r1", "r2", ...
        parent: the revision it was made from, None for the first.
        created: UTC, ISO 8601.
        note: what was done, in words; ``name`` is given by the person, or "".
        pinned: True marks it as worth keeping.
        scan: number of the scan whose photos are its rows (``Project.images(scan)``).
        clustering_fp: its clustering in the store, see ``state.revisions.clusterings``.
        edits: the edits that lead here from the parent, replayable.
        scores: agreement with the labels, None without labels.
        summary: ``facts`` as JSON, as it is stored and exported.
    """

    id: str
    parent: str | None
    created: str
    note: str
    name: str
    pinned: bool
    scan: int
    clustering_fp: str
    edits: tuple[Edit, ...]
    scores: Scores | None
    baseline: Baseline | None
    internal: InternalScores | None
    summary: Mapping[str, Any]

    @property
    def facts(self) -> Facts:
        """The summary, typed."""
        return Facts.from_json(self.summary)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision(RevisionInfo):
    """A revision with its knowledge and the options it was made with."""

    knowledge: Knowledge
    config: RunConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRevision:
    """What a revision is made of before it has an id; fields as in ``RevisionInfo`` and ``Revision``."""

    knowledge: Knowledge
    config: RunConfig
    clustering_fp: str
    scan: int
    note: str
    name: str = ""
    edits: tuple[Edit, ...] = ()
    scores: Scores | None = None
    baseline: Baseline | None = None
    internal: InternalScores | None = None
    summary: Mapping[str, Any] = field(default_factory=dict)


def insert(db: sqlite3.Connection, new: NewRevision, parent: int | None) -> int:
    """Store a new revision; returns its number, larger than any before."""
    row = {
        "parent": parent,
        "created": now(),
        "note": new.note,
        "name": new.name,
        "scan": new.scan,
        "clustering": new.clustering_fp,
        "edits": to_text([dict(edit) for edit in new.edits]),
        "knowledge": pack(new.knowledge.to_json()),
        "config": to_text(new.config.to_json()),
        "scores": optional_json(new.scores),
        "baseline": optional_json(new.baseline),
        "internal": optional_json(new.internal),
        "summary": to_text(dict(new.summary)),
    }
    statement = f"INSERT INTO revisions ({', '.join(row)}) VALUES ({', '.join(f':{key}' for key in row)})"
    return int(db.execute(statement, row).lastrowid or 0)


def current_number(db: sqlite3.Connection) -> int | None:
    """The revision that is shown, None before the first."""
    with stored("which revision is shown"):
        number: int | None = db.execute("SELECT current FROM pointer").fetchone()["current"]
    return number


def parent_number(db: sqlite3.Connection, number: int | None) -> int | None:
    """The parent of a revision, None for the first and for None."""
    row = db.execute("SELECT parent FROM revisions WHERE number = ?", (number,)).fetchone()
    return None if row is None else row["parent"]


def path_to(db: sqlite3.Connection, number: int | None) -> list[int]:
    """Numbers from the first revision to this one."""
    rows = db.execute(
        "WITH RECURSIVE path (number) AS (SELECT ? UNION ALL SELECT parent FROM revisions JOIN path USING (number) "
        "WHERE parent IS NOT NULL) SELECT number FROM path ORDER BY number",
        (number,),
    )
    return [row["number"] for row in rows]


def next_number(db: sqlite3.Connection) -> int | None:
    """The step from the current revision towards the tip of its branch."""
    row = db.execute("SELECT current, tip FROM pointer").fetchone()
    path = path_to(db, row["tip"])
    after = path[path.index(row["current"]) + 1 :]
    return after[0] if after else None


def find(db: sqlite3.Connection, wanted: str) -> int:
    """The number of a revision by id or name; InputError when there is none."""
    row = db.execute(
        "SELECT number FROM revisions WHERE 'r' || number = ?1 OR (name = ?1 AND name <> '') LIMIT 1",
        (wanted,),
    ).fetchone()
    if row is None:
        last = db.execute("SELECT max(number) AS last FROM revisions").fetchone()["last"]
        known = "there is none yet" if last is None else f"the newest is r{last}"
        raise InputError(f"There is no revision {wanted!r}; {known}.")
    return int(row["number"])


def as_id(number: int | None) -> str | None:
    """The id people see: 3 -> "r3"."""
    return None if number is None else f"r{number}"


def as_number(revision_id: str) -> int:
    """The number behind an id: "r3" -> 3."""
    return int(revision_id[1:])


COLUMNS = (
    "number, parent, created, note, name, pinned, scan, clustering, edits, knowledge, config, scores, baseline, internal, "
    "summary"
)
LIGHT_COLUMNS = "number, parent, created, note, name, pinned, scan, clustering, edits, scores, baseline, internal, summary"


def light_fields(row: sqlite3.Row) -> dict[str, Any]:
    """The fields of RevisionInfo from a row with ``LIGHT_COLUMNS``.

    Raises:
        DamagedError: the row does not hold what was stored.
    """
    with stored(f"revision r{row['number']}"):
        return {
            "id": f"r{row['number']}",
            "parent": as_id(row["parent"]),
            "created": row["created"],
            "note": row["note"],
            "name": row["name"],
            "pinned": bool(row["pinned"]),
            "scan": row["scan"],
            "clustering_fp": row["clustering"],
            "edits": tuple(json.loads(row["edits"])),
            "scores": _scores(_loads(row["scores"])),
            "baseline": _baseline(_loads(row["baseline"])),
            "internal": _internal(_loads(row["internal"])),
            "summary": dict(json.loads(row["summary"])),
        }


def read_revision(db: sqlite3.Connection, number: int) -> Revision:
    """A revision with its knowledge.

    Raises:
        DamagedError: it is not there, or not what was stored.
    """
    with stored(f"revision r{number}"):
        row = db.execute("SELECT * FROM revisions WHERE number = ?", (number,)).fetchone()
        return Revision(
            **light_fields(row),
            knowledge=_knowledge(row["knowledge"]),
            config=RunConfig.from_json(json.loads(row["config"])),
        )


@lru_cache(maxsize=KNOWLEDGE_ENTRIES)
def _knowledge(packed: bytes) -> Knowledge:
    """The knowledge in a row; a page asks for that of the shown revision a dozen times."""
    return Knowledge.from_json(unpack(packed))


def optional_json(value: Scores | Baseline | InternalScores | None) -> str | None:
    """JSON text, or None for None."""
    return None if value is None else to_text(asdict(value))


def _loads(text: str | None) -> dict[str, Any] | None:
    return None if text is None else json.loads(text)


def _scores(data: dict[str, Any] | None) -> Scores | None:
    return None if data is None else Scores(**data)


def _internal(data: dict[str, Any] | None) -> InternalScores | None:
    return None if data is None else InternalScores(**data)


def _baseline(data: dict[str, Any] | None) -> Baseline | None:
    if data is None:
        return None
    return Baseline(**{**data, "scores": _scores(data["scores"]), "internal": _internal(data["internal"])})
