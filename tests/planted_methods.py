"""Planted collections for the compared methods: what the photos show, what the nouns say, and how far they agree."""

from __future__ import annotations

import hashlib

import numpy as np

from kec_core.arrays import l2_normalize
from kec_core.config import EncoderDefaults
from kec_core.methods import MethodInputs, photo_features
from kec_core.types import Concept, Knowledge, Noun, UniAttribute

DIM = 32
DEFAULTS = EncoderDefaults(logit_scale=20.0, pair_scale=20.0, weight=1.0, counterpart_tau=0.05)


class Planted:
    """Photos around K class directions, plus a nuisance that splits each class by looks.

    Args:
        n_clusters: K.
        per_class: photos per class.
        signal: length of the class direction.
        nuisance: length of the direction that has nothing to do with the classes (a few of them).
        helpful: whether the nouns and concepts lie at the class directions, or anywhere.
    """

    def __init__(
        self, n_clusters=4, per_class=30, *, signal=1.0, nuisance=0.0, noise=0.5, helpful=True, seed=0
    ):
        rng = np.random.default_rng(seed)
        basis = np.linalg.qr(rng.normal(size=(DIM, DIM)))[0].astype(np.float32)
        self.classes, looks = basis[:n_clusters], basis[n_clusters : n_clusters + 3]
        self.truth = np.repeat(np.arange(n_clusters), per_class).astype(np.int32)
        look = rng.integers(3, size=len(self.truth))
        spread = rng.normal(size=(len(self.truth), DIM)) / np.sqrt(DIM)
        self.raw = (
            10 * (signal * self.classes[self.truth] + nuisance * looks[look] + noise * spread)
        ).astype(np.float32)
        anchors = (
            self.classes if helpful else l2_normalize(rng.normal(size=(n_clusters, DIM)).astype(np.float32))
        )
        self.words = [f"class{c}" for c in range(n_clusters)] + [f"other{j}" for j in range(20)]
        self.vectors = {f"class{c}": anchors[c] for c in range(n_clusters)}

    def encode(self, texts):
        """Class words at their anchor, everything else anywhere, the same each time."""
        return np.stack([self._vector(text) for text in texts])

    def _vector(self, text):
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
        noise = np.random.default_rng(seed).normal(size=DIM).astype(np.float32) / np.sqrt(DIM)
        near = [vector for word, vector in self.vectors.items() if word in text]
        return (8 * (near[0] + 0.1 * noise if near else noise)).astype(np.float32)

    def knowledge(self):
        concepts = tuple(
            Concept(id=f"c{c:03d}", name=f"class{c}", description=f"a thing like class{c}")
            for c in range(len(self.classes))
        )
        uni = tuple(
            UniAttribute(id=f"a{c:03d}", concept=f"c{c:03d}", text=f"mark {c}") for c in range(len(concepts))
        )
        return Knowledge(concepts=concepts, uni=uni, last_id=len(concepts))

    def inputs(self, **changes):
        photos = photo_features(self.raw, DEFAULTS)
        given = {
            "train": photos,
            "test": photos,
            "nouns": self.encode(self.words),
            "vocabulary": tuple(Noun(word=word) for word in self.words),
            "noun_templates": ("{}",),
            "defaults": DEFAULTS,
            "encode": self.encode,
            "knowledge": self.knowledge(),
            "captions": tuple(f"a photo with class{c % len(self.classes)} number {c}" for c in range(40)),
            "photo_captions": tuple(f"class{c} seen from the side" for c in self.truth),
            "class_names": tuple(f"class{c}" for c in range(len(self.classes))),
            "labels": self.truth,
        }
        return MethodInputs(**{**given, **changes})
