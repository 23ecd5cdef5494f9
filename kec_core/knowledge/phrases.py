"""Noun phrases out of dictionary definitions that may be seen in a photo; which of them are, the photos decide.

"a small dog having long drooping ears; used for hunting" gives "small dog" and "long drooping ears".

Each list is what dictionary definitions were seen to use.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kec_core.types import Noun
from kec_core.wordnet.vocabulary import THINGS, meaning
from kec_core.wordnet.wordnet import WordNet


def _alternatives(text: str) -> str:
    """A comma-separated list as one alternation, without its own group."""
    return "|".join(" ".join(part.split()) for part in text.split(","))


LINKS = _alternatives("and, or, also, but, only")

DETERMINERS = _alternatives("""
    any, either of two, either, each, one or more, one, own, more, several, some, various, numerous, many, certain,
    a few, a number, the, an?, its, their, other
""")

ADVERBS = _alternatives("""
    usually, typically, often, generally, mostly, mainly, sometimes, somewhat, especially, chiefly, probably,
    relatively, commonly, permanently, more or less, rather, very
""")

KINDS_OF = _alternatives("""
    members? of, types? of, kinds? of, forms? of, variety of, varieties of, species of, genus of, breeds? of,
    family of, group of, class of
""")

KEPT_CUES = _alternatives("""
    resembling, covered (?:with|by|in), surrounded by, lined with, filled with, made (?:up )?of, made from,
    marked (?:with|by), topped (?:off )?(?:with|by), ending in, shaped like
""")
"""A feature follows, and the words themselves say something."""

CUES = _alternatives("""
    having, with, bearing, (?:that|which) (?:has|have|had), that consists? of, that bears?, has, have, whose,
    characterized by, distinguished by, consisting of, consists? of, composed of, possessing, producing, containing,
    followed by
""")
"""A feature follows."""

STOPS = _alternatives("""
    used(?: with| in| on| by)?, stands, native, found, suited, adapted, grown, cultivated, raised, bred, known, noted,
    valued, prized, that, which, who, for, from, belonging, when, where, while, because, so, than, at, during, in, by,
    to, as, formerly, once, of the (?:genus|family|order|class|suborder|superorder|phylum), widely, common, related,
    living, occurring, including, intended, designed, serving, served, eaten, such as, is, are, was, were, can, may,
    both, without, lacking, no, not, modified, considered, associated with, compared with,
    of (?:africa|asia|europe|america|australia|tropical|temperate|warm)
""")
"""Use, origin or company follows, which cannot be seen."""

PREPOSITIONS = _alternatives(
    "of, on, with, at, into, through, along, under, over, near, around, between, above, below, like"
)
"""The head of a noun phrase stands before one of these."""

DANGLING = _alternatives("of, on, into, with, the, an?, able, available, floating, folded, mingled")
"""Left at the end of a phrase by a cut."""


LONGEST = 9  # words of one phrase                                                              [R]
SPLIT_FROM = 7  # stretches of so many words are taken as lists                                 [R]
INSIDE = (
    "internal organ",
    "body substance",
    "nervous system",
    "neural structure",
    "nerve",
    "bone",
    "muscle",
    "gland",
    "blood vessel",
    "body cavity",
    "reproductive organ",
)
"""Parts of a body that no photo of it shows, by name."""

NOT_IN_PHRASES = """
    your their its his her it they you all either except etc something anything type types kind kinds sort
    sorts genus particular specialized
