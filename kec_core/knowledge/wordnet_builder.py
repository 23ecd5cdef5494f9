"""The builder that needs no language model: concepts and attributes out of WordNet (methods.md 6.4)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain

from kec_core.arrays import Progress, no_progress
from kec_core.config import ConceptSource, KnowledgeConfig
from kec_core.knowledge.base import AttributeDraft, ConceptDraft, ItemReport, PairDraft, Side
from kec_core.knowledge.covering import LEAST_IC_LIVING, Covering, KnownNoun
from kec_core.knowledge.guidance import Guidance
from kec_core.knowledge.phrases import Phrase, clean_gloss, visual_phrases
from kec_core.knowledge.visual_words import VisualWords
from kec_core.knowledge.word_lists import HIDDEN_PARTS
from kec_core.types import Concept, Noun
from kec_core.wordnet.everyday import everyday_name
from kec_core.wordnet.wordnet import Synset, WordNet

OWN, MEMBER, ANCESTOR, PART, RELATED, HYPONYM = 1.6, 0.8, 0.6, 0.4, 0.35, 0.2
"""How much a phrase counts by where it stands: own definition, that of a noun below the concept, of a hypernym (per
step up), a list of parts, the definition of a related noun when no noun lies below it, of a hyponym."""
STEPS_UP = 3
MEMBERS, HYPONYMS, PARTS = 8, 20, 3
SHARED_BONUS, SHARED_MOST = 0.3, 3
"""A member's phrase gains per other member that says something alike, up to so many."""
SAYS_MORE = 1.2  # least weight of the other visible words in a phrase that holds the concept's name
GUIDED = 3.0  # factor of a phrase that holds a word to prefer; one with a word to avoid is divided by it
REPEATED = 0.7  # factor in a pair of a phrase that is likely a uni attribute already
LIKELY_UNI = 2
COMPARED = 2  # best phrases of the other concept, whose words are not news
NAMED_IN_NOTE = 5
UNCOUNTED = frozenset({"act", "event", "phenomenon", "process", "state", "substance", "attribute", "feeling"})
FAMILIAR_SENSES, FAMILIAR_RANK = 3, 2
"""A part is known to people when its name has so many meanings, and the part is among the first of them."""


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
            f"wordnet rules-3 {named_by}"  # change it with the rules: stored results are found by it
        )
        self._named_by = named_by
        self._wordnet = wordnet
        self._max_nouns = max_nouns
        self._words = VisualWords(wordnet)
        self._covering = Covering(wordnet, self._words)
        self._phrases: dict[str, tuple[Phrase, ...]] = {}

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
        """See KnowledgeBuilder; where WordNet says too little that is visible, prompts of the name fill up."""
        wishes = self._wishes(guidance)
        attributes = []
        for i, concept in enumerate(concepts):
            texts = [phrase.text for phrase in _different(self._ranked(concept, wishes), count)]
            texts = [] if concept.spoken and not concept.synset else [*texts, *self._plain(concept)][:count]
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
        """See KnowledgeBuilder: for each side the best phrases that the other side lacks."""
        wishes = self._wishes(guidance)
        ranked = {
            concept: self._ranked(concept, wishes) for concept in dict.fromkeys(chain.from_iterable(pairs))
        }
        drafts = []
        for i, (first, second) in enumerate(pairs):
            ours = _lacking(ranked[first], ranked[second], count, side="first")
            theirs = _lacking(ranked[second], ranked[first], count, side="second")
            drafts.append((*ours, *theirs))
            progress(i + 1, len(pairs), "pairs")
        return drafts

    def items(self) -> tuple[ItemReport, ...]:
        """See KnowledgeBuilder: nobody is asked."""
        return ()

    # --- concepts ----------------------------------------------------------------------------------------------------

    def _concept(self, nouns: Sequence[Noun]) -> ConceptDraft:
        if self._named_by == "words" and nouns:
            return self._chosen(nouns[0])
        known = self._covering.known(nouns)
        if not nouns:
            return ConceptDraft(name="unnamed group", note="no noun lies near these photos")
        if not known:
            return ConceptDraft(
                name=nouns[0].word, note=f"WordNet knows none of: {_list(noun.word for noun in nouns)}"
            )
        choice = self._covering.choose(known)
        synset = self._wordnet.synset(choice.synset)
        if choice.mixed:
            word = next(noun.word for noun in known if noun.best == choice.synset)
            others = _list(noun.word for noun in nouns if noun.word != word)
            name, note = word, f"mixed nouns: {word} and related ({others})"
        else:
            name = self._covering.common_word(choice.synset) or synset.words[0]
            note = self._left_out(choice.synset, nouns, known)
            if len(nouns) == 1 and not known[0].exact:
                name, note = nouns[0].word, f"WordNet knows only its last word; read as a kind of {name}"
        return ConceptDraft(name=name, description=clean_gloss(synset.gloss), synset=synset.id, note=note)

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

    def _left_out(self, synset: str, nouns: Sequence[Noun], known: Sequence[KnownNoun]) -> str:
        """Which nouns the concept does not cover, in words, or ""."""
        covered = {noun.word for noun in known if self._covering.meaning_below(synset, noun)}
        missed = [noun.word for noun in nouns if noun.word not in covered]
        return f"does not cover: {_list(missed)}" if missed else ""

    # --- attributes --------------------------------------------------------------------------------------------------

    def _wishes(self, guidance: str) -> dict[str, float]:
        """The factor of every word that the person prefers or avoids."""
        wish = Guidance.parse(guidance)
        said = {word: GUIDED for phrase in wish.prefer for word in self._words.content(phrase)}
        return said | {word: 1 / GUIDED for phrase in wish.avoid for word in self._words.content(phrase)}

    def _ranked(self, concept: Concept, wishes: Mapping[str, float]) -> list[Phrase]:
        """All visual phrases of a concept that say more than its name, best first; equals keep their order."""
        names = self._names(concept)
        best: dict[str, Phrase] = {}
        for phrase, factor in self._all_phrases(concept):
            if not self._says_more(phrase, names):
                continue
            wished = math.prod({wishes.get(word, 1.0) for word in self._words.content(phrase.text)})
            weighed = replace(phrase, score=phrase.score * factor * wished, visible=phrase.visible - names)
            key = phrase.text.lower()
            if key not in best or weighed.score > best[key].score:
                best[key] = weighed
        return sorted(best.values(), key=lambda phrase: -phrase.score)

    def _plain(self, concept: Concept) -> Iterator[str]:
        """What can always be said: the name in a prompt, then with what it is a kind of."""
        synset = self._meaning(concept)
        lexfile = self._wordnet.synset(synset).lexfile if synset else ""
        named = f"{_article(concept.name)}{concept.name}" if lexfile not in UNCOUNTED else concept.name
        yield f"a photo of {named}"
        if synset and (kinds := self._wordnet.synset(synset).hypernyms):
            yield f"a photo of {named}, a kind of {self._wordnet.synset(kinds[0]).words[0]}"

    def _says_more(self, phrase: Phrase, names: frozenset[str]) -> bool:
        """Whether a phrase describes; "large truck" says too little of a truck."""
        rest = sum(self._words.weight(word) for word in phrase.visible - names)
        return rest >= SAYS_MORE if phrase.visible & names else rest > 0

    def _names(self, concept: Concept) -> frozenset[str]:
        synset = self._meaning(concept)
        words = self._wordnet.synset(synset).words if synset else ()
        return frozenset().union(*(self._words.content(word) for word in (concept.name, *words)))

    def _meaning(self, concept: Concept) -> str:
        """The synset behind a concept: its own, else the likeliest of its name, else ""."""
        if concept.synset in self._wordnet:
            return concept.synset
        known = self._covering.known([Noun(word=concept.name)])
        return known[0].best if known else ""

    def _all_phrases(self, concept: Concept) -> Iterator[tuple[Phrase, float]]:
        """Phrases with their factors, from every place that may say how the concept looks."""
        synset = self._meaning(concept)
        yield from ((phrase, OWN) for phrase in visual_phrases(concept.description, self._words))
        members, related = self._members(concept, synset)
        yield from ((phrase, MEMBER) for phrase in self._shared(members))
        yield from ((phrase, RELATED) for phrase in self._shared([] if members else related))
        if not synset:
            return
        yield from ((phrase, OWN) for phrase in self._of(synset))
        for ancestor, steps in self._wordnet.ancestors(synset).items():
            if 0 < steps <= STEPS_UP and self._wordnet.information_content(ancestor) > LEAST_IC_LIVING:
                yield from ((phrase, ANCESTOR**steps) for phrase in self._of(ancestor))
        yield from ((phrase, PART) for phrase in self._parts(self._wordnet.synset(synset)))
        hyponyms = self._wordnet.synset(synset).hyponyms[:HYPONYMS]
        yield from ((phrase, HYPONYM) for phrase in self._shared(hyponyms))

    def _members(self, concept: Concept, synset: str) -> tuple[list[str], list[str]]:
        """Meanings of the concept's nouns that lie below it, and those of the same topic that do not."""
        topic = self._wordnet.synset(synset).lexfile if synset else ""
        below: dict[str, None] = {}
        beside: dict[str, None] = {}
        for noun in self._covering.known(concept.nouns):
            meaning = self._covering.meaning_below(synset, noun) if synset else noun.best
            (below if meaning else beside)[meaning or noun.best] = None
        below.pop(synset, None)
        related = [sense for sense in beside if self._wordnet.synset(sense).lexfile == topic]
        return list(below)[:MEMBERS], related[:MEMBERS]

    def _of(self, synset: str) -> tuple[Phrase, ...]:
        if synset not in self._phrases:
            self._phrases[synset] = tuple(visual_phrases(self._wordnet.synset(synset).gloss, self._words))
        return self._phrases[synset]

    def _shared(self, synsets: Sequence[str]) -> Iterator[Phrase]:
        """The phrases of several meanings; what several say counts more."""
        said = [frozenset().union(*(phrase.visible for phrase in self._of(synset))) for synset in synsets]
        for i, synset in enumerate(synsets):
            for phrase in self._of(synset):
                others = sum(bool(phrase.visible & words) for j, words in enumerate(said) if j != i)
                yield replace(phrase, score=phrase.score * (1 + SHARED_BONUS * min(others, SHARED_MOST)))

    def _parts(self, synset: Synset) -> Iterator[Phrase]:
        """One phrase that lists the parts people know, best known first."""
        familiar: dict[str, int] = {}
        for part in synset.parts:
            name = self._wordnet.synset(part).words[0]
            if name in synset.words:
                continue
            senses = self._wordnet.senses(name)
            if part in senses[:FAMILIAR_RANK] and len(senses) >= FAMILIAR_SENSES and self._is_visible(part):
                familiar[name] = len(senses)
        chosen = sorted(familiar, key=lambda name: -familiar[name])[:PARTS]
        if len(chosen) > 1:
            visible = frozenset().union(*(self._words.visible(name) for name in chosen))
            yield Phrase(text=" and ".join(chosen), score=float(len(chosen)), visible=visible)

    def _is_visible(self, part: str) -> bool:
        """Whether a part can be seen from outside, going by its name and definition."""
        synset = self._wordnet.synset(part)
        if self._words.is_inner(synset.words[0]) or HIDDEN_PARTS & self._words.content(synset.gloss):
            return False
        return bool(self._words.visible(synset.words[0]))


