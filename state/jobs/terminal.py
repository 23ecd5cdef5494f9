"""Progress of a run as one line on stderr, rewritten in place on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from kec_core.arrays import Progress

_EVERY_SECONDS = 0.2


@contextmanager
def show_progress() -> Iterator[Progress]:
    """Yield a progress callback; outside a terminal it stays quiet, so logs hold no control characters."""
    stream = sys.stderr
    if not stream.isatty():
        yield lambda _done, _total, _label: None
        return
    last = 0.0

    def show(done: int, total: int, label: str) -> None:
        nonlocal last
        if time.monotonic() - last < _EVERY_SECONDS and done < total:
            return
        last = time.monotonic()
        stream.write(f"\r\x1b[K{label}: {done:,} of {total:,}")
        stream.flush()

    yield show
    stream.write("\r\x1b[K")
    stream.flush()
