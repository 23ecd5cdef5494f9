"""Tiny photos of every kind a folder can hold, sound and bad."""

from __future__ import annotations

import ctypes
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

RED = (200, 30, 30)


def gradient(width=48, height=40):
    """Top left is dark, bottom right is light; left half reddish: upright or not can be told."""
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([(x < width // 2) * 120 + y, y * 3, x * 3], axis=-1)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def save(path: Path, image=None, **options) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    (image or gradient()).save(path, **options)
    return path


def plain(path: Path, colour=RED, size=(40, 40)) -> Path:
    return save(path, Image.new("RGB", size, colour))


def rotated(path: Path, orientation: int, image=None) -> Path:
    """The photo as a camera held otherwise stores it: turned, with an EXIF orientation that undoes it."""
    undo = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    image = image or gradient()
    exif = Image.Exif()
    exif[0x0112] = orientation
    return save(path, image.transpose(undo) if undo is not None else image, exif=exif)


def grey_16(path: Path, values) -> Path:
    return save(path, Image.fromarray(np.asarray(values, dtype=np.uint16)))


def animated(path: Path, colours) -> Path:
    frames = [Image.new("RGB", (40, 40), colour) for colour in colours]
    return save(path, frames[0], save_all=True, append_images=frames[1:])


def truncated(path: Path) -> Path:
    rng = np.random.default_rng(0)
    save(path, Image.fromarray(rng.integers(0, 255, (200, 200, 3), dtype=np.uint8)))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def bomb(path: Path, width=60_000, height=60_000) -> Path:
    """A PNG of a few bytes that claims to be enormous."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


def run_as_ordinary_user(code: str, *arguments: str) -> str:
    """Run code in a process to which closed files are closed even when the tests run as root; returns its output."""

    def give_up_rights() -> None:
        for right in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH; refused where there is none to give up
            ctypes.CDLL(None).prctl(24, right, 0, 0, 0)

    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
        preexec_fn=give_up_rights,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


BAD_NAMES = (
    "with space.png",
    "quo'te\".png",
    "new\nline.png",
    "😀.png",
    "<img src=x onerror=alert(1)>.png",
    "=cmd().png",
    "-1+1|calc.png",
    "per%20cent #1?.png",
)


def pixels(image):
    """Whole numbers (H, W, 3) that may be subtracted."""
    return np.asarray(image).astype(int)


def reasons(report):
    """Why each skipped file of a scan is skipped."""
    return {item.path: item.reason for item in report.skipped}


def notes(report):
    """What a scan says of each photo."""
    return {image.id: image.warning for image in report.images}
