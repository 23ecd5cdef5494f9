"""The words of the person's own field: looked at first, then concepts at once or nouns for a rebuild."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import streamlit as st

from kec_core.config import VocabularyMode
from kec_core.errors import InputError, KecError
from kec_core.knowledge.edits import AddConcept, Edit
from kec_core.knowledge.unique_names import concepts_named_like
from kec_core.live import LiveState
from kec_core.wordnet.vocabulary import DomainTerm, domain_vocabulary, not_in_wordnet
from pages.concepts.panels import rebuild_job, workbench_view
from pages.concepts.panels.workbench_view import View
from pages.shared import editing, markup, ui
from state.project.project import Project

MAX_TERMS = 2000
MAX_MEGABYTES = 2
HEIGHT, FEW = 430, 5
"""Of the list of terms, in CSS pixels; so few terms have no list that scrolls."""
USES = {"concepts": "Concepts now", "nouns": "Nouns for a rebuild"}
MODES: dict[VocabularyMode, str] = {"extend": "Beside the dictionary", "only": "Instead of it"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Checked:
    """A term, and the name of the concept that is named like it ("" when it is new)."""

    term: DomainTerm
    like: str
    is_same: bool


def draw(view: View) -> None:
    """Draw the button that opens the words of the field; how many the project holds stands beside it."""
    held = len(view.project.settings().mapping.vocabulary.splitlines())
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "Words of your field",
            key="vocabulary_open",
            icon=":material/dictionary:",
            help="A domain vocabulary: terms for concepts, or candidate nouns for the method.",
        ):
            ask(view)
        if held:
            ui.note(f"{markup.count(held, 'line')} used by rebuilds")


@ui.dialog("Words of your field", width="large")
def ask(view: View) -> None:
    """The list beside how it is read, and the button that takes it."""
    left, right = st.columns(2, gap="large")
    with left:
        text = _text(view.project)
        checked = _read(view, text)
        if not text.strip():
            _nothing(view.project)
        elif checked:
            _use(view, text, checked)
    with right:
        _preview(checked)


def _nothing(project: Project) -> None:
    ui.note(
        "One term per line, with a description if you like: “roe deer: small deer without a tail”. "
        "You see them checked before anything changes."
    )
    if project.settings().mapping.vocabulary:
        _rebuild_button(project, "Rebuild without your words", "", "extend")


def _read(view: View, text: str) -> Sequence[_Checked]:
    """The terms of a list; none, with the reason, when it cannot be read."""
    if not text.strip():
        return ()
    try:
        terms = _terms(text)
        if len(terms) > MAX_TERMS:
            raise InputError(f"The list has {len(terms):,} terms; add at most {MAX_TERMS:,} at a time.")
    except KecError as error:
        ui.error(error)
        return ()
    unread = not_in_wordnet([term.noun.word for term in terms], workbench_view.wordnet())
    if unread:
        ui.note(unread)
    return _check(terms, view.state)


def _use(view: View, text: str, checked: Sequence[_Checked]) -> None:
    """What becomes of the terms."""
    use = ui.choose(
        "What they become",
        USES,
        key="vocabulary_use",
        labelled=True,
        lasting=False,
        tip="Each term a concept of its own, at once; or candidates that the program builds concepts from, by the photos.",
    )
    if use == "concepts":
        _add(view, checked)
    else:
        _build(view.project, text)


def _text(project: Project) -> str:
    """What was pasted, or what a file holds when one was loaded."""
    pasted = st.text_area(
        "Terms",
        project.settings().mapping.vocabulary,
        key="vocabulary_text",
        placeholder="red deer\nroe deer: small deer without a tail",
        label_visibility="collapsed",
        height=130,
    )
    file = st.file_uploader(
        "or load a text file",
        type=["txt", "csv", "md"],
        key="vocabulary_file",
        max_upload_size=MAX_MEGABYTES,
        help="One term per line; it is used instead of what is typed above.",
    )
    return pasted if file is None else file.getvalue().decode("utf-8-sig", "replace")


def _terms(text: str) -> Sequence[DomainTerm]:
    """The terms of the list, with the dictionary's description where there is none, if the person wants it."""
    with_glosses = st.checkbox(
        "Take the dictionary's description where you gave none",
        value=True,
        key="vocabulary_glosses",
        help="WordNet describes the most frequent meaning of a word; look below whether it is yours.",
    )
    terms = domain_vocabulary(text, workbench_view.wordnet())
    if with_glosses:
        return terms
    return [
        replace(term, description="")
        if term.noun.synset and term.description == workbench_view.wordnet().synset(term.noun.synset).gloss
        else term
        for term in terms
    ]


