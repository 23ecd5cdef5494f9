"""What the pages of documentation take from elsewhere: commands from their parsers, CONTRIBUTING and the changelog as they are."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import cli  # noqa: E402

FROM_ROOT = {"CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
CLI_PAGE = "reference/cli.md"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie elsewhere, or nowhere."""
    for source, page in FROM_ROOT.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text(encoding="utf-8")))
    files.append(File.generated(config, CLI_PAGE, content=commands_page(cli.make_parser())))
    return files


def on_page_markdown(markdown: str, page: Page, **_: object) -> str:
    """Links as they are on the site; in the repository they lead from file to file."""
    for source, target in FROM_ROOT.items():
        markdown = re.sub(rf"\]\((\.\./)?{source}\)", f"]({target})", markdown)
    if page.file.src_uri in FROM_ROOT.values():
        markdown = re.sub(r"\]\(docs/", "](", markdown)
    return markdown


def commands_page(parser: argparse.ArgumentParser) -> str:
    """The reference of all commands and their options, in Markdown."""
    (subcommands,) = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    parts = ["# Commands\n\nMade from the program itself; `kec COMMAND --help` says the same.\n"]
    parts += [_command(name, one) for name, one in subcommands.choices.items()]
    return "\n".join(parts)


def _command(name: str, parser: argparse.ArgumentParser) -> str:
    usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
    rows = [
        f"| {_shown(action)} | {_cell(_help(parser, action))} |"
        for action in parser._actions
        if action.help != "==SUPPRESS=="
    ]
    head = f"## kec {name}\n\n{parser.description or ''}\n\n```text\n{usage}\n```\n"
    return "\n".join([head, "| argument | meaning |", "|---|---|", *rows, ""])


def _shown(action: argparse.Action) -> str:
    value = action.metavar or (action.dest.upper() if action.nargs != 0 else "")
    if action.choices:
        value = ", ".join(map(str, action.choices))
    names = ", ".join(f"`{option}`" for option in action.option_strings)
    return f"{names} {_cell(str(value))}".strip() if names else f"`{value}`"


def _help(parser: argparse.ArgumentParser, action: argparse.Action) -> str:
    said = parser._get_formatter()._expand_help(action) if action.help else ""
    is_said = action.default in (None, False, "", argparse.SUPPRESS) or str(action.default) in said
    return said if is_said or not action.option_strings else f"{said} (default {action.default})".strip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
