"""Settings: which language model, what it may cost, and what leaves this machine."""

from __future__ import annotations

import json
from dataclasses import replace

import streamlit as st
from pydantic import SecretStr

from kec_core.config import KnowledgeConfig
from kec_core.errors import InputError
from kec_core.llm.client import check_endpoint, list_models
from kec_core.llm.cost import Budget
from kec_core.llm.endpoint import KEY_VARIABLE, PRESETS, LLMEndpoint
from pages.settings import llm_widgets
from pages.shared import llm_connection, markup, session, ui, visitors
from state.llm.preview import EXAMPLE, messages
from state.llm.settings import LLMSettings
from state.llm.setup import LLMSetup
from state.work.stage_results import StageResults

OTHER = "Another server"
MODELS, CHECKED = "kec_llm_models", "kec_llm_checked"
"""What was found out in this window: models by address, the latest test."""
SOURCES = {
    "memory": "A key is set in this window (or in Streamlit's secrets). It stays in memory.",
    "environment": f"The key comes from {KEY_VARIABLE} in the environment.",
    "none": "No key is set. Servers on this machine usually need none.",
}


# --- which model


def _choice(kept: LLMSettings) -> None:
    left, middle, right = st.columns([1, 2, 2])
    preset = next((name for name, url in PRESETS.items() if url == kept.url), OTHER if kept.url else None)
    left.selectbox(
        "Server",
        [*PRESETS, OTHER],
        index=None,
        placeholder="choose",
        help="; ".join(f"{name}: `{url}`" for name, url in PRESETS.items()),
        **llm_widgets.tied(
            "preset", preset, lambda old, name: replace(old, url=PRESETS.get(name, ""), model="")
        ),
    )
    middle.text_input(
        "Address",
        placeholder=PRESETS["Ollama"],
        help="Any server that speaks the OpenAI protocol; it usually ends in /v1.",
        **llm_widgets.tied("url", kept.url, lambda old, url: replace(old, url=_address(url))),
    )
    with middle:
        llm_widgets.refusal("preset", "url", "model")
    with right:
        _key(kept)


def _address(url: str) -> str:
    return LLMEndpoint(url=url, model="").url if url.strip() else ""


def _key(kept: LLMSettings) -> None:
    def take() -> None:
        session.set_widget(llm_connection.KEY_STATE, SecretStr(str(session.widget("llm_key") or "").strip()))

    st.text_input(
        "Key",
        type="password",
        key="llm_key",
        on_change=take,
        persist_state="session",
        help=f"Kept in the memory of this window only. Empty: the one in Streamlit's secrets or in {KEY_VARIABLE}.",
    )
    endpoint = kept.endpoint(llm_connection.key())
    if endpoint is not None:
        ui.note(SOURCES[endpoint.key_source])


def _model(kept: LLMSettings) -> None:
    endpoint = kept.endpoint(llm_connection.key())
    left, middle, right = st.columns([3, 1, 1], vertical_alignment="bottom")
    listed = _listed(kept.url)
    options = list(dict.fromkeys([*listed, *([kept.model] if kept.model else [])]))
    left.selectbox(
        "Model",
        options,
        index=None,
        placeholder="choose or type a name",
        accept_new_options=True,
        disabled=endpoint is None,
        help="As the server names it.",
        **llm_widgets.tied(
            "model", kept.model or None, lambda old, name: replace(old, model=(name or "").strip())
        ),
    )
    if middle.button("List models", key="llm_list", disabled=endpoint is None, width="stretch") and endpoint:
        with ui.errors(), st.spinner("Asking the server"):
            session.set_widget(MODELS, {kept.url: list_models(endpoint)})
            st.rerun()
    if (
        right.button("Test", key="llm_test", disabled=endpoint is None or not kept.model, width="stretch")
        and endpoint
    ):
        session.set_widget(CHECKED, None)
        with ui.errors(), st.spinner("Asking one small question"):
            session.set_widget(CHECKED, (endpoint.url, endpoint.model, check_endpoint(endpoint)))
    if listed:
        ui.note(f"{markup.count(len(listed), 'model')} offered there.")
    _tested(kept)


def _listed(url: str) -> tuple[str, ...]:
    known = session.widget(MODELS)
    return known.get(url, ()) if isinstance(known, dict) else ()


def _tested(kept: LLMSettings) -> None:
    """The result of the latest test, as long as it is about this model."""
    found = session.widget(CHECKED)
    if not isinstance(found, tuple) or found[:2] != (kept.url, kept.model):
        return
    check = found[2]
    said = (
        f"It named tabby, Siamese cat and kitten “{check.answer}”."
        if check.answer
        else "Its answer was of no use"
    )
    flaw = f" ({check.complaint})" if check.complaint else ""
    text = markup.plain(f"Answered in {check.seconds:.2f} s. It takes {check.found_out}. {said}{flaw}")
    if check.answer:
        st.success(text, icon=":material/check_circle:")
    else:
        st.warning(text, icon=":material/warning:")


# --- what leaves this machine


def _leaves(kept: LLMSettings) -> None:
    project = session.project()
    known = StageResults(project).knowledge() if project is not None else None
    ui.note(
        "Questions are made of nouns, names of concepts, their descriptions and your guidance. Photos, file names, labels "
        "and results stay here. Only if you compare methods by captions, and agree to it there, small copies of the photos "
        "are sent. The key goes into the request's header and nowhere else."
    )
    if known is None:
        ui.note("No project with concepts is open, so this is an example:")
    options = project.settings().knowledge if project is not None and known is not None else None
    chosen = replace(kept, budget=Budget()).setup(llm_connection.key())
    setup = chosen or LLMSetup(endpoint=LLMEndpoint(url=PRESETS["Ollama"], model="no model chosen"))
    sent = messages(known or EXAMPLE, setup, options or KnowledgeConfig())
    if not sent:
        ui.note("Nothing would be asked: every concept is locked or your own.")
        return
    kinds = list(dict.fromkeys(message.kind for message in sent))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.segmented_control(
            "About", kinds, default=kinds[0], required=True, key="llm_kind", format_func=_kind_name
        )
        shown = [message for message in sent if message.kind == kind]
        number = st.number_input(
            f"Message (of {len(shown):,})",
            1,
            len(shown),
            1,
            key=f"llm_message_{kind}_{len(shown)}",
            width=160,
        )
    if chosen is not None:
        ui.note(f"Sent to {chosen.endpoint.url}/chat/completions, exactly so:")
    st.code(
        json.dumps(shown[number - 1].body, indent=2, ensure_ascii=False),
        language=None,
        height=380,
        wrap_lines=True,
    )


def _kind_name(kind: str) -> str:
    return {"concept": "Concepts", "uni": "Attributes", "pair": "Pairs"}[kind]


def _page() -> None:
    try:
        kept = llm_connection.settings()
    except InputError as error:
        ui.error(error)
        return
    st.subheader("Language model", anchor=False)
    with st.container(border=True), ui.errors():
        _choice(kept)
        _model(kept)
    st.subheader("Cost and patience", anchor=False)
    with st.container(border=True), ui.errors():
        llm_widgets.cost(kept)
        llm_widgets.patience(kept)
    st.subheader("What leaves this machine", anchor=False)
    with st.container(border=True), ui.errors():
        _leaves(kept)


def _account() -> None:
    """Whom the login named, and the way out; nothing where nobody is asked."""
    email = visitors.of_page()
    if email:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"Logged in as **{markup.plain(email)}**", width="content")
            st.button("Log out", on_click=st.logout, key="logout")


st.title("Settings", anchor=False)
_account()
_page()
