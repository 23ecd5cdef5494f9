"""The notebook of the documentation runs from its first cell to its last on the demo photos, and is kept without outputs."""

from __future__ import annotations

import shutil

import nbformat
import pytest
from nbclient import NotebookClient

from provision.demo_photos import ensure_demo
from state.project.project import Project
from tests import patience
from tests.doc_pointers import ROOT

PATH = ROOT / "docs" / "notebook.ipynb"


@pytest.fixture(scope="module")
def notebook():
    return nbformat.read(PATH, as_version=4)


def test_it_is_kept_without_outputs(notebook):
    nbformat.validate(notebook)
    assert not [cell for cell in notebook.cells if cell.cell_type == "code" and cell.outputs]
    assert not [cell for cell in notebook.cells if cell.cell_type == "code" and cell.execution_count]


@pytest.mark.weights
def test_it_runs(notebook, tmp_path, monkeypatch):
    demo = ensure_demo(print).path
    monkeypatch.setenv("KEC_DEMO", str(demo))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    shutil.copy(PATH, tmp_path)
    client = NotebookClient(
        notebook.copy(), timeout=patience.SECONDS, resources={"metadata": {"path": str(tmp_path)}}
    )
    done = client.execute()
    code = [cell for cell in done.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    drawn = [name for cell in code for one in cell.outputs for name in one.get("data", {})]
    assert "application/vnd.plotly.v1+json" in drawn
    project = Project.open(tmp_path / "demo-project")
    assert len(project.images()) == int(code[0].outputs[-1]["data"]["text/plain"])
