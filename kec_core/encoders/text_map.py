"""From sentence embeddings into the image space of a classifier: kernel ridge regression over WordNet's nodes.

Every WordNet node at or above an ImageNet class stands for a direction of the image space: the mean of the classifier's
rows below it. Texts that name or define the node are the anchors; other texts get a mix of the anchors near to them.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, blocks, fingerprint, l2_normalize
from kec_core.store import write_cache
from kec_core.wordnet.synsets import CLASSES, read_synsets
from kec_core.wordnet.wordnet import WordNet

_WIDTH = 7.0  # of the kernel exp(width (cos - 1))                                              [M]
_RIDGE = 2.0  # regularisation                                                                  [M]
_MAX_SHARE = 0.5  # nodes over more of the classes say too little (entity, object)              [M]
_MAX_WORDS = 4  # synonyms used per node, the most common ones                                  [M]
_COVERED = 0.75  # cosine to a node's word above which a noun is known: 10,000 of WordNet's      [M]
_BLOCK = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchors:
    """What is known for certain.

    Attributes:
        texts: A texts.
        nodes: for each text the row of its node in ``members``.
        members: for each node the ImageNet classes (0..999) at or below it.
        ids: synset ids of the nodes.
        words: the nodes' words by themselves: what a noun must be like to be known.
    """

    texts: tuple[str, ...]
    nodes: tuple[int, ...]
    members: tuple[tuple[int, ...], ...]
    ids: frozenset[str]
    words: tuple[str, ...]


def imagenet_anchors(wordnet: WordNet) -> Anchors:
    """Texts for every node at or above an ImageNet class that is over at most half of the classes.

    "a photo of a WORD" for its commonest words, its gloss, and the class names. Without hypernyms (the fallback
    vocabulary of timm) the classes themselves are the only nodes.
    """
    classes = list(_classes(wordnet))
    below: dict[str, list[int]] = {}
    for number, (synset_id, _) in enumerate(classes):
        for node in wordnet.ancestors(synset_id) if synset_id in wordnet else (synset_id,):
            below.setdefault(node, []).append(number)
    nodes = [node for node, members in below.items() if len(members) <= _MAX_SHARE * len(classes)]
    row_of = {node: row for row, node in enumerate(nodes)}
    texts = [(text, row_of[node]) for node in nodes for text in _node_texts(wordnet, node)]
    texts += [(name, row_of[synset_id]) for synset_id, name in classes]
    return Anchors(
        texts=tuple(text for text, _ in texts),
        nodes=tuple(row for _, row in texts),
        members=tuple(tuple(below[node]) for node in nodes),
        ids=frozenset(nodes),
        words=tuple(dict.fromkeys(word for node in nodes for word in _words(wordnet, node))),
    )


def _classes(wordnet: WordNet) -> Iterator[tuple[str, str]]:
    """Synset id in this WordNet (or ImageNet's, when there is none) and name ("tench, Tinca tinca") of each class."""
    for one in read_synsets(CLASSES):
        yield wordnet.match(one.words.split(", "), one.definition, synset_id=one.id) or one.id, one.words


def _node_texts(wordnet: WordNet, node: str) -> Iterator[str]:
    yield from (f"a photo of a {word}" for word in _words(wordnet, node))
    if node in wordnet:
        yield wordnet.synset(node).gloss


def _words(wordnet: WordNet, node: str) -> tuple[str, ...]:
    return wordnet.synset(node).words[:_MAX_WORDS] if node in wordnet else ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TextMap:
    """The fitted map.

    Attributes:
        anchors: float32 (A, d_text), unit rows: sentence embeddings of the anchors' texts.
        coefficients: float32 (A, d_image).
        words: float32 (W, d_text), unit rows: sentence embeddings of the nodes' words.
    """

    anchors: FloatMatrix
    coefficients: FloatMatrix
    words: FloatMatrix

    def __call__(self, embedded: FloatMatrix) -> FloatMatrix:
        """Unit sentence embeddings (T, d_text) to float32 (T, d_image); the shorter a row, the less is known of it."""
        mapped = np.empty((len(embedded), self.coefficients.shape[1]), dtype=np.float32)
        for block in blocks(len(embedded), _BLOCK):
            mapped[block] = _kernel(embedded[block] @ self.anchors.T) @ self.coefficients
        return mapped

    def covers(self, embedded: FloatMatrix) -> NDArray[np.bool_]:
        """Whether each unit embedding (T, d_text) is near enough to a node's word to mean something here."""
        covered = np.empty(len(embedded), dtype=np.bool_)
        for block in blocks(len(embedded), _BLOCK):
            covered[block] = (embedded[block] @ self.words.T).max(axis=1) >= _COVERED
        return covered

    def save(self, file: Path) -> None:
        """Write to an ``.npz`` file of the cache, atomically."""
        content = io.BytesIO()
        np.savez(content, anchors=self.anchors, coefficients=self.coefficients, words=self.words)
        write_cache(file, content.getvalue())

    @classmethod
    def load(cls, file: Path) -> TextMap:
        """Read what ``save`` wrote; OSError or ValueError when it is damaged."""
        with file.open("rb") as content, np.load(content, allow_pickle=False) as stored:
            return cls(anchors=stored["anchors"], coefficients=stored["coefficients"], words=stored["words"])


def fit(anchors: Anchors, embed: Callable[[Sequence[str]], FloatMatrix], classifier: FloatMatrix) -> TextMap:
    """Kernel ridge regression from the anchors' embeddings to their nodes' directions.

    Args:
        anchors: what is known.
        embed: texts to unit rows, float32 (T, d_text).
        classifier: float32 (classes, d_image), the row of each class.
    """
    from scipy.linalg import solve

    rows = classifier - classifier.mean(axis=0)
    directions = l2_normalize(np.stack([rows[list(members)].mean(axis=0) for members in anchors.members]))
    embedded = embed(anchors.texts)
    gram = _kernel(embedded @ embedded.T)
    gram[np.diag_indices_from(gram)] += np.float32(_RIDGE)
    coefficients = solve(gram, directions[list(anchors.nodes)], assume_a="pos", overwrite_a=True)
    return TextMap(
        anchors=embedded,
        coefficients=np.asarray(coefficients, dtype=np.float32),
        words=embed(anchors.words),
    )


def _kernel(cosines: FloatMatrix) -> FloatMatrix:
    similarity: FloatMatrix = np.exp(np.float32(_WIDTH) * (cosines - np.float32(1)))
    return similarity


def map_key(anchors: Anchors, *revisions: str) -> str:
    """Names the map that is fitted to these anchors with models of these revisions."""
    settings = [_WIDTH, _RIDGE, _COVERED]
    return fingerprint(
        "text map", settings, list(revisions), [list(part) for part in (anchors.texts, anchors.nodes)]
    )
