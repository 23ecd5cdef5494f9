"""The options that name a language model, for every command that may ask one."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

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
