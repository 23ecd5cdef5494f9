"""Photos of every kind: content decides, deeper numbers and other colours come out as they look, damage is told."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zlib
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms, PngImagePlugin

from kec_core.errors import InputError
from kec_core.photos.formats import known_formats
from kec_core.photos.images import find_images, open_image, scan_images
from tests import fuzz_photos, photos

JPEG = b"\xff\xd8\xff\xe0"


def warnings_of(folder):
    return {image.id: image.warning for image in scan_images(folder).images}


def reasons(folder):
    return {item.path: item.reason for item in scan_images(folder).skipped}


def accounted(report):
    return len(report.images) + len(report.skipped) + sum(report.others.values())


def pixel(path, place=(0, 0)):
    return open_image(path).getpixel(place)


def jpeg(image=None, **options) -> bytes:
    buffer = io.BytesIO()
    (image or photos.gradient()).save(buffer, "JPEG", **options)
    return buffer.getvalue()


# --- content decides


@pytest.mark.parametrize(
    ("name", "warning"),
    [
        ("a.heic", "it is JPEG in spite of its name"),
        ("a.jxl", "it is JPEG in spite of its name"),
        ("a.nef", "it is JPEG in spite of its name"),
        *[(name, "") for name in ("noext", "a.jpg_large", "a.jpg?w=100", "a.jpg ", "a.bak", "a.2020", "a.")],
        *[(f"a.{suffix}", "") for suffix in ("mpo", "jif", "pjpeg", "JPE", "jfif")],
    ],
)
def test_a_jpeg_is_used_whatever_its_name(tmp_path, name, warning):
    (tmp_path / name).write_bytes(jpeg())
    assert warnings_of(tmp_path) == {name: warning}
    assert [path.name for path in find_images(tmp_path)] == [name]
    assert open_image(tmp_path / name).size == (48, 40)


@pytest.mark.parametrize("kind", ["HEIF", "AVIF", "JXL", "JPEG2000", "TGA", "MPO", "PPM", "BMP"])
@pytest.mark.parametrize("suffix", ["", ".own", ".jpg"])
def test_every_format_is_read_under_its_own_name_none_or_a_wrong_one(tmp_path, kind, suffix):
    known_formats()
    own = {"HEIF": ".hif", "AVIF": ".avif", "JXL": ".jxl", "JPEG2000": ".j2k", "TGA": ".tga", "MPO": ".mpo"}
    name = f"a{own.get(kind, f'.{kind.lower()}') if suffix == '.own' else suffix}"
    if kind == "TGA":
        name = "a.tga"  # it has no mark in its content
    photos.gradient().save(tmp_path / name, kind)
    opened = np.asarray(open_image(tmp_path / name)).astype(int)
    assert np.abs(opened - np.asarray(photos.gradient())).mean() < 12
    expected = f"it is {kind} in spite of its name" if suffix == ".jpg" and kind not in ("MPO", "TGA") else ""
    assert warnings_of(tmp_path) == {name: expected}


@pytest.mark.parametrize("kind", ["HEIF", "JXL", "AVIF"])
def test_photos_of_newer_formats_are_upright(tmp_path, kind):
    known_formats()
    exif = Image.Exif()
    exif[0x0112] = 6
    turned = photos.gradient().transpose(Image.Transpose.ROTATE_90)
    turned.save(tmp_path / "a", kind, exif=exif.tobytes())
    # a JPEG XL is stored upright: its EXIF is only a copy of what a camera once said
    upright = turned if kind == "JXL" else photos.gradient()
    assert open_image(tmp_path / "a").size == upright.size
    assert np.abs(np.asarray(open_image(tmp_path / "a")).astype(int) - np.asarray(upright)).mean() < 12


def test_images_skipped_and_others_are_all_the_files_there_are(tmp_path):
    for name in ("a.jpg", "noext", "b/c.jpg_large"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(jpeg())
    for name in ("a.txt", "b.txt", "c.PDF", "d", "e.strange-suffix", "P1: a text", "BM.note", "empty.bin"):
        (tmp_path / name).write_bytes(b"" if name == "empty.bin" else f"{name} is a text".encode())
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / ".secret.jpg").write_bytes(jpeg())
    for name in (".DS_Store", "Thumbs.db", ".git/objects/a", ".git/b", "__MACOSX/c.jpg", "a/@eaDir/d.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(jpeg())
    report = scan_images(tmp_path)
    assert [image.id for image in report.images] == ["a.jpg", "b/c.jpg_large", "noext"]
    assert {item.path for item in report.skipped} == {".DS_Store", ".secret.jpg", "empty.jpg"}
    assert report.others == {
        ".txt": 2,
        ".pdf": 1,
        "without suffix": 2,
        "other suffixes": 1,
        ".note": 1,
        ".bin": 1,
        "hidden or system files": 4,
        "Thumbs.db (small pictures that Windows keeps)": 1,
    }
    assert accounted(report) == sum(len(files) for _, _, files in os.walk(tmp_path)) == 19


def test_a_camera_raw_file_is_not_taken_for_its_tiny_preview(tmp_path):
    photos.plain(tmp_path / "a.jpg")
    tifffile.imwrite(
        tmp_path / "b.dng",
        np.zeros((40, 40, 3), np.uint8),
        photometric="rgb",
        extratags=[(50706, 1, 4, b"\1\4\0\0", True)],
    )
    (tmp_path / "c.tif").write_bytes((tmp_path / "b.dng").read_bytes())
    broken = (
        "it is of a variant that is not read (Unsupported file format or not RAW file); save it as JPEG first"
    )
    assert reasons(tmp_path) == {"b.dng": broken, "c.tif": broken}


# --- bit depths


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


def profile(red, green, blue, gamma=2.2, name="Wide"):
    """A minimal ICC profile of three primaries (CIE xy, white D50) and a gamma."""
    white = np.array([0.9642, 1.0, 0.8249])
    columns = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in (red, green, blue)]).T
    matrix = columns * np.linalg.solve(columns, white)

    def fixed(*numbers):
        return b"".join(round(number * 65536).to_bytes(4, "big", signed=True) for number in numbers)

    text = name.encode()
    tags = {
        b"desc": b"desc\0\0\0\0" + (len(text) + 1).to_bytes(4, "big") + text + b"\0" * 80,
        b"wtpt": b"XYZ \0\0\0\0" + fixed(*white),
        **{key: b"XYZ \0\0\0\0" + fixed(*matrix[:, i]) for i, key in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))},
        **{
            key: b"curv\0\0\0\0\0\0\0\1" + int(gamma * 256).to_bytes(2, "big") + b"\0\0"
            for key in (b"rTRC", b"gTRC", b"bTRC")
        },
    }
    table, body = len(tags).to_bytes(4, "big"), b""
    for key, value in tags.items():
        table += key + (132 + 12 * len(tags) + len(body)).to_bytes(4, "big") + len(value).to_bytes(4, "big")
        body += value + b"\0" * (-len(value) % 4)
    head = bytearray(128)
    head[8:12], head[12:24], head[36:40] = b"\2\x40\0\0", b"mntrRGB XYZ ", b"acsp"
    head[68:80] = fixed(0.9642, 1.0, 0.8249)
    head[:4] = (128 + len(table) + len(body)).to_bytes(4, "big")
    return bytes(head) + table + body


WIDE = profile((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001), 1.8)
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


# --- damage


def test_damage_inside_a_jpeg_is_noted_and_the_photo_used(tmp_path):
    content = bytearray(jpeg(photos.gradient(400, 300), quality=95))
    middle = len(content) // 2
    content[middle : middle + 40] = b"\x55" * 40
    content[middle + 80 : middle + 84] = b"\xff\xd9\xff\xd9"
    (tmp_path / "a.jpg").write_bytes(content)
    (tmp_path / "b.jpg").write_bytes(jpeg())
    told = warnings_of(tmp_path)
    assert told["a.jpg"].startswith("it is damaged in places (")
    assert told["b.jpg"] == ""
    assert open_image(tmp_path / "a.jpg").size == (400, 300)


def test_a_hole_of_zeros_in_a_jpeg_is_noted(tmp_path):
    """Libjpeg takes many of them for a picture."""
    colours = np.random.default_rng(0).integers(0, 255, (6, 6, 3)).astype(np.uint8)
    sound = jpeg(Image.fromarray(colours).resize((256, 256), Image.Resampling.BICUBIC), quality=95)
    for start in range(1000, len(sound) - 500, 300):
        for size in (20, 60, 400):
            content = bytearray(sound)
            content[start : start + size] = bytes(size)
            (tmp_path / f"{start}-{size}.jpg").write_bytes(content)
    told = warnings_of(tmp_path)
    assert len(told) > 60
    assert all(note.startswith("it is damaged in places (") for note in told.values()), told
    assert sum("filled with zeros" in note for note in told.values()) > 10


@pytest.mark.parametrize("options", [{}, {"optimize": True}, {"progressive": True}, {"quality": 1}])
@pytest.mark.parametrize("colour", ["white", "black", (1, 2, 3)])
def test_a_smooth_area_is_no_hole(tmp_path, options, colour):
    """Half of it noise, so that the codes are those of a photo; zeros follow the picture."""
    image = Image.new("RGB", (900, 700), colour)
    image.paste(Image.effect_noise((300, 700), 60).convert("RGB"), (600, 0))
    for number, picture in enumerate((image, Image.new("RGB", (900, 700), colour))):
        (tmp_path / f"{number}.jpg").write_bytes(jpeg(picture, **options) + bytes(500))
    assert set(warnings_of(tmp_path).values()) == {""}


@pytest.mark.parametrize("cmyk", [False, True])
def test_a_sound_jpeg_of_any_make_is_not_called_damaged(tmp_path, cmyk):
    image = photos.gradient().convert("CMYK" if cmyk else "RGB")
    for name, options in {
        "a": {"progressive": True},
        "b": {"subsampling": 0},
        "c": {"restart_marker_blocks": 1},
    }.items():
        (tmp_path / f"{name}.jpg").write_bytes(jpeg(image, **options) + b"a motion picture follows")
    assert set(warnings_of(tmp_path).values()) == {"its CMYK colours are converted" if cmyk else ""}


def big_text(path: Path, *, profile_bytes: bytes | None = None, text: str = "workflow " * 400_000):
    info = PngImagePlugin.PngInfo()
    info.add_text("workflow", text, zip=True)
    photos.gradient().save(path, pnginfo=info, icc_profile=profile_bytes)


def test_a_png_with_megabytes_of_text_or_profile_is_read(tmp_path):
    big_text(tmp_path / "text.png")
    big_text(tmp_path / "both.png", profile_bytes=WIDE)
    photos.gradient().save(tmp_path / "profile.png", icc_profile=b"\0" * 3_000_000)
    told = warnings_of(tmp_path)
    assert told["text.png"] == "its texts are left out"
    assert told["both.png"] == "its colours are converted from Wide to sRGB; its texts are left out"
    assert told["profile.png"] == "its damaged metadata are ignored"
    assert np.array_equal(np.asarray(open_image(tmp_path / "text.png")), np.asarray(photos.gradient()))


def test_damaged_metadata_do_not_cost_a_png(tmp_path):
    big_text(tmp_path / "a.png", text="short")
    content = bytearray((tmp_path / "a.png").read_bytes())
    content[content.index(b"zTXt") + 12] ^= 0xFF
    (tmp_path / "a.png").write_bytes(content)
    assert np.array_equal(np.asarray(open_image(tmp_path / "a.png")), np.asarray(photos.gradient()))


def test_a_variant_that_is_not_read_is_not_called_damaged(tmp_path):
    photos.plain(tmp_path / "good.jpg")
    content = bytearray(jpeg())
    place = content.index(b"\xff\xc0")
    content[place + 4] = 12  # bits per sample
    (tmp_path / "a.jpg").write_bytes(content)
    told = reasons(tmp_path)["a.jpg"]
    assert "damaged or cut short" not in told


def test_a_sound_tiff_of_numbers_that_are_no_picture_says_so(tmp_path):
    photos.plain(tmp_path / "good.jpg")
    tifffile.imwrite(tmp_path / "a.tif", np.ones((40, 48), np.complex64))
    assert reasons(tmp_path)["a.tif"].startswith(
        "it is of a variant that is not read (values of the kind complex64"
    )


def test_nothing_is_said_on_stderr_about_large_or_odd_photos(tmp_path):
    photos.plain(tmp_path / "a.jpg")
    header = (12_000).to_bytes(4, "big") + (9_000).to_bytes(4, "big") + b"\1\0\0\0\0"
    rows = zlib.compress(b"\0" * (1_501 * 9_000))

    def chunk(kind, data):
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    (tmp_path / "large.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )
    photos.save(tmp_path / "exif.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff broken")
    code = "import sys; from pathlib import Path; from kec_core.photos.images import scan_images; print(len(scan_images(Path(sys.argv[1])).images))"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
        check=True,
    )
    assert (done.stdout.strip(), done.stderr) == ("3", "")


# --- whatever comes


@pytest.mark.filterwarnings("ignore")
def test_mutated_photos_raise_nothing_and_are_all_accounted_for(tmp_path, capfd):
    assert list(fuzz_photos.fuzz_images(4, seed=0, folder=tmp_path))[-1] == 100
    capfd.readouterr()  # libtiff speaks of damage itself


@pytest.mark.filterwarnings("ignore")
def test_mutation_changes_files_and_a_lost_file_would_be_seen(tmp_path, monkeypatch):
    whole = fuzz_photos.samples()
    rng = fuzz_photos.random.Random(0)
    assert sum(fuzz_photos.mutated(one, rng) != one for one in whole) > len(whole) // 2
    monkeypatch.setattr(fuzz_photos, "FILES", 3)
    monkeypatch.setattr(fuzz_photos, "scan_images", lambda root: scan_images_but_one(root))
    with pytest.raises(AssertionError):
        list(fuzz_photos.fuzz_images(8, seed=1, folder=tmp_path))


def scan_images_but_one(root):
    next(root.iterdir()).unlink()
    return scan_images(root)


def test_opening_never_raises_but_input_error(tmp_path):
    for name in ("a\0b.jpg", "n" * 300 + ".jpg", "gone.jpg"):
        with pytest.raises(InputError):
            open_image(tmp_path / name)


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


@pytest.mark.parametrize("share", [0.3, 0.5, 0.7])
@pytest.mark.parametrize("kind", ["noise", "flat"])
def test_damage_inside_a_png_is_noted_or_called_so(tmp_path, share, kind):
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 255, (64, 64, 3)) if kind == "noise" else np.full((64, 64, 3), 90)
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG", compress_level=0 if kind == "noise" else 6)
    whole = buffer.getvalue()
    place = 41 + int(share * (len(whole) - 70))
    broken = whole[:place] + bytes(255 - value for value in whole[place : place + 3]) + whole[place + 3 :]
    (tmp_path / "whole.png").write_bytes(whole)
    (tmp_path / "broken.png").write_bytes(broken)
    report = scan_images(tmp_path)
    told = {image.id: image.warning for image in report.images} | {
        item.path: item.reason for item in report.skipped
    }
    assert told["whole.png"] == ""
    assert "it is damaged" in told["broken.png"]
    assert "variant" not in told["broken.png"]


@pytest.mark.parametrize(
    ("sides", "known"), [(("N", "E"), True), (("S", "W"), True), (("X", "E"), False), (("N", "?"), False)]
)
def test_a_place_on_no_side_of_the_earth_is_none(tmp_path, sides, known):
    tags = Image.Exif()
    tags[0x8825] = {1: sides[0], 2: (48.0, 0.0, 0.0), 3: sides[1], 4: (11.0, 0.0, 0.0)}
    Image.new("RGB", (40, 40), "red").save(tmp_path / "a.jpg", exif=tags)
    found = scan_images(tmp_path).exif
    assert ("a.jpg" in found) == known
    if known:
        assert found["a.jpg"].place.latitude == (48 if sides[0] == "N" else -48)
