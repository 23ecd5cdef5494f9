"""The app's server ends within seconds of being told to, whatever it is doing then."""

from __future__ import annotations

import signal
from types import FrameType

GRACE_SECONDS = 3
"""For open connections and running pages; what they were doing is lost no more than when a browser is closed."""


def limit_shutdown() -> None:
    """Give the graceful end, for which the server has installed handlers of SIGTERM and SIGINT, a limit of time.

    After it the kernel ends the process: a thread that never returns cannot hold it. Call it in the main thread.
    """
    if not hasattr(signal, "SIGALRM"):  # Windows has no such clock; the end has no limit there
        return
    signals = (signal.SIGTERM, signal.SIGINT)
    handlers = {number: signal.getsignal(number) for number in signals}
    if not callable(handlers[signal.SIGTERM]):  # not within the server: the signal ends the process at once
        return

    def end(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(GRACE_SECONDS)
        handler = handlers[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in signals:
        signal.signal(number, end)
