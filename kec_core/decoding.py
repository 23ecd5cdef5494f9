"""Decode one photo: upright, RGB, whatever the file holds; thumbnails.

Transparency is composited on white, 16 bits are scaled to 8, of an animation the first frame counts. What had to be
done is noted, what cannot be done has a reason.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, UnidentifiedImageError

from kec_core.errors import InputError

MAX_PIXELS = 175_000_000
"""Larger images are refused as decompression bombs; just below the bound at which Pillow itself refuses."""
FORMAT_OF_SUFFIX = {
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
    ".jpe": "JPEG",
    ".jfif": "JPEG",
    ".png": "PNG",
    ".gif": "GIF",
    ".bmp": "BMP",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
    ".avif": "AVIF",
    ".jp2": "JPEG2000",
    ".ppm": "PPM",
    ".pgm": "PPM",
    ".pbm": "PPM",
}
"""Photos are named so (lower case), and what each name promises, in Pillow's words."""
_LARGE_PIXELS = 40_000_000
_one_large_image = threading.Semaphore(1)
"""Several threads decoding huge images at once would take gigabytes; they take turns."""
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes each EXIF orientation upright; _SWAPS_SIDES are those that exchange width and height."""
_SWAPS_SIDES = frozenset(_TURNS[orientation] for orientation in (5, 6, 7, 8))


def open_image(path: Path, *, min_side: int | None = None) -> Image.Image:
    """Open a photo upright in RGB: transparency on white, 16 bits scaled to 8, the first frame of an animation.

    Args:
        path: the file.
        min_side: when given, the photo may come smaller, as long as its shorter side stays at least this many pixels:
            JPEG decodes several times faster so.

    Raises:
        InputError: why it cannot be used, as a sentence without the file's name.
    """
    try:
        with path.open("rb") as file:
            return decode(file, min_side).image
    except OSError as error:
        raise InputError(reason(error)) from error


def thumbnail(image: Image.Image, side: int) -> bytes:
    """Shrink an RGB image into ``side`` x ``side`` pixels, never enlarged; returns JPEG without metadata."""
    small = image.copy()
    small.thumbnail((side, side))
    small.info = {}
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=85, optimize=True)
    return buffer.getvalue()


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded photo.

    Attributes:
        image: upright RGB, without metadata.
        size: full upright (width, height), also when ``image`` is smaller.
        mode: colour mode in the file.
        format: format of the file, in Pillow's words.
        notes: what had to be done, for people.
    """

    image: Image.Image
    size: tuple[int, int]
    mode: str
    format: str
    notes: tuple[str, ...]


def decode(file: BinaryIO, min_side: int | None) -> Decoded:
    """The upright RGB image, its full upright size, and what had to be done; InputError says why not."""
    try:
        with Image.open(file, formats=known_formats()) as image:
            width, height = image.size
            if width * height > MAX_PIXELS:
                raise Image.DecompressionBombError
            with _one_large_image if width * height > _LARGE_PIXELS else nullcontext():
                return _unpack(image, min_side)
    except InputError:
        raise
    except Exception as error:  # decoders raise anything at all on damaged bytes
        raise InputError(reason(error, empty=os.fstat(file.fileno()).st_size == 0)) from error


def _unpack(image: Image.Image, min_side: int | None) -> Decoded:
    mode, size = image.mode, image.size
    moves = bool(getattr(image, "is_animated", False)) and image.format != "MPO"
    if min_side is not None:
        image.draft(None, (min_side, min_side))
    image.load()
    turn = _TURNS.get(_orientation(image))
    upright = _to_rgb(image)
    if turn is not None:
        upright = upright.transpose(turn)
        size = size[::-1] if turn in _SWAPS_SIDES else size
    if min_side is not None and (factor := min(upright.size) // min_side) > 1:
        upright = upright.reduce(factor)
    upright.info = {}
    return Decoded(
        image=upright,
        size=size,
        mode=mode,
        format="JPEG" if image.format == "MPO" else str(image.format),
        notes=tuple(_notes(mode, moves, image.has_transparency_data)),
    )


def _orientation(image: Image.Image) -> int:
    """EXIF orientation of a loaded image, 1..8; 1 when there is none (TIFF is upright once loaded)."""
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # EXIF is written by anything; a broken one must not cost the photo
        return 1


def _notes(mode: str, moves: bool, transparent: bool) -> Iterator[str]:
    if moves:
        yield "only its first frame or page is used"
    if mode == "CMYK":
        yield "its CMYK colours are converted"
    if mode[0] in "IF":
        yield "its brightness is scaled to 8 bits"
    if transparent:
        yield "its transparent parts are shown on white"


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode[0] in "IF":
        return Image.fromarray(_to_8_bits(np.asarray(image))).convert("RGB")
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(rgba, mask=rgba.getchannel("A"))
        return white
    return image.convert("RGB")


def _to_8_bits(grey: NDArray[Any]) -> NDArray[np.uint8]:
    """Brightness of any number type -> uint8, scaled by the range its values can have, never clipped."""
    if grey.dtype.kind == "u" and grey.dtype.itemsize == 2:
        return (grey >> 8).astype(np.uint8)
    values = np.nan_to_num(np.asarray(grey, dtype=np.float32), posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    ceiling = next((top for top in (1.0, 255.0, 65535.0) if low >= 0 and high <= top), None)
    if ceiling is None:
        values, ceiling = values - low, (high - low) or 1.0
    return (values * (255.0 / ceiling)).round().astype(np.uint8)


@cache
def known_formats() -> list[str]:
    """Formats that this installation of Pillow reads, of those that photos come in."""
    Image.init()
    return [name for name in dict.fromkeys(FORMAT_OF_SUFFIX.values()) if name in Image.OPEN]


def reason(error: Exception, *, empty: bool = False) -> str:
    """Why a photo cannot be used, as the end of a sentence."""
    if empty:
        return "it is empty (0 bytes); copy it again from its source"
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"it would unpack to more than {MAX_PIXELS // 10**6} million pixels; make it smaller first"
    if isinstance(error, UnidentifiedImageError):
        return f"it is damaged or no image in a known format ({', '.join(known_formats())})"
    if isinstance(error, OSError) and error.strerror:
        return f"it cannot be read ({error.strerror})"
    return f"it is damaged or cut short ({error}); copy it again from its source"
