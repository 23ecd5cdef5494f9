"""Photos as scans found them. A scan never changes, so the rows of every revision stay aligned with its photos."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import fields
from functools import lru_cache
from operator import attrgetter

from kec_core.arrays import fingerprint
from kec_core.photos.exif import Exif, Place
from kec_core.photos.images import ImageRecord, ScanReport
from kec_core.types import SkippedImage
from state.project.database import Database, now, stored, to_text
from state.project.integrity import seal
from state.project.meta import write_meta

_SCAN = """coalesce(?, (SELECT scan FROM revisions JOIN pointer ON number = current),
    (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'scan'))"""
"""The scan asked for by number; else that of the current revision; else the newest."""

_LABELS_OF_MOVED = """
    SELECT new.id, min(label) FROM images AS new
    JOIN images AS old ON old.sha256 = new.sha256 AND old.scan <> new.scan
    JOIN labels ON labels.id = old.id
    WHERE new.scan = :scan
    AND NOT EXISTS (SELECT 1 FROM images WHERE scan = :scan AND id = old.id)
    AND NOT EXISTS (
        SELECT 1 FROM scans CROSS JOIN images AS same ON same.scan = number AND same.id = new.id WHERE number <> :scan
    )
    GROUP BY new.id HAVING count(DISTINCT label) = 1"""
"""Photos under an id that no scan had before, whose content had a label under an id that is gone."""


def save_scan(db: sqlite3.Connection, report: ScanReport) -> int:
    """Keep a scan as the newest one, within a transaction; scans that no revision was made from are dropped.

    Labels follow photos that were renamed or moved, as their content tells.

    What cameras wrote is kept by the photos' content, for all scans; of files that are no photos only the counts of the
    newest scan are kept. Neither makes a scan another one.

    Returns:
        Its number; the same content gives the same number.
    """
    key = fingerprint(
        {
            "images": _as_dicts(report.images, ImageRecord),
            "skipped": _as_dicts(report.skipped, SkippedImage),
            "warnings": report.warnings,
        }
    )
    known = db.execute("SELECT number FROM scans WHERE fingerprint = ?", (key,)).fetchone()
    number = _insert(db, report, key) if known is None else int(known["number"])
    if known is None and (moved := db.execute(_LABELS_OF_MOVED, {"scan": number}).fetchall()):
        add_labels(db, moved)
    db.execute("INSERT OR REPLACE INTO meta VALUES ('scan', ?)", (str(number),))
    write_meta(db, "others", dict(report.others))
    known = ((image.sha256, report.exif[image.id]) for image in report.images if image.id in report.exif)
    db.executemany(
        "INSERT OR REPLACE INTO exif (sha256, taken, camera, latitude, longitude) VALUES (?, ?, ?, ?, ?)",
        (
            (
                content,
                e.taken,
                e.camera,
                *((e.place.latitude, e.place.longitude) if e.place else (None, None)),
            )
            for content, e in known
        ),
    )
    db.execute(
        "DELETE FROM scans WHERE number <> ? AND number NOT IN (SELECT scan FROM revisions)", (number,)
    )
    db.execute("DELETE FROM checksums WHERE kind = 'scans' AND number NOT IN (SELECT number FROM scans)")
    seal(db, "scans", number)
    return number


def _as_dicts(items: Sequence[object], kind: type) -> list[dict[str, object]]:
    """As ``asdict`` of every item, whose values are all plain, without its copies."""
    names = [field.name for field in fields(kind)]
    values = attrgetter(*names)
    return [dict(zip(names, values(item), strict=True)) for item in items]


def _insert(db: sqlite3.Connection, report: ScanReport, key: str) -> int:
    added = db.execute(
        "INSERT INTO scans (fingerprint, created, warnings) VALUES (?, ?, ?)",
        (key, now(), to_text(list(report.warnings))),
    )
    number = int(added.lastrowid or 0)
    images = (
        (number, row, i.id, i.width, i.height, i.sha256, i.mode, i.warning)
        for row, i in enumerate(report.images)
    )
    db.executemany("INSERT INTO images VALUES (?, ?, ?, ?, ?, ?, ?, ?)", images)
    skipped = ((number, item.path, item.reason) for item in report.skipped)
    db.executemany("INSERT INTO skipped VALUES (?, ?, ?)", skipped)
    return number


def read_images(database: Database, scan: int | None) -> tuple[ImageRecord, ...]:
    """Photos in row order; empty when there is no such scan."""
    with database.reading() as db:
        row = db.execute(f"SELECT number, fingerprint FROM scans WHERE number = {_SCAN}", (scan,)).fetchone()
    return () if row is None else _read_images(database, row["number"], row["fingerprint"])


@lru_cache(maxsize=2)
def _read_images(database: Database, number: int, _fingerprint: str) -> tuple[ImageRecord, ...]:
    """The photos of a scan; they never change under their fingerprint, so pages need not read them again and again."""
    with database.reading() as db:
        rows = db.execute(
            "SELECT id, width, height, sha256, mode, warning FROM images WHERE scan = ? ORDER BY position",
            (number,),
        )
        return tuple(
            ImageRecord(id=a, width=width, height=height, sha256=digest, mode=mode, warning=warning)
            for a, width, height, digest, mode, warning in rows
        )


def read_rows(database: Database, images: Iterable[str], scan: int) -> dict[str, int]:
    """The row of each of some photos; those that are not in the scan are left out."""
    with database.reading() as db:
        rows = db.execute(  # CROSS: each one is looked up, the scan is not read through
            "SELECT value, position FROM json_each(?) CROSS JOIN images ON scan = ? AND images.id = value",
            (to_text(list(images)), scan),
        )
        return dict(map(tuple, rows))


def read_skipped(database: Database, scan: int | None) -> tuple[SkippedImage, ...]:
    """Files that are not used, and why."""
    with database.reading() as db:
        rows = db.execute(f"SELECT path, reason FROM skipped WHERE scan = {_SCAN}", (scan,)).fetchall()
    return tuple(SkippedImage(path=row["path"], reason=row["reason"]) for row in rows)


def read_warnings(database: Database, scan: int | None) -> tuple[str, ...]:
    """What was noticed about the folder as a whole."""
    with database.reading() as db:
        row = db.execute(f"SELECT warnings FROM scans WHERE number = {_SCAN}", (scan,)).fetchone()
    with stored("what a scan noticed"):
        return () if row is None else tuple(json.loads(row["warnings"]))


def read_exif(database: Database, scan: int | None) -> list[Exif]:
    """What the camera of every photo wrote, in row order; an empty ``Exif`` where nothing is known."""
    with database.reading() as db:
        rows = db.execute(
            "SELECT taken, camera, latitude, longitude FROM images LEFT JOIN exif USING (sha256) "
            f"WHERE scan = {_SCAN} ORDER BY position",
            (scan,),
        ).fetchall()
    unknown = Exif()
    return [unknown if row["taken"] is None else _exif(*row) for row in rows]


def _exif(taken: str, camera: str, latitude: float | None, longitude: float | None) -> Exif:
    place = None if latitude is None or longitude is None else Place(latitude, longitude)
    return Exif(taken=taken, camera=camera, place=place)


def add_labels(db: sqlite3.Connection, labels: Iterable[Sequence[str]]) -> None:
    """Keep image ids with their labels beside those there are, within a transaction."""
    db.executemany("INSERT INTO labels VALUES (?, ?) ON CONFLICT (id) DO NOTHING", labels)
    db.execute(
        "INSERT INTO meta VALUES ('labels_version', '1') ON CONFLICT (key) DO UPDATE SET value = value + 1"
    )
    seal(db, "labels")


def read_labels(database: Database, scan: int | None) -> list[str | None]:
    """The label of every photo in row order, None where unknown."""
    with database.reading() as db:
        rows = db.execute(
            f"SELECT label FROM images LEFT JOIN labels USING (id) WHERE scan = {_SCAN} ORDER BY position",
            (scan,),
        ).fetchall()
    return [row["label"] for row in rows]
