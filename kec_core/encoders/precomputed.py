"""Sentence embeddings that come with the program: of the texts that the first use of the compact encoder asks for.

The file holds what the sentence model gives for WordNet's words, in 8 bits a number, and which nouns are known;
``python -m provision.precompute`` makes it. Other texts, and nouns of another WordNet, are computed when they are met.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, l2_normalize

FILE = Path(__file__).with_name("precomputed.npz")
_STEPS = 127  # of an int8, for the largest number of a row
_MODEL, _KEYS, _ROWS = "model", "keys", "rows"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Precomputed:
    """What is known without the sentence model.

    Attributes:
        keys: uint64 (T,), of the texts, ascending.
        rows: int8 (T, d), their embeddings but for the lengths, which are 1.
        covers: which nouns of a list are known, as bits in uint8, by the key of the list.
    """

    keys: NDArray[np.uint64]
    rows: NDArray[np.int8]
    covers: Mapping[str, NDArray[np.uint8]]

    def embed(self, texts: Sequence[str], compute: Callable[[Sequence[str]], FloatMatrix]) -> FloatMatrix:
        """T strings to float32 (T, d) with unit rows; ``compute`` gives those of the texts that are not here."""
        keys = _keys(texts)
        places = np.minimum(np.searchsorted(self.keys, keys), max(len(self.keys) - 1, 0))
        found = self.keys[places] == keys if len(self.keys) else np.zeros(len(texts), dtype=np.bool_)
        missing = np.flatnonzero(~found)
        if len(missing) == len(texts):
            return compute(texts)
        embedded = np.empty((len(texts), self.rows.shape[1]), dtype=np.float32)
        embedded[found] = l2_normalize(self.rows[places[found]].astype(np.float32))
        if len(missing):
            embedded[missing] = compute([texts[row] for row in missing.tolist()])
        return embedded

    def known(self, key: str, count: int) -> NDArray[np.bool_] | None:
        """Which of the ``count`` nouns of a list are known; None for a list that is not here."""
        bits = self.covers.get(key)
        return None if bits is None else np.unpackbits(bits, count=count).astype(np.bool_)


NOTHING = Precomputed(keys=np.empty(0, dtype=np.uint64), rows=np.empty((0, 0), dtype=np.int8), covers={})


def load_precomputed(model: str) -> Precomputed:
    """What the sentence model of this revision gave; nothing where the file was made by another one."""
    with FILE.open("rb") as content, np.load(content, allow_pickle=False) as stored:
        if stored[_MODEL].item() != model:
            return NOTHING
        covers = {name: stored[name] for name in stored.files if name not in (_MODEL, _KEYS, _ROWS)}
        return Precomputed(keys=stored[_KEYS], rows=stored[_ROWS], covers=covers)


def save_precomputed(
    file: Path,
    model: str,
    texts: Sequence[str],
    embedded: FloatMatrix,
    known: Mapping[str, NDArray[np.bool_]],
) -> None:
    """Write the file.

    Args:
        file: where.
        model: revision of the sentence model.
        texts: T different strings.
        embedded: float32 (T, d), unit rows.
        known: which nouns of a list are known, by the key of the list.
    """
    keys = _keys(texts)
    order = np.argsort(keys)
    scaled = embedded[order] * (_STEPS / np.abs(embedded[order]).max(axis=1, keepdims=True))
    arrays = {_MODEL: np.array(model), _KEYS: keys[order], _ROWS: np.rint(scaled).astype(np.int8)}
    bits = {key: np.packbits(flags) for key, flags in known.items()}
    np.savez_compressed(file, allow_pickle=False, **arrays, **bits)


def _keys(texts: Sequence[str]) -> NDArray[np.uint64]:
    digests = (hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8] for text in texts)
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)
