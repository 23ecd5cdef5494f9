"""A WordNet of a few dozen meanings in WordNet's own file format, with definitions written for these tests."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from kec_core.wordnet.wndb import holds_wordnet, local_folders
from kec_core.wordnet.wordnet import WordNet, load_wordnet

TOPS, ACT, ANIMAL, ARTIFACT, ATTRIBUTE, BODY, FOOD, GROUP, OBJECT, PLANT = 3, 4, 5, 6, 7, 8, 13, 14, 17, 20
NOTICE = ["  1 A notice of this tiny WordNet.  ", "  2 Keep it with every copy.  "]


@dataclass
class Entry:
    """One synset: its key, topic number, words, gloss, and the keys it points to per pointer symbol."""

    key: str
    lexfile: int
    words: str
    gloss: str
    links: dict[str, str] = field(default_factory=dict)


def entry(key: str, lexfile: int, words: str, above: str, gloss: str, **links: str) -> Entry:
    """An entry with its hypernyms ``above``; parts="a b" and instance="a" add the other relations."""
    symbols = {"@": above, "%p": links.get("parts", ""), "@i": links.get("instance", "")}
    return Entry(key, lexfile, words, gloss, {symbol: keys for symbol, keys in symbols.items() if keys})


ENTRIES = [
    entry("entity", TOPS, "entity", "", "that which exists"),
    entry("object", TOPS, "object physical_object", "entity", "a thing that can be touched"),
    entry("abstraction", TOPS, "abstraction", "entity", "an idea that cannot be touched"),
    entry("animal", TOPS, "animal beast", "object", "a living being that moves"),
    entry(
        "dog",
        ANIMAL,
        "dog domestic_dog Canis_familiaris",
        "animal pet",
        'a tame animal (kept by people) that barks; comes in many breeds; "the dog barked"; "a good dog"',
        parts="tail ear",
    ),
    entry("pet", ANIMAL, "pet", "animal", "a tame animal kept at home"),
    entry(
        "spitz",
        ANIMAL,
        "spitz",
        "dog",
        "any of various dogs having pointed muzzles and erect ears with a curled tail",
    ),
    entry("akita", ANIMAL, "Akita", "spitz", "a large spitz with a thick red coat"),
    entry("hound", ANIMAL, "hound", "dog", "a dog used for hunting"),
    entry(
        "dachshund",
        ANIMAL,
        "dachshund",
        "hound",
        "small short-legged breed of dog having a short sleek coat and long drooping ears; suited for burrows",
    ),
    entry("cat", ANIMAL, "cat", "animal pet", "an animal having thick soft fur and no ability to bark"),
    entry("cow", ANIMAL, "cow", "animal", "an animal having a stomach divided into four compartments"),
    entry("fido", ANIMAL, "Fido", "", "a dog in a story", instance="dog"),
    entry("crane_bird", ANIMAL, "crane", "animal", "a bird with long legs and a long neck"),
    entry("artifact", TOPS, "artifact", "object", "a thing made by people"),
    entry("crane_machine", ARTIFACT, "crane", "artifact", "a machine that lifts loads"),
    entry("vehicle", ARTIFACT, "vehicle", "artifact", "a thing that carries people", parts="wheel"),
    entry(
        "car",
        ARTIFACT,
        "car auto",
        "vehicle",
        "a vehicle with four wheels; moved by an engine",
        parts="wheel roof",
    ),
    entry("truck", ARTIFACT, "truck lorry", "vehicle", "a vehicle for hauling"),
    entry("pickup", ARTIFACT, "pickup", "truck", "a light truck with an open body and low sides"),
    entry("wheel", ARTIFACT, "wheel", "artifact", "a round frame that turns"),
    entry("roof", ARTIFACT, "roof", "artifact", "the cover on top"),
    entry("coat", ARTIFACT, "coat", "artifact", "an outer garment"),
    entry("side", ARTIFACT, "side", "artifact", "a wall of a box"),
    entry("building", ARTIFACT, "building", "artifact", "a thing that has a roof and walls"),
    entry("wall", ARTIFACT, "wall", "artifact", "an upright face of a building"),
    entry(
        "church_building",
        ARTIFACT,
        "church church_building",
        "building",
        "a building with a tall white tower",
    ),
    entry("tower", ARTIFACT, "tower", "artifact", "a tall narrow building"),
    entry("church_group", GROUP, "church", "abstraction", "people who share a belief"),
    entry("body_part", BODY, "body_part", "object", "any part of a body"),
    entry("ear", BODY, "ear", "body_part", "the part that hears"),
    entry("muzzle", BODY, "muzzle", "body_part", "the mouth and nose of a beast"),
    entry("tail", BODY, "tail", "body_part", "the hind end"),
    entry("leg", BODY, "leg", "body_part", "the part that walks"),
    entry("neck", BODY, "neck", "body_part", "the part below the head"),
    entry("fur", BODY, "fur", "body_part", "the hair of a beast"),
    entry("internal_organ", BODY, "internal_organ", "body_part", "an organ inside"),
    entry("stomach", BODY, "stomach", "internal_organ", "the organ that digests"),
    entry("flower", PLANT, "flower", "plant", "a plant with showy petals"),
    entry("plant", TOPS, "plant", "object", "a living being that does not move"),
    entry("rose", PLANT, "rose", "plant", "a thorny plant that bears a red flower"),
    entry("tulip", PLANT, "tulip", "plant", "a plant that bears a single upright flower"),
    entry("peony", PLANT, "peony", "flower", "a plant with large pink petals"),
    entry("petal", PLANT, "petal", "plant_part", "a coloured leaf of a blossom"),
    entry("plant_part", PLANT, "plant_part", "object", "any part of a plant"),
    entry("surfing", ACT, "surfing", "act", "riding a wave on a board"),
    entry("act", TOPS, "act", "abstraction", "something done"),
    entry("loyalty", ATTRIBUTE, "loyalty", "abstraction", "being true to somebody"),
]

SENSES = {"church": ["church_group", "church_building"], "crane": ["crane_machine", "crane_bird"]}
"""Order of the senses of words that have several; others are in the order of ENTRIES."""

RARE = {"canis_familiaris", "spitz", "domestic_dog"}
"""Lemmas that no tagged text holds."""


def write_wordnet(folder: Path, entries: list[Entry] | None = None) -> dict[str, str]:
    """Write ``data.noun`` and ``index.noun``; returns the synset id of each key."""
    entries = ENTRIES if entries is None else entries
    folder.mkdir(parents=True, exist_ok=True)
    down = _with_hyponyms(entries)
    offsets = dict.fromkeys((e.key for e in entries), 0)
    for _ in range(2):  # offsets have a fixed width, so the second round writes the right ones
        text = "\n".join(NOTICE) + "\n"
        for e in entries:
            offsets[e.key] = len(text)
            text += _line(e, down[e.key], offsets) + "\n"
    (folder / "data.noun").write_text(text)
    (folder / "index.noun").write_text("\n".join([*NOTICE, *_index(entries, offsets)]) + "\n")
    return {key: f"n{offset:08d}" for key, offset in offsets.items()}


def _with_hyponyms(entries: list[Entry]) -> dict[str, list[tuple[str, str]]]:
    pointers: dict[str, list[tuple[str, str]]] = {e.key: [] for e in entries}
    for e in entries:
        for symbol, keys in e.links.items():
            pointers[e.key] += [(symbol, key) for key in keys.split()]
    for e in entries:
        for key in e.links.get("@", "").split():
            pointers[key].append(("~", e.key))
        for key in e.links.get("@i", "").split():
            pointers[key].append(("~i", e.key))
    return pointers


def _line(e: Entry, pointers: list[tuple[str, str]], offsets: dict[str, int]) -> str:
    words = e.words.split()
    fields = [f"{offsets[e.key]:08d}", f"{e.lexfile:02d}", "n", f"{len(words):02x}"]
    fields += [f"{word} 0" for word in words] + [f"{len(pointers):03d}"]
    fields += [f"{symbol} {offsets[key]:08d} n 0000" for symbol, key in pointers]
    return " ".join(fields) + f" | {e.gloss}  "


def _index(entries: list[Entry], offsets: dict[str, int]) -> list[str]:
    keys: dict[str, list[str]] = {}
    for e in entries:
        for word in e.words.split():
            keys.setdefault(word.lower(), []).append(e.key)
    lines = []
    for lemma in sorted(keys):
        order = SENSES.get(lemma, keys[lemma])
        senses = " ".join(f"{offsets[key]:08d}" for key in order)
        tagged = int(lemma not in RARE)
        lines.append(f"{lemma} n {len(order)} 2 @ ~ {len(order)} {tagged} {senses}  ")
    return lines


def real_wordnet() -> WordNet:
    """The real WordNet of this machine; where tests must be complete (CI) it has to be there."""
    folder = next((place for _, place in local_folders() if holds_wordnet(place)), None)
    if folder is None:
        message = "WordNet is not on this machine; run: kec setup"
        pytest.fail(message) if os.environ.get("CI") == "true" else pytest.skip(message)
    return load_wordnet(folder)
