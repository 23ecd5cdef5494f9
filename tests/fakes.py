"""Small stand-ins for encoders and knowledge builders: deterministic, quick, without torch."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence

import numpy as np
from PIL import Image

from kec_core.config import EncoderDefaults
from kec_core.encoders.base import EncoderInfo
from kec_core.knowledge.base import AttributeDraft, ConceptDraft, PairDraft
from kec_core.types import Noun

COLOURS = {
    "crimson": (210, 30, 40),
    "leaf": (40, 170, 60),
    "ocean": (40, 60, 200),
    "lemon": (235, 215, 40),
}
"""Words whose text features lie near photos of that colour, for ``HashEncoder``."""


def colour_photos(root, per_colour=10):
    """Tiny noisy photos below ``root``, in folders named after their colour."""
    rng = np.random.default_rng(5)
    for name, colour in COLOURS.items():
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(per_colour):
            pixels = np.clip(np.array(colour) + rng.normal(0, 25, size=(24, 24, 3)), 0, 255)
            Image.fromarray(pixels.astype(np.uint8)).save(root / name / f"{number}.png")
    return root


class HashEncoder:
    """A tiny shared space: photos by their mean colour, colour words beside them, other words anywhere.

    Args:
        dim: d.
        seconds: how long every call takes, so that a kill has something to interrupt.
    """

    def __repr__(self) -> str:
        return "HashEncoder()"  # names of tests say it, and are the same in every process

    def __init__(self, dim: int = 32, seconds: float = 0.0) -> None:
        self.info = EncoderInfo(
            name="hash",
            dim=dim,
            defaults=EncoderDefaults(logit_scale=20.0, pair_scale=20.0, beta=0.8, weight=0.5),
            caption="hash (tests)",
            revision=f"hash-{dim}",
            image_side=8,
            noun_templates=("{}",),
        )
        self._seconds = seconds
        self._colours = np.random.default_rng(1).normal(size=(3, dim)).astype(np.float32)

    def preprocess(self, image):
        return np.asarray(image.resize((8, 8)), dtype=np.float32).transpose(2, 0, 1) / 255

    def encode_images(self, pixels):
        time.sleep(self._seconds)
        return self._of_colours(pixels.mean(axis=(2, 3)))

    def encode_texts(self, texts: Sequence[str]):
        time.sleep(self._seconds)
        return np.stack([self._of_text(text) for text in texts])

    def covers(self, nouns: Sequence[Noun], *, progress=None):
        return np.ones(len(nouns), dtype=bool)

    def _of_colours(self, rgb):
        return ((2 * rgb - 1) @ self._colours).astype(np.float32)

    def _of_text(self, text: str):
        named = [rgb for word, rgb in COLOURS.items() if word in text]
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
        noise = np.random.default_rng(seed).normal(size=self.info.dim).astype(np.float32)
        if not named:
            return noise
        return self._of_colours(np.array(named[:1], dtype=np.float32) / 255)[0] + 0.01 * noise


class FirstNounBuilder:
    """A KnowledgeBuilder that takes the first noun for the concept and makes phrases of it."""

    name = revision = "first-noun"

    def __init__(self, seconds: float = 0.0) -> None:
        self._seconds = seconds

    def concepts(self, noun_lists, *, guidance="", progress):
        drafts = []
        for done, nouns in enumerate(noun_lists):
            time.sleep(self._seconds)
            progress(done + 1, len(noun_lists), "Naming concepts")
            drafts.append(ConceptDraft(name=nouns[0].word, description=f"something {nouns[0].word}"))
        return drafts

    def uni_attributes(self, concepts, count, *, guidance="", progress):
        time.sleep(self._seconds)
        return [
            tuple(AttributeDraft(text=f"{concept.name} part {n}") for n in range(count))
            for concept in concepts
        ]

    def bi_attributes(self, pairs, count, *, guidance="", progress):
        return [
            tuple(PairDraft(text=f"{a.name} unlike {b.name} {n}", side="both") for n in range(count))
            for a, b in pairs
        ]

    def items(self):
        return ()


VOCABULARY = tuple(Noun(word=word) for word in (*COLOURS, *(f"thing{n}" for n in range(30))))
