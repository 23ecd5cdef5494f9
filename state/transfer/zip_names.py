"""Names of the entries of a zip archive, whatever code page they were written in.

The rule: a name flagged as UTF-8, or with its Unicode form beside it (Info-ZIP field 0x7075), is that. All other names
of an archive are taken together: they are UTF-8 when all of them are valid UTF-8 (macOS writes it without the flag);
else they are in the code page of Windows in which they read best (letters that are common in its language, next to
others of its script, no symbols); where two read equally well, the first in the order of ``_PAGES`` is taken; where
none reads well, it is cp437, the code page of the zip standard.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any, BinaryIO, Final

_UTF_8_FLAG: Final = 0x800
_DIRECTORY_ENTRY: Final = b"PK\1\2"
_ENTRY_HEAD: Final = b"PK\3\4"
_HEAD_BYTES: Final = 30
_ENTRY_BYTES: Final = 46
"""Bytes of an entry of the directory before its name."""
_UNICODE_PATH: Final = 0x7075
_STANDARD: Final = "cp437"
_READS_WELL: Final = 0.5
_BYTES_LOOKED_AT: Final = 20_000

_WESTERN: Final = frozenset("àâäáãåæçèéêëìíîïñòóôõöøœšùúûüßÿžÀÂÄÁÃÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØŒÙÚÛÜ")
_CENTRAL: Final = frozenset(
    "áäăâąćčçďđéëęěíîĺľłńňóôöőŕřśšşťţúůüűýźžżßÁÄĂÂĄĆČÇĎĐÉËĘĚÍÎĹĽŁŃŇÓÔÖŐŔŘŚŠŞŤŢÚŮÜŰÝŹŽŻ"
)
_TURKISH: Final = frozenset("çğıöşüâîûÇĞİÖŞÜ")
_CYRILLIC: Final = frozenset(map(chr, range(0x410, 0x450))) | frozenset("ЁёІіЇїЄєҐґЎў")
_GREEK: Final = frozenset(map(chr, range(0x386, 0x3CF)))


class HonestFlags:
    """A zip file in which no name is flagged as UTF-8 that is not: ``zipfile`` refuses a whole archive for one."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - all but ``read`` is the file's own
        return getattr(self._file, name)

    def read(self, size: int = -1) -> bytes:
        """The next bytes; where they are the list of the entries or the head of one, without false flags."""
        content = self._file.read(size)
        if content.startswith(_DIRECTORY_ENTRY):
            return _unflagged(content)
        if content.startswith(_ENTRY_HEAD) and len(content) == _HEAD_BYTES:
            return self._unflagged_head(content)
        return content

    def _unflagged_head(self, head: bytes) -> bytes:
        """The name follows its head."""
        place = self._file.tell()
        name = self._file.read(struct.unpack_from("<H", head, _HEAD_BYTES - 4)[0])
        self._file.seek(place)
        if _decoded(name, "utf-8") is not None:
            return head
        return head[:7] + bytes([head[7] & ~(_UTF_8_FLAG >> 8)]) + head[8:]


def _unflagged(directory: bytes) -> bytes:
    data, place = bytearray(directory), 0
    while data[place : place + 4] == _DIRECTORY_ENTRY and place + _ENTRY_BYTES <= len(data):
        name, extra, comment = struct.unpack_from("<HHH", data, place + 28)
        start = place + _ENTRY_BYTES
        if _decoded(bytes(data[start : start + name]), "utf-8") is None:
            data[place + 9] &= ~(_UTF_8_FLAG >> 8)
        place = start + name + extra + comment
    return bytes(data)


def entry_names(entries: Sequence[zipfile.ZipInfo]) -> tuple[list[str], str]:
    """The names of all entries, in their order, and the code page they were read by ("" when none was needed)."""
    known = [_unicode_name(entry) for entry in entries]
    raw = [
        entry.orig_filename.encode(_STANDARD)
        for entry, name in zip(entries, known, strict=True)
        if name is None
    ]
    page = _page_of([name for name in raw if not name.isascii()])
    decoded = iter(raw)
    names = [next(decoded).decode(page or _STANDARD, "replace") if name is None else name for name in known]
    return names, page


def _unicode_name(entry: zipfile.ZipInfo) -> str | None:
    if entry.flag_bits & _UTF_8_FLAG:
        return entry.orig_filename
    raw = entry.orig_filename.encode(_STANDARD)
    for kind, value in _extra_fields(entry.extra):
        if kind == _UNICODE_PATH and value[1:5] == struct.pack("<I", zlib.crc32(raw)):
            try:
                return value[5:].decode("utf-8")
            except UnicodeDecodeError:
                return None
    return None


