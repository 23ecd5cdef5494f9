"""What a photo holds becomes 8 bits of sRGB on white: depth, transparency, numbers that are none, colour profiles."""

from __future__ import annotations

import io

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from kec_core.photos.images import open_image, scan_images
from tests import photos
from tests.photo_samples import WIDE, jpeg, pixel, warnings_of


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("kind", ["grey.png", "grey.tif", "rgb.png", "rgb.tif", "rgba.png", "int32.tif"])
def test_deeper_numbers_are_scaled_by_the_bits_they_use(tmp_path, bits, kind):
    top = 2**bits - 1
    grey = np.tile(np.linspace(0, top, 48).round().astype(np.uint16), (40, 1))
    path = tmp_path / kind
    if kind.startswith("rgb"):
        planes = [grey, grey, grey, *([np.full_like(grey, top)] if "rgba" in kind else [])]
        values = np.stack(planes, axis=-1)
        if path.suffix == ".png":
            path.write_bytes(imagecodecs.png_encode(values))
        else:
            tifffile.imwrite(path, values, photometric="rgb")
    else:
        Image.fromarray(grey.astype(np.int32) if "int32" in kind else grey).save(path)
    opened = np.asarray(open_image(path)).astype(int)
    assert np.abs(opened[0, :, 0] - np.linspace(0, 255, 48)).max() <= 1
    assert np.ptp(opened, axis=-1).max() == 0
    told = (
        "its brightness is scaled"
        if bits == 16 or (bits == 8 and "int32" in kind)
        else f"{bits} bits it uses"
    )
    assert told in warnings_of(tmp_path)[kind]


@pytest.mark.parametrize("top", [1e-6, 0.02, 0.2, 1.0, 1.7, 300.0, 70_000.5])
@pytest.mark.parametrize("shape", [(40, 48), (40, 48, 3)])
def test_real_numbers_are_never_black(tmp_path, top, shape):
    values = np.linspace(0, top, 40 * 48).reshape(40, 48)
    values = values if len(shape) == 2 else np.repeat(values[..., np.newaxis], 3, axis=-1)
    tifffile.imwrite(
        tmp_path / "a.tif", values.astype(np.float32), photometric="rgb" if len(shape) == 3 else "minisblack"
    )
    brightest = np.asarray(open_image(tmp_path / "a.tif")).max()
    assert brightest == (51 if top == 0.2 else 255)  # from 1/16 up to 1 the scale is 0 to 1


def test_grey_with_transparency_of_16_bits_is_shown_on_white(tmp_path):
    values = np.full((40, 48, 2), 65535, np.uint16)
    values[..., 0] = 25700
    values[0, 0, 1] = 0
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack", extrasamples=["unassalpha"])
    assert pixel(tmp_path / "a.tif", (5, 5)) == (100, 100, 100)
    assert pixel(tmp_path / "a.tif") == (255, 255, 255)
    assert "transparent" in warnings_of(tmp_path)["a.tif"]


def test_channels_beyond_transparency_are_no_transparency_and_are_said(tmp_path):
    values = np.full((40, 48, 5), 20, np.uint16)
    values[..., 0] = 100
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack", planarconfig="contig")
    assert pixel(tmp_path / "a.tif") == (100, 100, 100)
    assert "only the first 1 of its 5 channels" in warnings_of(tmp_path)["a.tif"]


def test_signed_bytes_do_not_wrap_around(tmp_path):
    values = np.tile(np.arange(-128, 128, dtype=np.int8), (40, 1))
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="minisblack")
    shown = np.asarray(open_image(tmp_path / "a.tif"))[0, :, 0]
    assert list(shown[[0, 128, 255]]) == [0, 128, 255]


def test_tiffs_packed_in_ways_that_pillow_lacks_are_read(tmp_path):
    values = np.full((40, 48, 3), (200, 100, 50), np.uint8)
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="rgb", compression="webp")
    assert np.abs(np.subtract(pixel(tmp_path / "a.tif"), (200, 100, 50))).max() < 12


def test_half_precision_is_scaled_in_silence(tmp_path, recwarn):
    tifffile.imwrite(tmp_path / "a.tif", np.full((40, 48), 0.5, np.float16), photometric="minisblack")
    assert pixel(tmp_path / "a.tif") == (128, 128, 128)
    assert not [warning for warning in recwarn if warning.category is RuntimeWarning]


# --- colours


SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("suffix", ["jpg", "png", "tif", "webp"])
def test_colours_of_a_wide_profile_become_those_of_srgb(tmp_path, suffix):
    photos.save(
        tmp_path / f"a.{suffix}", Image.new("RGB", (40, 40), (120, 90, 60)), icc_profile=WIDE, quality=100
    )
    red, _, blue = pixel(tmp_path / f"a.{suffix}")
    assert red - blue > 90  # 60 before: the wider the space, the smaller its numbers
    assert warnings_of(tmp_path) == {f"a.{suffix}": "its colours are converted from Wide to sRGB"}


