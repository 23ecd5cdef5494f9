from __future__ import annotations

import sys

import numpy as np
import pytest

from kec_core.memory import peak_megabytes, release_pages, reset_peak


def test_the_peak_is_that_since_the_last_reset():
    reset_peak()
    before = peak_megabytes()
    assert before > 10
    np.ones(64 * 2**17)  # 64 MB, given back at once
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux keeps a peak that can be reset")
    assert peak_megabytes() > before + 50
    reset_peak()
    assert peak_megabytes() < before + 50


def test_pages_of_a_mapped_file_leave_memory_and_come_again(tmp_path):
    if not sys.platform.startswith("linux"):
        pytest.skip("elsewhere the system alone decides")
    np.save(tmp_path / "table.npy", np.arange(2**24, dtype=np.float32))  # 64 MB
    table = np.load(tmp_path / "table.npy", mmap_mode="r")
    total = table.sum(dtype=np.float64)
    release_pages(np.asarray(table)[1:])  # whatever looks at the file
    reset_peak()
    without = peak_megabytes()
    assert table.sum(dtype=np.float64) == total
    assert peak_megabytes() > without + 50
    release_pages(np.ones(3))
    changed = np.load(tmp_path / "table.npy", mmap_mode="c")
    changed[0] = 7
    release_pages(changed)  # what is only in memory stays
    assert changed[0] == 7
