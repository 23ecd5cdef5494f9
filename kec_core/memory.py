"""How much memory this process has used at most, stage by stage."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def reset_peak() -> None:
    """Begin a new measurement, where the system can (Linux)."""
    with suppress(OSError):
        _CLEAR.write_text("5")


def peak_megabytes() -> float:
    """Most memory in use at once since ``reset_peak``, in MB; what is in use now where the system keeps no peak."""
    with suppress(OSError):
        found = re.search(r"VmHWM:\s+(\d+) kB", _STATUS.read_text())
        if found:
            return int(found[1]) / 1024
    import psutil

    return float(psutil.Process().memory_info().rss / 2**20)