@pytest.mark.filterwarnings("ignore:Palette images")
@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1"])
def test_profiles_hold_for_every_mode_and_keep_transparency(tmp_path, mode):
    image = photos.gradient().convert("RGBA")
    image.putpixel((0, 0), (0, 0, 0, 0))
    path = photos.save(tmp_path / "a.png", image.convert(mode), icc_profile=WIDE)
    assert "from Wide" in warnings_of(tmp_path)["a.png"]
    assert pixel(path) == ((255, 255, 255) if mode in ("RGBA", "LA") else pixel(path))


def test_srgb_by_any_name_and_no_profile_give_the_very_pixels_of_the_file(tmp_path):
    plain = jpeg()
    (tmp_path / "plain.jpg").write_bytes(plain)
    (tmp_path / "srgb.jpg").write_bytes(jpeg(icc_profile=SRGB))
    expected = np.asarray(Image.open(io.BytesIO(plain)))
    for name in ("plain.jpg", "srgb.jpg"):
        assert np.array_equal(np.asarray(open_image(tmp_path / name)), expected)
    assert set(warnings_of(tmp_path).values()) == {""}


@pytest.mark.parametrize("broken", [b"no profile at all", WIDE[:200], WIDE[:20] + b"XXXX" + WIDE[24:]])
def test_a_broken_profile_is_noted_and_costs_nothing_else(tmp_path, broken):
    (tmp_path / "a.jpg").write_bytes(jpeg(icc_profile=broken))
    assert open_image(tmp_path / "a.jpg").size == (48, 40)
    assert warnings_of(tmp_path) == {"a.jpg": "its colour profile is damaged or does not fit and is ignored"}


def test_only_photos_that_are_decoded_otherwise_now_get_a_new_key_for_their_pixels(tmp_path):
    (tmp_path / "plain.jpg").write_bytes(jpeg())
    (tmp_path / "plain.heic").write_bytes(jpeg(quality=50))
    (tmp_path / "wide.jpg").write_bytes(jpeg(icc_profile=WIDE))
    photos.grey_16(tmp_path / "full.png", np.full((40, 40), 65535))
    photos.grey_16(tmp_path / "dark.png", np.full((40, 40), 1000))
    changed = {image.id for image in scan_images(tmp_path).images if image.pixels_key != image.sha256}
    assert changed == {"wide.jpg", "dark.png"}


def test_lab_is_read(tmp_path):
    tifffile.imwrite(tmp_path / "a.tif", np.full((40, 40, 3), (128, 0, 0), np.uint8), photometric="cielab")
    red, green, blue = pixel(tmp_path / "a.tif")
    assert max(red, green, blue) - min(red, green, blue) <= 3


# --- numbers that are none


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_values_that_are_no_numbers_are_noted(tmp_path, odd):
    values = np.linspace(0, 1, 64 * 64, dtype=np.float32).reshape(64, 64)
    values[:2] = odd
    tifffile.imwrite(tmp_path / "grey.tif", values)
    tifffile.imwrite(tmp_path / "colour.tif", np.dstack([values] * 3), photometric="rgb")
    report = scan_images(tmp_path)
    told = {image.id: image.warning for image in report.images}
    assert "128 of its 4,096 values are NaN or infinite and count as 0" in told["grey.tif"]
    assert "384 of its 12,288 values are NaN or infinite and count as 0" in told["colour.tif"]


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
def test_a_photo_without_any_number_is_listed_not_used_as_black(tmp_path, odd):
    values = np.full((64, 64), odd, np.float32)
    values[0, 0] = np.nan
    tifffile.imwrite(tmp_path / "grey.tif", values)
    tifffile.imwrite(tmp_path / "double.tif", values.astype(np.float64))
    tifffile.imwrite(tmp_path / "half.tif", values.astype(np.float16))
    tifffile.imwrite(tmp_path / "colour.tif", np.dstack([values] * 3), photometric="rgb")
    tifffile.imwrite(tmp_path / "inverted.tif", values, photometric="miniswhite")
    (tmp_path / "grey.pfm").write_bytes(b"Pf\n64 64\n-1.0\n" + values.tobytes())
    Image.new("RGB", (40, 40)).save(tmp_path / "sound.png")
    report = scan_images(tmp_path)
    assert [image.id for image in report.images] == ["sound.png"]
    assert {skipped.path for skipped in report.skipped} == {
        *("grey.tif", "double.tif", "half.tif", "colour.tif", "inverted.tif", "grey.pfm")
    }
    for skipped in report.skipped:
        assert skipped.reason == "all its values are NaN or infinite, so it shows nothing; export it again"


def test_values_that_are_no_numbers_do_not_spoil_an_inverted_photo(tmp_path):
    values = np.linspace(0, 1, 64 * 64).reshape(64, 64)
    values[:2] = np.nan
    values[2] = np.inf
    tifffile.imwrite(tmp_path / "a.tif", values, photometric="miniswhite")
    assert "192 of its 4,096 values are NaN or infinite" in scan_images(tmp_path).images[0].warning
    shown = np.asarray(open_image(tmp_path / "a.tif"))[..., 0]
    assert shown[-1, -1] == 0
    assert shown[3, 0] > 200
