"""What a camera wrote: from EXIF only, kept by content, and never a reason to lose the photo."""

import pytest
from PIL import ExifTags, Image

from kec_core.photos.exif import Exif, Place
from kec_core.photos.images import scan_images
from state.project.project import Project

BERLIN = Place(52.516667, 13.383333)


def save(path, place=None, **tags):
    exif = Image.Exif()
    exif[ExifTags.Base.Software] = "camera"  # Pillow writes no EXIF into a PNG that has nothing but a date
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    for name, value in tags.items():
        (exif if name in ("DateTime", "Make", "Model") else inner)[ExifTags.Base[name]] = value
    if place is not None:
        exif.get_ifd(ExifTags.IFD.GPSInfo).update(dict(enumerate(place, start=1)))
    Image.new("RGB", (40, 40), (len(path.stem) * 20, 9, 9)).save(path, exif=exif.tobytes())


def told(tmp_path, **tags):
    save(tmp_path / "a.jpg", **tags)
    report = scan_images(tmp_path)
    assert len(report.images) == 1
    return report.exif.get("a.jpg", Exif())


@pytest.mark.parametrize(
    ("dates", "taken"),
    [
        ({"DateTimeOriginal": "2026:05:01 10:30:00"}, "2026-05-01T10:30:00"),
        ({"DateTimeDigitized": "2026:05:01 10:30:00\0"}, "2026-05-01T10:30:00"),
        (
            {"DateTimeOriginal": "0000:00:00 00:00:00", "DateTimeDigitized": "2020:01:02 03:04:05"},
            "2020-01-02T03:04:05",
        ),
        ({"DateTime": "2026:05:01 10:30:00"}, None),
        ({"DateTimeOriginal": "    :  :     :  :  "}, None),
        ({"DateTimeOriginal": "yesterday"}, None),
        ({"DateTimeOriginal": "1700:01:01 00:00:00"}, None),
        ({"DateTimeOriginal": "1888:10:14 12:00:00"}, "1888-10-14T12:00:00"),
        (
            {"DateTimeOriginal": "2999:12:31 23:59:59", "DateTimeDigitized": "2020:01:02 03:04:05"},
            "2020-01-02T03:04:05",
        ),
        ({}, None),
    ],
)
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "heic", "avif"])
def test_the_moment_of_exposure_is_read_and_nothing_else_is_taken_for_it(tmp_path, suffix, dates, taken):
    save(tmp_path / f"a.{suffix}", **dates)
    report = scan_images(tmp_path)
    assert report.exif.get(f"a.{suffix}", Exif()).taken == (taken or "")
    assert len(report.images) == 1


@pytest.mark.parametrize(
    ("maker", "model", "camera"),
    [
        ("Apple", "iPhone 12", "Apple iPhone 12"),
        ("Canon", "Canon EOS 5D", "Canon EOS 5D"),
        ("NIKON CORPORATION", "NIKON D90", "NIKON D90"),
        ("SONY  \0\0", "ILCE-7M3\0", "SONY ILCE-7M3"),
        ("", "Model\nX", "Model X"),
        ("Leica", "", "Leica"),
        ("", "", ""),
    ],
)
def test_maker_and_model_become_one_name(tmp_path, maker, model, camera):
    assert told(tmp_path, Make=maker, Model=model).camera == camera


@pytest.mark.parametrize(
    ("written", "place"),
    [
        (("N", (52.0, 31.0, 0.0), "E", (13.0, 23.0, 0.0)), BERLIN),
        (("S", (33.5, 0.0, 0.0), "W", (70.25, 0.0, 0.0)), Place(-33.5, -70.25)),
        (("N", (0.0, 0.0, 0.0), "E", (0.0, 0.0, 0.0)), None),
        (("N", (91.0, 0.0, 0.0), "E", (13.0, 0.0, 0.0)), None),
        (("N", (52.0, 31.0, 0.0)), None),
        ((), None),
    ],
)
@pytest.mark.parametrize("suffix", ["jpg", "tif"])
def test_places_are_signed_degrees_and_no_signal_is_no_place(tmp_path, suffix, written, place):
    save(tmp_path / f"a.{suffix}", place=written)
    found = scan_images(tmp_path).exif.get(f"a.{suffix}", Exif())
    assert (found.place is None) == (place is None)
    if place:
        assert found.place.distance(place) < 0.001


def test_distances_are_those_on_the_globe():
    paris = Place(48.8566, 2.3522)
    assert BERLIN.distance(paris) == pytest.approx(878, abs=5)
    assert Place(0, 179.5).distance(Place(0, -179.5)) == pytest.approx(111.2, abs=0.2)
    assert paris.distance(paris) == 0


def test_photos_keep_their_bytes(tmp_path):
    save(tmp_path / "a.jpg", Make="Leica", DateTimeOriginal="2026:05:01 10:30:00")
    before = (tmp_path / "a.jpg").read_bytes()
    scan_images(tmp_path)
    assert (tmp_path / "a.jpg").read_bytes() == before


def test_what_is_known_is_kept_with_the_project_and_reaches_a_scan_that_was_there_before(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    save(
        photos / "a.jpg",
        ("N", (52.0, 31.0, 0.0), "E", (13.0, 23.0, 0.0)),
        DateTimeOriginal="2026:05:01 10:30:00",
        Model="Leica Q",
    )
    save(photos / "bbb.jpg")
    project = Project.create(tmp_path / "p", "p")
    number = project.set_images(scan_images(photos))
    with project.database.writing() as db:
        db.execute("DELETE FROM exif")  # as in a project made before dates were read
    assert (project.exif(number), project.exif_known) == ([Exif(), Exif()], (0, 0, 0))
    with project.database.writing() as db:  # as in one made before cameras and places were read
        content = project.images(number)[0].sha256
        db.execute("INSERT INTO exif (sha256, taken) VALUES (?, '2026-05-01T10:30:00')", (content,))
    assert project.exif(number) == [Exif(taken="2026-05-01T10:30:00"), Exif()]
    assert project.set_images(scan_images(photos)) == number
    assert project.exif(number) == [Exif("2026-05-01T10:30:00", "Leica Q", BERLIN), Exif()]
    assert project.exif_known == (1, 1, 1)
