"""What matters to the person, in words: applied to the shown result at once, or given to a new build (methods.md 6.5)."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from kec_core.arrays import fingerprint
from kec_core.grounding import Emphasis, emphasis
from kec_core.knowledge.edits import SetGuidance
from kec_core.knowledge.guidance import Guidance
from kec_core.knowledge.unique_names import unique_names
from kec_core.live import LiveState
from pages.concepts.panels import rebuild_job, vocabulary, workbench_view
from pages.concepts.panels.workbench_view import View
from pages.shared import editing, markup, ui
from state.project.project import Project
from state.work.workbench import Workbench

SHOWN = 6
"""Names in a line, the most changed first."""


def draw_effect(state: LiveState, words: Guidance) -> None:
    """Draw it for words that were typed, applied or not."""
    told = {phrase: _under(state, phrase) for phrase in (*words.prefer, *words.avoid)}
    silent = [phrase for phrase, found in told.items() if not _touched(found)]
    if len(silent) < len(told):
        preferred = "; ".join(words.prefer)
        avoided = f"ignore {', '.join(words.avoid)}" if words.avoid else ""
        found = _under(state, f"{preferred}; {avoided}")
        _line("counts more", _changed(state, found, more=True))
        _line("counts less", _changed(state, found, more=False))
    for phrase in silent:
        ui.note(
            f"Nothing in your concepts and attributes is about “{phrase}”; applied at once it changes nothing. "
            "A rebuild looks for such nouns, or add a concept or an attribute for it."
        )


def _under(state: LiveState, guidance: str) -> Emphasis:
    knowledge = replace(state.knowledge, guidance=guidance)
    return emphasis(knowledge, state.collection.encode, state.collection.config)


def _touched(found: Emphasis) -> bool:
    return any(factor != 1 for factor in (*found.concepts.values(), *found.attributes.values()))


def _changed(state: LiveState, found: Emphasis, *, more: bool) -> list[str]:
    """Concepts and attributes whose weight grows, or shrinks, each with its factor, the most changed first."""
    names = unique_names(state.knowledge)
    every = [(names[concept], factor) for concept, factor in found.concepts.items()]
    every += list(found.attributes.items())
    changed = [(name, factor) for name, factor in every if (factor > 1 if more else factor < 1)]
    changed.sort(key=lambda one: -max(one[1], 1 / one[1]))
    return [f"{name} × {factor:.2g}" for name, factor in changed]


def _line(label: str, changed: list[str]) -> None:
    if changed:
        rest = len(changed) - SHOWN
        st.html(markup.chips([*changed[:SHOWN], *([f"{rest} more"] if rest > 0 else [])], label=label))


def draw(project: Project, bench: Workbench) -> None:
    """Draw the guidance, how it is understood, and the words of the person's field."""
    view = workbench_view.look(project, bench)
    _guidance(view)
    st.space("small")
    vocabulary.draw(view)


def _guidance(view: View) -> None:
    kept = view.state.knowledge.guidance
    key = f"guidance_{view.project.folder.name}_{fingerprint(kept)[:8]}"  # other edits leave unapplied words as they are
    text = st.text_area(
        "What matters to you",
        kept,
        key=key,
        placeholder="for example: group by kind of animal; ignore the background",
        help="Guidance, in your own words. What follows “ignore”, “not” or “without” in a sentence is avoided, all else preferred.",
        height=110,
    )
    _understood(view, text)
    with st.container(horizontal=True):
        st.button(
            "Apply",
            key="guidance_apply",
            disabled=text.strip() == kept,
            help="Weigh the concepts and attributes there are by these words, at once.",
            on_click=_apply,
            args=(view.project, text),
        )
        reason = rebuild_job.why_not(view.project)
        st.button(
            "Rebuild",
            key="guidance_rebuild",
            icon=":material/construction:",
            disabled=bool(reason),
            help=reason
            or "Build concepts and attributes anew with these words, as a job. What you made, locked or gave photos stays.",
            on_click=_build,
            args=(view.project, kept, text),
        )


def _understood(view: View, text: str) -> None:
    """How the words are read, so that nothing happens that the person did not mean."""
    if not text.strip():
        return
    words = Guidance.parse(text)
    if not words:
        ui.note(words.sentence())
    for label, phrases in (("prefer", words.prefer), ("avoid", words.avoid)):
        if phrases:
            st.html(markup.chips(phrases, label=label))
    if words:
        with ui.errors():
            draw_effect(view.state, words)


def _apply(project: Project, text: str) -> None:
    edit = _edit(text)
    if edit is not None:
        editing.act(project, [edit])


def _build(project: Project, kept: str, text: str) -> None:
    """Keep the words, then build with them."""
    edit = _edit(text, rebuild=True)
    if edit is not None and (edit.text == kept or editing.apply_now(project, [edit]) is not None):
        rebuild_job.start(project)


def _edit(text: str, *, rebuild: bool = False) -> SetGuidance | None:
    """The words as an edit; None when they cannot be kept (the person is told why)."""
    with ui.refusals():
        return SetGuidance(text=text, rebuild=rebuild)
    return None
