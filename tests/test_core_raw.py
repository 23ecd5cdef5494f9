"""Camera raw: the camera's own JPEG where it is large enough, else developed; a sentence where LibRaw is missing."""

import io

import numpy as np
import pytest
import tifffile
from PIL import Image

from kec_core.photos import raw
from kec_core.photos.decoding import open_image
from kec_core.photos.images import scan_images

XYZ_TO_SRGB = [32406, -15372, -4986, -9689, 18758, 415, 557, -2040, 10570]
TURNED_RIGHT = 6


def fields(**tags):
    """Tags of a DNG of an invented camera whose filters are those of sRGB."""
    matrix = [part for value in XYZ_TO_SRGB for part in (value, 10_000)]
    known = [
        (271, "s", 0, "Leica"),
        (272, "s", 0, "Leica Q"),
        (33421, "H", 2, (2, 2)),
        (33422, "B", 4, bytes([0, 1, 1, 2])),
        (50706, "B", 4, bytes([1, 4, 0, 0])),
        (50708, "s", 0, "Leica Q"),
        (50717, "H", 1, 4095),
        (50721, "2i", 9, matrix),
        (50728, "2I", 3, [1] * 6),
        (50778, "H", 1, 21),
        *tags.values(),
    ]
    return [(*tag, True) for tag in known]


def save_dng(path, rgb=(200, 40, 40), size=(64, 96), **tags):
    """A raw file of one colour behind a Bayer filter, 12 bits, with a black quarter at its upper left."""
    red, green, blue = (int((part / 255) ** 2.2 * 4095) for part in rgb)
    cfa = np.tile(np.array([[red, green], [green, blue]], np.uint16), (size[0] // 2, size[1] // 2))
    cfa[: size[0] // 2, : size[1] // 2] = 0
    tifffile.imwrite(path, cfa, photometric=32803, extratags=fields(**tags), metadata=None)


def corners(image):
    pixels = np.asarray(image).astype(int)
    return {
        "upper left": pixels[4, 4],
        "upper right": pixels[4, -5],
        "lower left": pixels[-5, 4],
        "lower right": pixels[-5, -5],
    }


def test_raw_data_are_developed_with_size_camera_and_a_note(tmp_path):
    save_dng(tmp_path / "a.dng")
    report = scan_images(tmp_path)
    (photo,) = report.images
    assert (photo.width, photo.height) == (96, 64)
    assert photo.warning == "its raw data are developed with the camera's white balance"
    assert report.exif["a.dng"].camera == "Leica Q"
    seen = corners(open_image(tmp_path / "a.dng"))
    assert seen["upper left"].max() < 20
    red, green, blue = seen["lower right"]
    assert red > 2 * max(green, blue)


@pytest.mark.parametrize("min_side", [None, 20])
def test_raw_files_stand_upright(tmp_path, min_side):
    save_dng(tmp_path / "a.dng", turned=(274, "H", 1, TURNED_RIGHT))
    (photo,) = scan_images(tmp_path).images
    assert (photo.width, photo.height) == (64, 96)
    image = open_image(tmp_path / "a.dng", min_side=min_side)
    assert image.width < image.height
    seen = corners(image)
    assert seen["upper right"].max() < 20
    assert seen["upper left"].max() > 100


def test_a_raw_file_under_another_name_is_told(tmp_path):
    save_dng(tmp_path / "a.tif")
    (photo,) = scan_images(tmp_path).images
    assert "it is RAW in spite of its name" in photo.warning


class Opened:
    """What rawpy gives of a file with a JPEG in it."""

    def __init__(self, side):
        content = io.BytesIO()
        Image.new("RGB", (side * 2, side), (10, 200, 10)).save(content, "JPEG")
        self.content = content.getvalue()
        self.sizes = type("Sizes", (), {"width": 6000, "height": 3000, "flip": TURNED_RIGHT})

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def extract_thumb(self):
        import rawpy

        return type("Thumbnail", (), {"format": rawpy.ThumbFormat.JPEG, "data": self.content})

    def postprocess(self, **options):
        return np.zeros((30, 15, 3), np.uint8)


@pytest.mark.parametrize(("side", "shown"), [(raw.PREVIEW_SIDE, (10, 200, 10)), (160, (0, 0, 0))])
def test_the_cameras_own_jpeg_is_shown_where_it_is_large_enough(monkeypatch, side, shown):
    import rawpy

    monkeypatch.setattr(rawpy, "imread", lambda file: Opened(side))
    image, size, _ = raw.picture(io.BytesIO(b"raw"), None, 10**9)
    assert size == (3000, 6000)
    assert image.width < image.height
    assert np.abs(np.asarray(image)[0, 0].astype(int) - shown).max() < 8
    with pytest.raises(Image.DecompressionBombError):
        raw.picture(io.BytesIO(b"raw"), None, 10**6)


@pytest.mark.parametrize("name", ["a.dng", "a.cr3", "a.raf", "a.NEF"])
def test_without_the_library_it_says_what_to_install(tmp_path, monkeypatch, name):
    Image.new("RGB", (40, 40)).save(tmp_path / "b.png")
    heads = {"a.cr3": b"\0\0\0\x18ftypcrx ", "a.raf": b"FUJIFILMCCD-RAW "}
    if name in heads:
        (tmp_path / name).write_bytes(heads[name] * 20)
    else:
        save_dng(tmp_path / name)
    monkeypatch.setattr(raw, "LIBRARY", "rawpy_that_is_not_there")
    (skipped,) = scan_images(tmp_path).skipped
    assert skipped.path == name
    assert "install rawpy_that_is_not_there to read it" in skipped.reason


@pytest.mark.parametrize(
    "content", [b"", b"II*\0" + b"x" * 60, b"FUJIFILMCCD-RAW " * 9, b"no camera wrote this"]
)
def test_damaged_raw_files_are_listed(tmp_path, content):
    Image.new("RGB", (40, 40)).save(tmp_path / "b.png")
    (tmp_path / "a.nef").write_bytes(content)
    (skipped,) = scan_images(tmp_path).skipped
    assert skipped.path == "a.nef"
    assert ("empty" in skipped.reason) == (content == b"")
