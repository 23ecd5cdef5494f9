"""Consent to show photos to a language model, which then says in one sentence each what they show."""

from __future__ import annotations

import streamlit as st

from kec_core.arrays import fingerprint
from kec_core.llm.answer_cache import MemoryCache
from kec_core.llm.captions import SIDE, estimate_captions
from kec_core.llm.client import LLMClient
from kec_core.llm.cost import Estimate, Meter
from pages.shared import llm_connection, markup, navigation, session, ui
from state.llm.setup import LLMSetup
from state.project.project import Project


def agreed(project: Project) -> LLMSetup | None:
    """The model that the person lets see the photos; None without consent, or after another model was chosen."""
    setup = llm_connection.chosen()
    return setup if setup is not None and session.widget(_key(project, setup)) is True else None


def draw(project: Project) -> None:
    """Draw what would be sent, where to and what it may cost, and the box that agrees to it."""
    st.markdown("**Let a language model describe the photos**", help="The baseline “caption + cluster”.")
    with ui.errors():
        setup = llm_connection.chosen()
        if setup is None:
            ui.note("No language model is chosen yet. It must be one that takes photos.")
            st.page_link(navigation.page("settings"), label="Choose one")
            return
        photos = markup.count(len(project.images()), "photo")
        ui.note(
            f"Sends a copy of each of the {photos}, at most {SIDE} pixels wide and without metadata, once to "
            f"{setup.endpoint.url}. {_cost(project, setup)} Sentences are kept with the project."
        )
        st.checkbox(
            f"I agree: these photos leave this machine and go to {markup.plain(setup.endpoint.model)}",
            key=_key(project, setup),
            persist_state="session",
        )


def _key(project: Project, setup: LLMSetup) -> str:
    return f"send_photos_{fingerprint(str(project.folder), setup.endpoint.url, setup.endpoint.model)}"


def _cost(project: Project, setup: LLMSetup) -> str:
    """The most that it takes, from one photo: those described before are free, but 50,000 are not looked up here."""
    photos = project.images()
    client = LLMClient(setup.endpoint, MemoryCache(), setup.config, meter=Meter(price=setup.price))
    one: Estimate = estimate_captions(client, photos[:1])
    tokens = (one.prompt_tokens + one.completion_tokens) * len(photos)
    money = "" if one.money is None else f", about {one.money * len(photos):.2f} in money"
    return f"At most {len(photos):,} questions, about {tokens:,} tokens{money}."
