"""How many requests may be under way at once: fewer for a server that cannot keep up."""

from __future__ import annotations

import math
import time


class Pace:
    """Counts requests under way against a limit that follows what the server bears.

    A small server works at few requests at a time, and the others would run out of time in its queue. So when time runs
    out the limit is halved, at most once per half time-out (requests that run out together count as one), and answers
    raise it again by one for each full round.

    Args:
        in_flight: the highest limit.
        timeout: of one request, in seconds.
    """

    def __init__(self, in_flight: int, timeout: float) -> None:
        self._most = float(max(1, in_flight))
        self._timeout = timeout
        self._limit = self._most
        self._under_way = 0
        self._slowed = -math.inf

    @property
    def limit(self) -> int:
        """Requests that may be under way now."""
        return int(self._limit)

    @property
    def free(self) -> bool:
        """Whether one more may be sent."""
        return self._under_way < self.limit

    def sent(self) -> None:
        """A request is under way."""
        self._under_way += 1

    def ended(self) -> None:
        """It is not any more."""
        self._under_way -= 1

    def answered(self) -> None:
        """The server keeps up."""
        self._limit = min(self._most, self._limit + 1 / self._limit)

    def ran_out_of_time(self) -> None:
        """The server does not."""
        now = time.monotonic()
        if now - self._slowed >= self._timeout / 2:
            self._slowed, self._limit = now, max(1.0, self._limit / 2)
