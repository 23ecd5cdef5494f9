"""Photos are found by words and by another photo: nearest first, wherever the photo lies; bad questions are refused."""

from __future__ import annotations

import json
from datetime import date

import numpy as np
import pytest
from PIL import Image

import cli
from kec_core.clustering.geometry import confidence
from kec_core.errors import InputError
from kec_core.photos.exif import Exif, Place
from kec_core.photos.images import ScanReport
from state.project.project import Project
from state.work.photo_filter import PhotoFilter, matching, parse_place
from state.work.search import open_search
from tests.fakes import COLOURS
from tests.panel_helpers import words  # noqa: F401 - a fixture


@pytest.fixture
def photos(colours, words):  # noqa: F811 - the fixture
    return open_search(colours)


def test_words_find_the_photos_that_fit_them_best_first(photos):
    colour = next(iter(COLOURS))
    found = photos.words(f" {colour}  ", 4)
    assert all(one.image.startswith(f"{colour}/") for one in found)
    scores = [one.score for one in found]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] == pytest.approx(float((photos.x @ _unit(photos, colour)).max()), abs=1e-5)
    assert len({(one.cluster, one.name) for one in found}) == 1


def test_suggested_words_each_show_other_photos(photos):
    suggested = photos.suggested_words(3)
    assert 0 < len(suggested) <= 3
    best = [photos.words(word, 1)[0].image for word in suggested]
    assert len(set(best)) == len(best)
    assert photos.suggested_words(1) == suggested[:1]


def test_the_newest_photos_come_first_and_those_without_a_date_by_name(photos, colours):
    told = {photos.ids[5]: Exif("2024-02-29T10:00:00"), photos.ids[9]: Exif("2025-03-01T10:00:00")}
    colours.set_images(ScanReport(images=colours.images(), exif=told))
    found = [one.image for one in open_search(colours).newest(4)]
    assert found == [photos.ids[9], photos.ids[5], photos.ids[0], photos.ids[1]]
    with pytest.raises(InputError, match="At least 1"):
        photos.newest(0)


def _unit(photos, text):
    from state.work.editing import text_encoder

    vector = text_encoder(photos.revision.facts.encoder)([text])[0]
    return vector / np.linalg.norm(vector)


def test_a_photo_of_the_project_finds_others_like_it_by_its_id_or_its_path(photos):
    ids = photos.ids
    found = photos.like([ids[0]], 3)
    assert ids[0] not in [one.image for one in found]
    own = photos.x @ photos.x[0]
    own[0] = -2
    assert found[0].score == pytest.approx(float(own.max()), abs=1e-5)
    assert photos.like([str(photos.project.photo_path(ids[0]))], 3) == found
    assert len(photos.like([ids[0]], 10_000)) == len(ids) - 1


def test_any_photo_file_finds_photos_like_it(photos, tmp_path):
    colour, rgb = next(iter(COLOURS.items()))
    Image.new("RGB", (20, 20), rgb).save(tmp_path / "mine.png")
    found = photos.like([str(tmp_path / "mine.png")], 3)
    assert all(one.image.startswith(f"{colour}/") for one in found)


def test_what_cannot_be_looked_for_is_refused_in_one_sentence(photos, tmp_path):
    (tmp_path / "text.jpg").write_text("no photo")
    with pytest.raises(InputError, match="Words to look for were expected, but none came"):
        photos.words("  ", 3)
    with pytest.raises(InputError, match="At least 1 photo should be asked for, but 0 came"):
        photos.words("red", 0)
    with pytest.raises(InputError, match=r"there is no 'gone\.jpg'"):
        photos.like(["gone.jpg"], 3)
    with pytest.raises(InputError, match=r"text\.jpg cannot be used: "):
        photos.like([str(tmp_path / "text.jpg")], 3)
    with pytest.raises(InputError, match="no result to search yet"):
        open_search(Project.create(tmp_path / "empty", "empty"))


