"""Progress of long work on stderr: one line rewritten in place on a terminal, elsewhere a line every ten seconds."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from kec_core.arrays import Progress

WINDOW_SECONDS = 30.0
"""The speed of the last half minute tells more about what is to come than the average since the start."""
_EVERY_SECONDS = 0.2
_EVERY_SECONDS_IN_LOGS = 10.0


class Eta:
    """Remaining time of one stage, from the speed over the last half minute."""

    def __init__(self) -> None:
        self._total = 0
        self._samples: deque[tuple[float, int]] = deque()

    def update(self, now: float, done: int, total: int) -> float | None:
        """Take note of progress.

        Args:
            now: time in seconds on any steady clock.
            done: steps finished; fewer than before, or another total, means that a new loop began.
            total: steps of this loop.

        Returns:
            Seconds that remain, or None while that is not known.
        """
        if total != self._total or (self._samples and done < self._samples[-1][1]):
            self._samples.clear()
            self._total = total
        self._samples.append((now, done))
        while len(self._samples) > 2 and now - self._samples[1][0] > WINDOW_SECONDS:
            self._samples.popleft()
        then, before = self._samples[0]
        if done >= total:
            return 0.0 if total else None
        if done <= before or now <= then:
            return None
        return (total - done) * (now - then) / (done - before)


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
