"""What is written to the database again and again while other work goes on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Self

from kec_core.errors import StoreError

FLUSH_SECONDS = 0.2
"""Between two writings."""

logger = logging.getLogger(__name__)


class BackgroundWriter:
    """A context manager around some work: a thread calls ``write`` while it goes on, and once more at its end.

    That the database cannot be written just then is only logged: the work itself must not die of it.

    Args:
        write: called every ``FLUSH_SECONDS``; raises StoreError where the database cannot be written.
        what: named in the log, for example "progress".
    """

    def __init__(self, write: Callable[[], None], what: str) -> None:
        self._write = write
        self._what = what
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep_writing, name=what, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _keep_writing(self) -> None:
        while not self._stop.wait(FLUSH_SECONDS):
            self._write_or_log()
        self._write_or_log()

    def _write_or_log(self) -> None:
        try:
            self._write()
        except StoreError:
            logger.warning("%s could not be written", self._what, exc_info=True)