def _check(terms: Sequence[DomainTerm], state: LiveState) -> list[_Checked]:
    knowledge = state.knowledge
    names = [term.noun.word for term in terms]
    with st.spinner("Comparing with the concepts…"):
        alike = concepts_named_like(names, knowledge, state.collection.encode)
    return [
        _Checked(
            term=term,
            like=knowledge.by_id[one].name if one else "",
            is_same=bool(one) and knowledge.by_id[one].name.casefold() == term.noun.word.casefold(),
        )
        for term, one in zip(terms, alike, strict=True)
    ]


def _preview(checked: Sequence[_Checked]) -> None:
    """Every term as it is read; a long list scrolls by itself."""
    with st.container(height=HEIGHT if len(checked) > FEW else "content", key="vocabulary_terms"):
        rows = [
            (one.term.noun.word, list(filter(None, (_verdict(one), one.term.description)))) for one in checked
        ]
        st.html(markup.definitions(rows))


def _verdict(one: _Checked) -> str:
    if one.is_same:
        return "already a concept"
    return f"reads like “{one.like}”" if one.like else "new"


def _add(view: View, checked: Sequence[_Checked]) -> None:
    new = [one for one in checked if not one.is_same]
    doubtful = [one for one in new if one.like]
    with_doubtful = bool(doubtful) and st.checkbox(
        f"Also add {markup.count(len(doubtful), 'term')} that read like a concept there is",
        key="vocabulary_doubtful",
        help="Two concepts that mean the same share their photos by chance; rename the present one instead.",
    )
    added = [one for one in new if with_doubtful or not one.like]
    try:
        edits: list[Edit] = [
            AddConcept(name=one.term.noun.word, description=one.term.description) for one in added
        ]
    except KecError as error:
        ui.error(f"The list cannot be added: {error}")
        return
    if st.button(
        f"Add {markup.count(len(edits), 'concept')}", key="vocabulary_add", type="primary", disabled=not edits
    ):
        editing.act(view.project, edits)
        st.rerun()


def _build(project: Project, text: str) -> None:
    """Give the terms to a rebuild, as candidate nouns."""
    config = project.settings()
    mode = ui.choose(
        "They are used",
        MODES,
        key="vocabulary_mode",
        default=config.mapping.vocabulary_mode,
        labelled=True,
        lasting=False,
        tip="Beside the 70,000 nouns of WordNet, or alone: then every concept is made of your terms.",
    )
    _rebuild_button(project, "Rebuild with these words", text, mode)


def _rebuild_button(project: Project, label: str, text: str, mode: VocabularyMode) -> None:
    reason = rebuild_job.why_not(project)
    if st.button(
        label,
        key="vocabulary_rebuild",
        type="primary",
        icon=":material/construction:",
        disabled=bool(reason),
        help=reason
        or "As a job. What you made, locked or gave photos stays. The words stay an option of the project.",
    ):
        _start(project, text, mode)
        st.rerun()


@ui.refusals()
def _start(project: Project, text: str, mode: VocabularyMode) -> None:
    config = project.settings()
    project.save_settings(
        replace(config, mapping=replace(config.mapping, vocabulary=text, vocabulary_mode=mode))
    )
    rebuild_job.start(project)
