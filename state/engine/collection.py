"""What a project keeps of the collection that its photos stand for."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from state.project.database import stored, to_text
from state.project.project import Project

_KEY = "collection"


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """Photos at an address, and where their features lie; no credentials.

    Attributes:
        address: of the photos.
        results: address of what was made of them.
        files: name of the list of shards in ``results``.
        photos: sound photos there.
        sample: how many of them the project holds.
    """

    address: str
    results: str
    files: str
    photos: int
    sample: int


def collection_of(project: Project) -> Collection | None:
    """The collection behind a project; None for a project that was made on one machine."""
    with project.database.reading() as db:
        row = db.execute("SELECT value FROM meta WHERE key = ?", (_KEY,)).fetchone()
    with stored("the collection that the photos are of"):
        return None if row is None else Collection(**json.loads(row["value"]))


def save_collection(project: Project, collection: Collection) -> None:
    """Keep where the photos of a project come from."""
    with project.database.writing() as db:
        db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_KEY, to_text(asdict(collection))))
