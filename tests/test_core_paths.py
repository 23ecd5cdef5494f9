"""Questions about paths always have an answer, and the product asks no others."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from kec_core.paths import exists, is_file, is_folder, is_link, real_path
from tests import photos

REPOSITORY = Path(__file__).parents[1]
RAISING = {"is_file", "is_dir", "exists", "is_symlink"}
TOLD_ABOUT = {"kec_core/photos/files.py", "kec_core/paths.py"}
"""The first asks entries of a folder and takes the error for the reason; the second calls os.path, which never raises."""


@pytest.mark.parametrize("name", ["n" * 300, "a" + "/b" * 3000, "a\0b", "gone", "circle"])
def test_what_cannot_be_looked_at_is_not_there(tmp_path, name):
    if name == "circle":
        (tmp_path / name).symlink_to(tmp_path / name)
    path = tmp_path / name
    assert (is_file(path), is_folder(path), exists(path)) == (False, False, False)
    assert is_link(path) == (name == "circle")
    if "\0" not in name:
        assert real_path(path) == path


def test_files_folders_and_links_are_told_apart(tmp_path):
    file = photos.plain(tmp_path / "in" / "a.png")
    (tmp_path / "link").symlink_to(file)
    assert [is_file(p) for p in (file, tmp_path, tmp_path / "link")] == [True, False, True]
    assert [is_folder(p) for p in (file, tmp_path)] == [False, True]
    assert is_link(tmp_path / "link")
    assert real_path(tmp_path / "link") == file


def test_below_a_closed_folder_nothing_is_there(tmp_path):
    photos.plain(tmp_path / "closed" / "a.png")
    (tmp_path / "closed").chmod(0o444)
    code = "import sys; from pathlib import Path; from kec_core.paths import *; print(is_file(Path(sys.argv[1])))"
    try:
        assert photos.run_as_ordinary_user(code, str(tmp_path / "closed" / "a.png")) == "False\n"
    finally:
        (tmp_path / "closed").chmod(0o755)


def test_the_product_asks_no_question_that_may_raise():
    folders = [REPOSITORY / name for name in ("kec_core", "state", "pages", "commands", "provision")]
    modules = [path for folder in folders for path in folder.rglob("*.py")] + [REPOSITORY / "cli.py"]
    asked = {
        f"{path.relative_to(REPOSITORY)}:{node.lineno} {node.func.attr}"
        for path in modules
        if str(path.relative_to(REPOSITORY)) not in TOLD_ABOUT
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in RAISING
        if ast.unparse(node.func.value) not in ("runtime", "system")  # Streamlit's and fsspec's, no paths
    }
    assert len(modules) > 100
    assert asked == set()
