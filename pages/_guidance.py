"""What matters to the person, in words: applied to the shown result at once, or given to a new build (ux.md 5.1)."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from kec_core.config import RunConfig
from kec_core.errors import InputError, KecError
from kec_core.knowledge.edits import SetGuidance
from kec_core.knowledge.guidance import Guidance
from pages import _html, _llm, _panel, _vocabulary
from pages._panel import View
from state import session
from state.project import Project
from state.workbench import Workbench


def draw(project: Project, bench: Workbench) -> None:
    """Draw the guidance, how it is understood, and the words of the person's field."""
    view = _panel.look(project, bench)
    _guidance(view)
    st.space("small")
    _vocabulary.draw(view)


def _guidance(view: View) -> None:
    kept = view.state.knowledge.guidance
    key = f"guidance_{view.revision.id}_{view.state.knowledge.fingerprint[:8]}"
    text = st.text_area(
        "What matters to you",
        kept,
        key=key,
        placeholder="for example: group by kind of animal; ignore the background",
        help="Guidance, in your own words. What follows “ignore”, “not” or “without” in a sentence is avoided, all else preferred.",
        height=110,
    )
    _understood(text)
    with st.container(horizontal=True):
        st.button(
            "Apply",
            key="guidance_apply",
            disabled=text.strip() == kept,
            help="Weigh the concepts and attributes there are by these words, at once.",
            on_click=_apply,
            args=(view.project, text),
        )
        st.button(
            "Rebuild",
            key="guidance_rebuild",
            icon=":material/construction:",
            disabled=session.jobs().active(view.project) is not None,
            help="Build concepts and attributes anew with these words, as a job. What you made, locked or gave photos stays.",
            on_click=_rebuild,
            args=(view.project, text),
        )


def _understood(text: str) -> None:
    """How the words are read, so that nothing happens that the person did not mean."""
    if not text.strip():
        return
    words = Guidance.parse(text)
    if not words:
        st.html(_html.note(words.sentence()))
    for label, phrases in (("prefer", words.prefer), ("avoid", words.avoid)):
        if phrases:
            st.html(_html.chips(phrases, label=label))


def _apply(project: Project, text: str) -> None:
    try:
        edit = SetGuidance(text=text)
    except KecError as error:
        session.refuse(str(error))
        return
    session.act(project, [edit])


def _rebuild(project: Project, text: str) -> None:
    """Start a run that differs from the last one by the guidance alone."""
    try:
        words = SetGuidance(text=text).text
        settings = project.settings()
        config = replace(settings, knowledge=replace(settings.knowledge, guidance=words))
        model = _model(config)
        params = {"images": None, "config": config.to_json(), "labels": "keep", **model.params}
        session.jobs().start(project, "run", params, secrets=model.secrets)
    except KecError as error:
        session.refuse(str(error))


def _model(config: RunConfig) -> _llm.Connection:
    """How to reach the language model when it writes the knowledge."""
    if config.knowledge.builder != "llm":
        return _llm.Connection()
    setup = _llm.settings().setup(_llm.key())
    if setup is None:
        raise InputError(
            "A language model is to write the knowledge, but none is chosen; choose one in the settings."
        )
    return _llm.connection(setup)
