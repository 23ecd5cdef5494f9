"""Damage in photos: what of it can be lived with, and why a photo cannot be used."""

from __future__ import annotations

import io
import logging
import re
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final

import simplejpeg
from PIL import Image, UnidentifiedImageError

from kec_core.disk import short
from kec_core.photos.formats import known_formats

logger = logging.getLogger(__name__)

MAX_PIXELS: Final = 175_000_000
"""Larger images are refused as decompression bombs; just below the bound at which Pillow itself refuses."""
_JPEG_DAMAGE: Final = re.compile(
    r"corrupt jpeg data(?!: bad icc)|premature end|inconsistent progression", re.IGNORECASE
)
"""What libjpeg says when it has to guess at pixels; its other warnings do no harm."""
_HOLE: Final = bytes(16)
_NEXT_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7]")
_HUFFMAN_TABLES, _SCAN, _BASELINE = 0xC4, 0xDA, (0xC0, 0xC1)
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {_HUFFMAN_TABLES, 0xC8, 0xCC}
"""Markers of JPEG."""
_END_OF_BLOCK, _ZEROS_ON = 0x00, 0xF0
"""What the code of a run of zero coefficients may mean."""
_UNREAD_VARIANT: Final = re.compile(
    r"unsupported|not supported|not available|unknown|unrecogni[sz]ed(?! data stream contents)|cannot handle",
    re.IGNORECASE,
)
_JPEG, _DEFLATED = 7, (8, 32946)
"""Compressions of TIFF."""
_WRONG_SUM: Final = "it is damaged in places (a checksum is wrong)"
TEXT_CHUNKS: Final = frozenset((b"tEXt", b"zTXt", b"iTXt"))
_PIXEL_CHUNKS: Final = frozenset((b"IHDR", b"PLTE", b"IDAT", b"tRNS", b"fdAT"))
OTHER_METADATA_CHUNKS: Final = frozenset((b"eXIf", b"iCCP", b"tIME", b"pHYs", b"gAMA", b"cHRM"))


def jpeg_damage(file: BinaryIO) -> str:
    """What libjpeg says about the data of a JPEG, decoded at an eighth of its size; "" when it is sound."""
    file.seek(0)
    return _jpeg_damage(file.read())


def _jpeg_damage(content: bytes) -> str:
    try:
        simplejpeg.decode_jpeg(content, "GRAY", fastdct=True, min_height=1, min_width=1)
    except ValueError as error:
        return str(error)
    is_hollow = _HOLE in content and _has_hole(content)
    return "Corrupt JPEG data: a part of it is filled with zeros" if is_hollow else ""


def _has_hole(content: bytes) -> bool:
    """Whether the first scan of a baseline JPEG holds a stretch of zero bytes that no photo makes.

    That is so unless its code of zeros alone ends a block: then they are a smooth area, or a hole that nobody can tell.
    """
    codes: dict[int, int] = {}
    for marker, segment, end in _segments(content):
        if marker in _FRAMES and marker not in _BASELINE:
            return False
        while marker == _HUFFMAN_TABLES and len(segment) > 17:
            codes[segment[0]] = segment[17]  # the first value of a table has the code of zeros alone
            segment = segment[17 + sum(segment[1:17]) :]
        if marker == _SCAN:
            table = 0x10 | segment[2] & 0x0F  # of the first component, the brightness
            after = _NEXT_MARKER.search(content, end)
            stop = after.start() if after else len(content)
            shortest = codes.get(table, _END_OF_BLOCK)
            return shortest not in (_END_OF_BLOCK, _ZEROS_ON) and content.find(_HOLE, end, stop) >= 0
    return False


def _segments(content: bytes) -> Iterator[tuple[int, bytes, int]]:
    """Marker, content and end of every segment of a JPEG up to its first scan."""
    place, marker = 2, 0
    while marker != _SCAN and place + 4 <= len(content):
        marker = content[place + 1]
        if marker == 0xFF:  # markers may be filled up in front
            place += 1
            continue
        end = place + 2 + int.from_bytes(content[place + 2 : place + 4], "big")
        yield marker, content[place + 4 : end], end
        place = end


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


def png_damage(content: bytes) -> str:
    """A note where a PNG's data of pixels are not what its checksums say, which decoders pass over; "" when they are."""
    is_broken = any(
        kind in _PIXEL_CHUNKS and zlib.crc32(kind + data) != check for kind, data, check in _chunks(content)
    )
    return _WRONG_SUM if is_broken else ""


def tiff_damage(content: bytes) -> str:
    """A note where a strip or tile of JPEG or deflated data of a TIFF's first page is broken; "" when none is found.

    Decoders stop before the checksum of deflated data and pass over what libjpeg says; other data have no checksum.
    """
    compression, tables, parts = _tiff_parts(content)
    for part in parts if compression == _JPEG else ():
        if note := damage_note(_jpeg_damage(tables[:-2] + part[2:] if tables else part)):
            return note
    is_sound = compression not in _DEFLATED or all(map(_is_deflated_soundly, parts))
    return "" if is_sound else _WRONG_SUM


def _tiff_parts(content: bytes) -> tuple[int, bytes, list[bytes]]:
    """Compression, shared JPEG tables and the strips or tiles of the first page; no parts where tifffile cannot tell."""
    import tifffile  # slow to load and rarely needed

    try:
        with tifffile.TiffFile(io.BytesIO(content)) as tiff:
            page = tiff.pages.first
            places = zip(page.dataoffsets, page.databytecounts, strict=False)
            parts = [content[start : start + length] for start, length in places]
            return int(page.compression), page.jpegtables or b"", parts
    except Exception as error:  # it raises anything at all; Pillow has read the photo
        logger.info("tifffile cannot look for damage (%s)", short(error))
        return 0, b"", []


def _is_deflated_soundly(part: bytes) -> bool:
    try:
        zlib.decompress(part)
    except zlib.error:
        return False
    return True


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """Type, data and checksum of every whole chunk of a PNG."""
    place = 8
    while place + 12 <= len(content):
        end = place + 8 + int.from_bytes(content[place : place + 4], "big")
        yield (
            content[place + 4 : place + 8],
            content[place + 8 : end],
            int.from_bytes(content[end : end + 4], "big"),
        )
        place = end + 4


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
