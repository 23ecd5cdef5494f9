"""The page about language models stays true: its commands parse, its addresses are those of the program."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import cli
from commands.run import run, run_config
from kec_core.llm.endpoint import KEY_VARIABLE, PRESETS
from state.llm.setup import named_setup

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "llm.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```bash\n(.*?)```", PAGE, re.S)
COMMANDS = [line for block in BLOCKS for line in block.splitlines() if line.startswith("kec ")]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_parse_and_name_a_usable_model(command):
    arguments = cli.make_parser().parse_args(shlex.split(command)[1:])
    setup = named_setup(
        arguments.llm_url, arguments.llm_model, budget=arguments.llm_budget, price=arguments.llm_price
    )
    assert setup.endpoint.url == arguments.llm_url
    if arguments.command is run:
        assert run_config(arguments).knowledge.builder == "llm"


def test_every_preset_and_option_is_told():
    assert len(COMMANDS) >= 8
    assert [name for name, url in PRESETS.items() if f"**{name}**" not in PAGE or url not in PAGE] == []
    options_of_run = cli.make_parser()._subparsers._group_actions[0].choices["run"]
    options = {option for action in options_of_run._actions for option in action.option_strings}
    wanted = {o for o in options if o.startswith("--llm-")} | {"--dry-run", "--retry-failed", "--guidance"}
    assert [option for option in sorted(wanted) if option not in PAGE] == []
    assert KEY_VARIABLE in PAGE
