"""A heat map drawn over its photo: grey where the phrase is not seen, warm where it is; pure, no streamlit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kec_core.explain import HeatMap

WARM = (255, 140, 0)
STRENGTH = 0.8
SIDE = 420


def draw(found: HeatMap) -> NDArray[np.uint8]:
    """The photo as the encoder saw it, uint8 (420, 420, 3), coloured from the lowest value to the highest."""
    low, high = float(found.values.min()), float(found.values.max())
    shares = (found.values - low) / ((high - low) or 1.0)
    smooth = Image.fromarray(shares.astype(np.float32)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    photo = Image.fromarray(found.seen).resize((SIDE, SIDE), Image.Resampling.BICUBIC).convert("L")
    grey = np.asarray(photo, dtype=np.float32)[..., None]
    cover = STRENGTH * np.asarray(smooth)[..., None]
    return np.clip((1 - cover) * grey + cover * np.asarray(WARM, dtype=np.float32), 0, 255).astype(np.uint8)
