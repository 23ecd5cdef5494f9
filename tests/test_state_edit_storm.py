"""Edits whose process is killed at any moment: what was acknowledged is there, and undo leads back to the start."""

import json
import os
import subprocess
import sys

import pytest


@pytest.mark.kill
def test_no_acknowledged_edit_is_lost_by_kills():
    done = subprocess.run(
        [sys.executable, "-m", "tests.edit_storm", "--edits", "24", "--kills", "4", "--seed", "3"],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["edits"], told["kills"], told["reached"]) == (24, 4, "r1")
    assert told["revisions"] == 1 + told["edits"] + told["unheard"]
    assert told["undone"] == told["revisions"] - 1
