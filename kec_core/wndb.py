"""Reader of WordNet's noun files ``data.noun`` and ``index.noun`` (format wndb(5WN)) into one compact table.

Every source of WordNet (Debian, NLTK, npm) ships these two files, so this one reader serves them all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import IntVector
from kec_core.errors import InputError
from kec_core.links import Links, count_below, make_links

DATA_FILE = "data.noun"
INDEX_FILE = "index.noun"

RELATIONS = {
    "@": "hypernyms",
    "@i": "instance_hypernyms",
    "~": "hyponyms",
    "%p": "parts",
    "%s": "substances",
    "%m": "members",
}
"""Pointer symbols that are kept, with the name of the relation."""

LEXFILES = (
    *(
        "adj.all",
        "adj.pert",
        "adv.all",
        "Tops",
        "act",
        "animal",
        "artifact",
        "attribute",
        "body",
        "cognition",
    ),
    *("communication", "event", "feeling", "food", "group", "location", "motive", "object", "person"),
    *(
        "phenomenon",
        "plant",
        "possession",
        "process",
        "quantity",
        "relation",
        "shape",
        "state",
        "substance",
        "time",
    ),
)
"""Names of the lexicographer files 0 to 28, lexnames(5WN); the nouns' without "noun."."""
NO_LEXFILE = 255
"""Stands for an unknown lexicographer file."""

_EXAMPLES = re.compile(r'[;:]\s*"')
_QUOTED = re.compile(r'"([^"]+)"')


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NounTable:
    """All noun synsets, one row each, in ascending order of their offsets.

    Attributes:
        offsets: int32 (n,), byte offsets in ``data.noun``, the number of the synset id.
        lexfiles: uint8 (n,), index into LEXFILES, or NO_LEXFILE.
        words: n strings, the synset's words joined by "|".
        glosses, examples: n strings; examples joined by "|".
        links: per relation of RELATIONS.
        below: int32 (n,), number of different synsets below each in the hyponym relation; instances do not count.
        lemmas: lower-case words with spaces, sorted.
        senses: per lemma its rows, most frequent sense first.
        common: bool (lemmas,), whether the lemma was met in the texts that WordNet's makers tagged.
        licence: the notice that must stay with every copy.
    """

    offsets: IntVector
    lexfiles: NDArray[np.uint8]
    words: list[str]
    glosses: list[str]
    examples: list[str]
    links: dict[str, Links]
    below: IntVector
    lemmas: list[str]
    senses: Links
    common: NDArray[np.bool_]
    licence: str = ""

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """As arrays for one ``.npz`` file without pickle."""
        arrays: dict[str, NDArray[Any]] = {
            "offsets": self.offsets,
            "lexfiles": self.lexfiles,
            "below": self.below,
            "common": self.common,
        }
        for name in ("words", "glosses", "examples", "lemmas"):
            arrays[name] = _pack(getattr(self, name))
        arrays["licence"] = _pack([self.licence.replace("\n", "|")])
        for name, links in {**self.links, "senses": self.senses}.items():
            arrays[f"{name}_starts"] = np.array(links.starts, dtype=np.int32)
            arrays[f"{name}_targets"] = np.array(links.targets, dtype=np.int32)
        return arrays

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> NounTable:
        """Read what ``to_arrays`` wrote; KeyError or ValueError when it is something else."""
        texts = {name: _unpack(arrays[name]) for name in ("words", "glosses", "examples", "lemmas")}
        links = {
            name: Links(starts=arrays[f"{name}_starts"].tolist(), targets=arrays[f"{name}_targets"].tolist())
            for name in (*RELATIONS.values(), "senses")
        }
        senses = links.pop("senses")
        n_lemmas = len(texts["lemmas"])
        if len(texts["glosses"]) != len(arrays["offsets"]) or len(senses.starts) != n_lemmas + 1:
            raise ValueError("the table's columns differ in length")
        return cls(
            offsets=arrays["offsets"],
            lexfiles=arrays["lexfiles"],
            below=arrays["below"],
            common=arrays["common"],
            links=links,
            senses=senses,
            licence=_unpack(arrays["licence"])[0].replace("|", "\n"),
            **texts,
        )


def _pack(texts: Sequence[str]) -> NDArray[np.uint8]:
    return np.frombuffer("\n".join(texts).encode(), dtype=np.uint8)


def _unpack(array: NDArray[np.uint8]) -> list[str]:
    return array.tobytes().decode().split("\n")


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
            f"{path} is needed as one of WordNet's noun files, but cannot be read ({error}); "
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
