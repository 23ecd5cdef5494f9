"""Progress of a command on stderr: one line rewritten in place on a terminal, elsewhere a line every ten seconds."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from kec_core.arrays import Progress
from state.jobs.progress import Eta

_EVERY_SECONDS = 0.2
_EVERY_SECONDS_IN_LOGS = 10.0


@contextmanager
def show_progress() -> Iterator[Progress]:
    """Yield a progress callback; outside a terminal it writes whole lines, so logs hold no control characters."""
    stream = sys.stderr
    rewrites = stream.isatty()
    every = _EVERY_SECONDS if rewrites else _EVERY_SECONDS_IN_LOGS
    eta, last = Eta(), time.monotonic()

    def show(done: int, total: int, label: str) -> None:
        nonlocal last
        now = time.monotonic()
        left = eta.update(now, done, total)
        if now - last < every and not (rewrites and done >= total):
            return
        last = now
        line = f"{label}: {done:,} of {total:,}{_remaining(left)}"
        stream.write(f"\r\x1b[K{line}" if rewrites else f"{line}\n")
        stream.flush()

    yield show
    if rewrites:
        stream.write("\r\x1b[K")
        stream.flush()


def _remaining(seconds: float | None) -> str:
    """The remaining time in words, with a comma before; "" where it is not known or nothing remains."""
    if not seconds:
        return ""
    minutes, rest = divmod(round(seconds), 60)
    return f", about {minutes} min {rest} s left" if minutes else f", about {rest} s left"
