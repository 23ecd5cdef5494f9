"""Photos of every kind: content decides, deeper numbers and other colours come out as they look, damage is told."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, PngImagePlugin

from kec_core.errors import InputError
from kec_core.photos.formats import known_formats
from kec_core.photos.images import find_images, open_image, scan_images
from tests import fuzz_photos, photos
from tests.photo_samples import WIDE, accounted, jpeg, reasons, warnings_of


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
