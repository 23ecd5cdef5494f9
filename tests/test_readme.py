"""README and the pages of documentation stay true: commands parse, and the files, tasks and pages they name exist."""

from __future__ import annotations

import re
import shlex

import pytest

import cli
import tasks
from kec_core.errors import InputError
from tests.doc_pointers import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in (ROOT / "docs").rglob("*.md")
}
PAGES = {"README.md": README, **DOCS}
ONE_SCREEN = 90


def commands(text):
    """Commands of this program in the blocks of a page that are meant to be typed."""
    blocks = re.findall(r"```(?:bash|sh)\n(.*?)```", text, re.S)
    lines = [line.strip() for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [line for line in lines if line.startswith("kec ")]


COMMANDS = [(name, command) for name, text in sorted(PAGES.items()) for command in commands(text)]


def test_there_are_commands_to_check():
    assert len(commands(README)) >= 6
    assert len(COMMANDS) >= 40


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_commands_parse(page, command):
    words = shlex.split(command, comments=True)
    arguments = cli.make_parser().parse_args(words[1:])
    assert callable(arguments.command)


def test_a_wrong_command_would_be_noticed():
    with pytest.raises(InputError):
        cli.make_parser().parse_args(["run", "photos", "--no-such-option"])


def test_every_command_of_the_program_is_shown_somewhere():
    shown = {command.split()[1] for _, command in COMMANDS}
    named = set(re.findall(r"`kec (\w+)", "".join(PAGES.values())))
    actions = cli.make_parser()._subparsers._group_actions
    assert set(actions[0].choices) <= shown | named


@pytest.mark.parametrize(
    ("command", "page"), [("run", "docs/how-to/photos.md"), ("app", "docs/how-to/server.md")]
)
def test_every_option_is_told(command, page):
    parser = cli.make_parser()._subparsers._group_actions[0].choices[command]
    options = {o for action in parser._actions for o in action.option_strings if o.startswith("--")}
    told = PAGES[page] + PAGES["docs/how-to/photos.md"]
    assert not sorted(option for option in options - {"--help"} if option not in told)


def test_the_readme_is_one_screen():
    assert len(README.splitlines()) <= ONE_SCREEN


def test_links_lead_somewhere():
    targets = re.findall(r"\]\(([^)#]+)\)", README)
    assert len(targets) > 10
    for target in targets:
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target


def test_tasks_exist_with_and_without_make():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert set(re.findall(r"^([a-z-]+):", makefile, re.M)) == set(tasks.TASKS)
    text = "".join(PAGES.values()) + (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"\bmake ([a-z-]+)`|^make ([a-z-]+)", text, re.M)
    named += re.findall(r"\b-m tasks ([a-z-]+)()", text)
    assert named
    assert {one or other for one, other in named} <= set(tasks.TASKS)


def test_pages_named_in_the_readme_exist():
    for page in ("Projects", "Data", "Build", "Concepts", "Map", "Clusters"):
        assert f"**{page}**" in README
        assert (ROOT / "pages" / page.lower() / "page.py").exists()
