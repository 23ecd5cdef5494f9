"""How much memory this process has used at most, stage by stage, and how mapped files leave it."""

from __future__ import annotations

import mmap
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

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


def release_pages(array: NDArray[Any]) -> None:
    """Take what was read of a memory-mapped file out of this process; it is read again when it is needed.

    The system does so only when memory runs short, and until then counts the pages as in use. Other arrays, and systems
    that cannot, are left as they are.
    """
    below: Any = array
    writeable = True
    while isinstance(below, np.ndarray):
        writeable, below = below.flags.writeable, below.base
    if isinstance(below, mmap.mmap) and not writeable and hasattr(mmap.mmap, "madvise"):
        below.madvise(mmap.MADV_DONTNEED)
