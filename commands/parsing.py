"""How a command joins the parser, and options that several commands read alike."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from kec_core.errors import InputError

if TYPE_CHECKING:
    from state.llm.setup import LLMSetup


def add_llm_options(p: argparse.ArgumentParser) -> None:
    """Where the model is, what it is called, and how much may be spent."""
    p.add_argument("--llm-url", metavar="URL", help="OpenAI-compatible endpoint, ending in /v1")
    p.add_argument(
        "--llm-model", metavar="NAME", help="model name at that endpoint; the key is OPENAI_API_KEY"
    )
    p.add_argument(
        "--llm-budget", metavar="MOST", help="stop before more is spent: tokens (200k) or money (2.50USD)"
    )
    p.add_argument(
        "--llm-price", metavar="P,A", help="money per million tokens of prompt and of answer, as 0.15,0.60"
    )


def llm_setup(arguments: argparse.Namespace) -> LLMSetup | None:
    """The language model that the options name, None when they name none.

    Raises:
        InputError: one of them cannot be used.
    """
    from state.llm.setup import named_setup

    return named_setup(
        arguments.llm_url, arguments.llm_model, budget=arguments.llm_budget, price=arguments.llm_price
    )


Action = Callable[[argparse.Namespace], dict[str, Any] | None]
"""What a command does with its options; the result is printed, None when there is nothing to print."""
Subparsers = argparse._SubParsersAction  # the type argparse has for what add_subparsers returns


class Parser(argparse.ArgumentParser):
    """A parser whose complaint is one line with status 2, like that of any other bad input."""

    def error(self, message: str) -> NoReturn:
        """Refuse the options.

        Raises:
            InputError: always.
        """
        raise InputError(f"{message}; see '{self.prog} --help'.")


def add_command(
    commands: Subparsers[Any], name: str, action: Action, help_text: str
) -> argparse.ArgumentParser:
    """Add ``kec NAME``, which calls ``action``; its options are added to the parser returned."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=help_text, description=help_text)
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    parser.set_defaults(command=action)
    return parser


def given_place(text: str) -> str:
    """A folder, file or address, which "" is none of: the folder of the shell is written as a dot.

    Raises:
        argparse.ArgumentTypeError: it is empty.
    """
    if not text.strip():
        raise argparse.ArgumentTypeError(
            "a path was expected, but it is empty; is a variable of the shell not set?"
        )
    return text


def given_words(text: str) -> str:
    """Words of a person; what a terminal passes on that is no UTF-8 cannot be read by anything.

    Raises:
        argparse.ArgumentTypeError: they are in another coding.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise argparse.ArgumentTypeError(
            f"words in UTF-8 were expected, but letter {error.start + 1} is in another coding; set the terminal to UTF-8"
        ) from error
    return text


def given_path(text: str) -> Path:
    """A path on this machine; see ``given_place``."""
    return Path(given_place(text))


def names(text: str) -> tuple[str, ...]:
    """The names in a comma-separated option."""
    return tuple(name.strip() for name in text.split(",") if name.strip())
