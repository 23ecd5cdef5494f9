"""The benchmark of pages: its project can be shown, its pages are named, its table says what is over the budget."""

import pytest

from benchmarks import map as bench_map
from benchmarks.pages import PLACES, chosen, table
from benchmarks.planted import Size, plant_project, planted_places
from kec_core.errors import InputError
from pages.shared.groups import nearest_first
from pages.shared.navigation import _PAGES
from state.project.project import Project
from state.revisions import revisions
from state.revisions.layouts import find_layout, usual_method
from tests.page_helpers import app, shown
from tests.panel_helpers import words  # noqa: F401 - a fixture


def test_every_page_of_the_app_is_measured():
    assert {place.page for place in PLACES.values()} == set(_PAGES)


def test_an_unknown_page_is_refused_by_its_name():
    assert list(chosen("map, clusters")) == ["map", "clusters"]
    with pytest.raises(InputError, match="Unknown page 'maps'; known pages: projects, data"):
        chosen("clusters,maps")


def test_the_table_marks_what_is_over_its_budget():
    facts = {"open": 3.5, "open_cpu": 0.2, "switch": 0.5, "switch_cpu": 0.1, "bytes": 1_500_000}
    first, second = table({"map": facts, "cluster": {**facts, "bytes": 900, "next_page": 0.6}}).splitlines()[
        1:
    ]
    assert first.split() == ["map", "3.50!", "0.20", "0.50", "0.10", "1500!"]
    assert second.split()[-2:] == ["1", "0.60!"]


def test_a_planted_project_has_something_on_every_page(empty_home, words):  # noqa: F811 - the fixture
    project = plant_project(
        empty_home / "planted", Size(photos=120, concepts=8, clusters=4), encoder="planted"
    )
    history = revisions.history(project)
    assert len(history) == 4
    assert all(revision.edits for revision in history[1:])
    assert find_layout(project, history[-1], "combined", usual_method(120)) is not None
    page = app("compare", project="planted")
    assert "Hungarian" in shown(page)
    assert len(page.get("plotly_chart")) == 2  # a score over revisions, clusters against labels


def test_the_planted_map_has_all_that_its_page_looks_for_beside_picked_photos(empty_home):
    bench_map.plant_project(empty_home / "planted", *planted_places(60, 3))
    project = Project(empty_home / "planted")
    groups = nearest_first(project, revisions.current(project), None)
    assert {group.name for group in groups} == {"thing 0", "thing 1", "thing 2"}
