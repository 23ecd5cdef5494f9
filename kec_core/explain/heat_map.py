"""Where in a photo a phrase is seen: the places of the last feature map compared with the text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, FloatVector, l2_normalize
from kec_core.encoders.base import Encoder, PlaceEncoder
from kec_core.errors import InputError

if TYPE_CHECKING:
    from PIL import Image


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HeatMap:
    """How well a phrase fits the places of a photo.

    Attributes:
        values: float32 (rows, columns). With ``adds_up`` each place's share of the photo's cosine with the phrase,
            so that their mean is that cosine; else the cosine of each patch with the phrase, in [-1, 1].
        seen: uint8 (side, side, 3), what the encoder looked at, usually the centre square of the photo.
        adds_up: whether the mean of ``values`` is the cosine of the photo.
    """

    values: FloatMatrix
    seen: NDArray[np.uint8]
    adds_up: bool


def has_places(encoder: Encoder) -> bool:
    """Whether an encoder may tell places apart; a heat map can still be refused for some networks."""
    return hasattr(encoder, "encode_places")


def heat_map(
    encoder: Encoder, image: Image.Image, phrase: str, *, mean: FloatVector | None = None
) -> HeatMap:
    """Compare a phrase with the places of a photo.

    The patches of a vision transformer have exchanged what they saw with each other, so its map tells where the network
    found the phrase, which is not always where a person would point.

    Args:
        encoder: the one whose features are explained.
        image: upright RGB.
        phrase: what to look for.
        mean: float32 (d,), the ``collection_mean`` that is taken off the features of the collection; None takes none.

    Raises:
        InputError: the phrase is empty, or this encoder knows no places.
    """
    if not phrase.strip():
        raise InputError("A phrase to look for should not be empty; write what can be seen in a photo.")
    if not has_places(encoder):
        raise InputError(
            f"Places of a photo can be shown with the compact encoder or an open_clip ViT, but {encoder.info.caption} "
            "has features of whole photos only."
        )
    places = cast(PlaceEncoder, encoder).encode_places(image)
    text = l2_normalize(encoder.encode_texts([phrase]))[0]
    centred = places.features if mean is None else places.features - mean
    values = _shares(centred, text) if places.pooled else _cosines(centred, text)
    return HeatMap(values=values, seen=places.seen, adds_up=places.pooled)


def _shares(features: NDArray[np.float32], text: FloatVector) -> FloatMatrix:
    """Each place's share of the cosine of the mean feature with the text; (rows, columns)."""
    length = float(np.linalg.norm(features.mean(axis=(0, 1))))
    return np.asarray(features @ text / (length or 1.0), dtype=np.float32)


def _cosines(features: NDArray[np.float32], text: FloatVector) -> FloatMatrix:
    return np.asarray(l2_normalize(features) @ text, dtype=np.float32)
