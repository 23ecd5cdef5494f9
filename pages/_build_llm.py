"""The language model of the Build page: where it listens; its key stays in the memory of this window."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from kec_core.knowledge.llm_endpoint import KEY_VARIABLE, PRESETS, LLMEndpoint
from state.llm_setup import LLMSetup


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What a job needs to reach a language model; nothing when none is set up."""

    params: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)


def connection() -> Connection:
    """Draw address, model and key, and return what was typed.

    Raises:
        InputError: the address is not one.
    """
    st.caption("The model is asked with nouns and names only. It never sees a photo.")
    left, middle, right = st.columns(3)
    url = left.text_input(
        "Address",
        key="llm_url",
        placeholder=PRESETS["Ollama"],
        help="Any server that speaks the OpenAI protocol. "
        + "; ".join(f"{name}: `{address}`" for name, address in PRESETS.items()),
        persist_state="session",
    )
    model = middle.text_input("Model", key="llm_model", placeholder="gpt-4o-mini", persist_state="session")
    key = right.text_input(
        "Key",
        type="password",
        key="llm_key",
        help=f"Kept in the memory of this window only, never stored. Empty: {KEY_VARIABLE} of the environment.",
        persist_state="session",
    )
    if not url.strip() or not model.strip():
        return Connection()
    endpoint = LLMEndpoint(url=url, model=model)
    return Connection(
        params={"llm": LLMSetup(endpoint=endpoint).to_json()},
        secrets={KEY_VARIABLE: key.strip()} if key.strip() else {},
    )
