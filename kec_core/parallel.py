"""Threads: work on many items in order, that can be stopped; and how many libraries compute with."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from typing import Final, TypeVar

from kec_core.arrays import Progress, no_progress

_AHEAD: Final = 256
_FEW_ROWS: Final = 10_000
"""Products of fewer rows are short: threads wait for each other longer than they compute, above all on a busy machine [M]."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_threads(
    work: Callable[[Item], Result], items: Sequence[Item], *, progress: Progress = no_progress, label: str
) -> list[Result]:
    """Call ``work`` on every item in parallel threads; results in the order of the items.

    Raises what ``work`` or ``progress`` raises; work that has not begun is dropped then.
    """
    results: list[Result] = []
    waiting: deque[Future[Result]] = deque()

    def take() -> None:
        results.append(waiting.popleft().result())
        progress(len(results), len(items), label)

    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > _AHEAD:
                    take()
            while waiting:
                take()
        finally:
            for future in waiting:
                future.cancel()
    return results


def threads_for(n_rows: int) -> AbstractContextManager[object]:
    """Within it libraries of linear algebra compute in one thread if there are few rows, else in as many as they like."""
    if n_rows > _FEW_ROWS:
        return nullcontext()
    from threadpoolctl import threadpool_limits

    one: AbstractContextManager[object] = threadpool_limits(limits=1)
    return one
