"""Decode one photo: upright sRGB in 8 bits, whatever the file holds; thumbnails.

Transparency is composited on white, deeper values are scaled to 8 bits, colours go by the profile in the file, of an
animation the first frame counts. What had to be done is noted, what cannot be done has a reason.
"""

from __future__ import annotations

import io
import logging
import os
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from kec_core.errors import InputError
from kec_core.photos import raw
from kec_core.photos.bit_depths import FROM_BITS, FULL_RANGE, from_values, png_values, tiff_values
from kec_core.photos.colour_profiles import FROM_PROFILE, to_srgb
from kec_core.photos.damage import (
    MAX_PIXELS,
    OTHER_METADATA_CHUNKS,
    TEXT_CHUNKS,
    damage_note,
    is_unread_variant,
    jpeg_damage,
    png_damage,
    png_without,
    reason,
    tiff_damage,
)
from kec_core.photos.formats import (
    FORMAT_OF_SUFFIX,
    GIT_POINTER,
    HEAD_BYTES,
    RAW,
    foreign_kind,
    format_of,
    is_named_photo,
    suffix_of,
)

_LARGE_PIXELS: Final = 40_000_000
_one_large_image = threading.Semaphore(1)
"""Several threads decoding huge images at once would take gigabytes; they take turns."""

_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes each EXIF orientation upright; _SWAPS_SIDES are those that exchange width and height."""
_SWAPS_SIDES: Final = frozenset(_TURNS[orientation] for orientation in (5, 6, 7, 8))

_NEWER_PIXELS: Final = (FROM_PROFILE, FROM_BITS)
"""Notes on photos whose pixels came out otherwise before profiles and bit depths were heeded."""
_HIGH_BYTE_OF_14_BITS: Final = 63
_COMPRESSION, _SAMPLE_FORMAT, _SIGNED = 259, 339, 2
_UNREAD_COMPRESSIONS: Final = frozenset((34712, 34887, 34892, 50001, 50002))
"""JPEG 2000, LERC, lossy DNG, WebP and JPEG XL inside TIFF: Pillow's libtiff is built without them."""

_UNSAID: Final = {"PNG": png_damage, "TIFF": tiff_damage}
"""Damage that the decoders of these formats pass over."""
_FIRST_FRAME: Final = "only its first frame or page is used"
_TRANSPARENT: Final = "its transparent parts are shown on white"

Result = TypeVar("Result")

warnings.filterwarnings(
    "ignore", module=r"PIL\.|pillow_jxl|pillow_heif"
)  # what matters is a note or a reason
for _name in ("PIL", "tifffile"):
    logging.getLogger(_name).addHandler(logging.NullHandler())


