"""When a photo was taken: from its EXIF only, kept by content, and never a reason to lose the photo."""

import pytest
from PIL import ExifTags, Image

from kec_core.photos.images import scan_images
from state.project.project import Project


def save(path, **dates):
    exif = Image.Exif()
    exif[ExifTags.Base.Software] = "camera"  # Pillow writes no EXIF into a PNG that has nothing but a date
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    for name, value in dates.items():
        (exif if name == "DateTime" else inner)[ExifTags.Base[name]] = value
    Image.new("RGB", (40, 40), (len(path.stem) * 20, 9, 9)).save(path, exif=exif)


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
        ({}, None),
    ],
)
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_the_moment_of_exposure_is_read_and_nothing_else_is_taken_for_it(tmp_path, suffix, dates, taken):
    save(tmp_path / f"a.{suffix}", **dates)
    report = scan_images(tmp_path)
    assert report.taken.get(f"a.{suffix}") == taken
    assert len(report.images) == 1


def test_dates_are_kept_with_the_project_and_reach_a_scan_that_was_there_before(tmp_path):
    photos = tmp_path / "photos"
    photos.mkdir()
    save(photos / "a.jpg", DateTimeOriginal="2026:05:01 10:30:00")
    save(photos / "bbb.jpg")
    project = Project.create(tmp_path / "p", "p")
    number = project.set_images(scan_images(photos))
    with project.database.writing() as db:
        db.execute("DELETE FROM taken")  # as in a project made before dates were read
    assert (project.taken(number), project.dated) == (["", ""], 0)
    assert project.set_images(scan_images(photos)) == number
    assert (project.taken(number), project.dated) == (["2026-05-01T10:30:00", ""], 1)