""".split()  # noqa: SIM905 - words
"""Words of phrases that point at something else, or sort things instead of showing them."""

_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_CLAUSES = re.compile(r"\s*[;:]\s*|\s+--?\s+")
_OPENING = re.compile(rf"^(?:(?:{DETERMINERS}|{LINKS}|{ADVERBS}|{KINDS_OF}|of)\b[\s,]*)+", re.IGNORECASE)
_FILLERS = re.compile(rf"\b(?:{KINDS_OF}|{ADVERBS})\s+", re.IGNORECASE)
_ENDING = re.compile(rf"(?:[\s,]+(?:{DANGLING}|{ADVERBS}|{LINKS}))+$", re.IGNORECASE)
_CUT = re.compile(rf"\b(?:(?P<kept>{KEPT_CUES})|(?P<cue>{CUES})|(?P<stop>{STOPS}))\b", re.IGNORECASE)
_AND = re.compile(r",?\s+and\s+|,\s+|\s+or\s+(?=(?:an?|the)\s)", re.IGNORECASE)
_KEPT = re.compile(rf"^(?:{KEPT_CUES})\s+", re.IGNORECASE)
_PREPOSITION = re.compile(rf"\s+(?:{PREPOSITIONS})\s+.*$", re.IGNORECASE)
_ORIGIN = re.compile(r"\s+of\s+(?:the\s+)?(?:[a-z]+(?:ern|al)\s+)*[A-Z].*$")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z' -]*")
_TRIM = " ,.`'\""


def clean_gloss(gloss: str) -> str:
    """A definition without brackets, in one line."""
    while (shorter := _BRACKETS.sub("", gloss)) != gloss:
        gloss = shorter
    return re.sub(r"\s+([,;:.])", r"\1", " ".join(gloss.split())).strip(" ;,:")


def visual_phrases(gloss: str, wordnet: WordNet) -> tuple[str, ...]:
    """The phrases of a definition whose head is a thing with a look of its own, each once, in the order of the text.

    Args:
        gloss: a definition, with or without brackets.
        wordnet: tells what the head of a phrase is.
    """
    found: dict[str, str] = {}
    for clause in _CLAUSES.split(clean_gloss(gloss)):
        for stretch in _cut(clause):
            for text in _parts(_tidy(stretch), wordnet):
                found.setdefault(text.lower(), text)
    return tuple(found.values())


def shows_a_thing(text: str, wordnet: WordNet) -> bool:
    """Whether a text is a short noun phrase about a thing that is not hidden inside a body."""
    words = text.lower().split()
    if (
        not _PLAIN.fullmatch(text)
        or len(words) > LONGEST
        or any(_not_in_phrases(word, wordnet) for word in words)
    ):
        return False
    known = meaning(Noun(word=head_of(text)), wordnet)
    if not known or wordnet.synset(known).is_instance or wordnet.synset(known).lexfile not in THINGS:
        return False
    above = (wordnet.synset(ancestor) for ancestor in wordnet.ancestors(known))
    return not any(synset.words[0] in INSIDE and synset.lexfile in ("body", "") for synset in above)


def head_of(text: str) -> str:
    """The noun that a phrase is about, in lower case: "tail" of "long tail with rings"."""
    return _PREPOSITION.sub("", _KEPT.sub("", text)).split()[-1].lower()


def _not_in_phrases(word: str, wordnet: WordNet) -> bool:
    """Whether a word shows that a stretch is no noun phrase: a verb like "absorbs", which is no noun, or a pronoun."""
    if word in NOT_IN_PHRASES:
        return True
    ending = word.endswith("s") and not word.endswith(("ss", "us", "is"))
    return ending and "-" not in word and not wordnet.senses(wordnet.singular(word))


def _parts(text: str, wordnet: WordNet) -> list[str]:
    """The stretch as a whole when it is short and sound, else what is sound among its listed parts; no lone words."""
    if len(text.split()) < SPLIT_FROM and _describes(text, wordnet):
        return [text]
    return [part for part in map(_tidy, _AND.split(text)) if _describes(part, wordnet)]


def _describes(text: str, wordnet: WordNet) -> bool:
    """Whether a phrase says something of a thing; a thing alone, cut from a sentence, is often an accident."""
    return len(text.split()) > 1 and shows_a_thing(text, wordnet)


def _cut(clause: str) -> Iterator[str]:
    """The opening of a clause, then what follows each word that announces a feature; the first may be empty."""
    start, wanted = 0, True
    for match in _CUT.finditer(clause):
        if match.start() < start:
            continue
        yield clause[start : match.start()] if wanted else ""
        wanted = match["stop"] is None
        start = match.start() if match["kept"] else match.end()
    yield clause[start:] if wanted else ""


def _tidy(text: str) -> str:
    """Without determiners, fillers, where it comes from ("of southern Europe"), and words left dangling by a cut."""
    return _ENDING.sub("", _ORIGIN.sub("", _OPENING.sub("", _FILLERS.sub("", text.strip(_TRIM))))).strip(
        _TRIM
    )