def _different(phrases: Iterable[Phrase], count: int) -> list[Phrase]:
    """At most ``count`` phrases in order, each with a visible word not said before."""
    chosen: list[Phrase] = []
    said: frozenset[str] = frozenset()
    for phrase in phrases:
        if len(chosen) == count:
            break
        if phrase.visible - said:
            chosen.append(phrase)
            said |= phrase.visible
    return chosen


def _lacking(ours: Sequence[Phrase], theirs: Sequence[Phrase], count: int, *, side: Side) -> list[PairDraft]:
    """The phrases of one concept with most visible words that the other lacks."""
    known = frozenset().union(*(phrase.visible for phrase in theirs[:COMPARED]))
    shared = {phrase.text.lower() for phrase in theirs}
    rated = []
    for rank, phrase in enumerate(ours):
        news = len(phrase.visible - known) / len(phrase.visible)
        if news > 0 and phrase.text.lower() not in shared:
            rated.append(
                replace(phrase, score=phrase.score * news * (REPEATED if rank < LIKELY_UNI else 1.0))
            )
    rated.sort(key=lambda phrase: -phrase.score)
    return [PairDraft(text=phrase.text, side=side) for phrase in _different(rated, count)]


def _article(name: str) -> str:
    return "an " if name[:1].lower() in "aeiou" else "a "


def _list(words: Iterable[str]) -> str:
    named = list(dict.fromkeys(words))
    more = ", ..." if len(named) > NAMED_IN_NOTE else ""
    return ", ".join(named[:NAMED_IN_NOTE]) + more
