"""Text features on disk, one row per encoder, template set and string: every string is encoded once."""

from __future__ import annotations

import hashlib
import logging
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from kec_core.arrays import FloatMatrix, FloatVector, Progress, blocks, fingerprint, no_progress
from kec_core.disk import may_write, short
from kec_core.encoders.base import Encoder
from kec_core.errors import InputError, StoreError
from kec_core.paths import exists
from kec_core.store import cache_dir

logger = logging.getLogger(__name__)

_BLOCK = 2048  # strings encoded between two writes: a kill loses at most these
_QUERY = 500  # keys per SELECT, below SQLite's oldest limit of variables
_WAIT_SECONDS = 60.0  # how long a writer waits for another process
_PAUSE_SECONDS = 0.02


class TextCache:
    """A SQLite file of text features; safe to use from many threads and processes at once."""

    def __init__(self, path: Path | None = None) -> None:
        """Open or create the cache.

        Args:
            path: the file; None is ``texts.sqlite`` in the shared cache folder.

        Raises:
            StoreError: the file cannot be made or is not such a cache.
        """
        self.path = path if path is not None else cache_dir() / "texts.sqlite"
        self._may_write = may_write(self.path.parent) and (not exists(self.path) or may_write(self.path))
        if not self._may_write:
            logger.warning(
                "The text cache %s cannot be written: words are encoded again each time.", self.path
            )
            return
        with self._connection() as connection:
            _write_ahead(connection)
            connection.execute(
                "CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB NOT NULL)"
            )

    def get(self, space: str, texts: Sequence[str]) -> dict[str, FloatVector]:
        """The stored features of those ``texts`` that are there.

        Args:
            space: names encoder and templates (see ``text_space``).
            texts: any strings.

        Returns:
            Text to float32 (d,).
        """
        if not self._may_write:
            return {}
        wanted = {_key(space, text): text for text in texts}
        keys = list(wanted)
        found: dict[str, FloatVector] = {}
        with self._connection() as connection:
            for block in blocks(len(keys), _QUERY):
                marks = ",".join("?" * len(keys[block]))
                rows = connection.execute(
                    f"SELECT key, vector FROM vectors WHERE key IN ({marks})", keys[block]
                )
                found.update((wanted[key], np.frombuffer(vector, dtype="<f4")) for key, vector in rows)
        return found

    def put(self, space: str, vectors: Mapping[str, FloatVector]) -> None:
        """Store the features of some texts, all or none of them; a text already there keeps its row."""
        if not self._may_write:
            return
        rows = [(_key(space, text), vector.astype("<f4").tobytes()) for text, vector in vectors.items()]
        with self._connection() as connection, connection:
            connection.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?)", rows)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        # One connection per use: SQLite connections may cross neither threads nor forks.
        try:
            connection = sqlite3.connect(self.path, timeout=_WAIT_SECONDS)
        except sqlite3.Error as error:
            raise self._trouble(error) from error
        try:
            # A power cut may cost the last rows, never the file.
            connection.execute("PRAGMA synchronous = NORMAL")
            yield connection
        except sqlite3.Error as error:
            raise self._trouble(error) from error
        finally:
            connection.close()

    def _trouble(self, error: sqlite3.Error) -> StoreError:
        return StoreError(
            f"The text cache {self.path} cannot be used ({short(error)}); free some space or delete that file: "
            "it only saves time and is made anew."
        )


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Turn the write-ahead log on; SQLite itself does not wait here for another process that does the same."""
    until = time.monotonic() + _WAIT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_PAUSE_SECONDS)


def text_space(encoder: Encoder, templates: Sequence[str]) -> str:
    """Name of the space that ``encode_texts`` with these templates fills in a cache."""
    return fingerprint(encoder.info.revision, list(templates))


def _key(space: str, text: str) -> bytes:
    return hashlib.sha256(f"{space} {text}".encode("utf-8", "surrogatepass")).digest()[:16]


def encode_texts(
    encoder: Encoder,
    texts: Sequence[str],
    *,
    templates: Sequence[str] = ("{}",),
    cache: TextCache | None = None,
    progress: Progress = no_progress,
) -> FloatMatrix:
    """Mean of the RAW features of each text over the templates (methods.md section 1.1 step 1).

    Each distinct string is encoded once, and never again if ``cache`` has it.

    Args:
        encoder: any encoder.
        texts: T strings.
        templates: prompts with "{}" where the text goes.
        cache: where features are kept between runs.
        progress: called per block of strings; may raise Cancelled, finished blocks stay in the cache.

    Returns:
        Raw float32 (T, d).

    Raises:
        InputError: no template, or one without "{}".
    """
    _check_templates(templates)
    distinct = list(dict.fromkeys(texts))
    space = text_space(encoder, templates)
    known = cache.get(space, distinct) if cache is not None else {}
    # Neighbours in length share a batch, so that encoders which crop to the longest prompt crop most.
    missing = sorted((text for text in distinct if text not in known), key=len)
    for block in blocks(len(missing), _BLOCK):
        progress(block.start, len(missing), "Encoding words")
        fresh = dict(zip(missing[block], _template_mean(encoder, missing[block], templates), strict=True))
        if cache is not None:
            cache.put(space, fresh)
        known.update(fresh)
    progress(len(missing), len(missing), "Encoding words")
    rows = np.empty((len(texts), encoder.info.dim), dtype=np.float32)
    for row, text in enumerate(texts):
        rows[row] = known[text]
    return rows


def _check_templates(templates: Sequence[str]) -> None:
    bad = next((template for template in templates if "{}" not in template), None)
    if bad is not None or not templates:
        raise InputError(f'Text templates need "{{}}" where the word goes, but got {bad!r}; add it.')


def _template_mean(encoder: Encoder, texts: Sequence[str], templates: Sequence[str]) -> FloatMatrix:
    prompts = [template.replace("{}", text) for template in templates for text in texts]
    raw = encoder.encode_texts(prompts)
    mean: FloatMatrix = raw.reshape(len(templates), len(texts), -1).mean(axis=0, dtype=np.float32)
    return mean
