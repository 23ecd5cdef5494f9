"""WordNet's nouns: synsets, senses, ancestors and information content, from a compact cached table."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from hashlib import sha256
from importlib import metadata
from pathlib import Path

from kec_core.arrays import fingerprint
from kec_core.errors import InputError
from kec_core.paths import is_file
from kec_core.wordnet.synsets import read_imagenet
from kec_core.wordnet.table import LEXFILES, NO_LEXFILE, NounTable, cached_table
from kec_core.wordnet.wndb import (
    DATA_FILE,
    ENVIRONMENT,
    INDEX_FILE,
    holds_wordnet,
    local_folders,
    read_nouns,
)

TABLE_VERSION = 3

IRREGULAR_PLURALS = {
    "antennae": "antenna",
    "children": "child",
    "feet": "foot",
    "geese": "goose",
    "leaves": "leaf",
    "loaves": "loaf",
    "men": "man",
    "mice": "mouse",
    "oxen": "ox",
    "people": "person",
    "teeth": "tooth",
    "women": "woman",
}
PLURAL_ENDINGS = (("ies", "y"), ("ves", "f"), ("ves", "fe"), ("men", "man"), ("es", ""), ("s", ""))
NOT_PLURAL_ENDINGS = ("ss", "us", "is")


@dataclass(frozen=True, slots=True, kw_only=True)
class Synset:
    """One noun meaning; relations are synset ids in WordNet's order.

    Attributes:
        id: "n" and the offset in ``data.noun``, eight digits ("n02084071").
        words: at least one, with spaces, the most common first.
        gloss: the definition without examples.
        lexfile: WordNet's topic: "animal", "artifact", "body", ..., or "" when not known.
        instance_hypernyms: not empty for a named place or person.
    """

    id: str
    words: tuple[str, ...]
    gloss: str
    examples: tuple[str, ...] = ()
    lexfile: str = ""
    hypernyms: tuple[str, ...] = ()
    instance_hypernyms: tuple[str, ...] = ()
    hyponyms: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    substances: tuple[str, ...] = ()
    members: tuple[str, ...] = ()

    @property
    def is_instance(self) -> bool:
        """Whether it names one place, person or thing."""
        return bool(self.instance_hypernyms)


class WordNet:
    """WordNet's nouns; read only, safe to share between threads.

    Attributes:
        source: where it comes from, in words for the person.
        licence: the notice that must be shown with it.
        has_relations: False for the fallback without hypernyms.
    """

    def __init__(self, table: NounTable, *, source: str) -> None:
        self._table = table
        self._rows = {int(offset): row for row, offset in enumerate(table.offsets)}
        self._synsets: dict[str, Synset] = {}
        self._ancestors: dict[str, dict[str, int]] = {}
        self.source = source
        self.licence = table.licence
        self.has_relations = bool(len(table.links["hypernyms"].targets))

    def __len__(self) -> int:
        return len(self._table.offsets)

    def __contains__(self, synset_id: str) -> bool:
        return _offset(synset_id) in self._rows

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """All synset ids in ascending order."""
        return tuple(_id(int(offset)) for offset in self._table.offsets)

    @cached_property
    def lemmas(self) -> tuple[str, ...]:
        """All lemmas, lower case with spaces, sorted."""
        return tuple(self._table.lemmas)

    def synset(self, synset_id: str) -> Synset:
        """The synset of an id.

        Raises:
            InputError: this WordNet has no such synset.
        """
        if synset_id not in self._synsets:
            row = self._rows.get(_offset(synset_id))
            if row is None:
                raise InputError(
                    f"{synset_id!r} is not a noun synset of {self.source}; ids look like 'n02084071'."
                )
            self._synsets[synset_id] = self._read(row)
        return self._synsets[synset_id]

    def _read(self, row: int) -> Synset:
        table = self._table
        links = {
            name: tuple(self.ids[target] for target in table.links[name].of(row)) for name in table.links
        }
        return Synset(
            id=self.ids[row],
            words=tuple(table.words[row].split("|")),
            gloss=table.glosses[row],
            examples=tuple(filter(None, table.examples[row].split("|"))),
            lexfile=_lexfile(int(table.lexfiles[row])),
            **links,
        )

    def senses(self, lemma: str) -> tuple[str, ...]:
        """Synset ids of a word in any case, "_" or space; most frequent sense first; () when unknown."""
        row = self._lemma_rows.get(_plain(lemma))
        return () if row is None else tuple(self.ids[target] for target in self._table.senses.of(row))

    def is_common(self, word: str) -> bool:
        """Whether a word was met in the texts that WordNet's makers tagged: one that people use."""
        row = self._lemma_rows.get(_plain(word))
        return row is not None and bool(self._table.common[row])

    def common_nouns(self) -> list[tuple[str, str]]:
        """Every word that is not only a name, as (word, id of its most frequent sense that is no instance).

        In the order of the ids, then of the words in the synset, each as the synset spells it. Works on the table
        itself: 100,000 Synset objects would take seconds.
        """
        table = self._table
        starts = table.links["instance_hypernyms"].starts
        found: list[tuple[int, int, str]] = []
        for number, lemma in enumerate(table.lemmas):
            row = next((row for row in table.senses.of(number) if starts[row] == starts[row + 1]), None)
            if row is not None:
                words = table.words[row].split("|")
                position = next((i for i, word in enumerate(words) if word.lower() == lemma), len(words))
                found.append((row, position, [*words, lemma][position]))
        return [(word, self.ids[row]) for row, _, word in sorted(found)]

    def singular(self, word: str) -> str:
        """The singular of a word or of its last part, when WordNet knows it; else the word itself, in lower case."""
        before, space, last = word.replace("_", " ").lower().rpartition(" ")
        if last in IRREGULAR_PLURALS:
            return before + space + IRREGULAR_PLURALS[last]
        for ending, single in () if last.endswith(NOT_PLURAL_ENDINGS) else PLURAL_ENDINGS:
            stem = last.removesuffix(ending)
            if stem != last and len(stem) > 1 and self.senses(before + space + stem + single):
                return before + space + stem + single
        return before + space + last

    @cached_property
    def _lemma_rows(self) -> dict[str, int]:
        return {lemma: row for row, lemma in enumerate(self._table.lemmas)}

    def ancestors(self, synset_id: str) -> dict[str, int]:
        """Every hypernym above a synset and itself, with the least number of steps; nearest first."""
        if synset_id not in self._ancestors:
            found = {synset_id: 0}
            queue = [synset_id]
            for current in queue:
                synset = self.synset(current)
                for parent in (*synset.hypernyms, *synset.instance_hypernyms):
                    if parent not in found:
                        found[parent] = found[current] + 1
                        queue.append(parent)
            self._ancestors[synset_id] = found
        return self._ancestors[synset_id]

    def information_content(self, synset_id: str) -> float:
        """Intrinsic information content in [0, 1]: 0 at the root, 1 at a leaf (Seco et al. 2004)."""
        below = int(self._table.below[self._rows[_offset(synset_id)]])
        return 1.0 - math.log(below + 1) / math.log(max(len(self), 2))

    def match(self, words: Iterable[str], gloss: str, *, synset_id: str = "") -> str:
        """The id of a synset known by words and gloss, for ids of another WordNet version; "" when none fits.

        The id given is kept when it shares a word; else the sense of the words whose gloss shares most with ``gloss``.
        """
        wanted = {word.replace("_", " ").lower() for word in words}
        if synset_id in self and wanted & {word.lower() for word in self.synset(synset_id).words}:
            return synset_id
        candidates = dict.fromkeys(sense for word in sorted(wanted) for sense in self.senses(word))
        tokens = set(gloss.lower().split())

        def likeness(sense: str) -> float:
            own = self.synset(sense)
            shared_words = len(wanted & {word.lower() for word in own.words}) / max(len(wanted), 1)
            own_tokens = set(own.gloss.lower().split())
            return shared_words + len(tokens & own_tokens) / max(len(tokens | own_tokens), 1)

        return max(candidates, key=likeness, default="")


