"""One folder = one project: photos found, labels, settings and what each stage did.

Layout: ``project.db`` (everything small), ``artifacts/`` (arrays of the stages), ``jobs/`` (logs), ``thumbs/``.
The folder can be copied, zipped and opened elsewhere; photos may lie inside it or anywhere else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

from kec_core.config import RunConfig
from kec_core.disk import reason
from kec_core.errors import InputError, StoreError
from kec_core.paths import is_file, real_path
from kec_core.photos.exif import Exif
from kec_core.photos.images import ImageRecord, ScanReport
from kec_core.store import FolderStore
from kec_core.types import SkippedImage, StageReport
from kec_core.wording import counted
from state.project.database import DamagedError, Database, Json, create, now, stored, to_text
from state.project.integrity import check
from state.project.llm_cache import AnswerCache
from state.project.locks import Lease
from state.project.meta import read_meta, write_meta
from state.project.names import given_name
from state.project.recovery import backup_of, missing, recover
from state.project.scan_rows import (
    add_labels,
    read_exif,
    read_images,
    read_labels,
    read_rows,
    read_skipped,
    read_warnings,
    save_scan,
)

DATABASE = "project.db"
StageState = Literal["fresh", "running", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageRecord:
    """The latest that is known of one stage.

    Attributes:
        state: "running" also after a kill; whether a job still lives is told by its job.
        config: the options of the run it belongs to, as RunConfig JSON.
        created: UTC, ISO 8601.
    """

    report: StageReport
    state: StageState
    config: Mapping[str, Any]
    created: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Relinked:
    """How many of the known photos are there in a folder."""

    found: int
    missing: int


class Project:
    """An open project; cheap to open, holds no file handle, safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = Database(folder / DATABASE)

    @classmethod
    def create(cls, folder: Path, name: str) -> Self:
        """Make a project in a folder that is new or has none yet.

        Raises:
            InputError: the name is empty or too long.
            StoreError: the folder holds a project already, or cannot be written.
        """
        name = given_name(name, "a project")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"The folder {folder} could not be made ({reason(error, folder)}); choose one that you can write to."
            ) from error
        create(folder / DATABASE, {"name": name, "created": now()})
        return cls(folder)

    @classmethod
    def open(cls, folder: Path, *, photos: bool = True) -> Self:
        """Open a project and check its file.

        Args:
            folder: where it is.
            photos: False does not check the rows of its photos, for who reads none of them.

        Raises:
            StoreError: no project there, damaged (the original is kept aside and the last
                good state put in its place), from a newer version, or not writable.
        """
        if not cls.is_project(folder):
            raise missing(folder / DATABASE)
        project = cls(folder)
        try:
            check(project.database, photos=photos)
        except DamagedError as damage:
            raise recover(project.database.path, damage) from damage
        return project

    @staticmethod
    def is_project(folder: Path) -> bool:
        """Whether a folder holds a project file, or the backup of one that is lost."""
        return is_file(folder / DATABASE) or is_file(backup_of(folder / DATABASE))

    # --- name, settings, services

    def meta(self, key: str, default: Json = None) -> Json:
        """What is kept under a key of ``state.project.meta``, else ``default``."""
        with self.database.reading() as db:
            return read_meta(db, key, default)

    def set_meta(self, key: str, value: Json) -> None:
        """Keep a value under a key, instead of the one before."""
        with self.database.writing() as db:
            write_meta(db, key, value)

    @property
    def name(self) -> str:
        """The name people gave it."""
        return str(self.meta("name", self.folder.name))

    @property
    def created(self) -> str:
        """When it was made; UTC, ISO 8601."""
        return str(self.meta("created", ""))

    def rename(self, name: str) -> None:
        """Change the name; the folder keeps its own.

        Raises:
            InputError: the name is empty or too long.
        """
        self.set_meta("name", given_name(name, "a project"))

    def settings(self) -> RunConfig:
        """The options for the next run; defaults in a new project."""
        with stored("the settings"):
            return RunConfig.from_json(self.meta("settings", {}))

    def save_settings(self, config: RunConfig) -> None:
        """Keep the options for the next run."""
        self.set_meta("settings", config.to_json())

    @cached_property
    def store(self) -> FolderStore:
        """Results of the stages."""
        return FolderStore(self.folder / "artifacts")

    @cached_property
    def answers(self) -> AnswerCache:
        """Remembered answers of language models."""
        return AnswerCache(self.database)

    @cached_property
    def lock(self) -> Lease:
        """Which window may edit."""
        return Lease(self.database)

    # --- photos

    @property
    def images_root(self) -> Path | None:
        """The folder of the photos (it may be gone), or None before the first scan."""
        root = self.meta("images_root", None)
        with stored("the folder of its photos"):
            return None if root is None else self.folder / root

    def set_images_root(self, root: Path) -> None:
        """Remember where the photos are: relative when inside the project, so a copied project finds them."""
        inside = root.resolve().is_relative_to(self.folder.resolve())
        stored = root.resolve().relative_to(self.folder.resolve()) if inside else root.absolute()
        self.set_meta("images_root", str(stored))

    def relink(self, root: Path) -> Relinked:
        """Point the project at the folder its photos have moved to.

        Raises:
            InputError: none of the project's photos is there; nothing is changed.
        """
        ids = [image.id for image in self.images()]
        found = sum(is_file(root / image_id) for image_id in ids)
        if ids and not found:
            raise InputError(
                f"Of the project's {counted(len(ids), 'photo')} none is in {root} (looked for {ids[0]!r}); "
                "choose the folder that now holds them."
            )
        self.set_images_root(root)
        return Relinked(found=found, missing=len(ids) - found)

    def photo_path(self, image_id: str) -> Path:
        """The file of a photo of this project, guaranteed to lie below the photo folder.

        Raises:
            InputError: not a photo of this project, or it leads out of the photo folder.
        """
        root = self.images_root
        with self.database.reading() as db:
            known = db.execute(
                "SELECT 1 FROM scans CROSS JOIN images ON scan = number AND id = ? LIMIT 1", (image_id,)
            ).fetchone()
        if root is None or known is None:
            raise InputError(
                f"{image_id!r} is not a photo of this project; choose one from its list of photos."
            )
        path = real_path(root / image_id)
        if not path.is_relative_to(real_path(root)):
            raise InputError(f"{image_id!r} leads out of the photo folder {root}; it is not read.")
        return path

    def set_images(self, report: ScanReport) -> int:
        """Keep what a scan found; row order is the order of ``report.images``.

        Earlier scans stay as long as a revision was made from them, so its rows stay aligned with its photos.

        Returns:
            The scan's number; the same content gives the same number.
        """
        with self.database.writing() as db:
            return save_scan(db, report)

    @property
    def last_scan(self) -> int:
        """The number of the newest scan, or 0 before the first."""
        return int(self.meta("scan", 0))

    def images(self, scan: int | None = None) -> tuple[ImageRecord, ...]:
        """Photos in row order.

        Args:
            scan: a scan's number (``last_scan``, ``Revision.scan``); by default the photos of the current revision, or
                of the newest scan while there is no revision.
        """
        return read_images(self.database, scan)

    def rows_of(self, images: Iterable[str], scan: int) -> dict[str, int]:
        """The row of each of some photos, by image id; those that a scan did not find are left out."""
        return read_rows(self.database, images, scan)

    def skipped(self, scan: int | None = None) -> tuple[SkippedImage, ...]:
        """Files that are not used, and why; ``scan`` as in ``images``."""
        return read_skipped(self.database, scan)

    def warnings(self, scan: int | None = None) -> tuple[str, ...]:
        """What a scan noticed about the folder as a whole; ``scan`` as in ``images``."""
        return read_warnings(self.database, scan)

    @property
    def other_files(self) -> dict[str, int]:
        """How many files of each kind that is no photo the newest scan found."""
        return dict(self.meta("others", {}))

    def exif(self, scan: int | None = None) -> list[Exif]:
        """What the camera of every photo wrote, in row order; empty where nothing is known; ``scan`` as in ``images``."""
        return read_exif(self.database, scan)

    @property
    def exif_known(self) -> tuple[int, int, int]:
        """Of how many contents of photos date, camera and place are known; another scan may know more."""
        with self.database.reading() as db:
            return tuple(
                db.execute(
                    "SELECT count(nullif(taken, '')), count(nullif(camera, '')), count(latitude) FROM exif"
                ).fetchone()
            )

    # --- labels: for scoring only, never given to a method

    def set_labels(self, labels: Mapping[str, str]) -> bool:
        """Replace all labels, by image id; photos that are not named have none.

        Scores of revisions do not follow by themselves: see ``state.revisions.scoring.rescore``.

        Returns:
            Whether anything is different now.
        """
        with self.database.writing() as db:
            before = dict(db.execute("SELECT id, label FROM labels").fetchall())
            if before == labels:
                return False
            db.execute("DELETE FROM labels")
            add_labels(db, labels.items())
        return True

    @property
    def labels_version(self) -> int:
        """Grows whenever the labels change."""
        return int(self.meta("labels_version", 0))

    def labels(self, scan: int | None = None) -> list[str | None]:
        """The label of every photo in row order, None where unknown; ``scan`` as in ``images``."""
        return read_labels(self.database, scan)

    # --- stages

    def stage_reports(self) -> tuple[StageRecord, ...]:
        """What is known of every stage of the latest run, in the order they ran."""
        with self.database.reading() as db:
            rows = db.execute("SELECT * FROM stages ORDER BY rowid").fetchall()
        return tuple(_stage_record(dict(row)) for row in rows)

    def clear_stages(self) -> None:
        """Forget the records of the previous run (not its results, nor its near-copies): a new one begins."""
        self.set_meta("near_copies", self.near_copies_key)
        with self.database.writing(durable=False) as db:
            db.execute("DELETE FROM stages")

    @property
    def near_copies_key(self) -> str:
        """What near-copies are stored under: those of the latest run that has looked for them; "" before one has."""
        records = (record for record in self.stage_reports() if record.report.stage == "copies")
        found = next((record.report.fingerprint for record in records if record.state == "fresh"), None)
        return found or str(self.meta("near_copies", ""))

    def record_stage(self, report: StageReport, state: StageState, config: RunConfig) -> None:
        """Keep the record of one stage."""
        row = (
            report.stage,
            report.fingerprint,
            state,
            report.seconds,
            int(report.reused),
            to_text(report.summary),
            to_text(config.to_json()),
            now(),
        )
        with self.database.writing(durable=False) as db:
            db.execute(
                "INSERT INTO stages VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (stage) DO UPDATE SET "
                "fingerprint = excluded.fingerprint, state = excluded.state, seconds = excluded.seconds, "
                "reused = excluded.reused, summary = excluded.summary, config = excluded.config, created = excluded.created",
                row,
            )


def _stage_record(row: dict[str, Any]) -> StageRecord:
    with stored(f"the record of stage {row['stage']!r}"):
        report = StageReport(
            stage=row["stage"],
            fingerprint=row["fingerprint"],
            seconds=row["seconds"],
            reused=bool(row["reused"]),
            summary=json.loads(row["summary"]),
        )
        config = json.loads(row["config"])
    return StageRecord(report=report, state=row["state"], config=config, created=row["created"])
