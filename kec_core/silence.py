"""Giving up on downloads that bring nothing, whatever the library that downloads would still wait for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path
from typing import TypeVar

SILENCE_SECONDS = 30.0
"""How long a network may bring nothing before a download is given up."""
_LOOK_SECONDS = 0.2

T = TypeVar("T")


def fetch_or_give_up(fetch: Callable[[], T], folder: Path) -> T:
    """Run a download, and give up when no file of its folder has changed for ``SILENCE_SECONDS``.

    A library's own timeouts bound one read, not all its retries: a host that never answers can cost a quarter of an
    hour. The download given up goes on in a thread that does not keep the program from ending.

    Args:
        fetch: downloads into the folder; what it raises is raised here.
        folder: where the bytes arrive; may not exist yet.

    Raises:
        TimeoutError: nothing came for ``SILENCE_SECONDS``.
    """
    download: Future[T] = Future()
    threading.Thread(target=_settle, args=(download, fetch), daemon=True).start()
    seen, since = _files(folder), time.monotonic()
    while not wait([download], _LOOK_SECONDS).done:
        now = _files(folder)
        if now != seen:
            seen, since = now, time.monotonic()
        elif time.monotonic() - since > SILENCE_SECONDS:
            raise TimeoutError(f"nothing came for {SILENCE_SECONDS:g} seconds")
    return download.result()


def _settle(download: Future[T], fetch: Callable[[], T]) -> None:
    try:
        download.set_result(fetch())
    except BaseException as error:  # raised again by the one who waits
        download.set_exception(error)


def _files(folder: Path) -> dict[Path, tuple[int, int]]:
    """Size and time of the last write of every file in a folder."""
    found = {}
    for path in folder.rglob("*"):
        try:
            state = path.lstat()
        except OSError:  # renamed meanwhile, which shows as a change
            continue
        found[path] = (state.st_size, state.st_mtime_ns)
    return found
