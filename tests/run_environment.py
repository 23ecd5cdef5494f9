"""What every test run has for itself: a cache folder, and examples that are the same each time."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path

from hypothesis import settings

from kec_core.store import cache_dir

PROFILE = "KEC_HYPOTHESIS_PROFILE"
"""Environment variable: "test" (the same few examples in every run) or "fuzz" (other ones in every run, and more)."""
CACHE = "KEC_CACHE_DIR"
LARGE = ("wordnet", "weights")
"""Folders of the user's cache that are read only, and linked instead of copied."""


def set_examples() -> None:
    """Choose how hypothesis looks for examples; call it before test modules are imported."""
    settings.register_profile("test", derandomize=True, deadline=None, database=None)
    settings.register_profile("fuzz", max_examples=1000, deadline=None, database=None, print_blob=True)
    settings.load_profile(os.environ.get(PROFILE, "test"))


def make_cache() -> Path:
    """Set a new cache folder for this process and its children, filled from the user's, which stays as it is."""
    source, own = cache_dir(), Path(tempfile.mkdtemp(prefix="kec-tests-"))
    for name in LARGE:
        if (source / name).is_dir():
            (own / name).symlink_to(source / name)
    for file in (*source.glob("*.npy"), *source.glob("*.npz")):
        shutil.copyfile(file, own / file.name)
    for folder in source.glob("network-*"):
        shutil.copytree(folder, own / folder.name)
    _copy_texts(source / "texts.sqlite", own / "texts.sqlite")
    os.environ[CACHE] = str(own)
    compile_once(own)
    return own


def compile_once(folder: Path) -> None:
    """Let child processes share their compiled modules below a folder: servers and jobs start in half the time.

    Packages may be installed without them, and an environment may forbid to write them beside the packages.
    """
    os.environ["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def _copy_texts(source: Path, target: Path) -> None:
    """Copy the cache of texts as of now, even while another process writes to it; without one, texts are encoded anew."""
    if not source.is_file():
        return
    try:
        with (
            contextlib.closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as old,
            contextlib.closing(sqlite3.connect(target)) as new,
        ):
            old.backup(new)
    except sqlite3.Error:
        target.unlink(missing_ok=True)
