"""The formats photos come in, told by the first bytes of a file; names only help where content cannot decide."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache
from typing import Final

import pillow_heif
from PIL import Image

RAW: Final = "RAW"
"""Camera raw, of all makers; Pillow has no word for it."""
HEAD_BYTES: Final = 64
"""So many bytes from the start of a file tell what it is."""


@dataclass(frozen=True, slots=True)
class PhotoFormat:
    """A format that is read.

    Attributes:
        name: in Pillow's words.
        suffixes: how files of it are usually named, lower case.
        is_weak: other kinds of files may begin like it by chance.
    """

    name: str
    suffixes: tuple[str, ...]
    is_weak: bool = False


_RAW_SUFFIXES: Final = (
    ".dng", ".cr2", ".cr3", ".crw", ".nef", ".nrw", ".arw", ".sr2", ".srw", ".orf", ".rw2",
    ".raf", ".pef", ".x3f", ".3fr", ".iiq", ".rwl", ".kdc", ".erf", ".mef", ".mos",
)  # fmt: skip
FORMATS: Final = (
    PhotoFormat("JPEG", (".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".jfi", ".pjpeg", ".pjp", ".mpo")),
    PhotoFormat("PNG", (".png", ".apng")),
    PhotoFormat("GIF", (".gif",)),
    PhotoFormat("BMP", (".bmp",), is_weak=True),
    PhotoFormat("TIFF", (".tif", ".tiff")),
    PhotoFormat("WEBP", (".webp",)),
    PhotoFormat("HEIF", (".heic", ".heif", ".hif", ".heics", ".heifs")),
    PhotoFormat("AVIF", (".avif", ".avifs")),
    PhotoFormat("JXL", (".jxl",), is_weak=True),
    PhotoFormat("JPEG2000", (".jp2", ".j2k", ".j2c", ".jpc", ".jpf", ".jpx")),
    PhotoFormat("PPM", (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"), is_weak=True),
    PhotoFormat("TGA", (".tga", ".icb", ".vda", ".vst"), is_weak=True),
    PhotoFormat(RAW, _RAW_SUFFIXES),
)
FORMAT_OF_SUFFIX: Final = {suffix: row.name for row in FORMATS for suffix in row.suffixes}
"""What each usual suffix (lower case) promises."""
WEAK_FORMATS: Final = frozenset(row.name for row in FORMATS if row.is_weak)

_UNREAD_SUFFIXES: Final = frozenset((".psd", ".psb", ".xcf", ".exr", ".hdr", ".jxr", ".wdp", ".bpg"))
"""Pictures too, of kinds that are not read."""

GIT_POINTER: Final = "a pointer of Git"
RAW_FILE: Final = "a camera raw file"
_FIRST_BYTES: Final = frozenset(bytes([byte]) for byte in b"\xff\x89GBIMRP\n\0")
"""All that files of these formats begin with: most others need not be compared with each format."""

_FOREIGN: Final = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "a PostScript document"),
    (b"8BPS", "a Photoshop file"),
    (b"PK\3\4", "a zip archive"),
    (b"gimp xcf", "a GIMP file"),
    (b"\x76\x2f\x31\x01", "an OpenEXR file"),
    (b"\0\5\x16\7", "what a Mac notes beside a file"),
    (b"\x1aE\xdf\xa3", "a video"),
    (b"FUJIFILM", RAW_FILE),
    (b"IIU\0", RAW_FILE),
    (b"IIRO", RAW_FILE),
    (b"IIRS", RAW_FILE),
    (b"FOVb", RAW_FILE),
    (b"<!do", "a web page"),
    (b"<htm", "a web page"),
    (b"<svg", "an SVG drawing"),
    (b"<?xm", "an XML document"),
    (b"{", "JSON text"),
    (b"version http", GIT_POINTER),
    (b"/annex/objec", GIT_POINTER),
    (b"data:image/", "a picture written as text"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"\0\0\1\0", "an icon of Windows"),
)


@cache
def known_formats() -> list[str]:
    """Formats that this installation reads, of those that photos come in."""
    pillow_heif.register_heif_opener()
    import pillow_jxl  # noqa: F401 - registers itself with Pillow

    Image.init()
    return [row.name for row in FORMATS if row.name in Image.OPEN]


def format_of(head: bytes, name: str = "") -> str | None:
    """The format that a file with these first bytes has, in Pillow's words, or None.

    Args:
        head: the first ``HEAD_BYTES`` bytes, fewer when the file is shorter.
        name: of the file; needed for TGA, which has no mark of its own.
    """
    for known in known_formats() if head[:1] in _FIRST_BYTES else ():
        accept = Image.OPEN[known][1]
        if accept is not None and accept(head[:16]) is True and _is_no_text(known, head):
            return known
    is_tga = FORMAT_OF_SUFFIX.get(suffix_of(name)) == "TGA" and foreign_kind(head) is None and any(head)
    return "TGA" if is_tga else None


def _is_no_text(known: str, head: bytes) -> bool:
    """Netpbm begins with a letter, a digit and a blank: Pillow accepts a text like "P1: ..." too."""
    return known != "PPM" or head[2:3].isspace() or head[1:2] in b"fy"


def foreign_kind(head: bytes) -> str | None:
    """What a file that is no known picture is, in words, told by its first bytes; None when they tell nothing."""
    if head[4:8] == b"ftyp":
        return RAW_FILE if head[8:11] == b"crx" else "a video"
    if head[:4] == b"RIFF" and head[8:12] != b"WEBP":
        return "a video or sound"
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return next((words for mark, words in _FOREIGN if head.startswith(mark) or start.startswith(mark)), None)


def suffix_of(name: str) -> str:
    """The suffix of a file's name in lower case; blanks at the end of the name do not count."""
    suffix = os.path.splitext(name.rstrip())[1]  # noqa: PTH122 - several times faster than a Path, for a million files
    return suffix.lower() if len(suffix) > 1 else ""


def is_named_photo(name: str) -> bool:
    """Whether a file of this name is meant as a photo, readable here or not."""
    suffix = suffix_of(name)
    return suffix in FORMAT_OF_SUFFIX or suffix in _UNREAD_SUFFIXES


def is_photo(name: str, head: bytes) -> bool:
    """Whether a file is to be taken for a photo: content decides, and a photo's name is a promise."""
    return is_named_photo(name) or format_of(head, name) is not None


def kind_of(name: str) -> str:
    """The kind under which a file that is no photo is counted: its suffix, if that is short and plain."""
    suffix = suffix_of(name)
    if not suffix:
        return "without suffix"
    return suffix if len(suffix) <= 9 and suffix.isascii() and suffix[1:].isalnum() else "other suffixes"
