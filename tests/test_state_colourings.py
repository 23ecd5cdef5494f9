"""Colours of the map, and saved selections."""

import numpy as np
import pytest

from kec_core.errors import InputError
from kec_core.types import Grounding
from pages.map.colourings import OTHER, STEPS, by_cluster, by_concept, by_date, by_label, by_move, by_value
from state.project.project import Project
from state.project.saved_selections import forget_selection, save_selection, saved_selections
from tests.state_helpers import knowledge


def ids(*numbers):
    return np.array(numbers, dtype=np.int32)


def names_of(colouring):
    return [colouring.names[code] for code in colouring.codes]


def test_clusters_keep_their_ids_as_colours_and_empty_ones_are_left_out():
    colouring = by_cluster(ids(4, 0, 4, 2), ["a", "b", "c", "d", "e"])
    assert names_of(colouring) == ["e", "a", "e", "c"]
    assert colouring.keys == (0, 2, 4)
    assert colouring.counts == [1, 1, 2]


def test_the_winner_of_omega_names_the_concept():
    omega = np.array([[0.1, 0.9], [0.6, 0.4]], dtype=np.float32)
    grounding = Grounding(omega=omega, kappa=omega, concept_ids=("c002", "c007"))
    colouring = by_concept(grounding, knowledge("deer", "elk"))
    assert names_of(colouring) == ["c007", "elk"]
    assert colouring.keys == (2, 7)


def test_photos_without_a_label_are_grey():
    colouring = by_label(["b", None, "a", "b"])
    assert names_of(colouring) == ["b", "no label", "a", "b"]
    assert colouring.keys == (OTHER, 0, 1)


def test_only_photos_that_moved_have_a_colour_whatever_the_ids_are_called():
    before, now = ids(1, 1, 1, 0, 0, -1), ids(0, 0, 1, 1, 1, 1)
    colouring = by_move(before, now, ["left", "right"])
    assert names_of(colouring) == ["stayed", "stayed", "right", "stayed", "stayed", "right"]
    assert by_move(now, now, ["left", "right"]).names == ("stayed",)


def test_values_go_from_the_first_shade_to_the_last():
    colouring = by_value(np.linspace(0, 1, 101, dtype=np.float32), percent=True)
    assert colouring.ends == ("2%", "98%")
    assert colouring.codes[0] == 0
    assert colouring.codes[-1] == STEPS - 1
    assert (np.diff(colouring.codes.astype(int)) >= 0).all()
    assert len(colouring.names) == STEPS
    assert set(by_value(np.zeros(5, np.float32)).codes) == {0}


def test_days_are_a_scale_and_photos_without_one_are_grey():
    colouring = by_date(["2024-01-01T10:00:00", "", "2026-01-01T09:00:00", "2025-01-01T09:00:00"])
    assert colouring.codes[0] == 0
    assert colouring.names[colouring.codes[1]] == "no date"
    assert colouring.keys[colouring.codes[1]] == OTHER
    assert colouring.codes[2] == STEPS - 1
    assert 0 < colouring.codes[3] < STEPS - 1
    assert colouring.ends[0].startswith("2024-01")
    assert by_date(["2024-01-01T10:00:00"]).ends == ("2024-01-01", "2024-01-01")


def test_one_odd_value_does_not_hide_all_others():
    values = np.append(np.linspace(0, 1, 99), 1000).astype(np.float32)
    assert len(set(by_value(values).codes.tolist())) > STEPS // 2


# --- saved selections


@pytest.fixture
def project(tmp_path):
    return Project.create(tmp_path / "p", "P")


def test_a_saved_selection_is_kept_with_the_project(project):
    save_selection(project, "  to   check ", ["b.jpg", "a.jpg"])
    save_selection(project, "birds", ["c.jpg"])
    assert saved_selections(Project(project.folder)) == {"to check": ("b.jpg", "a.jpg"), "birds": ("c.jpg",)}


def test_the_same_name_again_replaces_and_a_forgotten_one_is_gone(project):
    save_selection(project, "birds", ["a.jpg"])
    save_selection(project, "birds", ["b.jpg"])
    assert saved_selections(project) == {"birds": ("b.jpg",)}
    forget_selection(project, "birds")
    forget_selection(project, "birds")
    assert saved_selections(project) == {}


@pytest.mark.parametrize(
    ("name", "images", "why"),
    [
        ("  ", ["a"], "needs a name, but it is empty; type one"),
        ("x" * 256, ["a"], "this one has 256"),
        ("x", [], "none is picked"),
    ],
)
def test_a_selection_needs_a_name_and_photos(project, name, images, why):
    with pytest.raises(InputError, match=why):
        save_selection(project, name, images)
    assert saved_selections(project) == {}
