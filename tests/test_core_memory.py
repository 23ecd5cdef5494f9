from __future__ import annotations

import sys

import numpy as np
import pytest

from kec_core.memory import peak_megabytes, reset_peak


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
