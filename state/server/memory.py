"""Keeps the server's memory in order while it serves: garbage is collected now and then, never in a page's time.

Streamlit can collect all garbage after every run of a page, which stops every window for a third of a second once torch
and the records of 50,000 photos are in memory; ``.streamlit/config.toml`` turns that off. Objects that nothing refers
to any more are freed at once anyway. Those that refer to each other in a circle, such as what belonged to a closed
window with its event loop and sockets, are freed here.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

TIDY_SECONDS = 60.0
"""Between two collections, when anything was done meanwhile."""
WHOLE = 10
"""Every so many collections all of the memory is looked at, which takes a while; else only what is new since then."""


@contextmanager
def tidied(seconds: float = TIDY_SECONDS) -> Iterator[None]:
    """Collect garbage every so many seconds while the block runs, in a thread of its own."""
    ended = threading.Event()
    thread = threading.Thread(target=_tidy_until, args=(ended, seconds), name="memory", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _tidy_until(ended: threading.Event, seconds: float) -> None:
    rounds, before = 0, -1
    while not ended.wait(seconds):
        if gc.get_stats()[1]["collections"] != before:  # an idle server allocates next to nothing
            tidy(whole=rounds % WHOLE == 0)
            rounds += 1
            before = gc.get_stats()[1]["collections"]


def tidy(*, whole: bool) -> None:
    """Free what refers to itself in a circle.

    Args:
        whole: look at all of the memory, then take what stays out of the sight of later collections, also those that
            Python makes by itself: they become short.
    """
    if whole:
        gc.unfreeze()
    gc.collect()
    if whole:
        gc.freeze()
