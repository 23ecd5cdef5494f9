"""One WordNet meaning for a set of nouns: the hypernym that covers them best, or the most central noun.

score = coverage^2 x (information content, capped, - floor) x how likely a photo shows such a thing: general enough to
cover, specific enough to say something.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kec_core.knowledge.visual_words import VisualWords
from kec_core.types import Noun
from kec_core.wordnet.wordnet import WordNet

IC_FLOOR, IC_CAP = 0.22, 0.75
"""Below the floor a meaning says nothing about looks; above the cap more detail gains nothing."""
SENSES, SENSE_DECAY = 10, 0.65
RANK_DECAY = 0.15  # the i-th noun of a list weighs 1 / (1 + RANK_DECAY i)
HEAD_WORD_WEIGHT = 0.7  # of "x y", unknown as a whole, read as a "y"
UNCOMMON_FACTOR = 0.9  # a meaning whose words people hardly use: "placental" gives way to "mammal"
NAMED_BONUS = 1.3  # a meaning that is itself among the nouns was seen in the photos
MENTION = 0.4  # a noun counts so much for a meaning that its definition mentions
LEAST_COVERAGE, LEAST_IC, LEAST_IC_LIVING = 0.4, 0.46, 0.35
"""When every meaning covers less of the list or is more general, the list is mixed; "bird" (0.40) says how things
look, "structure" (0.36) does not."""
LIVING = frozenset({"animal", "plant", "food"})

DEPICTABLE = {
    "animal": 1.0,
    "artifact": 1.0,
    "body": 1.0,
    "food": 1.0,
    "object": 1.0,
    "": 1.0,
    "person": 0.7,
    "substance": 0.9,
    "plant": 0.8,
    "phenomenon": 0.8,
    "shape": 0.7,
    "Tops": 0.7,
    "act": 0.6,
    "event": 0.6,
    "location": 0.6,
    "possession": 0.5,
    "communication": 0.4,
    "group": 0.55,
}
"""How likely a photo shows a meaning of this topic; plants lie below food, since photos show the fruit."""
OTHER_TOPIC = 0.2
SHOWN = 0.5
"""Meanings below this do not push later ones down in rank."""
FLESH, FLESH_FACTOR = re.compile(r"^(?:\w+ ){0,3}(?:flesh|meat)\b"), 0.5
"""How definitions of animals as food begin: photos show the animal more often."""
TAXON, TAXON_FACTOR = (
    re.compile(r"^(?:genus|family|order|class|suborder|superfamily|subfamily|phylum|division) "),
    0.5,
)
"""How names of taxonomic groups begin: nobody calls what a photo shows by them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownNoun:
    """A noun with its possible meanings, weights in (0, 1], the best 1 (less when only its last word is known)."""

    word: str
    weight: float
    senses: dict[str, float]

    @property
    def exact(self) -> bool:
        """Whether the whole word is known, not only its last part."""
        return max(self.senses.values()) > HEAD_WORD_WEIGHT

    @property
    def best(self) -> str:
        """Its likeliest meaning in a photo."""
        return max(self.senses, key=lambda sense: self.senses[sense])


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A meaning for a set of nouns.

    Attributes:
        coverage: share of the set that it covers, in [0, 1].
        mixed: True when no meaning covers enough and the most central noun was taken.
    """

    synset: str
    coverage: float
    mixed: bool


class Covering:
    """Finds the meaning of noun sets in one WordNet."""

    def __init__(self, wordnet: WordNet, words: VisualWords) -> None:
        self._wordnet = wordnet
        self._words = words
        self._glosses: dict[str, frozenset[str]] = {}

    def known(self, nouns: Sequence[Noun]) -> list[KnownNoun]:
        """The nouns that WordNet can tell something about, in order; earlier ones weigh more."""
        found = []
        for rank, noun in enumerate(nouns):
            senses = self._senses(noun)
            if senses:
                found.append(KnownNoun(word=noun.word, weight=1 / (1 + RANK_DECAY * rank), senses=senses))
        return found

    def choose(self, nouns: Sequence[KnownNoun]) -> Choice:
        """The best meaning for a set that is not empty."""
        if len(nouns) == 1:
            return Choice(synset=nouns[0].best, coverage=1.0, mixed=False)
        total = sum(noun.weight for noun in nouns)
        shares = {synset: sum(parts.values()) / total for synset, parts in self._candidates(nouns).items()}
        named = {noun.best for noun in nouns}
        scores = {
            synset: self._score(synset, share) * (NAMED_BONUS if synset in named else 1.0)
            for synset, share in shares.items()
            if share >= LEAST_COVERAGE and self._says_something(synset, named)
        }
        if scores:
            best = max(scores, key=lambda synset: (scores[synset], synset))
            return Choice(synset=best, coverage=shares[best], mixed=False)
        medoid = self._medoid(nouns)
        return Choice(synset=medoid, coverage=shares[medoid], mixed=True)

    def meaning_below(self, synset: str, noun: KnownNoun) -> str:
        """The likeliest meaning of a noun that lies below a synset or is it; "" when none does."""
        below = [sense for sense in noun.senses if synset in self._wordnet.ancestors(sense)]
        return max(below, key=lambda sense: noun.senses[sense], default="")

    def _senses(self, noun: Noun) -> dict[str, float]:
        """Weighted meanings: the one carried by the noun first, then WordNet's order."""
        scale = 1.0
        ids = self._exact(noun.word)
        if noun.synset in self._wordnet:
            ids = tuple(dict.fromkeys((noun.synset, *ids)))
        if not ids and " " in noun.word:
            scale = HEAD_WORD_WEIGHT
            ids = self._exact(noun.word.split()[-1])
        weights: dict[str, float] = {}
        rank = 0
        for sense in ids[:SENSES]:
            depictable = self._depictable(sense)
            weights[sense] = SENSE_DECAY**rank * depictable
            rank += depictable >= SHOWN
        top = max(weights.values(), default=1.0)
        return {sense: scale * weight / top for sense, weight in weights.items()}

    def _depictable(self, sense: str) -> float:
        synset = self._wordnet.synset(sense)
        factor = DEPICTABLE.get(synset.lexfile, OTHER_TOPIC)
        if synset.lexfile == "food" and FLESH.match(synset.gloss):
            factor *= FLESH_FACTOR
        return factor * TAXON_FACTOR if TAXON.match(synset.words[0]) else factor

    def _exact(self, word: str) -> tuple[str, ...]:
        return self._wordnet.senses(word) or self._wordnet.senses(self._wordnet.singular(word))

    def _candidates(self, nouns: Sequence[KnownNoun]) -> dict[str, dict[int, float]]:
        """Per meaning above any noun, how much of each noun it covers."""
        covered: dict[str, dict[int, float]] = {}
        for i, noun in enumerate(nouns):
            for sense, weight in noun.senses.items():
                for ancestor in self._wordnet.ancestors(sense):
                    parts = covered.setdefault(ancestor, {})
                    parts[i] = max(parts.get(i, 0.0), noun.weight * weight)
        for i, noun in enumerate(nouns):
            mentioned = self._gloss_words(noun.best)
            for synset, parts in covered.items():
                if i not in parts and self._specific(synset) and self._names(synset) & mentioned:
                    parts[i] = MENTION * noun.weight
        return covered

    def _says_something(self, synset: str, named: set[str]) -> bool:
        """Whether a meaning is specific, and of a topic that photos show or among the nouns themselves."""
        living = self._wordnet.synset(synset).lexfile in LIVING
        if self._wordnet.information_content(synset) < (LEAST_IC_LIVING if living else LEAST_IC):
            return False
        return synset in named or self._depictable(synset) >= SHOWN

    def _specific(self, synset: str) -> bool:
        return self._wordnet.information_content(synset) > IC_FLOOR

    def _score(self, synset: str, coverage: float) -> float:
        content = min(self._wordnet.information_content(synset), IC_CAP) - IC_FLOOR
        score = coverage**2 * content * self._depictable(synset)
        return score if self.common_word(synset) else score * UNCOMMON_FACTOR

    def common_word(self, synset: str) -> str:
        """The first word of a meaning that people use for it before all else, or "" when it has none."""
        for word in self._wordnet.synset(synset).words:
            if self._wordnet.is_common(word) and self._wordnet.senses(word)[0] == synset:
                return word
        return ""

    def _names(self, synset: str) -> frozenset[str]:
        return frozenset(word.lower() for word in self._wordnet.synset(synset).words)

    def _gloss_words(self, synset: str) -> frozenset[str]:
        if synset not in self._glosses:
            self._glosses[synset] = self._words.content(self._wordnet.synset(synset).gloss)
        return self._glosses[synset]

    def _medoid(self, nouns: Sequence[KnownNoun]) -> str:
        """The meaning of the noun that is most like all others and early in the list; the earliest of equals."""

        def centrality(noun: KnownNoun) -> float:
            likeness = sum(other.weight * self._likeness(noun, other) for other in nouns)
            return noun.weight * self._depictable(noun.best) * likeness

        return max(nouns, key=centrality).best

    def _likeness(self, one: KnownNoun, other: KnownNoun) -> float:
        """Lin's similarity of the best meanings in [0, 1], raised when one definition mentions the other."""
        a, b = one.best, other.best
        shared = self._wordnet.ancestors(a).keys() & self._wordnet.ancestors(b).keys()
        content = self._wordnet.information_content
        common = max((content(synset) for synset in shared), default=0.0)
        lin = 2 * common / max(content(a) + content(b), 1e-9)
        mention = self._names(a) & self._gloss_words(b) or self._names(b) & self._gloss_words(a)
        return min(1.0, lin + (MENTION if mention else 0.0))
