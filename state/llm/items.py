"""What becomes of each question of the latest run that asked a language model, written while it asks."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Self

from kec_core.errors import StoreError
from kec_core.knowledge.base import ItemReport
from kec_core.types import StageReport
from state.project.background import BackgroundWriter
from state.project.database import Database

_COLUMNS = tuple(field.name for field in fields(ItemReport))
_PUT = (
    f"INSERT INTO llm_items ({', '.join(_COLUMNS)}) VALUES ({', '.join(':' + name for name in _COLUMNS)}) "
    f"ON CONFLICT (key) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _COLUMNS[1:])}"
)


class ItemLog:
    """Called with every item; a thread writes several at once, so that the asking never waits for the disk.

    Use as a context manager around a run: what the previous run left is removed first.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: dict[str, ItemReport] = {}
        self._guard = threading.Lock()
        self._writer = BackgroundWriter(self._write, "the state of the questions")

    def __call__(self, item: ItemReport) -> None:
        """Take note of an item's latest state."""
        with self._guard:
            self._waiting[item.key] = item

    def __enter__(self) -> Self:
        with self._database.writing(durable=False) as db:
            db.execute("DELETE FROM llm_items")
        self._writer.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.__exit__()

    def _write(self) -> None:
        with self._guard:
            batch, self._waiting = self._waiting, {}
        if batch:
            try:
                with self._database.writing(durable=False) as db:
                    db.executemany(_PUT, [asdict(item) for item in batch.values()])
            except StoreError:
                with self._guard:
                    self._waiting = {**batch, **self._waiting}
                raise


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """How the questions behind the present concepts and attributes ended, also when the latest run asked nothing.

    Attributes:
        counts: how many items by status.
        marked: those that another builder or nobody made, and those taken with a flaw; each with its reason.
    """

    counts: Mapping[str, int]
    marked: tuple[ItemReport, ...]

    @property
    def replaced(self) -> tuple[ItemReport, ...]:
        """The items without a usable answer: asking again may mend them."""
        return tuple(item for item in self.marked if item.status in ("fallback", "failed"))


def account(reports: Iterable[StageReport]) -> Account:
    """Read the account that the stages keep in their summaries."""
    counts: Counter[str] = Counter()
    marked: list[ItemReport] = []
    for report in reports:
        counts.update(report.summary.get("asked", {}))
        marked.extend(ItemReport(**item) for item in report.summary.get("marked", ()))
    return Account(counts=dict(counts), marked=tuple(marked))


def read_items(database: Database) -> tuple[ItemReport, ...]:
    """Every question of the latest run that asked a language model, in the order they came up."""
    with database.reading() as db:
        rows = db.execute(f"SELECT {', '.join(_COLUMNS)} FROM llm_items ORDER BY rowid").fetchall()
    return tuple(ItemReport(**dict(row)) for row in rows)