def open_image(path: Path, *, min_side: int | None = None) -> Image.Image:
    """Open a photo upright in sRGB: transparency on white, values scaled to 8 bits, the first frame of an animation.

    Args:
        path: the file.
        min_side: when given, the photo may come smaller, as long as its shorter side stays at least this many pixels:
            JPEG decodes several times faster so.

    Raises:
        InputError: why it cannot be used, as a sentence without the file's name.
    """
    try:
        with path.open("rb") as file:
            return decode(file, path.name, min_side).image
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        if isinstance(error, InputError):
            raise
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
class Facts:
    """What is known of a sound photo.

    Attributes:
        size: full upright (width, height).
        mode: colour mode in the file, in Pillow's words.
        format: format of the file, in Pillow's words.
        notes: what had to be done, for people.
    """

    size: tuple[int, int]
    mode: str
    format: str
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded photo: upright RGB without metadata, maybe smaller than its facts say."""

    image: Image.Image
    facts: Facts


def pixels_version(notes: str) -> str:
    """What to add to the hash of a photo's bytes to name its pixels: "" for all that are decoded as ever.

    Args:
        notes: of the photo, joined.
    """
    return "; ".join(note for note in notes.split("; ") if note.startswith(_NEWER_PIXELS))


# --- one file


def decode(file: BinaryIO, name: str, min_side: int | None) -> Decoded:
    """The upright RGB image and what had to be done; ``name`` helps where content cannot decide.

    Raises:
        InputError: why it cannot be used.
    """
    return _explained(file, lambda: _decode(file, _format(file, name), min_side))


def inspect(file: BinaryIO, name: str, min_side: int) -> Facts:
    """Read every byte of a photo, no larger than need be, and say what it is; damage that can be lived with is noted.

    Args:
        file: the photo.
        name: of the file, see ``decode``.
        min_side: pixels; the smaller, the faster.

    Raises:
        InputError: why it cannot be used.
    """

    def work() -> Facts:
        kind = _format(file, name)
        if kind == "JPEG":
            return _inspect_jpeg(file, min_side)
        facts = _decode(file, kind, min_side).facts
        if kind not in _UNSAID:
            return facts
        file.seek(0)
        return _noted(facts, _UNSAID[kind](file.read()))

    return _explained(file, work)


def _explained(file: BinaryIO, work: Callable[[], Result]) -> Result:
    try:
        return work()
    except InputError:
        raise
    except Exception as error:  # decoders raise anything at all on damaged bytes
        raise InputError(reason(error, empty=file.seek(0, os.SEEK_END) == 0)) from error


def _format(file: BinaryIO, name: str) -> str:
    head = file.read(HEAD_BYTES)
    file.seek(0)
    known, foreign = format_of(head, name), foreign_kind(head)
    if raw.is_raw(file, known, foreign, name) and head:
        return RAW
    if known:
        return known
    if foreign == GIT_POINTER:
        raise InputError(
            "it is a pointer of Git LFS or git-annex, not the photo; fetch the photos with 'git lfs pull' or 'git annex get'"
        )
    if foreign:
        raise InputError(f"it is {foreign}, which is not read as a photo; save it as JPEG first")
    if head and FORMAT_OF_SUFFIX.get(suffix := suffix_of(name)) is None and is_named_photo(name):
        raise InputError(f"{suffix[1:].upper()} files are not read; export them as JPEG first")
    raise UnidentifiedImageError


def _decode(file: BinaryIO, kind: str, min_side: int | None) -> Decoded:
    if kind == RAW:
        return _developed(file, min_side)
    try:
        with _opened(file, kind) as image, _in_turn(*image.size):
            return _unpack(image, file, min_side)
    except (InputError, Image.DecompressionBombError):
        raise
    except Exception as error:
        rescued = _rescued(file, kind, error, min_side)
        if rescued is None:
            raise
        return rescued


def _inspect_jpeg(file: BinaryIO, min_side: int) -> Facts:
    """Libjpeg reads on over damage in silence when Pillow asks it: what it said is asked for beside."""
    with _opened(file, "JPEG") as image, _in_turn(*image.size):
        damage = jpeg_damage(file)
        if not damage:
            return _facts_of_jpeg(image)
    return _noted(_decode(file, "JPEG", min_side).facts, damage_note(damage))


def _noted(facts: Facts, note: str) -> Facts:
    return replace(facts, notes=(*facts.notes, note)) if note else facts


def _facts_of_jpeg(image: Image.Image) -> Facts:
    """From its header alone: nothing is decoded."""
    _, profile_note = to_srgb(Image.new(image.mode, (1, 1)), image.info.get("icc_profile"))
    return _facts(image, image.mode, image.size, [profile_note or _cmyk_note(image.mode)])


@contextmanager
def _opened(file: BinaryIO, kind: str) -> Iterator[Image.Image]:
    file.seek(0)
    with Image.open(file, formats=[kind]) as image:
        if image.width * image.height > MAX_PIXELS:
            raise Image.DecompressionBombError
        if kind == "TIFF" and _is_misread(image):
            raise UnidentifiedImageError
        yield image


def _is_misread(image: Image.Image) -> bool:
    """Of some TIFFs Pillow takes signed bytes for unsigned ones, and some it opens but has no decoder for."""
    tags = getattr(image, "tag_v2", {})
    signed_bytes = image.mode in ("L", "RGB") and _SIGNED in np.atleast_1d(tags.get(_SAMPLE_FORMAT, 1))
    return signed_bytes or tags.get(_COMPRESSION) in _UNREAD_COMPRESSIONS


def _in_turn(width: int, height: int) -> AbstractContextManager[Any]:
    return _one_large_image if width * height > _LARGE_PIXELS else nullcontext()


# --- pixels


def _unpack(image: Image.Image, file: BinaryIO, min_side: int | None) -> Decoded:
    mode, size = image.mode, image.size
    is_deep_colour = any(";16" in str(tile[3]) for tile in getattr(image, "tile", ()))
    if min_side is not None:
        image.draft(None, (min_side, min_side))
    image.load()
    eight, depth_note = _eight_bits(image, file, is_deep_colour=is_deep_colour)
    colours, profile_note = to_srgb(eight, image.info.get("icc_profile"))
    transparent = _TRANSPARENT if eight.has_transparency_data else ""
    notes = [profile_note or _cmyk_note(mode), depth_note, transparent]
    return _finished(_on_white(colours), _facts(image, mode, size, notes), _turn(image), min_side)


def _developed(file: BinaryIO, min_side: int | None) -> Decoded:
    image, size, note = raw.picture(file, min_side, MAX_PIXELS)
    return _finished(image, Facts(size, image.mode, RAW, (note,)), None, min_side)


def _finished(
    upright: Image.Image, facts: Facts, turn: Image.Transpose | None, min_side: int | None
) -> Decoded:
    if turn is not None:
        upright = upright.transpose(turn)
    if min_side is not None and (factor := min(upright.size) // min_side) > 1:
        upright = upright.reduce(factor)
    upright.info = {}
    return Decoded(image=upright, facts=facts)


def _facts(image: Image.Image, mode: str, size: tuple[int, int], notes: Sequence[str]) -> Facts:
    moves = bool(getattr(image, "is_animated", False)) and image.format != "MPO"
    return Facts(
        size=size[::-1] if _turn(image) in _SWAPS_SIDES else size,
        mode=mode,
        format="JPEG" if image.format == "MPO" else str(image.format),
        notes=tuple(filter(None, (_FIRST_FRAME if moves else "", *notes))),
    )


def _cmyk_note(mode: str) -> str:
    return "its CMYK colours are converted" if mode == "CMYK" else ""


def _turn(image: Image.Image) -> Image.Transpose | None:
    """What makes an image upright by its EXIF; TIFF is upright once loaded, JPEG XL unless it repacks a JPEG."""
    if image.format == "JXL" and not getattr(image, "jpeg", False):
        return None
    try:
        return _TURNS.get(int(image.getexif().get(ExifTags.Base.Orientation, 1)))
    except Exception:  # EXIF is written by anything; a broken one must not cost the photo
        return None


def _eight_bits(image: Image.Image, file: BinaryIO, *, is_deep_colour: bool) -> tuple[Image.Image, str]:
    """A loaded image with 8 bits per channel, and how they were made, in words.

    Of 16 bits in colour Pillow takes the upper half, which is right when they are all used: only dark images are
    looked at again.
    """
    if image.mode[0] in "IF":
        return from_values(np.asarray(image)[..., np.newaxis])
    if not is_deep_colour:
        return image, ""
    colours = len(image.getbands()) - ("A" in image.getbands())
    if np.atleast_3d(np.asarray(image))[..., :colours].max() <= _HIGH_BYTE_OF_14_BITS:
        try:
            if image.format == "PNG":
                file.seek(0)
                return from_values(png_values(file.read()))
            values, orientation, _ = tiff_values(file, MAX_PIXELS)
            made, note = from_values(values)
            turn = _TURNS.get(orientation)
            return (made if turn is None else made.transpose(turn)), note
        except ValueError:
            return image, FULL_RANGE  # what Pillow made of it is a picture too
    return image, FULL_RANGE


def _on_white(image: Image.Image) -> Image.Image:
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(rgba, mask=rgba.getchannel("A"))
        return white
    return image.convert("RGB")


# --- what Pillow refuses but others read


def _rescued(file: BinaryIO, kind: str, error: Exception, min_side: int | None) -> Decoded | None:
    if kind == "TIFF" and isinstance(error, UnidentifiedImageError):
        return _numbers_as_photo(file, min_side)
    if kind == "PNG":
        return _without_metadata(file, min_side)
    return None


def _numbers_as_photo(file: BinaryIO, min_side: int | None) -> Decoded | None:
    """A TIFF of numbers that Pillow has no mode for, such as grey with transparency or real RGB."""
    try:
        values, orientation, left_out = tiff_values(file, MAX_PIXELS)
    except ValueError as error:
        if is_unread_variant(error):
            raise
        return None
    image, note = from_values(values)
    turn = _TURNS.get(orientation)
    size = image.size[::-1] if turn in _SWAPS_SIDES else image.size
    transparent = _TRANSPARENT if image.has_transparency_data else ""
    notes = tuple(filter(None, (note, left_out, transparent)))
    mode = f"{''.join(image.getbands())} {values.dtype.name}"
    return _finished(_on_white(image), Facts(size, mode, "TIFF", notes), turn, min_side)


def _without_metadata(file: BinaryIO, min_side: int | None) -> Decoded | None:
    """A PNG without the texts, and then without all else, that it can do without: one may be damaged or too large."""
    file.seek(0)
    content = file.read()
    for dropped in (TEXT_CHUNKS, TEXT_CHUNKS | OTHER_METADATA_CHUNKS):
        plain = io.BytesIO(png_without(content, dropped))
        try:
            with _opened(plain, "PNG") as image, _in_turn(*image.size):
                decoded = _unpack(image, plain, min_side)
        except Image.DecompressionBombError:
            raise
        except Exception:  # it is more than its metadata: the first error tells
            continue
        note = "its texts are left out" if dropped is TEXT_CHUNKS else "its damaged metadata are ignored"
        return replace(decoded, facts=replace(decoded.facts, notes=(*decoded.facts.notes, note)))
    return None
