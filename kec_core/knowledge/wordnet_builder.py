"""The builder that needs no language model: concepts and attributes out of WordNet (methods.md 6.4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain

from kec_core.arrays import Progress, no_progress
from kec_core.config import ConceptSource, KnowledgeConfig
from kec_core.knowledge.base import AttributeDraft, ConceptDraft, ItemReport, PairDraft, Side
from kec_core.knowledge.phrases import clean_gloss, head_of, shows_a_thing, visual_phrases
from kec_core.types import Concept, Noun
from kec_core.wordnet.vocabulary import common_word, everyday_name, meaning, meanings
from kec_core.wordnet.wordnet import WordNet

CANDIDATES = 4
"""Proposals for each attribute that is wanted; the photos choose among them                     [R]."""
STEPS_UP = 3  # from a concept to the ancestors whose definitions and parts are its own too     [R]
LEAST_CONTENT = 0.35
"""Information content of such an ancestor: "bird" (0.40) says how things look, "device" does not [R]."""
NAMED_IN_NOTE = 5


class WordNetBuilder:
    """A KnowledgeBuilder; the same nouns always give the same knowledge.

    Args:
        wordnet: the dictionary.
        max_nouns: most nouns read per concept, most frequent first (methods.md A5).
        named_by: "words" calls a concept by the first noun of its set, which was chosen for its photos; "overclusters" by
            what its nouns have in common.
    """

    name = "wordnet"

    def __init__(
        self,
        wordnet: WordNet,
        *,
        max_nouns: int = KnowledgeConfig().max_nouns,
        named_by: ConceptSource = "words",
    ) -> None:
        self.revision = (
            f"wordnet rules-6 {named_by}"  # change it with the rules: stored results are found by it
        )
        self._named_by = named_by
        self._wordnet = wordnet
        self._max_nouns = max_nouns
        self._phrases: dict[str, tuple[str, ...]] = {}

    def concepts(
        self, noun_lists: Sequence[Sequence[Noun]], *, guidance: str = "", progress: Progress = no_progress
    ) -> list[ConceptDraft]:
        """See KnowledgeBuilder; names come from the nouns alone, whatever the guidance."""
        del guidance
        drafts = []
        for i, nouns in enumerate(noun_lists):
            drafts.append(self._concept(nouns[: self._max_nouns]))
            progress(i + 1, len(noun_lists), "concepts")
        return drafts

    def uni_attributes(
        self, concepts: Sequence[Concept], count: int, *, guidance: str = "", progress: Progress = no_progress
    ) -> list[tuple[AttributeDraft, ...]]:
        """See KnowledgeBuilder; guidance weighs attributes later, where photos and phrases are compared."""
        del guidance
        attributes = []
        for i, concept in enumerate(concepts):
            texts = self._candidates(concept)[: CANDIDATES * count]
            attributes.append(tuple(AttributeDraft(text=text) for text in texts))
            progress(i + 1, len(concepts), "attributes")
        return attributes

    def bi_attributes(
        self,
        pairs: Sequence[tuple[Concept, Concept]],
        count: int,
        *,
        guidance: str = "",
        progress: Progress = no_progress,
    ) -> list[tuple[PairDraft, ...]]:
        """See KnowledgeBuilder: for each side the phrases that the other side lacks."""
        del guidance
        candidates = {
            concept: self._candidates(concept) for concept in dict.fromkeys(chain.from_iterable(pairs))
        }
        drafts = []
        for i, (first, second) in enumerate(pairs):
            ours, theirs = candidates[first], candidates[second]
            drafts.append(
                (
                    *_lacking(ours, theirs, CANDIDATES * count, side="first"),
                    *_lacking(theirs, ours, CANDIDATES * count, side="second"),
                )
            )
            progress(i + 1, len(pairs), "pairs")
        return drafts

    def items(self) -> tuple[ItemReport, ...]:
        """See KnowledgeBuilder: nobody is asked."""
        return ()

    # --- concepts ----------------------------------------------------------------------------------------------------

    def _concept(self, nouns: Sequence[Noun]) -> ConceptDraft:
        if not nouns:
            return ConceptDraft(name="unnamed group", note="no noun lies near these photos")
        return self._chosen(nouns[0]) if self._named_by == "words" else self._covering(nouns)

    def _chosen(self, noun: Noun) -> ConceptDraft:
        known = noun.synset in self._wordnet
        gloss = clean_gloss(self._wordnet.synset(noun.synset).gloss) if known else ""
        note = "" if known else "WordNet does not know this word"
        return ConceptDraft(
            name=everyday_name(noun, self._wordnet),
            description=gloss,
            synset=noun.synset if known else "",
            note=note,
        )

    def _covering(self, nouns: Sequence[Noun]) -> ConceptDraft:
        """What the nouns have in common: of all hypernyms the one of largest share of the nouns x information content."""
        known = [(noun, found) for noun in nouns if (found := meanings(noun, self._wordnet))]
        if not known:
            return ConceptDraft(
                name=nouns[0].word, note=f"WordNet knows none of: {_list(n.word for n in nouns)}"
            )
        shares = [self._shares(found) for _, found in known]
        told = {
            synset: round(
                sum(s.get(synset, 0.0) for s in shares) * self._wordnet.information_content(synset), 6
            )
            for synset in dict.fromkeys(chain.from_iterable(shares))
        }
        first = {found[0]: -place for place, (_, found) in enumerate(known)}
        best = max(told, key=lambda synset: (told[synset], first.get(synset, -len(known)), synset))
        covered = [noun for (noun, _), share in zip(known, shares, strict=True) if best in share]
        missed = [noun.word for noun in nouns if noun not in covered]
        name = common_word(best, self._wordnet) or self._wordnet.synset(best).words[0]
        return ConceptDraft(
            name=nouns[0].word if len(nouns) == 1 else name,
            description=clean_gloss(self._wordnet.synset(best).gloss),
            synset=best,
            note=f"does not cover: {_list(missed)}" if missed else "",
        )

    def _shares(self, senses: Sequence[str]) -> dict[str, float]:
        """What a noun adds to every synset at or above its meanings: 1 by the likeliest, 1/2 by the next, and so on."""
        share: dict[str, float] = {}
        for rank, sense in enumerate(senses):
            for above in self._wordnet.ancestors(sense):
                share.setdefault(above, 1 / (1 + rank))
        return share

    # --- attributes --------------------------------------------------------------------------------------------------

    def _candidates(self, concept: Concept) -> list[str]:
        """Phrases that may tell how a concept looks, the nearest to it first; none says its name or what kind it is."""
        synset = meaning(Noun(word=concept.text, synset=concept.synset), self._wordnet)
        names = self._names(concept, synset)
        kinds = {word.casefold() for one in self._above(synset) for word in self._wordnet.synset(one).words}
        texts = dict.fromkeys(self._all_phrases(concept, synset))
        return [text for text in texts if not names & _words(text) and not self._is_kind(text, kinds)]

    def _is_kind(self, text: str, kinds: AbstractSet[str]) -> bool:
        head = head_of(text)
        return head in kinds or self._wordnet.singular(head).casefold() in kinds

    def _above(self, synset: str) -> Iterable[str]:
        return self._wordnet.ancestors(synset) if synset else ()

    def _names(self, concept: Concept, synset: str) -> frozenset[str]:
        words = self._wordnet.synset(synset).words if synset else ()
        return frozenset().union(*map(_words, (concept.name, *words)))

    def _all_phrases(self, concept: Concept, synset: str) -> Iterator[str]:
        """Out of its description, its meaning, the nouns below it, and what lies above, with the parts named there."""
        yield from visual_phrases(concept.description, self._wordnet)
        if not synset:
            return
        ancestors = self._wordnet.ancestors(synset)
        for above in sorted(ancestors, key=lambda one: ancestors[one]):
            if above == synset or (ancestors[above] <= STEPS_UP and self._says_something(above)):
                yield from self._of(above)
            if ancestors[above] == 0:
                yield from chain.from_iterable(map(self._of, self._below(concept, synset)))

    def _says_something(self, synset: str) -> bool:
        return self._wordnet.information_content(synset) >= LEAST_CONTENT

    def _below(self, concept: Concept, synset: str) -> list[str]:
        """The meanings of the concept's nouns that lie below it."""
        found = (meaning(noun, self._wordnet) for noun in concept.nouns)
        return [one for one in found if one and one != synset and synset in self._wordnet.ancestors(one)]

    def _of(self, synset: str) -> tuple[str, ...]:
        """The phrases of one meaning's definition, then its parts."""
        if synset not in self._phrases:
            meant = self._wordnet.synset(synset)
            parts = filter(None, (common_word(part, self._wordnet) for part in meant.parts))
            shown = [part for part in parts if shows_a_thing(part, self._wordnet)]
            self._phrases[synset] = (*visual_phrases(meant.gloss, self._wordnet), *shown)
        return self._phrases[synset]


def _lacking(ours: Sequence[str], theirs: Sequence[str], count: int, *, side: Side) -> list[PairDraft]:
    """The first phrases of one concept that the other lacks."""
    shared = {text.casefold() for text in theirs}
    return [PairDraft(text=text, side=side) for text in ours if text.casefold() not in shared][:count]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.casefold().split())


def _list(words: Iterable[str]) -> str:
    named = list(dict.fromkeys(words))
    more = ", ..." if len(named) > NAMED_IN_NOTE else ""
    return ", ".join(named[:NAMED_IN_NOTE]) + more
