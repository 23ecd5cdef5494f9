"""Abort a download after 30 s without new bytes, whatever the library that downloads would still wait for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from pathlib import Path
from typing import TypeVar

DOWNLOAD_TIMEOUT = 30.0
"""Seconds without new bytes after which a download is aborted."""
_POLL_SECONDS = 0.2

T = TypeVar("T")


def download_or_abort(fetch: Callable[[], T], folder: Path) -> T:
    """Run a download, and abort it when no file of its folder has changed for ``DOWNLOAD_TIMEOUT``.

    A library's own timeouts bound one read, not all its retries: a host that never answers can cost a quarter of an
    hour. The aborted download goes on in a thread that does not keep the program from ending.

    Args:
        fetch: downloads into the folder; what it raises is raised here.
        folder: where the bytes arrive; may not exist yet.

    Raises:
        TimeoutError: nothing came for ``DOWNLOAD_TIMEOUT``.
    """
    download = in_thread(fetch)
    seen, since = _files(folder), time.monotonic()
    while not wait([download], _POLL_SECONDS).done:
        now = _files(folder)
        if now != seen:
            seen, since = now, time.monotonic()
        elif time.monotonic() - since > DOWNLOAD_TIMEOUT:
            raise TimeoutError(f"nothing came for {DOWNLOAD_TIMEOUT:g} seconds")
    return download.result()


def in_thread(work: Callable[[], T]) -> Future[T]:
    """Start work in a thread that does not keep the program from ending."""
    future: Future[T] = Future()
    threading.Thread(target=_settle, args=(future, work), daemon=True).start()
    return future


def _settle(future: Future[T], work: Callable[[], T]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # raised again by the one who waits
        future.set_exception(error)


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
