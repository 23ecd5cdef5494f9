"""Photos opened upright in RGB, whatever the file holds, and made small."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from kec_core.photos.images import open_image, scan_images, thumbnail
from tests import photos
from tests.photos import notes, pixels


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp"])
def test_photos_are_opened_upright(tmp_path, orientation, suffix):
    path = photos.rotated(tmp_path / f"a.{suffix}", orientation)
    opened = open_image(path)
    assert opened.mode == "RGB"
    assert opened.size == (48, 40)
    assert np.abs(pixels(opened) - pixels(photos.gradient())).mean() < 12
    record = scan_images(tmp_path).images[0]
    assert (record.width, record.height) == (48, 40)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_does_not_cost_the_photo(tmp_path):
    path = photos.save(tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff broken")
    assert open_image(path).size == (48, 40)


def test_transparent_parts_are_shown_on_white(tmp_path):
    image = Image.new("RGBA", (40, 40), (*photos.RED, 255))
    image.putpixel((0, 0), (0, 0, 0, 0))
    image.putpixel((1, 0), (0, 0, 0, 128))
    photos.save(tmp_path / "rgba.png", image)
    opened = open_image(tmp_path / "rgba.png")
    assert opened.getpixel((0, 0)) == (255, 255, 255)
    assert opened.getpixel((1, 0)) == (127, 127, 127)
    assert opened.getpixel((9, 9)) == photos.RED
    assert notes(scan_images(tmp_path)) == {"rgba.png": "its transparent parts are shown on white"}


def test_palettes_keep_their_colours_and_their_transparent_entry_is_white(tmp_path):
    image = Image.new("P", (40, 40), 0)
    image.putpalette([*photos.RED, 0, 0, 255])
    image.putpixel((0, 0), 1)
    photos.save(tmp_path / "plain.png", image)
    photos.save(tmp_path / "holes.gif", image, transparency=1)
    assert open_image(tmp_path / "plain.png").getpixel((0, 0)) == (0, 0, 255)
    assert open_image(tmp_path / "holes.gif").getpixel((0, 0)) == (255, 255, 255)
    assert open_image(tmp_path / "holes.gif").getpixel((5, 5)) == photos.RED


def test_cmyk_is_converted_with_a_note(tmp_path):
    photos.save(tmp_path / "a.jpg", Image.new("CMYK", (40, 40), (0, 255, 255, 0)))
    red, green, blue = open_image(tmp_path / "a.jpg").getpixel((5, 5))
    assert red > 240
    assert max(green, blue) < 15
    assert notes(scan_images(tmp_path)) == {"a.jpg": "its CMYK colours are converted"}


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bits_are_scaled_not_clipped(tmp_path, suffix):
    path = photos.grey_16(tmp_path / f"a.{suffix}", np.tile([0, 257 * 100, 257 * 200, 65535], (40, 10)))
    assert pixels(open_image(path))[0, :4, 0].tolist() == [0, 100, 200, 255]
    assert notes(scan_images(tmp_path)) == {path.name: "its brightness is scaled to 8 bits"}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255]),
        ([0.0, 51.0, 255.0], [0, 51, 255]),
        ([-1.0, 0.0, 1.0], [0, 128, 255]),
        ([-5.0, -5.0, -5.0], [0, 0, 0]),
        ([0.0, np.nan, 1.0], [0, 0, 255]),
    ],
)
def test_real_numbers_are_scaled_by_their_range(tmp_path, values, expected):
    path = photos.save(tmp_path / "a.tif", Image.fromarray(np.tile(np.float32(values), (40, 12))))
    assert pixels(open_image(path))[0, :3, 0].tolist() == expected


@pytest.mark.parametrize("suffix", ["gif", "webp", "png", "tif"])
def test_of_an_animation_the_first_frame_is_used_with_a_note(tmp_path, suffix):
    path = photos.animated(tmp_path / f"a.{suffix}", [photos.RED, (0, 0, 255)])
    assert np.abs(pixels(open_image(path))[5, 5] - photos.RED).max() < 12
    assert notes(scan_images(tmp_path)) == {path.name: "only its first frame or page is used"}


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_min_side_gives_a_smaller_image_that_is_large_enough(tmp_path, suffix):
    path = photos.save(tmp_path / f"a.{suffix}", photos.gradient(640, 480))
    small = open_image(path, min_side=100)
    assert 100 <= min(small.size) <= 200
    assert small.width / small.height == pytest.approx(4 / 3, abs=0.02)
    assert open_image(path, min_side=481).size == (640, 480)


def test_nothing_of_the_metadata_reaches_a_thumbnail(tmp_path):
    exif = Image.Exif()
    exif[0x010E] = "SECRET PLACE"
    path = photos.save(tmp_path / "a.jpg", exif=exif, comment=b"SECRET WORD")
    assert b"SECRET PLACE" in path.read_bytes()
    assert b"SECRET" not in thumbnail(open_image(path), 32)


@pytest.mark.parametrize(
    ("size", "expected"), [((200, 100), (64, 32)), ((30, 20), (30, 20)), ((1000, 2), (64, 1))]
)
def test_thumbnails_fit_the_square_and_never_grow(size, expected):
    made = Image.open(io.BytesIO(thumbnail(Image.new("RGB", size), 64)))
    assert (made.format, made.size) == ("JPEG", expected)
