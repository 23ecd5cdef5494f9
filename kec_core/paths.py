"""Questions about paths that always have an answer.

``Path.is_file`` and its like raise for a closed folder (EACCES), a failing disk (EIO) or a name of 300 letters
(ENAMETOOLONG). What cannot be looked at is, for the questions here, not there.
"""

from __future__ import annotations

import os
from pathlib import Path


def is_file(path: Path) -> bool:
    """Whether a regular file, or a link to one, can be seen there."""
    return os.path.isfile(path)  # noqa: PTH113 - Path.is_file raises


def is_folder(path: Path) -> bool:
    """Whether a folder, or a link to one, can be seen there."""
    return os.path.isdir(path)  # noqa: PTH112 - Path.is_dir raises


def exists(path: Path) -> bool:
    """Whether anything can be seen there; a link that leads nowhere does not count."""
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises


def is_link(path: Path) -> bool:
    """Whether a symbolic link can be seen there."""
    return os.path.islink(path)  # noqa: PTH114 - Path.is_symlink raises


def real_path(path: Path) -> Path:
    """The absolute path without links, as far as they can be followed; links in a circle stay."""
    return Path(os.path.realpath(path))
