"""Damage inside photos that decoders read on over: noted where it can be known."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tifffile
from PIL import Image

from kec_core.errors import InputError
from kec_core.photos.decoding import inspect
from tests import photos

SIDE = 64
"""Pixels that photos are read at."""


def tiff(**options) -> bytes:
    content = io.BytesIO()
    noise = np.random.default_rng(0).normal(0, 8, (240, 320, 3))
    picture = np.clip(np.asarray(photos.gradient(320, 240)) + noise, 0, 255).astype(np.uint8)
    if "photometric" in options:
        tifffile.imwrite(content, picture, **options)
    else:
        Image.fromarray(picture).save(content, "TIFF", **options)
    return content.getvalue()


def notes(content: bytes) -> str:
    return " ".join(inspect(io.BytesIO(content), "a.tif", SIDE).notes)


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "jpeg"},
        {"compression": "jpeg", "photometric": "rgb"},
        {"compression": "jpeg", "photometric": "ycbcr", "tile": (64, 64)},
        {"compression": "tiff_adobe_deflate"},
        {"compression": "zlib", "photometric": "rgb", "tile": (64, 64)},
    ],
)
def test_a_hole_in_a_tiff_is_noted_or_the_file_refused(options):
    sound = tiff(**options)
    assert notes(sound) == ""
    told = []
    for hole in range(len(sound) // 3, 3 * len(sound) // 4, len(sound) // 9):
        try:
            told.append(notes(sound[:hole] + bytes(400) + sound[hole + 400 :]))
        except InputError as error:
            told.append(str(error))
    assert all("it is damaged" in said for said in told), told
    assert any("in places (" in said for said in told), told


@pytest.mark.parametrize("options", [{}, {"compression": "tiff_lzw"}, {"compression": "packbits"}])
def test_nothing_is_said_of_a_sound_tiff(options):
    assert notes(tiff(**options)) == ""


def test_a_tiff_that_only_pillow_reads_is_used(monkeypatch):
    def refuse(*_arguments):
        raise tifffile.TiffFileError("no TIFF to my taste")

    content = tiff(compression="jpeg")
    monkeypatch.setattr(tifffile, "TiffFile", refuse)
    assert notes(content) == ""


@pytest.mark.parametrize("start", [0, 1 / 3])
@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_rows": 1}])
def test_a_jpeg_whose_pixels_are_random_bytes_is_noted(start, options):
    content = io.BytesIO()
    photos.gradient(320, 240).save(content, "JPEG", quality=95, **options)
    sound = content.getvalue()
    scan = sound.index(b"\xff\xda") + 14
    begin = scan + int(start * (len(sound) - scan))
    noise = np.random.default_rng(0).integers(0, 255, len(sound) - 2 - begin).astype(np.uint8).tobytes()
    assert "it is damaged in places (" in notes(sound[:begin] + noise + sound[-2:])
