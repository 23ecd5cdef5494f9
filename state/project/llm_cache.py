"""Answers of language models remembered in the project, so no question is paid for twice."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from state.project.database import Database, now, to_text


class AnswerCache:
    """Answers by key; every ``put`` is durable at once, so a killed job keeps what it has heard."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get_all(self, keys: Collection[str]) -> dict[str, str]:
        """The stored replies of those keys that have one."""
        with self._database.reading() as db:
            rows = db.execute(
                "SELECT key, reply FROM llm_answers WHERE key IN (SELECT value FROM json_each(?))",
                (to_text(list(keys)),),
            ).fetchall()
        return {row["key"]: row["reply"] for row in rows}

    def put(self, key: str, reply: str, meta: Mapping[str, Any]) -> None:
        """Remember a reply; an earlier one under the same key is replaced.

        Args:
            key: hash of everything that shapes the answer; never contains a secret.
            reply: the raw text.
            meta: any of ``model``, ``prompt_version``, ``prompt`` (texts), ``tokens`` (int), ``seconds`` (float).
        """
        self.put_all([(key, reply, meta)])

    def put_all(self, answers: Sequence[tuple[str, str, Mapping[str, Any]]]) -> None:
        """Remember several replies in one transaction, whose cost is nearly that of one ``put``."""
        rows = [_row(*answer) for answer in answers]
        with self._database.writing() as db:
            db.executemany("INSERT OR REPLACE INTO llm_answers VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _row(key: str, reply: str, meta: Mapping[str, Any]) -> tuple[str | int | float, ...]:
    return (
        key,
        str(meta.get("model", "")),
        str(meta.get("prompt_version", "")),
        str(meta.get("prompt", "")),
        reply,
        int(meta.get("tokens", 0)),
        float(meta.get("seconds", 0.0)),
        now(),
    )
