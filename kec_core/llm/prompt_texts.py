"""The wording of the prompts, in our own words, with the content of methods.md 6.4.

Every example comes from a corner that few collections hold, so that a copy of it gives itself away.
Stored answers are found by ``PROMPT_VERSION``: change it when answers to the old wording should not be taken any more.
"""

from __future__ import annotations

from typing import Any

PROMPT_VERSION = "1"

Example = tuple[str, dict[str, Any]]

INTRODUCTION = "You help to sort photos by what they show. Reply with one JSON object and nothing else."
VISIBLE = (
    "Name only what a camera records: shape, parts, colour, pattern, texture, posture, surroundings. "
    "Leave out use, sound, smell, taste, price, fame and history."
)
OWN_WORDS = "Do not copy the earlier examples; think about the case at hand."

CONCEPT_TASK = (
    "You are given nouns that a program matched with one group of photos, the most frequent first; a few may be "
    "wrong. Name the one concept that covers as many of them as possible, in one to three words, singular, and no "
    "wider than needed. Do not drift to a related thing of another class, such as its place, its part, its owner or "
    "an activity with it. Then describe its looks in at most twelve words, without the name. "
    'Form: {"concept": "...", "description": "..."}'
)
UNI_TASK = (
    "You are given a concept. List exactly {count} attributes that nearly every photo of it shows and that similar "
    "things lack. Each is a phrase of two to eight words without the concept's name. "
    + VISIBLE
    + ' Form: {{"attributes": ["..."]}}'
)
PAIR_TASK = (
    "You are given two concepts that are easily confused. List exactly {count} visible features that tell them apart. "
    "Name the feature that is to be compared, in one to five words, not what it looks like on either side. "
    + VISIBLE
    + ' Form: {{"attributes": ["..."]}}'
)
CONTRAST_TASK = (
    "You are given two concepts that are easily confused. List exactly {count} visible features that tell them apart, "
    "and say for each how it looks on the first and on the second, in two to eight words each. "
    + VISIBLE
    + ' Form: {{"contrasts": [{{"first": "...", "second": "..."}}]}}'
)
SPLIT_TASK = (
    "You are given a concept and the nouns found in its photos. Divide it into two to four sub-concepts that look "
    "different from each other. Give each a name of one to three words and its nouns, copied from the list; a noun "
    'belongs to one sub-concept only. Form: {"parts": [{"name": "...", "nouns": ["..."]}]}'
)

CAPTION_TASK = (
    "You are given a photo. Describe it in one sentence of at most {words} words: the main object or scene, as exactly "
    "as it can be named, and what is distinctive in its looks. Leave out moods and guesses. "
    'Form: {{"caption": "..."}}'
)

CONCEPT_EXAMPLES: tuple[Example, ...] = (
    (
        "Nouns: sousaphone, bugle, cornet, flugelhorn",
        {"concept": "brass instrument", "description": "coiled shiny metal tube that ends in a wide bell"},
    ),
    (
        "Nouns: moray, conger, electric eel, seaweed, elver",
        {"concept": "eel", "description": "long snake-like body with one fin along the back"},
    ),
)
UNI_EXAMPLES: tuple[Example, ...] = (
    (
        "Concept: accordion (hand-held squeezebox)",
        {
            "attributes": [
                "pleated bellows between two boxes",
                "piano keys along one side",
                "rows of small round studs",
                "wide straps over both shoulders",
            ]
        },
    ),
    (
        "Concept: saguaro (giant desert cactus)",
        {
            "attributes": [
                "tall ribbed green column",
                "thick arms that bend upwards",
                "rows of pale spines",
                "stony ground with sparse shrubs",
            ]
        },
    ),
)
PAIR_EXAMPLES: tuple[Example, ...] = (
    (
        "First: accordion\nSecond: concertina",
        {"attributes": ["outline of the end panels", "presence of piano keys", "width across the chest"]},
    ),
    (
        "First: saguaro\nSecond: organ pipe cactus",
        {
            "attributes": [
                "number of stems at the ground",
                "height of the first fork",
                "thickness of the stems",
            ]
        },
    ),
)
CONTRAST_EXAMPLES: tuple[Example, ...] = (
    (
        "First: accordion\nSecond: concertina",
        {
            "contrasts": [
                {"first": "large oblong end panels", "second": "small six-sided end panels"},
                {"first": "white and black piano keys", "second": "a few studs per hand"},
                {"first": "hangs on shoulder straps", "second": "held by hand straps alone"},
            ]
        },
    ),
)
SPLIT_EXAMPLES: tuple[Example, ...] = (
    (
        "Concept: musical instrument\nNouns: bugle, viola, cornet, cello, sousaphone",
        {
            "parts": [
                {"name": "brass instrument", "nouns": ["bugle", "cornet", "sousaphone"]},
                {"name": "string instrument", "nouns": ["viola", "cello"]},
            ]
        },
    ),
)

WISH_FIRST = (
    "The person's wish stands above these rules: say only what serves it. Answer in the language of the wish."
)
