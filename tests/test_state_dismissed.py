"""Suggestions that are never shown again, and wishes on photos as files."""

import csv
import io
import json
from dataclasses import replace

import pytest

from kec_core.knowledge.edits import apply_script, parse_script
from kec_core.types import Knowledge
from state.project.project import Project
from state.project.saved_selections import dismiss, dismissed, show_again
from state.transfer.constraint_files import wishes_csv, wishes_script


def script(*edits):
    return parse_script({"edits": list(edits)})


@pytest.fixture
def wished():
    return apply_script(
        Knowledge(),
        script(
            {"op": "add_concept", "name": "deer"},
            {"op": "add_concept", "name": "=cmd|x"},
            {"op": "together", "images": ["a.jpg", "b.jpg"]},
            {"op": "apart", "images": ["b.jpg", "=c.jpg"]},
            {"op": "assign", "images": ["d.jpg"], "concept": "=cmd|x"},
        ),
    )


def test_never_is_remembered_with_the_project_and_can_be_taken_back(tmp_path):
    project = Project.create(tmp_path / "p", "P")
    assert dismissed(project) == frozenset()
    for key in ("merge:c001:c002", "split:c003", "merge:c001:c002"):
        dismiss(project, key)
    assert dismissed(Project.open(tmp_path / "p")) == {"merge:c001:c002", "split:c003"}
    show_again(project)
    assert dismissed(project) == frozenset()


def test_the_table_has_a_row_per_photo_and_no_formula(wished):
    table = wishes_csv(wished)
    assert table.startswith("\ufeff".encode())  # else spreadsheets take it for another encoding
    rows = list(csv.reader(io.StringIO(table.decode("utf-8-sig"), newline="")))
    assert rows[0] == ["wish", "kind", "concept", "file", "group"]
    assert [row[1:4] for row in rows[1:]] == [
        ["kept together", "", "a.jpg"],
        ["kept together", "", "b.jpg"],
        ["kept apart", "", "b.jpg"],
        ["kept apart", "", "'=c.jpg"],
        ["belong to", "'=cmd\\|x", "d.jpg"],
    ]


def test_the_script_makes_the_same_wishes_again(wished):
    edits = parse_script(json.loads(wishes_script(wished)))
    fresh = apply_script(
        Knowledge(), script({"op": "add_concept", "name": "=cmd|x"}, {"op": "add_concept", "name": "deer"})
    )
    again = apply_script(fresh, edits)
    assert [(one.kind, one.images) for one in again.constraints] == [
        (one.kind, one.images) for one in wished.constraints
    ]
    assert again.by_id[again.constraints[-1].concept].name == "=cmd|x"


def test_a_concept_is_named_by_its_id_when_another_has_its_name(wished):
    twins = replace(wished, concepts=tuple(replace(one, name="deer") for one in wished.concepts))
    assert json.loads(wishes_script(twins))["edits"][-1]["concept"] == twins.constraints[-1].concept
