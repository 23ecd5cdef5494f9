"""WordNet's nouns as one compact table, and its cache: parsing takes seconds, loading the table 0.1 s."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import IntVector
from kec_core.paths import is_file
from kec_core.store import cache_dir

log = logging.getLogger(__name__)

RELATIONS = {
    "@": "hypernyms",
    "@i": "instance_hypernyms",
    "~": "hyponyms",
    "%p": "parts",
    "%s": "substances",
    "%m": "members",
}
"""Pointer symbols that are kept, with the name of the relation."""

LEXFILES = """
    adj.all adj.pert adv.all Tops act animal artifact attribute body cognition communication event feeling
    food group location motive object person phenomenon plant possession process quantity relation shape
    state substance time
""".split()  # noqa: SIM905 - words
"""Names of the lexicographer files 0 to 28, lexnames(5WN); the nouns' without "noun."."""
NO_LEXFILE = 255
"""Stands for an unknown lexicographer file."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Links:
    """Rows that each row points to: those of row i are ``targets[starts[i]:starts[i + 1]]``, in file order."""

    starts: list[int]
    targets: list[int]

    def of(self, row: int) -> list[int]:
        """The rows that ``row`` points to."""
        return self.targets[self.starts[row] : self.starts[row + 1]]


def make_links(rows: Iterable[Sequence[int]]) -> Links:
    """Links from one list of target rows per row."""
    starts, targets = [0], list[int]()
    for row in rows:
        targets.extend(row)
        starts.append(len(targets))
    return Links(starts=starts, targets=targets)


def count_below(links: Links) -> IntVector:
    """int32 (n,): how many different other rows can be reached from each row."""
    from scipy.sparse import csr_array

    n_rows = len(links.starts) - 1
    ones = np.ones(len(links.targets), dtype=np.bool_)
    direct = csr_array((ones, links.targets, links.starts), shape=(n_rows, n_rows))
    direct.sum_duplicates()
    reached = fresh = direct
    while fresh.nnz:
        fresh = (direct @ fresh) > reached
        reached = reached + fresh
    return np.asarray(np.diff(reached.indptr) - reached.diagonal(), dtype=np.int32)


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


def cached_table(key: str, read: Callable[[], NounTable]) -> NounTable:
    """The table stored under ``key``, else ``read()``, then stored; a damaged or unwritable cache costs time only."""
    path = cache_dir() / f"wordnet-{key}.npz"
    if is_file(path):
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                return NounTable.from_arrays(dict(arrays))
        except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
            log.warning("%s is damaged (%s) and is made again.", path, error)
    table = read()
    fresh = path.with_name(f"{path.stem}.new{os.getpid()}.npz")
    try:
        np.savez(fresh, allow_pickle=False, **table.to_arrays())
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        log.warning("%s could not be written (%s); WordNet is parsed again next time.", path, error)
    return table