def _plain(word: str) -> str:
    """A word as lemmas are written here: lower case, single spaces."""
    return " ".join(word.replace("_", " ").lower().split())


def _id(offset: int) -> str:
    return f"n{offset:08d}"


def _lexfile(number: int) -> str:
    return "" if number == NO_LEXFILE else LEXFILES[number]


def _offset(synset_id: str) -> int:
    """The offset in an id, or -1 when it is none."""
    digits = synset_id[1:]
    return int(digits) if synset_id[:1] == "n" and digits.isascii() and digits.isdigit() else -1


# --- loading ---------------------------------------------------------------------------------------------


def load_wordnet(folder: Path | None = None) -> WordNet:
    """WordNet's nouns: the folder given or ``$KEC_WORDNET``, else the first local one, else the set that timm ships.

    Nothing is downloaded (``kec setup`` does that). The parsed table is cached in the user's cache folder, and files that
    have not changed since are read once per process.

    Raises:
        InputError: the folder given does not hold WordNet's noun files, or they are damaged.
    """
    given = os.environ.get(ENVIRONMENT)
    if folder is None and given:
        folder = Path(given).expanduser()
    if folder is None:
        folder = next((place for _, place in local_folders() if holds_wordnet(place)), None)
    if folder is None:
        return wordnet_from_timm()
    for name in (DATA_FILE, INDEX_FILE):
        if not is_file(folder / name):
            raise InputError(
                f"{folder} should hold WordNet's {DATA_FILE} and {INDEX_FILE}, but {name} is missing."
            )
    contents = [sha256((folder / name).read_bytes()).hexdigest() for name in (DATA_FILE, INDEX_FILE)]
    return _wordnet_in(folder, fingerprint(TABLE_VERSION, contents))


@lru_cache(maxsize=1)
def _wordnet_in(folder: Path, key: str) -> WordNet:
    return WordNet(cached_table(key, lambda: read_nouns(folder)), source=f"WordNet in {folder}")


@cache
def wordnet_from_timm() -> WordNet:
    """The ImageNet synsets (about 21,800) with lemmas and definitions that timm ships; they have no hypernyms."""
    version = metadata.version("timm")
    table = cached_table(fingerprint(TABLE_VERSION, "timm", version), read_imagenet)
    return WordNet(table, source="ImageNet's synsets in timm (no hypernyms)")
