"""Photos are found by words and by another photo: nearest first, wherever the photo lies; bad questions are refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image

import cli
from kec_core.errors import InputError
from state.project.project import Project
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


def _unit(photos, text):
    from state.work.editing import text_encoder

    vector = text_encoder(photos.revision.facts.encoder)([text])[0]
    return vector / np.linalg.norm(vector)


def test_a_photo_of_the_project_finds_others_like_it_by_its_id_or_its_path(photos):
    ids = photos.features.ids
    found = photos.like(ids[0], 3)
    assert ids[0] not in [one.image for one in found]
    own = photos.x @ photos.x[0]
    own[0] = -2
    assert found[0].score == pytest.approx(float(own.max()), abs=1e-5)
    assert photos.like(str(photos.project.photo_path(ids[0])), 3) == found
    assert len(photos.like(ids[0], 10_000)) == len(ids) - 1


def test_any_photo_file_finds_photos_like_it(photos, tmp_path):
    colour, rgb = next(iter(COLOURS.items()))
    Image.new("RGB", (20, 20), rgb).save(tmp_path / "mine.png")
    found = photos.like(str(tmp_path / "mine.png"), 3)
    assert all(one.image.startswith(f"{colour}/") for one in found)


def test_what_cannot_be_looked_for_is_refused_in_one_sentence(photos, tmp_path):
    (tmp_path / "text.jpg").write_text("no photo")
    with pytest.raises(InputError, match="Words to look for were expected, but none came"):
        photos.words("  ", 3)
    with pytest.raises(InputError, match="At least 1 photo should be asked for, but 0 came"):
        photos.words("red", 0)
    with pytest.raises(InputError, match=r"there is no 'gone\.jpg'"):
        photos.like("gone.jpg", 3)
    with pytest.raises(InputError, match=r"text\.jpg cannot be used: "):
        photos.like(str(tmp_path / "text.jpg"), 3)
    with pytest.raises(InputError, match="no result to search yet"):
        open_search(Project.create(tmp_path / "empty", "empty"))


def test_the_command_prints_the_photos_or_one_line(colours, words, capsys):  # noqa: F811 - the fixture
    colour = next(iter(COLOURS))
    assert cli.main(["search", str(colours.folder), colour, "--top", "2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["words"], len(told["found"])) == (colour, 2)
    assert set(told["found"][0]) == {"image", "score", "cluster", "name"}
    image = told["found"][0]["image"]
    assert cli.main(["search", str(colours.folder), "--like", image, "--json"]) == 0
    assert image not in [one["image"] for one in json.loads(capsys.readouterr().out)["found"]]
    assert cli.main(["search", str(colours.folder)]) == 2
    assert "Either WORDS or --like FILE was expected, but neither came" in capsys.readouterr().err
    assert cli.main(["search", str(colours.folder), "red", "--like", image]) == 2
    assert "but both came" in capsys.readouterr().err
