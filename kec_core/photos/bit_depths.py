"""Pixels of more than 8 bits: read where Pillow cannot, and scaled to 8 bits by what they hold."""

from __future__ import annotations

import io
from typing import Any, BinaryIO, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kec_core.errors import InputError

FROM_BITS: Final = "its brightness is scaled by the"
"""How the note begins when the numbers fill only a part of the range of their type."""
FULL_RANGE: Final = "its brightness is scaled to 8 bits"

_DEPTHS: Final = (1, 8, 10, 12, 14, 16)
"""Bits that cameras, scanners and microscopes deliver in wider integers."""
_LARGEST: Final = 1e38
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2
_RGB_CHANNELS = 3
_SEPARATE_PLANES, _ORIENTATION = 2, 274
"""Values and a tag of TIFF."""


_DIM = 1 / 16
"""Real numbers whose brightest is below this are scaled by it."""


def to_8_bits(values: NDArray[Any]) -> tuple[NDArray[np.uint8], str]:
    """Scale brightness of any number type to uint8, never clipped.

    Whole numbers are scaled by the smallest of 1, 8, 10, 12, 14 and 16 bits that holds them all; real numbers up to 1
    by 1, unless all are below 1/16; all others, and those below 0, by the range that is there. NaN and infinity count as 0.

    Returns:
        uint8 of the same shape, and what was done, in words.
    """
    numbers = np.asarray(values)
    unknown = "" if numbers.dtype.kind in "ui" else _not_numbers(numbers)
    if numbers.dtype.kind not in "ui":
        wide = numbers.astype(np.result_type(numbers, np.float32), copy=False)
        numbers = np.nan_to_num(wide, posinf=0.0, neginf=0.0).clip(-_LARGEST, _LARGEST)
    low, high = (float(numbers.min()), float(numbers.max())) if numbers.size else (0.0, 0.0)
    bits = next((bits for bits in _DEPTHS if low >= 0 and high <= 2**bits - 1), None)
    is_16 = numbers.dtype == np.uint16
    if is_16 and bits == 16:
        return (numbers >> 8).astype(np.uint8), FULL_RANGE
    is_dim = bits == 1 and 0 < high < _DIM  # divided by more than they were made with: black, if taken by 1
    if (bits == 1 and not is_dim) or (bits is not None and _is_whole(numbers)):
        bottom, top = 0.0, float(2**bits - 1)
        is_usual = bits in (1, 8, 16) and not is_16
        note = FULL_RANGE if is_usual else f"{FROM_BITS} {bits} bits it uses"
    else:
        bottom, top = min(low, 0.0), high
        note = f"{FROM_BITS} range of its values, {bottom:.6g} to {top:.6g}"
    scaled = (numbers.astype(np.float32) - np.float32(bottom)) * np.float32(255.0 / ((top - bottom) or 1.0))
    return scaled.round().astype(np.uint8), f"{note}{unknown}"


def _not_numbers(values: NDArray[Any]) -> str:
    """How many values are NaN or infinite, as the end of a note; "" when all are numbers."""
    count = int(values.size - np.isfinite(values).sum())
    return f"; {count:,} of its {values.size:,} values are NaN or infinite and count as 0" if count else ""


def _is_whole(numbers: NDArray[Any]) -> bool:
    return numbers.dtype.kind in "ui" or bool((numbers == np.floor(numbers)).all())


def png_values(content: bytes) -> NDArray[np.uint16]:
    """The values of a PNG of 16 bits per channel, (height, width, channels).

    Raises:
        ValueError: its content is damaged.
    """
    import imagecodecs  # slow to load and rarely needed

    try:
        return np.atleast_3d(imagecodecs.png_decode(content)).astype(np.uint16, copy=False)
    except imagecodecs.PngError as error:
        raise ValueError(str(error)) from error


def tiff_values(file: BinaryIO, most_pixels: int) -> tuple[NDArray[Any], int, str]:
    """The values of the first page of a grey or RGB TIFF of any number type.

    Returns:
        (height, width, channels): 1 or 3 of colour, maybe followed by transparency; its orientation, 1..8; and which
        channels are left out, in words.

    Raises:
        ValueError: it holds something else or is damaged.
        Image.DecompressionBombError: it holds more than ``most_pixels`` pixels.
    """
    import tifffile  # slow to load and rarely needed

    try:
        file.seek(0)
        with tifffile.TiffFile(io.BytesIO(file.read())) as tiff:
            page = tiff.pages.first
            if page.imagewidth * page.imagelength > most_pixels:
                raise Image.DecompressionBombError
            if page.photometric not in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB) or page.imagedepth != 1:
                raise ValueError(f"TIFF of the colour type {page.photometric} is not supported")
            values = page.asarray()
            if page.planarconfig == _SEPARATE_PLANES and values.ndim == 3:
                values = np.moveaxis(values, 0, -1)
            if page.photometric == _WHITE_IS_ZERO:
                known = values[np.isfinite(values)]
                values = (known.max() if known.size else 0) - values
            orientation = page.tags.valueof(_ORIENTATION, default=1)
            is_colour = page.photometric == _RGB or (values.ndim == 3 and values.shape[-1] == _RGB_CHANNELS)
    except (ValueError, Image.DecompressionBombError):
        raise
    except Exception as error:  # tifffile raises anything at all on damaged bytes
        raise ValueError(str(error)) from error
    planes, note = _colour_and_alpha(values, _RGB_CHANNELS if is_colour else 1)
    return planes, orientation if orientation in range(1, 9) else 1, note


def _colour_and_alpha(values: NDArray[Any], colours: int) -> tuple[NDArray[Any], str]:
    """Only the channels of colour and of transparency, as real numbers or integers, and what is left out.

    One channel beyond the colours is transparency; several are others, such as those of a microscope or a satellite.
    """
    if values.dtype.kind not in "buif" or values.ndim not in (2, 3):
        raise ValueError(f"values of the kind {values.dtype} in {values.ndim} dimensions are not supported")
    planes = values[..., np.newaxis] if values.ndim == 2 else values
    several = planes.shape[-1] > colours + 1
    note = f"only the first {colours} of its {planes.shape[-1]} channels are used" if several else ""
    if several:
        planes = planes[..., :colours]
    return (planes.astype(np.uint8) if planes.dtype.kind == "b" else planes), note


def from_values(values: NDArray[Any]) -> tuple[Image.Image, str]:
    """Values (height, width, 1 to 4 channels) of any number type as an 8-bit image; transparency has its own scale.

    Raises:
        InputError: none of the colours is a number.
    """
    colours = 3 if values.shape[-1] > 2 else 1
    if values.size and not np.isfinite(values[..., :colours]).any():
        raise InputError("all its values are NaN or infinite, so it shows nothing; export it again")
    eight, note = to_8_bits(values[..., :colours])
    if values.shape[-1] > colours:
        eight = np.concatenate([eight, to_8_bits(values[..., colours:])[0]], axis=-1)
    return Image.fromarray(eight[..., 0] if eight.shape[-1] == 1 else eight), note
