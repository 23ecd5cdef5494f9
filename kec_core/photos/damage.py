"""Damage in photos: what of it can be lived with, and why a photo cannot be used."""

from __future__ import annotations

import re
from typing import BinaryIO, Final

import simplejpeg
from PIL import Image, UnidentifiedImageError

from kec_core.disk import short
from kec_core.photos.formats import known_formats

MAX_PIXELS: Final = 175_000_000
"""Larger images are refused as decompression bombs; just below the bound at which Pillow itself refuses."""
_JPEG_DAMAGE: Final = re.compile(
    r"corrupt jpeg data(?!: bad icc)|premature end|inconsistent progression", re.IGNORECASE
)
"""What libjpeg says when it has to guess at pixels; its other warnings do no harm."""
_UNREAD_VARIANT: Final = re.compile(
    r"unsupported|not supported|not available|unknown|unrecogni[sz]ed|cannot handle", re.IGNORECASE
)
TEXT_CHUNKS: Final = frozenset((b"tEXt", b"zTXt", b"iTXt"))
OTHER_METADATA_CHUNKS: Final = frozenset((b"eXIf", b"iCCP", b"tIME", b"pHYs", b"gAMA", b"cHRM"))


def libjpeg_says(file: BinaryIO) -> str:
    """What libjpeg says about the data of a JPEG, "" when it is sound; decoded at an eighth of its size."""
    file.seek(0)
    try:
        simplejpeg.decode_jpeg(file.read(), "GRAY", fastdct=True, min_height=1, min_width=1)
    except ValueError as error:
        return str(error)
    return ""


def damage_note(damage: str) -> str:
    """What to tell a person about what libjpeg says, "" when none of it harms the picture."""
    if _JPEG_DAMAGE.search(damage) is None:
        return ""
    return f"it is damaged in places ({damage.removeprefix('Corrupt JPEG data: ')})"


def png_without(content: bytes, dropped: frozenset[bytes]) -> bytes:
    """A PNG without the chunks of these types; what follows the last whole chunk stays as it is."""
    kept, place = [content[:8]], 8
    while place + 12 <= len(content):
        end = place + 12 + int.from_bytes(content[place : place + 4], "big")
        if content[place + 4 : place + 8] not in dropped:
            kept.append(content[place:end])
        place = end
    return b"".join([*kept, content[place:]])


def is_unread_variant(error: Exception) -> bool:
    """Whether a decoder says that it knows the format but does not read this kind of it."""
    return isinstance(error, NotImplementedError) or _UNREAD_VARIANT.search(str(error)) is not None


def reason(error: Exception, *, empty: bool = False) -> str:
    """Why a photo cannot be used, as the end of a sentence."""
    if empty:
        return "it is empty (0 bytes); copy it again from its source"
    if isinstance(error, Image.DecompressionBombError):
        return f"it would unpack to more than {MAX_PIXELS // 10**6} million pixels; make it smaller first"
    if isinstance(error, UnidentifiedImageError):
        return f"it is damaged or no image in a known format ({', '.join(known_formats())})"
    if isinstance(error, MemoryError):
        return "it needs more memory than there is; make it smaller first"
    if isinstance(error, OSError) and error.strerror:
        return f"it cannot be read ({error.strerror})"
    if is_unread_variant(error):
        return f"it is of a variant that is not read ({short(error)}); save it as JPEG first"
    return f"it is damaged or cut short ({short(error)}); copy it again from its source"
