"""The README stays true: its commands parse, and the files, options and pages it names exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import cli
from kec_core.errors import InputError

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line.strip()
    for block in re.findall(r"```(?:bash|sh)\n(.*?)```", README, re.S)
    for line in block.replace("\\\n", " ").splitlines()
    if line.strip().startswith("kec ")
]


def test_there_are_commands_to_check():
    assert len(COMMANDS) >= 6


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_in_the_readme_parse(command):
    words = shlex.split(command, comments=True)
    arguments = cli.make_parser().parse_args(words[1:])
    assert callable(arguments.command)


def test_a_wrong_command_would_be_noticed():
    with pytest.raises(InputError):
        cli.make_parser().parse_args(["run", "photos", "--no-such-option"])


def test_every_command_of_the_program_is_in_the_readme():
    actions = cli.make_parser()._subparsers._group_actions
    for name in actions[0].choices:
        assert f"`kec {name}" in README or any(c.startswith(f"kec {name}") for c in COMMANDS), name


@pytest.mark.parametrize("command", ["run", "app"])
def test_every_option_is_in_the_readme(command):
    parser = cli.make_parser()._subparsers._group_actions[0].choices[command]
    options = {o for action in parser._actions for o in action.option_strings if o.startswith("--")} - {
        "--help"
    }
    missing = sorted(option for option in options if option not in README)
    assert not missing


def test_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target


def test_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in set(re.findall(r"`make (\w+)`", README)):
        assert re.search(rf"^{target}:", makefile, re.M), target


def test_pages_named_in_the_readme_exist():
    for page in ("Projects", "Data", "Build", "Clusters"):
        assert page in README
        assert (ROOT / "pages" / page.lower() / "page.py").exists()
