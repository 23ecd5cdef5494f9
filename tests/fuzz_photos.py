"""Mutated photos and archives: whatever comes, nothing is raised but InputError, and every file is accounted for.

``fuzz_images`` and ``fuzz_zips`` run as long as they are asked to; small runs of them are tests.
"""

from __future__ import annotations

import io
import random
import tempfile
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pillow_heif
import pillow_jxl  # noqa: F401 - registers itself with Pillow
import tifffile
from PIL import Image

from kec_core.errors import InputError
from kec_core.photos.images import open_image, scan_images
from state.transfer.ingest import unpack_zip
from tests import photos

pillow_heif.register_heif_opener()

FILES = 25
"""Files of one folder or archive."""
SUFFIXES = (
    ".jpg",
    ".JPG",
    ".png",
    ".heic",
    ".jxl",
    ".tif",
    ".webp",
    ".tga",
    ".ppm",
    ".txt",
    ".nef",
    ".jpg_large",
    "",
)
NAMES = (
    *(
        "a",
        "b/a",
        "..",
        "../a",
        "/a",
        "C:\\a",
        "\0",
        "a\0b",
        ".a",
        "__MACOSX/._a",
        "a/" * 1500 + "a",
        "n" * 300,
        "表",
        "Ü",
    ),
    *("a\\b", " ", "con", "a.zip", "a/b/", "\u0041\u030a", "\ufffd"),
)


def samples() -> list[bytes]:
    """One small photo of each format and depth."""
    image = photos.gradient()
    made = [
        _saved(image, kind) for kind in ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "HEIF", "AVIF", "JXL")
    ]
    made += [_saved(image, kind) for kind in ("JPEG2000", "PPM", "TGA", "MPO")]
    made += [_saved(image, "JPEG", progressive=True), _saved(image.convert("CMYK"), "JPEG")]
    made += [_saved(image.convert("RGBA"), "PNG"), _saved(image.convert("P"), "PNG")]
    made += [_saved(image, "TIFF", compression=way) for way in ("tiff_lzw", "jpeg", "tiff_deflate")]
    values = np.asarray(image)
    made.append(_saved(Image.fromarray(values[..., 0].astype(np.uint16) * 4), "PNG"))
    made += [
        _tiff(values.astype(np.float32) / 255),
        _tiff(values[..., :2].astype(np.uint16), photometric="minisblack"),
    ]
    return made


def fuzz_images(rounds: int, seed: int, folder: Path | None = None) -> Iterator[int]:
    """Scan folders of mutated photos; yields how many files were tried so far.

    Args:
        rounds: folders of ``FILES`` files each.
        seed: of all that is random.
        folder: to write below; a temporary one when None.
    """
    rng = random.Random(seed)
    known = samples()
    with _somewhere(folder) as top:
        for number in range(rounds):
            root = top / f"images-{number}"
            root.mkdir()
            for place in range(FILES):
                name = f"{place}{rng.choice(SUFFIXES)}"
                (root / name).write_bytes(mutated(rng.choice(known), rng))
            _scanned(root, FILES)
            yield (number + 1) * FILES


def fuzz_zips(rounds: int, seed: int, folder: Path | None = None) -> Iterator[int]:
    """Unpack archives of odd names and damaged bytes; yields how many entries were tried so far.

    Args:
        rounds: archives of ``FILES`` entries each.
        seed: of all that is random.
        folder: to write below; a temporary one when None.
    """
    rng = random.Random(seed)
    known = samples()
    with _somewhere(folder) as top:
        for number in range(rounds):
            root = top / f"zips-{number}" / "in"
            content, files = archive(known, rng)
            is_damaged = number % 2 == 1
            if is_damaged:
                content = mutated(content, rng)
            try:
                found = unpack_zip(io.BytesIO(content), root)
            except InputError:
                pass  # an archive may be refused as a whole, in one sentence
            else:
                told = len(found.saved) + len(found.skipped) + sum(found.others.values())
                assert is_damaged or told == files, (told, files, found)
            outside = [path for path in root.parent.iterdir() if path != root]
            assert not outside, outside
            yield (number + 1) * FILES


def mutated(content: bytes, rng: random.Random) -> bytes:
    """A file as disks, cables and careless programs leave it: bits flipped, cut, doubled, overwritten, or as it was."""
    data = bytearray(content)
    for _ in range(rng.choice((0, 1, 1, 2, 8, 40))):
        start = rng.randrange(min(len(data), rng.choice((64, 4096, len(data)))) or 1) if data else 0
        length = rng.choice((1, 2, 4, 16, 200))
        kind = rng.randrange(6)
        if kind == 0 and data:
            data[start] ^= 1 << rng.randrange(8)
        elif kind == 1:
            data[start : start + length] = rng.randbytes(length)
        elif kind == 2:
            del data[start : start + length]
        elif kind == 3:
            data[start:start] = data[start : start + length]
        elif kind == 4:
            data[start : start + length] = rng.choice((b"\0", b"\xff")) * length
        elif rng.random() < 0.2:
            del data[start:]
    return bytes(data)


def archive(known: list[bytes], rng: random.Random) -> tuple[bytes, int]:
    """A zip of ``FILES`` entries under odd names, some of them twice; and how many of them are files."""
    buffer = io.BytesIO()
    files = 0
    packing = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(buffer, "w", packing) as target:
        for place in range(FILES):
            entry = zipfile.ZipInfo("x")
            entry.filename = f"{rng.choice(NAMES)}{place if rng.random() < 0.7 else ''}{rng.choice(SUFFIXES)}"
            entry.orig_filename = entry.filename
            content = (
                rng.randbytes(8) + mutated(rng.choice(known), rng)
                if rng.random() < 0.2
                else rng.choice(known)
            )
            target.writestr(entry, content)
            files += 1
    return buffer.getvalue(), files


def _scanned(root: Path, files: int) -> None:
    try:
        report = scan_images(root)
    except InputError:
        return
    told = len(report.images) + len(report.skipped) + sum(report.others.values())
    assert told == files, (told, files, report)
    for image in report.images:
        try:
            opened = open_image(root / image.id, min_side=16)
        except InputError:
            continue
        assert opened.mode == "RGB"


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    more = {"save_all": True, "append_images": [image]} if kind == "MPO" else {}
    image.save(buffer, kind, **options, **more)
    return buffer.getvalue()


def _tiff(values: np.ndarray, photometric: str = "rgb") -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, photometric=photometric, compression="zlib")
    return buffer.getvalue()


@contextmanager
def _somewhere(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        yield folder
        return
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)
