"""Mutated scripts of edits: whatever comes, it is applied or refused in one short sentence."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

from kec_core.errors import InputError, KecError
from kec_core.knowledge.edits import apply_script, describe, read_script, script_to_json
from tests.edit_samples import three_animals
from tests.fuzz_photos import mutated
from tests.random_edits import random_journal

LONGEST = 1000
"""Characters of a refusal; the list of operations or of close names is the longest part."""
IMAGES = ("a.jpg", "b.jpg", "c.jpg", "d/e f.jpg")


def fuzz_edits(rounds: int, seed: int) -> Iterator[str]:
    """Read and apply mutated scripts; yields "used" or "refused" for each."""
    rng = random.Random(seed)
    for _ in range(rounds):
        edits, _ = random_journal(rng, three_animals(), IMAGES, 4)
        script: Any = script_to_json(edits)
        for _ in range(rng.choice((0, 1, 1, 3))):
            _spoil(script, rng)
        text = json.dumps(script, ensure_ascii=rng.random() < 0.5).encode("utf-8", "surrogatepass")
        yield _read(mutated(text, rng) if rng.random() < 0.4 else text)


def _read(content: bytes) -> str:
    knowledge = three_animals()
    try:
        edits = read_script(content)
        apply_script(knowledge, edits, images=IMAGES)
    except InputError as error:
        return refused(error, LONGEST)
    assert read_script(json.dumps(script_to_json(edits)).encode()) == edits
    for edit in edits[:1]:
        assert describe(edit, knowledge)
    return "used"


def refused(error: KecError, longest: int) -> str:
    """The outcome "refused", if the refusal is a sentence of at most ``longest`` characters."""
    assert 0 < len(str(error)) < longest, str(error)
    return "refused"


def _spoil(script: Any, rng: random.Random) -> None:
    """Put something else in the place of one value, somewhere in a script."""
    place: Any = script
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            return
        key = rng.choice(keys)
        if isinstance(place[key], dict | list) and rng.random() < 0.85:
            place = place[key]
            continue
        place[key] = rng.choice(_odd(rng))
        return


def _odd(rng: random.Random) -> list[Any]:
    nested: Any = 1
    for _ in range(rng.choice((3, 30, 300))):
        nested = [nested] if rng.random() < 0.5 else {"a": nested}
    numbers = [0, -1, 1, 2**31, 10**400, 0.5, 1e308, float("nan"), float("inf")]
    texts = ["", " ", "x", "x" * 6000, "\ud800", "\0", "c001", "Elk", "a004", "\u202e", "\n"]
    return [*numbers, *texts, None, True, False, [], {}, nested, ["x"] * 500, {"op": "x"}, [["x"]], [None]]
