"""The page beside other tools: its snippets run on an export, it pins every tool once, and its tables are whole."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from state.transfer.export import export_project
from tests.doc_pointers import ROOT

PAGE = (ROOT / "docs" / "peers.md").read_text(encoding="utf-8")
PACKAGES = {
    "FiftyOne": "fiftyone",
    "fastdup": "fastdup",
    "Latent Scope": "latentscope",
    "Embedding Atlas": "embedding-atlas",
    "tasnif": "tasnif",
    "BERTopic": "bertopic",
}
SNIPPETS = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def features_table():
    """The rows of the table of features, as lists of cells."""
    lines = PAGE[PAGE.index("| | KEC+ Studio |") :].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "---" not in line]


def snippet(word):
    """The one snippet with a word in it."""
    (found,) = (code for code in SNIPPETS if word in code)
    return found


def test_features_and_scores_are_made_as_the_page_says(project, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    export_project(project, tmp_path / "imagenette-result", ["npz"])
    names = {}
    exec(compile(snippet("to_parquet"), "docs/peers.md", "exec"), names)
    kept = pd.read_parquet("features.parquet")
    assert list(kept.columns) == ["file", "vector"]
    np.testing.assert_array_equal(np.stack(kept["vector"].to_list()), names["x"])
    names["files"] = ["finch/a.jpg", "finch/b.jpg", "wren/a.jpg", "wren/b.jpg"]
    names["groups"] = ["1", "1", "0", "1"]
    code, _, call = snippet("as_labels").strip().rpartition("\n")
    exec(compile(code, "docs/peers.md", "exec"), names)
    assert eval(call, names).acc == pytest.approx(0.75)


def test_nothing_is_read_before_the_command_that_writes_it():
    for file in ("imagenette-result", "features.parquet"):
        first = PAGE.index(file, PAGE.index("## The commands"))
        line = PAGE[PAGE.rindex("\n", 0, first) : PAGE.index("\n", first)]
        assert re.search(r"--out|to_parquet", line), line


def test_snippets_of_other_tools_are_sound_python():
    assert len(SNIPPETS) >= 5
    for code in SNIPPETS:
        compile(code, "docs/peers.md", "exec")


def test_every_tool_has_a_column_and_the_version_that_is_installed():
    head, versions, *rows = features_table()
    assert head[2:] == list(PACKAGES)
    assert all(len(row) == len(head) and all(row) for row in (versions, *rows))
    told = dict(zip(head, versions, strict=True))
    pinned = dict(re.findall(r"pip install \"?([a-z-]+)(?:\[\w+\])?==([\d.]+)", PAGE))
    assert set(pinned) == set(PACKAGES.values())
    for tool, package in PACKAGES.items():
        assert told[tool].startswith(f"{pinned.get(package, '')}"), tool


def test_what_was_measured_has_numbers_and_what_was_not_says_why():
    rows = [
        line
        for line in PAGE.splitlines()
        if re.match(r"\| (KEC\+ Studio|fastdup|Latent|BERTopic|tasnif|Embedding|FiftyOne)\b", line)
    ]
    measured = [row for row in rows if "not run: " not in row]
    assert len(rows) >= 8
    assert all(re.search(r"\d", row.split("|")[4]) for row in measured)
