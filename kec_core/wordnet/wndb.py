"""Reader of WordNet's noun files ``data.noun`` and ``index.noun`` (format wndb(5WN)), and where they may lie.

Every source of WordNet (Debian, NLTK, npm) ships these two files, so this one reader serves them all.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from kec_core.disk import short
from kec_core.errors import InputError
from kec_core.paths import is_file
from kec_core.store import cache_dir
from kec_core.wordnet.table import RELATIONS, NounTable, count_below, make_links

DATA_FILE = "data.noun"
INDEX_FILE = "index.noun"
ENVIRONMENT = "KEC_WORDNET"
"""Names a folder with WordNet's files that goes before all others."""
DEBIAN_FOLDER = Path("/usr/share/wordnet")

_EXAMPLES = re.compile(r'[;:]\s*"')
_QUOTED = re.compile(r'"([^"]+)"')


def downloads_folder() -> Path:
    """Where the set-up puts WordNet files it fetched."""
    return cache_dir() / "wordnet"


def nltk_folders() -> list[Path]:
    """Folders where NLTK keeps WordNet, whether they exist or not."""
    given = [Path(part) for part in os.environ.get("NLTK_DATA", "").split(os.pathsep) if part]
    prefix = Path(sys.prefix)
    places = [Path.home(), prefix, prefix / "share"]
    places += [Path("/usr/share"), Path("/usr/local/share"), Path("/usr/lib"), Path("/usr/local/lib")]
    roots = [*given, *(place / "nltk_data" for place in places)]
    return [root / "corpora" / name for root in roots for name in ("wordnet", "wordnet31")]


def local_folders() -> list[tuple[str, Path]]:
    """Folders on this machine that may hold WordNet's files, best first, each after the source in words."""
    nltk = [("NLTK's data", folder) for folder in nltk_folders()]
    return [*nltk, ("Debian's wordnet-base", DEBIAN_FOLDER), ("an earlier download", downloads_folder())]


def holds_wordnet(folder: Path) -> bool:
    """Whether a folder has both noun files."""
    return is_file(folder / DATA_FILE) and is_file(folder / INDEX_FILE)


@dataclass(slots=True)
class _Row:
    offset: int
    lexfile: int
    words: str
    gloss: str
    examples: str
    pointers: dict[str, list[int]] = field(default_factory=dict)


def read_nouns(folder: Path) -> NounTable:
    """Read ``data.noun`` and ``index.noun`` of a folder.

    Raises:
        InputError: a file is missing or is not in WordNet's format.
    """
    licence, data = _split(folder / DATA_FILE)
    rows = [_parse_row(folder / DATA_FILE, line) for line in data]
    if not rows:
        raise InputError(f"{folder / DATA_FILE} holds no synset; give the folder of a complete WordNet.")
    rows.sort(key=lambda row: row.offset)
    number = {row.offset: i for i, row in enumerate(rows)}
    lemmas = _read_index(folder / INDEX_FILE, number)
    links = {
        name: make_links([[number[o] for o in row.pointers.get(name, ()) if o in number] for row in rows])
        for name in RELATIONS.values()
    }
    return NounTable(
        offsets=np.array([row.offset for row in rows], dtype=np.int32),
        lexfiles=np.array([row.lexfile for row in rows], dtype=np.uint8),
        words=[row.words for row in rows],
        glosses=[row.gloss for row in rows],
        examples=[row.examples for row in rows],
        links=links,
        below=count_below(links["hyponyms"]),
        lemmas=sorted(lemmas),
        senses=make_links(lemmas[lemma].rows for lemma in sorted(lemmas)),
        common=np.array([lemmas[lemma].tagged for lemma in sorted(lemmas)], dtype=np.bool_),
        licence=licence,
    )


def _split(path: Path) -> tuple[str, list[str]]:
    """The licence notice (lines that begin with two spaces) and the lines after it."""
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} is needed as one of WordNet's noun files, but cannot be read ({short(error)}); "
            f"give a folder that holds {DATA_FILE} and {INDEX_FILE}."
        ) from error
    head = [re.sub(r"^\s*\d+ ?", "", line).rstrip() for line in lines if line.startswith("  ")]
    return "\n".join(head).strip(), [line for line in lines if line and not line.startswith("  ")]


def _parse_row(path: Path, line: str) -> _Row:
    """One line: offset lexfile "n" words(hex) {word id} pointers(dec) {symbol offset pos source/target} | gloss."""
    try:
        fields, _, gloss = line.partition("|")
        parts = iter(fields.split())
        offset, lexfile, _ = int(next(parts)), int(next(parts)), next(parts)
        words = [word for word, _ in _take(parts, int(next(parts), 16), 2)]
        definition, examples = _split_gloss(gloss.strip())
        row = _Row(offset, lexfile, "|".join(words).replace("_", " "), definition, "|".join(examples))
        for symbol, target, part_of_speech, _ in _take(parts, int(next(parts)), 4):
            if symbol in RELATIONS and part_of_speech == "n":
                row.pointers.setdefault(RELATIONS[symbol], []).append(int(target))
    except (ValueError, StopIteration) as error:
        raise InputError(
            f"{path} should hold WordNet synsets, but has the line {line[:60]!r}; "
            "give the folder of a complete WordNet."
        ) from error
    return row


def _take(parts: Iterator[str], count: int, width: int) -> list[list[str]]:
    return [[next(parts) for _ in range(width)] for _ in range(count)]


def _split_gloss(gloss: str) -> tuple[str, list[str]]:
    """Definition and examples: these are quoted and follow a semicolon or colon."""
    found = _EXAMPLES.search(gloss)
    if found is None:
        return gloss, []
    return gloss[: found.start()].strip(), _QUOTED.findall(gloss[found.start() :])


class _Lemma(NamedTuple):
    rows: list[int]
    tagged: bool


def _read_index(path: Path, number: dict[int, int]) -> dict[str, _Lemma]:
    """Rows of each lemma, most frequent sense first.

    A line ends with the number of senses met in tagged texts and as many offsets as it states senses.
    """
    lemmas: dict[str, _Lemma] = {}
    for line in _split(path)[1]:
        try:
            parts = line.split()
            offsets = parts[-int(parts[2]) :]
            tagged = int(parts[-int(parts[2]) - 1]) > 0
            lemmas[parts[0].replace("_", " ")] = _Lemma([number[int(offset)] for offset in offsets], tagged)
        except (ValueError, IndexError, KeyError) as error:
            raise InputError(
                f"{path} should list lemmas of {DATA_FILE} beside it, but has the line {line[:60]!r}; "
                "give the folder of a complete WordNet."
            ) from error
    return lemmas
