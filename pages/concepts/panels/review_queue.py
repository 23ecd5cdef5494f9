"""The review queue: the next thing that may be wrong, one card at a time, with photos as evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from kec_core.errors import KecError
from kec_core.knowledge.edits import RenameConcept
from kec_core.knowledge.unique_names import unique_names
from kec_core.result.impact import Impact
from kec_core.suggestions import Suggestion
from kec_core.suggestions.base import Kind
from pages.concepts import actions
from pages.concepts.panels import suggestion_cache, workbench_view
from pages.concepts.panels.suggestion_cache import Doubts
from pages.concepts.panels.workbench_view import View
from pages.shared import editing, markup, session, ui
from state.project.project import Project
from state.project.saved_selections import dismiss, dismissed, show_again
from state.work.workbench import Workbench

CLEARED_SHOWN = 12
"""Names of concepts that are listed before all are cleared together."""
QUICK = 20_000
"""Photos up to which trying a change takes well under a second, so that it is done unasked."""
TERMS: dict[Kind, str] = {
    "merge": "Two concepts whose texts and photos are alike and that compete for the same photos (posteriors ω).",
    "split": "A concept whose photos form two clusters by their visual features.",
    "unused": "A concept that has the largest posterior ω of no photo.",
    "attribute": "A uni- or bi-attribute whose text scores the photos no better than chance (AUC near 0.5).",
    "name": "A concept whose text feature is far from the visual features of its photos.",
    "mixed": "A cluster in which two concepts have a large share of the photos.",
}
ACCEPT: dict[Kind, str] = {
    "merge": "Merge",
    "split": "Split",
    "unused": "Delete",
    "attribute": "Delete it",
    "name": "Rename",
    "mixed": "One more cluster",
}
_SKIPPED, _LATER, _TRIED = "review_skipped", "review_later", "review_tried"


def draw(project: Project, bench: Workbench) -> None:
    """Draw the next suggestion, or say that there is none."""
    view = workbench_view.look(project, bench)
    doubts = suggestion_cache.doubts(view)
    hidden = dismissed(project) | set(_remembered(project, _LATER))
    open_doubts = [one for one in doubts.all if one.key not in hidden]
    unused = _all_unused(open_doubts)
    queue = [one for one in open_doubts if one not in unused]
    skipped = [one for one in _remembered(project, _SKIPPED) if any(one == other.key for other in queue)]
    ahead = [one for one in queue if one.key not in skipped]
    if not ahead and skipped:  # once through: the next round begins
        _remember(project, _SKIPPED, ())
        ahead, skipped = queue, []
    if ahead:
        _head(project, len(skipped) + 1, len(queue), can_go_back=bool(skipped))
        _card(view, ahead[0])
    elif not unused:
        _nothing(view, doubts)
    if unused:
        _clear(view, bench, unused)
    if len(open_doubts) < len(doubts.all):
        _again(project, len(doubts.all) - len(open_doubts))


def _head(project: Project, number: int, total: int, *, can_go_back: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(  # in one piece: three pieces do not fit beside each other in a narrow column
            f"**May be wrong** :gray[{number:,} of {total:,}]",
            width="stretch",
            help="What the numbers call in question, most photos at stake first.",
        )
        st.button(
            "",
            key="review_back",
            icon=":material/undo:",
            type="tertiary",
            disabled=not can_go_back,
            help="Back to the one skipped last",
            on_click=_back,
            args=(project,),
        )


def _card(view: View, doubt: Suggestion) -> None:
    with st.container(border=True, key="review_card", gap="small"):
        st.markdown(f"**{markup.plain(doubt.question)}**", help=TERMS[doubt.kind])
        ui.note(doubt.reason)
        _evidence(view, doubt)
        if doubt.edit is not None:
            _prediction(view, doubt)
        if doubt.kind == "name":
            _names(view, doubt)
        _answers(view, doubt)


def _evidence(view: View, doubt: Suggestion) -> None:
    shown = [one for one in doubt.evidence if one.rows]
    size = "trio" if len(shown) > 1 else "strip"
    for number, (column, one) in enumerate(
        zip(st.columns(max(1, len(shown)), gap="small"), shown, strict=False)
    ):
        with column, st.container(gap="xsmall"):
            ui.note(one.caption)
            view.gallery(one.rows, label=f"Evidence {number + 1}: {one.caption}", size=size)


# --- what nobody shows, together


def _all_unused(doubts: Sequence[Suggestion]) -> list[Suggestion]:
    """The concepts that no photo shows, when there are several: one answer does for all."""
    found = [one for one in doubts if one.kind == "unused" and one.edit is not None]
    return found if len(found) > 1 else []


def _clear(view: View, bench: Workbench, unused: Sequence[Suggestion]) -> None:
    """Which concepts no photo shows, what their deletion would move, and the button that deletes them."""
    edits = [one.edit for one in unused if one.edit is not None]
    names = unique_names(view.state.knowledge)
    with st.container(border=True, key="review_unused", gap="small"):
        st.markdown(f"**No photo shows {len(unused):,} of the concepts**", help=TERMS["unused"])
        st.html(markup.chips([names[one.concepts[0]] for one in unused[:CLEARED_SHOWN]]))
        if len(unused) > CLEARED_SHOWN:
            ui.note(f"and {len(unused) - CLEARED_SHOWN:,} more")
        try:
            found = bench.preview((*editing.staged(), *edits))
        except KecError as error:
            ui.note(f"It cannot be done now: {error}")
            return
        ui.note(effect(found.impact))
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            st.button(
                f"Clear {markup.count(len(unused), 'concept')}",
                key="review_clear",
                type="primary",
                on_click=editing.act,
                args=(view.project, edits),
            )
            st.button(
                "Never",
                key="review_clear_never",
                type="tertiary",
                help="Remembered with the project.",
                on_click=_never_all,
                args=(view.project, [one.key for one in unused]),
            )


@ui.refusals()
def _never_all(project: Project, doubts: Sequence[str]) -> None:
    for doubt in doubts:
        dismiss(project, doubt)


# --- what accepting would do


def _prediction(view: View, doubt: Suggestion) -> None:
    """What the edit would move: told unasked where that is quick, else on a button."""
    tried = workbench_view.key(view.project, _TRIED)
    if len(view.images) > QUICK and session.widget(tried) != doubt.key:
        st.button(
            "What would it change?", key="review_try", on_click=session.set_widget, args=(tried, doubt.key)
        )
        return
    try:
        impact = suggestion_cache.impact(view, doubt)
    except KecError as error:
        ui.note(f"It cannot be done now: {error}")
        return
    ui.note(effect(impact))


def effect(impact: Impact) -> str:
    """What a change does, in one sentence."""
    if not len(impact.moved):
        return "Would move no photo."
    moved = f"Would move {markup.count(len(impact.moved), 'photo')}"
    before, after = impact.scores_before, impact.scores_after
    if before is None or after is None:
        return f"{moved}; alike within clusters {impact.coherence_before:.1%} → {impact.coherence_after:.1%}."
    return f"{moved}; in the right cluster {before.acc:.1%} → {after.acc:.1%} (ACC)."


def _names(view: View, doubt: Suggestion) -> None:
    """Nouns that fit the photos better than the present name; one press takes one."""
    (concept,) = doubt.concepts
    names = suggestion_cache.other_names(view, concept)
    if not names:
        return
    key = f"review_names_{doubt.key}_{view.state.knowledge.fingerprint[:8]}"
    st.pills(
        "Nouns that fit these photos",
        names,
        format_func=markup.plain,
        key=key,
        wrap=True,
        help="Press one to take it as the name.",
        on_change=_take_name,
        args=(view.project, concept, key),
    )


def _take_name(project: Project, concept: str, key: str) -> None:
    name = session.widget(key)
    if name:
        editing.act(project, [RenameConcept(concept=concept, name=str(name))])


# --- the person's answer


def _answers(view: View, doubt: Suggestion) -> None:
    project = view.project
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        _accept(view, doubt)
        _answer(
            "Skip", "review_skip", "Look at the next one; this one comes again.", _skip, project, doubt, "N"
        )
        _answer(
            "Later", "review_later", "Not in this window, unless you ask for it.", _put_off, project, doubt
        )
        _answer("Never", "review_never", "Remembered with the project.", _never, project, doubt)
        st.button(
            "Open",
            key="review_open",
            type="tertiary",
            help="Pick what it is about, to look at it and decide yourself.",
            on_click=session.select,
            kwargs={"concepts": doubt.concepts},
        )


def _accept(view: View, doubt: Suggestion) -> None:
    """The edit at once; where it needs words of the person, the form that asks for them."""
    label = ACCEPT[doubt.kind]
    if doubt.edit is not None:
        st.button(
            label,
            key="review_accept",
            type="primary",
            shortcut="Y",
            on_click=editing.act,
            args=(view.project, [doubt.edit]),
        )
        return
    if st.button(f"{label}…", key="review_form", type="primary", shortcut="Y"):
        concept = view.state.knowledge.by_id[doubt.concepts[0]]
        if doubt.kind == "split":
            actions.split(view, concept)
        else:
            actions.rename(view.project, concept)


def _answer(
    label: str,
    key: str,
    help_text: str,
    do: Callable[[Project, str], None],
    project: Project,
    doubt: Suggestion,
    shortcut: str | None = None,
) -> None:
    st.button(
        label,
        key=key,
        type="secondary" if shortcut else "tertiary",
        help=help_text,
        shortcut=shortcut,
        on_click=do,
        args=(project, doubt.key),
    )


def _skip(project: Project, doubt: str) -> None:
    _remember(project, _SKIPPED, (*_remembered(project, _SKIPPED), doubt))


def _back(project: Project) -> None:
    _remember(project, _SKIPPED, _remembered(project, _SKIPPED)[:-1])


def _put_off(project: Project, doubt: str) -> None:
    _remember(project, _LATER, (*_remembered(project, _LATER), doubt))


@ui.refusals()
def _never(project: Project, doubt: str) -> None:
    dismiss(project, doubt)


@ui.refusals()
def _show_all(project: Project) -> None:
    _remember(project, _LATER, ())
    show_again(project)


def _remembered(project: Project, name: str) -> tuple[str, ...]:
    kept = session.widget(workbench_view.key(project, name))
    return kept if isinstance(kept, tuple) else ()


def _remember(project: Project, name: str, keys: Sequence[str]) -> None:
    session.set_widget(workbench_view.key(project, name), tuple(keys))


# --- nothing to suggest


def _nothing(view: View, doubts: Doubts) -> None:
    st.html(
        markup.empty(
            "Nothing looks wrong",
            "No concept, attribute or cluster stands out. If you want to look further, these are the concepts that are "
            "least sure of their photos.",
        )
    )
    names = unique_names(view.state.knowledge)
    with st.container(horizontal=True, horizontal_alignment="center"):
        for concept in doubts.least_certain:
            st.button(
                markup.plain(names[concept]),
                key=f"review_look_{concept}",
                on_click=session.select,
                kwargs={"concepts": [concept]},
            )


def _again(project: Project, hidden: int) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{hidden:,} put aside", width="content")
        st.button("Show again", key="review_again", type="tertiary", on_click=_show_all, args=(project,))
