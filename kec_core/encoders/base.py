"""What every encoder offers: raw image and text features in one space, and the facts that depend on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, FloatVector, Progress, blocks, l2_normalize, no_progress
from kec_core.clustering.bursts import burst_weights, find_bursts
from kec_core.config import EncoderDefaults
from kec_core.memory import release_pages
from kec_core.types import Noun

if TYPE_CHECKING:
    from PIL import Image

PHOTO = ("a photo of a {}",)
"""The single noun prompt [P] (methods.md A11)."""

TPL7 = (
    "itap of a {}.",
    "a bad photo of the {}.",
    "a origami {}.",
    "a photo of the large {}.",
    "a {} in a video game.",
    "art of the {}.",
    "a photo of the small {}.",
)
"""The seven noun prompts TAC averages over [C] (methods.md 0)."""


Pixels = NDArray[np.float32]
"""float32 (3, side, side) for one image, (B, 3, side, side) for a batch; scaled as the encoder wants them."""

TextEncoder = Callable[[Sequence[str]], FloatMatrix]
"""``encode_texts`` with encoder, templates and cache bound: T strings to raw float32 (T, d)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderInfo:
    """Facts about an encoder.

    Attributes:
        name: what ``load_encoder`` takes to get it again.
        dim: d, width of its features.
        defaults: temperatures, thresholds and weights that fit its similarity scale.
        caption: its name for people.
        revision: changes whenever its features change; part of every cache key.
        image_side: side in pixels of the square it looks at, so larger photos may be decoded smaller.
        noun_templates: prompts a noun is put into before it is encoded; raw features are averaged (methods.md A11).
    """

    name: str
    dim: int
    defaults: EncoderDefaults
    caption: str
    revision: str
    image_side: int
    noun_templates: tuple[str, ...] = TPL7


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Places:
    """What an encoder makes of the places of one photo.

    Attributes:
        features: float32 (rows, columns, d), raw features of the places, in the space of the texts.
        seen: uint8 (side, side, 3), what the encoder looked at.
        pooled: True when the photo's own feature is the plain mean of ``features``.
    """

    features: NDArray[np.float32]
    seen: NDArray[np.uint8]
    pooled: bool


class PlaceEncoder(Protocol):
    """An encoder that can tell which places of a photo a text fits."""

    def encode_places(self, image: Image.Image) -> Places:
        """Features of the places of an upright RGB photo; InputError where this network has none."""
        ...


class Encoder(Protocol):
    """Turns images and texts into raw (not normalised) features of one shared space."""

    @property
    def info(self) -> EncoderInfo:
        """Facts about this encoder."""
        ...

    def preprocess(self, image: Image.Image) -> Pixels:
        """An upright RGB image as float32 (3, side, side); safe to call from many threads."""
        ...

    def encode_images(self, pixels: Pixels) -> FloatMatrix:
        """float32 (B, 3, side, side) to raw float32 (B, d)."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> FloatMatrix:
        """T strings to raw float32 (T, d)."""
        ...

    def covers(self, nouns: Sequence[Noun], *, progress: Progress = no_progress) -> NDArray[np.bool_]:
        """(V,) True where the text features can be relied on; all True for encoders trained on open text."""
        ...


def collection_mean(features: FloatMatrix, defaults: EncoderDefaults) -> FloatVector:
    """What is taken off every row before its length is made 1: the mean if the encoder wants that, else zeros; (d,).

    A burst of near-copies counts as one photo (``bursts``). With a single image the mean is that image, and centring
    would leave nothing of it: zeros again.
    """
    if not defaults.centre or len(features) < 2:
        return np.zeros(features.shape[1], dtype=np.float32)
    bursts = find_bursts(features)
    if not (bursts >= 0).any():
        return np.asarray(features.mean(axis=0, dtype=np.float64), dtype=np.float32)
    weights = burst_weights(bursts)
    total = sum(weights[block] @ features[block] for block in blocks(len(features)))
    return np.asarray(total / weights.sum(), dtype=np.float32)


def centred_features(
    features: FloatMatrix, defaults: EncoderDefaults, *, mean: FloatVector | None = None
) -> FloatMatrix:
    """Image features at the lengths the encoder gave them, less the collection's mean if the encoder wants that.

    Args: see ``visual_features``.

    Returns:
        float32 (N, d): ``features`` themselves for an encoder that does not centre, else new.
    """
    if not defaults.centre:
        return features
    centre = collection_mean(features, defaults) if mean is None else mean
    centred = np.empty(features.shape, dtype=np.float32)
    for block in blocks(len(features)):
        np.subtract(features[block], centre, out=centred[block])
    return centred


def visual_features(
    features: FloatMatrix, defaults: EncoderDefaults, *, mean: FloatVector | None = None
) -> FloatMatrix:
    """Image features as the methods use them: centred by the collection's mean if the encoder wants it, unit rows.

    Args:
        features: raw float32 (N, d), possibly memory-mapped; never changed.
        defaults: the encoder's.
        mean: float32 (d,), the ``collection_mean`` of another collection that these photos are compared with.

    Returns:
        New float32 (N, d) with unit rows; a row equal to the mean (or zero) stays zero.
    """
    rows = visual_rows(features, defaults, mean=mean)
    unit = np.empty(features.shape, dtype=np.float32)
    for block in blocks(len(features)):
        unit[block] = rows[block]
    return unit


def visual_rows(
    features: FloatMatrix, defaults: EncoderDefaults, *, mean: FloatVector | None = None
) -> VisualRows:
    """``visual_features`` a block at a time: the whole is never in memory.

    Args: see ``visual_features``.
    """
    return VisualRows(features, collection_mean(features, defaults) if mean is None else mean)


@dataclass(frozen=True, slots=True, eq=False)
class VisualRows:
    """Unit rows that are made when they are read, see ``visual_rows``.

    Attributes:
        features: raw float32 (N, d), possibly memory-mapped.
        centre: float32 (d,), taken off every row.
    """

    features: FloatMatrix
    centre: FloatVector

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, d)."""
        return self.features.shape

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, rows: slice | NDArray[np.int64], /) -> FloatMatrix:
        """Some rows, new float32 (R, d)."""
        unit = l2_normalize(self.features[rows] - self.centre)
        release_pages(self.features)
        return unit
