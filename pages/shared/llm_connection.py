"""The language model that is chosen, its key, and how a job reaches it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import streamlit as st
from pydantic import SecretStr

from kec_core.llm.endpoint import KEY_VARIABLE
from pages.shared import session
from state.llm.settings import LLMSettings, load_llm_settings
from state.llm.setup import LLMSetup

KEY_STATE = "kec_llm_key"
"""Where the key lies in the memory of this window; nothing writes session state to a disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """What a job needs to reach a language model; nothing when none is chosen."""

    params: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)


def key() -> SecretStr:
    """The key: typed in this window, else from Streamlit's secrets; empty means that of the environment."""
    typed = session.widget(KEY_STATE)
    if isinstance(typed, SecretStr) and typed.get_secret_value():
        return typed
    found = st.secrets.get(KEY_VARIABLE, "") if st.secrets.load_if_toml_exists() else ""
    return SecretStr(str(found))


def settings() -> LLMSettings:
    """What is kept for all projects."""
    return load_llm_settings(session.workspace().home)


def connection(setup: LLMSetup | None) -> Connection:
    """How a job reaches this language model."""
    if setup is None:
        return Connection()
    secret = setup.endpoint.key.get_secret_value()
    return Connection(params={"llm": setup.to_json()}, secrets={KEY_VARIABLE: secret} if secret else {})


def chosen() -> LLMSetup | None:
    """The language model of the settings with its key; None when none is chosen.

    Raises:
        InputError: the settings cannot be used.
    """
    return settings().setup(key())