def test_the_command_prints_the_photos_or_one_line(colours, words, capsys):  # noqa: F811 - the fixture
    colour = next(iter(COLOURS))
    assert cli.main(["search", str(colours.folder), colour, "--top", "2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["words"], len(told["found"])) == (colour, 2)
    assert set(told["found"][0]) == {"image", "score", "cluster", "name", "taken", "camera", "place"}
    image = told["found"][0]["image"]
    assert cli.main(["search", str(colours.folder), "--like", image, "--json"]) == 0
    assert image not in [one["image"] for one in json.loads(capsys.readouterr().out)["found"]]
    assert cli.main(["search", str(colours.folder)]) == 2
    assert (
        "Either WORDS or --like FILE was expected, or a filter as --file, but nothing came"
        in capsys.readouterr().err
    )
    assert cli.main(["search", str(colours.folder), "red", "--like", image]) == 2
    assert "but both came" in capsys.readouterr().err


def test_a_filter_lets_through_only_what_has_all_of_it(photos):
    colour, other = list(COLOURS)[:2]
    inside = photos.filtered(PhotoFilter(file=f"{colour.upper()}/ 0"), 1000)
    assert [one.image for one in inside] == [
        one for one in photos.ids if one.startswith(colour) and "0" in one
    ]
    assert all(one.score is None for one in inside)
    assert len(photos.filtered(PhotoFilter(file=f"{colour}/*0?.png"), 3)) == 3
    labelled = photos.words(other, 50, PhotoFilter(labels=frozenset([colour])))
    assert {one.image.split("/")[0] for one in labelled} == {colour}
    cluster = inside[0].cluster
    kept = photos.matching(PhotoFilter(clusters=frozenset([cluster])))
    assert kept.tolist() == (np.asarray(photos.overview.labels) == cluster).tolist()
    assert not photos.filtered(PhotoFilter(labels=frozenset([""])), 5)


def test_confidence_divides_the_photos_between_its_ends(photos):
    low, high = (photos.matching(PhotoFilter(**one)) for one in ({"most": 0.5}, {"least": 0.5000001}))
    assert (low ^ high).all()
    sure = confidence(np.asarray(photos.overview.own), np.asarray(photos.overview.rival))
    assert sure[low].max(initial=0) <= 0.5


def test_days_include_both_ends_and_leave_out_what_has_no_date():
    taken = ["2026-05-01T00:00:00", "2026-05-02T23:59:59", "2026-05-03T00:00:00", ""]
    known = {
        "ids": "abcd",
        "clusters": np.zeros(4, int),
        "confidence": np.ones(4),
        "exif": [Exif(at) for at in taken],
    }

    def days(since=None, until=None):
        return matching(PhotoFilter(since=since, until=until), **known).tolist()

    assert days(date(2026, 5, 1), date(2026, 5, 2)) == [True, True, False, False]
    assert days(since=date(2026, 5, 2)) == [False, True, True, False]
    assert days(until=date(2026, 5, 1)) == [True, False, False, False]
    assert days() == [True] * 4


def test_cameras_and_places_divide_the_photos():
    berlin, potsdam, lima = Place(52.52, 13.405), Place(52.39, 13.065), Place(-12.05, -77.04)
    exif = [
        Exif(camera="Leica Q", place=berlin),
        Exif(place=potsdam),
        Exif(camera="X100", place=lima),
        Exif(),
    ]
    known = {"ids": "abcd", "clusters": np.zeros(4, int), "confidence": np.ones(4), "exif": exif}

    def kept(**chosen):
        mask = matching(PhotoFilter(**chosen), **known)
        return "".join(one for one, is_kept in zip("abcd", mask, strict=True) if is_kept)

    assert kept(cameras=frozenset(["Leica Q"])) == "a"
    assert kept(cameras=frozenset(["X100", ""])) == "bcd"
    assert (kept(has_place=True), kept(has_place=False)) == ("abc", "d")
    assert (kept(near=berlin), kept(near=berlin, within=30), kept(near=lima, within=25_000)) == (
        "a",
        "ab",
        "abc",
    )
    assert not kept(cameras=frozenset(["Leica Q"]), since=date(2020, 1, 1))


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("52.52,13.40", (52.52, 13.4)),
        (" -12.05 ; -77 ", (-12.05, -77.0)),
        ("0 0", (0.0, 0.0)),
        ("+1, 2", (1.0, 2.0)),
    ],
)
def test_places_are_read_as_two_numbers(written, place):
    assert parse_place(written) == Place(*place)


@pytest.mark.parametrize(
    "written", ["", "52.52", "Berlin", "52,52,13,40", "91, 0", "0, 181", "nan, 1", "1e3 2"]
)
def test_what_is_no_place_is_refused(written):
    with pytest.raises(InputError, match="Latitude and longitude in degrees were expected"):
        parse_place(written)


def test_several_photos_find_what_is_like_their_mean_and_are_left_out(photos):
    two = list(photos.ids[:2])
    found = photos.like(two, 5)
    assert not {one.image for one in found} & set(two)
    mean = photos.x[:2].mean(axis=0)
    scores = photos.x @ (mean / np.linalg.norm(mean))
    scores[:2] = -2
    assert found[0].score == pytest.approx(float(scores.max()), abs=1e-5)


def test_the_command_filters_and_says_what_it_does_not_know(colours, words, capsys):  # noqa: F811 - the fixture
    colour = next(iter(COLOURS))
    folder = str(colours.folder)
    assert cli.main(["search", folder, "--label", colour, "--top", "99", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["found"]
    assert len(found) == sum(label == colour for label in colours.labels())
    assert cli.main(["search", folder, "--cluster", found[0]["name"].upper(), "--json"]) == 0
    assert {one["cluster"] for one in json.loads(capsys.readouterr().out)["found"]} == {found[0]["cluster"]}
    for wrong, said in (
        (["--label", "mauve"], "No photo of the project has the label 'mauve'"),
        (["--cluster", "nothing"], "There is no cluster 'nothing'; name one of "),
        (["--since", "May"], "A day such as 2026-05-01 was expected, but 'May' came"),
        (["--confidence", ".5", ".1"], "but 0.5 0.1 came"),
        (["--camera", "Leica"], "by the camera 'Leica'; there are none: the photos tell no camera"),
        (["--near", "Berlin"], "Latitude and longitude in degrees were expected, but 'Berlin' came"),
        (["--within", "5"], "--within goes with --near"),
        (["--near", "1,2", "--within", "0"], "Kilometres above 0 were expected, but 0 came"),
    ):
        assert cli.main(["search", folder, *wrong]) == 2
        assert said in capsys.readouterr().err


def test_the_command_finds_by_camera_and_place_and_tells_them(colours, capsys):
    images = colours.images()
    image = next(one for one in images if [other.sha256 for other in images].count(one.sha256) == 1)
    known = {image.id: Exif("2026-05-01T10:30:00", "Leica Q", Place(52.52, 13.405))}
    report = ScanReport(images=images, exif=known)
    colours.set_images(report)
    folder = str(colours.folder)
    for asked in (["--camera", "leica q"], ["--near", "52.5,13.4", "--within", "5"], ["--place"]):
        assert cli.main(["search", folder, *asked, "--json"]) == 0
        (found,) = json.loads(capsys.readouterr().out)["found"]
        assert found["image"] == image.id
        assert (found["taken"], found["camera"]) == ("2026-05-01T10:30:00", "Leica Q")
        assert found["place"] == {"latitude": 52.52, "longitude": 13.405}
    assert cli.main(["search", folder, "--no-place", "--top", "999", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["found"]) == len(images) - 1
