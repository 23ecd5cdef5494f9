"""The compact encoder: a small image network and sentence embeddings carried into its space; offline, fast on a CPU.

It knows what the 1,000 ImageNet classes and the WordNet nodes above them teach. It is not CLIP.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, Progress, fingerprint, no_progress
from kec_core.config import EncoderDefaults
from kec_core.encoders import imagenet, sentences
from kec_core.encoders.base import PHOTO, EncoderInfo, Pixels, Places
from kec_core.encoders.network import Once
from kec_core.encoders.precomputed import Precomputed, load_precomputed
from kec_core.encoders.text_map import Anchors, TextMap, fit, imagenet_anchors, map_key
from kec_core.errors import ResourceMissing
from kec_core.paths import is_file, is_folder
from kec_core.store import cache_dir, write_cache
from kec_core.types import Noun
from kec_core.wordnet.wordnet import WordNet, load_wordnet

if TYPE_CHECKING:
    from PIL import Image

MAX_LINKS = 2
"""A meaning further below what was taught is not known well enough, and need not be embedded [M]."""

log = logging.getLogger(__name__)

_DEFAULTS = EncoderDefaults(
    logit_scale=10.0,  # cosines to texts spread ten times wider than CLIP's                     [M] methods.md 0
    pair_scale=10.0,
    weight=0.5,  # its words are coarser than its pictures                                       [M] methods.md 0
    counterpart_tau=0.05,  #                                                                     [M] methods.md 0
    centre=True,
)


def load_compact() -> CompactEncoder:
    """The compact encoder of installed packages; weights are read, and texts prepared, at their first use.

    Raises:
        ResourceMissing: the packages with its weights are not installed.
    """
    return CompactEncoder(load_wordnet(), sentences.SentenceModel(), load_precomputed)


def compact_ready() -> bool:
    """Whether the packages with its weights are installed."""
    try:
        return is_file(imagenet.weights_file()) and is_folder(sentences.model_folder())
    except ResourceMissing:
        return False


class CompactEncoder:
    """EfficientNet-Lite2 for images, MiniLM and a kernel ridge map for texts."""

    def __init__(
        self,
        wordnet: WordNet,
        sentence_model: sentences.SentenceModel,
        precomputed: Callable[[str], Precomputed],
    ) -> None:
        """See ``load_compact``; ``precomputed`` gives what is known of a revision of the sentence model."""
        self._images = imagenet.ImageNetNetwork()
        self._sentences = sentence_model
        self._precomputed = Once(partial(precomputed, sentence_model.revision))
        self._wordnet = wordnet
        self._anchors = imagenet_anchors(self._wordnet)
        self._key = map_key(self._anchors, self._images.revision, self._sentences.revision)
        self._text_map = Once(self._fitted)
        self._info = EncoderInfo(
            name="compact",
            dim=imagenet.DIM,
            defaults=_DEFAULTS,
            caption="compact (offline)",
            revision=f"compact {self._key}",
            image_side=imagenet.SIDE,
            noun_templates=PHOTO,
        )

    @property
    def info(self) -> EncoderInfo:
        """See Encoder."""
        return self._info

    @property
    def anchors(self) -> Anchors:
        """The texts that the text map is fitted to."""
        return self._anchors

    def preprocess(self, image: Image.Image) -> Pixels:
        """See Encoder: the centre square at 260 pixels."""
        return imagenet.preprocess(image)

    def encode_images(self, pixels: Pixels) -> FloatMatrix:
        """See Encoder: pooled features, not centred (``visual_features`` centres a whole collection)."""
        return self._images.pooled(pixels)

    def encode_places(self, image: Image.Image) -> Places:
        """See PlaceEncoder: the map whose mean is the feature of the photo."""
        pixels = imagenet.preprocess(image)
        return Places(features=self._images.places(pixels), seen=imagenet.seen(pixels), pooled=True)

    def encode_texts(self, texts: Sequence[str]) -> FloatMatrix:
        """See Encoder: directions of the centred image space; the shorter, the less is known of the text."""
        return self._text_map()(self._embedded(texts))

    def covers(self, nouns: Sequence[Noun], *, progress: Progress = no_progress) -> NDArray[np.bool_]:
        """See Encoder: nouns at or just below the WordNet nodes it was taught, with words near to theirs.

        That of WordNet's nouns comes with the program; the answer for another list is kept on disk.
        """
        key = self.covers_key(nouns)
        precomputed = self._precomputed().known(key, len(nouns))
        if precomputed is not None:
            return precomputed
        file = cache_dir() / f"compact-known-{key}.npy"
        try:
            known: NDArray[np.bool_] = np.load(file, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            known = np.array([self._is_near(noun) for noun in nouns], dtype=np.bool_)
            taught = set(self._anchors.words)  # known for certain: embedding them would take time for nothing
            open_rows = [row for row in np.flatnonzero(known).tolist() if nouns[row].word not in taught]
            if open_rows:
                words = [nouns[row].word for row in open_rows]
                known[open_rows] = self._text_map().covers(self._embedded(words, progress=progress))
            content = io.BytesIO()
            np.save(content, known)
            write_cache(file, content.getvalue())
        return known

    def covers_key(self, nouns: Sequence[Noun]) -> str:
        """What the answer of ``covers`` for a list is kept under."""
        return fingerprint(self._key, MAX_LINKS, [[noun.word, noun.synset] for noun in nouns])

    def _embedded(self, texts: Sequence[str], *, progress: Progress = no_progress) -> FloatMatrix:
        return self._precomputed().embed(texts, partial(self._sentences.embed, progress=progress))

    def _is_near(self, noun: Noun) -> bool:
        """Whether a noun's meaning is that of a taught node or at most ``MAX_LINKS`` below one; True outside WordNet."""
        if noun.synset not in self._wordnet:
            return True
        links = self._wordnet.ancestors(noun.synset)
        return any(count <= MAX_LINKS and node in self._anchors.ids for node, count in links.items())

    def _fitted(self) -> TextMap:
        """The fitted map: from the cache folder, or made now."""
        file = cache_dir() / f"compact-map-{self._key}.npz"
        try:
            return TextMap.load(file)
        except (OSError, ValueError, KeyError, EOFError, BadZipFile):
            log.info("Preparing the compact encoder's words; this happens once.")
            fitted = fit(self._anchors, self._embedded, self._images.classifier())
            fitted.save(file)
            return fitted
