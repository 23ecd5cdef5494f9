"""Where WordNet's files may lie on this machine."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from kec_core.store import cache_dir
from kec_core.wndb import DATA_FILE, INDEX_FILE

ENVIRONMENT = "KEC_WORDNET"
"""Names a folder with WordNet's files that goes before all others."""
DEBIAN_FOLDER = Path("/usr/share/wordnet")


def downloads_folder() -> Path:
    """Where the set-up puts WordNet files it fetched."""
    return cache_dir() / "wordnet"


def nltk_folders() -> list[Path]:
    """Folders where NLTK keeps WordNet, whether they exist or not."""
    roots = [Path(part) for part in os.environ.get("NLTK_DATA", "").split(os.pathsep) if part]
    roots += [
        Path.home() / "nltk_data",
        Path(sys.prefix) / "nltk_data",
        Path(sys.prefix) / "share" / "nltk_data",
    ]
    roots += [
        Path(place) / "nltk_data"
        for place in ("/usr/share", "/usr/local/share", "/usr/lib", "/usr/local/lib")
    ]
    return [root / "corpora" / name for root in roots for name in ("wordnet", "wordnet31")]


def local_folders() -> list[Path]:
    """Folders on this machine that may hold WordNet's files, best first, whether they exist or not."""
    return [*nltk_folders(), DEBIAN_FOLDER, downloads_folder()]


def holds_wordnet(folder: Path) -> bool:
    """Whether a folder has both noun files."""
    return (folder / DATA_FILE).is_file() and (folder / INDEX_FILE).is_file()
