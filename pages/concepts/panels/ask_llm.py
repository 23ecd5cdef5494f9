"""Ask the language model about one concept or a pair; its answer is a list of changes to take or leave, line by line."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from kec_core.errors import KecError
from kec_core.knowledge.edits import Edit, SplitConcept
from kec_core.llm.proposals import Line, edits_of
from kec_core.types import Concept, Knowledge
from pages.concepts import impact_bar
from pages.concepts.panels import workbench_view
from pages.shared import editing, llm_connection, markup, navigation, session, ui
from state.llm.ask import Asked, Kind, Subject, ask, lines_of
from state.llm.setup import LLMSetup
from state.project.project import Project
from state.work.workbench import Workbench

ASKED, WISH, KIND = "ask_llm", "ask_llm_wish", "ask_llm_kind"
QUICK_SECONDS = 0.4
"""An answer that comes within this time is shown without a word about waiting."""
CANCEL_SECONDS = 2.0
KINDS: dict[Kind, str] = {
    "concept": "another name and description",
    "attributes": "what is typical",
    "split": "how to divide it",
}
TERMS = "Prompt A: concept and description; B: uni-attributes; C: bi-attributes; and a split into two to four sub-concepts."


def draw(project: Project, bench: Workbench, concept_ids: Sequence[str]) -> None:
    """Draw the panel for the concepts that are looked at: one, or two to hear what sets them apart."""
    setup = _setup()
    if setup is None:
        return
    knowledge = workbench_view.look(project, bench).state.knowledge
    known = [knowledge.by_id[one] for one in concept_ids if one in knowledge.by_id]
    asked = _asked(project)
    if asked is not None and not all(one in knowledge.by_id for one in asked.subject.concepts):
        _forget(project)  # what it was about is gone
        asked = None
    if asked is not None and asked.subject.concepts == tuple(concept.id for concept in known):
        _follow(project, setup, knowledge, asked)
        return
    if asked is not None:
        _elsewhere(knowledge, asked)
    _form(project, bench, setup, knowledge, known)


def _setup() -> LLMSetup | None:
    """The language model of the settings; without one, says so and leads there."""
    setup = None
    with ui.errors():
        setup = llm_connection.chosen()
        if setup is None:
            ui.note("No language model is chosen yet. With one, you can ask here for other words.")
    if setup is None:
        st.page_link(navigation.page("settings"), label="Choose one")
    return setup


def _asked(project: Project) -> Asked | None:
    found = session.widget(workbench_view.key(project, ASKED))
    return found if isinstance(found, Asked) else None


def _forget(project: Project) -> None:
    session.set_widget(workbench_view.key(project, ASKED), None)


# --- before


def _form(
    project: Project, bench: Workbench, setup: LLMSetup, knowledge: Knowledge, concepts: Sequence[Concept]
) -> None:
    kind: Kind = "pair"
    if len(concepts) == 1:
        kind = st.radio(
            f"Ask about **{markup.plain(concepts[0].name)}**",
            list(KINDS),
            format_func=KINDS.__getitem__,
            key=KIND,
            persist_state="session",
            help=TERMS,
        )
    elif len(concepts) == 2:
        first, second = (markup.plain(concept.name) for concept in concepts)
        st.markdown(f"Ask what sets **{first}** apart from **{second}**", help=TERMS)
    else:
        ui.note(f"Pick one concept, or two to hear what sets them apart. {len(concepts)} are picked.")
        return
    locked = [concept.name for concept in concepts if concept.locked]
    if locked:
        ui.note(f"“{locked[0]}” is locked, so it is not asked about. Unlock it first.")
        return
    st.text_area(
        "In which way? (optional)",
        key=WISH,
        placeholder="for example: name the species",
        height=80,
        persist_state="session",
        help="Goes into this question alone; your guidance for the whole collection goes with it.",
    )
    st.button(
        "Ask",
        key="ask_llm_go",
        type="primary",
        icon=":material/forum:",
        on_click=_start,
        args=(project, bench, setup, knowledge, kind, tuple(concept.id for concept in concepts)),
    )
    ui.note(_heard(setup))


def _heard(setup: LLMSetup) -> str:
    return f"{setup.endpoint.model} at {setup.endpoint.url} hears names, descriptions and nouns. It never sees a photo."


def _start(
    project: Project,
    bench: Workbench,
    setup: LLMSetup,
    knowledge: Knowledge,
    kind: Kind,
    concepts: tuple[str, ...],
) -> None:
    subject = Subject(kind=kind, concepts=concepts, instruction=str(session.widget(WISH) or "").strip())
    options = bench.shown().config.knowledge
    asked = ask(project, setup, knowledge, subject, options)
    asked.wait(QUICK_SECONDS)
    session.set_widget(workbench_view.key(project, ASKED), asked)


def _elsewhere(knowledge: Knowledge, asked: Asked) -> None:
    """An answer about other concepts waits: say so and lead back to it."""
    names = " and ".join(f"“{knowledge.by_id[one].name}”" for one in asked.subject.concepts)
    word = "An answer" if asked.wait() else "A question"
    with st.container(horizontal=True, vertical_alignment="center"):
        ui.note(f"{word} about {names} is waiting.")
        st.button(
            "Show it",
            key="ask_llm_show",
            type="tertiary",
            on_click=session.select,
            kwargs={"concepts": asked.subject.concepts},
        )


# --- during


def _follow(project: Project, setup: LLMSetup, knowledge: Knowledge, asked: Asked) -> None:
    if not asked.wait():
        st.fragment(_waiting, run_every=0.5)(setup, asked)
        return
    st.markdown(f"**{markup.plain(_question(knowledge, asked.subject))}**")
    if asked.subject.instruction:
        ui.note(asked.subject.instruction)
    try:
        lines = lines_of(knowledge, asked.subject, asked.proposal())
    except KecError as error:
        ui.error(error)
        lines = ()
    else:
        if not lines:
            ui.note(f"{setup.endpoint.model} proposes nothing that is not there already.")
    _answer(project, knowledge, asked, lines)


def _waiting(setup: LLMSetup, asked: Asked) -> None:
    """Redrawn twice a second until the answer is there."""
    if asked.wait() and not session.has_dialog():
        st.rerun()
    with st.container(key="ask_llm_waiting"):
        label = f"Asking {markup.plain(setup.endpoint.model)}… {markup.duration(asked.seconds)}"
        waiting = st.status(label, state="running", type="compact")
        waiting.html(markup.note(_heard(setup)))  # a with block would say that it is done
        if "trying again" in asked.doing:
            ui.note(asked.doing)
        if asked.seconds > CANCEL_SECONDS:
            st.button("Cancel", key="ask_llm_cancel", on_click=_cancel, args=(asked,))


def _cancel(asked: Asked) -> None:
    asked.cancel()
    asked.wait(1.0)


# --- after


def _question(knowledge: Knowledge, subject: Subject) -> str:
    names = [knowledge.by_id[one].name for one in subject.concepts]
    if subject.kind == "pair":
        return f"What sets {names[0]} apart from {names[1]}"
    return f"{names[0]}: {KINDS[subject.kind]}"


def _answer(project: Project, knowledge: Knowledge, asked: Asked, lines: Sequence[Line]) -> None:
    taken = [line for number, line in enumerate(lines) if _tick(asked, number, line)]
    concept = knowledge.by_id[asked.subject.concepts[0]]
    edits = edits_of(knowledge, concept, taken)
    _what_stays(concept, edits, len(taken))
    fits = bool(edits) and impact_bar.effect(project, edits)
    with st.container(horizontal=True):
        if lines:
            st.button(
                "Accept" if len(taken) == len(lines) else f"Accept {len(taken)} of {len(lines)}",
                key="ask_llm_accept",
                type="primary",
                disabled=not fits,
                on_click=_accept,
                args=(project, edits),
            )
        st.button("Discard" if lines else "Back", key="ask_llm_back", on_click=_forget, args=(project,))


def _tick(asked: Asked, number: int, line: Line) -> bool:
    """One line of the difference, with its box."""
    new = f"**{markup.plain(line.new)}**"
    old = f":gray[~~{markup.plain(line.old)}~~] " if line.old else ""
    ticked = st.checkbox(
        f"{markup.plain(line.what)}: {old}{new}",
        value=line.ticked,
        key=f"ask_llm_line_{asked.key}_{number}",
        disabled=line.change is None,
    )
    if line.note:
        ui.note(line.note)
    return ticked


def _what_stays(concept: Concept, edits: Sequence[Edit], taken: int) -> None:
    """Tell what becomes of the divided concept itself."""
    split = next((edit for edit in edits if isinstance(edit, SplitConcept)), None)
    if split is None:
        return
    if len(split.into) == taken:
        st.markdown(f":gray[~~{markup.plain(concept.name)}~~]")
        return
    stays = split.into[-1]
    named = f", now named “{stays.name}”" if stays.name != concept.name else ""
    nouns = ", ".join(stays.nouns) or "no noun of its own"
    ui.note(f"“{concept.name}” stays{named}, with {nouns}.")


def _accept(project: Project, edits: Sequence[Edit]) -> None:
    """Take the answer; it stays when it is refused, for it was paid for."""
    editing.act(project, edits)
    if not session.was_refused():
        _forget(project)