def _extra_fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<HH", extra)
        yield kind, extra[4 : 4 + length]
        extra = extra[4 + length :]


def _page_of(names: Sequence[bytes]) -> str:
    if not names:
        return ""
    text = b"/".join(names)[:_BYTES_LOOKED_AT] if len(names) > 1 else names[0]
    if all(_decoded(name, "utf-8") is not None for name in names):
        return "utf-8"
    readable = [page for page in _PAGES if all(_decoded(name, page) is not None for name in names)]
    scores = {page: _legibility(text, page) for page in readable}
    best = max(scores, key=scores.__getitem__, default=_STANDARD)
    return best if scores.get(best, 0.0) >= _READS_WELL else _STANDARD


def _decoded(name: bytes, page: str) -> str | None:
    try:
        return name.decode(page)
    except UnicodeDecodeError:
        return None


def _legibility(names: bytes, page: str) -> float:
    """How well names read in a code page, 0..1: the mean over the characters beyond ASCII."""
    text = f" {names.decode(page, 'ignore')} "
    worth = _PAGES[page]
    marks = [
        worth(here, here.encode(page, "ignore")) * _fit(before, here, after)
        for (before, here), (_, after) in pairwise(pairwise(text))
        if not here.isascii()
    ]
    return sum(marks) / len(marks) if marks else 0.0


def _fit(before: str, here: str, after: str) -> float:
    """How well a letter fits to its neighbours: 1 as expected, less for a capital in a word, a change of script, or accents beside accents alone."""
    if before.islower() and here.isupper():
        return 0.0
    neighbours = [letter for letter in (before, after) if letter.isalpha()]
    scripts = {_script(letter) for letter in neighbours}
    is_alone = _script(here) == "Latin" and not any(letter.isascii() for letter in neighbours)
    return 0.3 if scripts and (is_alone or _script(here) not in scripts) else 1.0


def _script(letter: str) -> str:
    if letter < "\u0250":
        return "Latin"
    if letter < "\u0400":
        return "Greek"
    return "Cyrillic" if letter < "\u0530" else "East Asian"


def _letters(common: frozenset[str]) -> Callable[[str, bytes], float]:
    return lambda letter, _raw: 1.0 if letter in common else 0.0


def _japanese(letter: str, raw: bytes) -> float:
    if "\u3040" <= letter <= "\u30ff" or "\uff01" <= letter <= "\uff5e" or letter in "々〆〇、。「」":
        return 1.0
    if not "\u4e00" <= letter <= "\u9fff":
        return 0.5 if "\uff61" <= letter <= "\uff9f" else 0.0
    return 1.0 if b"\x88\x9f" <= raw <= b"\x98\x72" else 0.4  # JIS level 1


def _korean(letter: str, raw: bytes) -> float:
    if "\uac00" <= letter <= "\ud7a3":
        return 1.0 if raw >= b"\xb0\xa1" and raw[1] >= 0xA1 else 0.2  # the syllables of KS X 1001
    return 0.3 if "\u4e00" <= letter <= "\u9fff" else 0.0


def _simplified(letter: str, raw: bytes) -> float:
    if not "\u4e00" <= letter <= "\u9fff":
        return 0.5 if "\uff01" <= letter <= "\uff5e" else 0.0
    if raw[1] < 0xA1 or not 0xB0 <= raw[0] <= 0xF7:
        return 0.1
    return 1.0 if raw[0] <= 0xD7 else 0.4  # GB 2312 level 1


def _traditional(letter: str, raw: bytes) -> float:
    if not "\u4e00" <= letter <= "\u9fff":
        return 0.5 if "\uff01" <= letter <= "\uff5e" else 0.0
    return 1.0 if 0xA4 <= raw[0] <= 0xC6 else 0.4  # Big5 level 1


_PAGES: Final[dict[str, Callable[[str, bytes], float]]] = {
    "cp932": _japanese,
    "cp949": _korean,
    "gbk": _simplified,
    "big5": _traditional,
    "cp866": _letters(_CYRILLIC),
    "cp1251": _letters(_CYRILLIC),
    "cp850": _letters(_WESTERN),
    "cp1252": _letters(_WESTERN),
    "cp857": _letters(_TURKISH),
    "cp1254": _letters(_TURKISH),
    "cp852": _letters(_CENTRAL),
    "cp1250": _letters(_CENTRAL),
    "cp737": _letters(_GREEK),
    "cp1253": _letters(_GREEK),
}
"""Code pages that zips come in from Windows, and how common a character is in their languages, 0..1."""
