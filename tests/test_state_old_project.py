"""A project that an earlier version made and edited (tests/old_project.zip): it opens, shows and can be edited.

Its 24 photos are of four colours; r1 is the automatic run, r2 has four edits, and cluster 0 has a name of its own.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from kec_core.knowledge.edits import parse_script
from state.project.project import Project
from state.revisions import revisions
from state.revisions.clusterings import load_clustering
from state.revisions.overview import cluster_cards, load_overview
from state.transfer.export import export_project
from state.work import editing
from state.work.workbench import LiveStates, Workbench
from tests.fakes import HashEncoder
from tests.page_helpers import app, shown

STORED = Path(__file__).with_name("old_project.zip")


@pytest.fixture
def old(empty_home, tmp_path, monkeypatch):
    """The project in the app's workspace, and its photos beside it."""
    monkeypatch.setattr(editing, "load_encoder", lambda _name: HashEncoder())
    for cached in (editing.loaded_encoder, editing.text_encoder):
        cached.cache_clear()
    with zipfile.ZipFile(STORED) as stored:
        stored.extractall(tmp_path)
    empty_home.mkdir(exist_ok=True)
    project = Project.open((tmp_path / "colours").rename(empty_home / "colours"))
    project.set_images_root(tmp_path / "photos")
    yield project
    for cached in (editing.loaded_encoder, editing.text_encoder):
        cached.cache_clear()


def test_it_opens_with_all_that_was_kept(old):
    assert [one.id for one in revisions.history(old)] == ["r1", "r2"]
    revision = revisions.current(old)
    assert revision.id == "r2"
    assert revision.scores.acc == 1.0
    assert revision.baseline is not None
    assert (len(old.images()), len(old.skipped())) == (24, 1)
    knowledge = revision.knowledge
    assert "grass" in {concept.name for concept in knowledge.concepts}
    assert "blades" in {attribute.text for attribute in knowledge.uni}
    assert knowledge.guidance == "colours matter"
    assert [one.kind for one in knowledge.constraints] == ["together"]
    cards = cluster_cards(load_overview(old, revision), knowledge)
    assert (len(cards), sum(card.size for card in cards)) == (4, 24)
    assert "My blues" in {card.name for card in cards}


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("data", "24"),
        ("concepts", "grass"),
        ("clusters", "My blues"),
        ("compare", "100.0%"),
        ("history", "r2"),
    ],
)
def test_its_pages_show_it(old, page, said):
    test = app(page, project="colours")
    assert not test.exception
    assert said in shown(test)


def test_it_is_edited_and_taken_back(old):
    bench = Workbench(old, LiveStates())
    script = {"edits": [{"op": "rename_concept", "concept": "grass", "name": "meadow"}]}
    assert bench.commit(bench.preview(parse_script(script))).id == "r3"
    revision = revisions.current(old)
    assert {"meadow", "grass"} & {concept.name for concept in revision.knowledge.concepts} == {"meadow"}
    assert len(load_clustering(old, revision).labels) == 24
    assert bench.undo().id == "r2"


def test_it_is_exported(old, tmp_path):
    written = export_project(old, tmp_path / "out", ["report", "csv"])
    assert all((tmp_path / "out" / name).stat().st_size > 500 for name in written.files)
    assert "grass" in (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
