"""Compare, tab "Ask me": a photo, or a pair, at a time where an answer teaches most; the groups follow every answer."""

from __future__ import annotations

from functools import partial

import streamlit as st

from kec_core.knowledge.edit_clusters import MovePhotos, NewCluster
from kec_core.knowledge.edits import Edit, KeepApart, KeepTogether
from kec_core.live import LiveState
from kec_core.suggestions.questions import (
    EVERY,
    Question,
    next_pair,
    next_question,
    placed_rows,
    right_share,
)
from pages.compare import placing
from pages.shared import asking, cached, editing, markup, session, ui
from state.project.project import Project
from state.revisions.audits import Asked, answers, keep_answers, new_group_name
from state.revisions.overview import load_overview
from state.revisions.revisions import Revision

ABOUT = {"photo": "One photo", "pair": "Two photos"}
_ABOUT = "ask_about"


def draw(project: Project, shown: Revision) -> None:
    """An invitation, or what is asked about now."""
    if not session.widget(asking.RUNNING):
        ui.note(
            "Say of one photo after another where it belongs, or of two whether they belong together. Each is chosen so "
            "that the answer teaches most; photos like it follow at once. You can stop at any time; every answer is an edit "
            "that can be undone."
        )
        st.button(
            "Ask me",
            key="ask_start",
            type="primary",
            icon=":material/quiz:",
            on_click=asking.run,
            args=(True,),
        )
        return
    told = answers(project, shown)
    state = editing.workbench(project).live(shown)
    _progress(told, len(placed_rows(state)), len(state.collection.image_ids))
    about = ui.choose("Ask about", ABOUT, key=_ABOUT)
    {"photo": _about_a_photo, "pair": _about_a_pair}[about](project, shown, state, len(told))


def _skipped(state: LiveState) -> list[frozenset[int]]:
    """Rows of what the person skipped: a photo, or two."""
    held: tuple[tuple[str, ...], ...] = session.widget(asking.SKIPPED) or ()  # type: ignore[assignment]
    if not held:
        return []
    here = {image: row for row, image in enumerate(state.collection.image_ids)}
    return [frozenset(here[image] for image in images if image in here) for images in held]


def _nothing_left(said: str) -> None:
    ui.note(said)
    st.button("Stop", key="ask_stop", on_click=asking.run, args=(False,))


def _progress(told: tuple[Asked, ...], placed: int, photos: int) -> None:
    """How many answers there are, and what the photos drawn at random say about all."""
    drawn = [one for one in told if one.drawn]
    found = right_share([one.right for one in drawn], [one.weight for one in drawn], placed, photos)
    facts = [("Answers", str(len(told)), "Answers that led to this result")]
    if found is not None:
        facts += [
            ("In the right group", f"{found.share:.0%}", "Estimated share of all photos"),
            (
                "95 % interval",
                f"{found.low:.0%} to {found.high:.0%}",
                f"From {markup.count(found.judged, 'photo')} drawn at random (Wilson)",
            ),
        ]
    st.html(markup.facts(facts))
    ui.note(
        f"Photos that are chosen to teach are harder than most, so only every {EVERY}th photo, drawn at random, counts for "
        "the estimate: whether its group was right before you were asked. Doubtful photos are drawn more often and count less."
    )


# --- a photo


def _about_a_photo(project: Project, shown: Revision, state: LiveState, asked: int) -> None:
    skipped = frozenset(row for rows in _skipped(state) if len(rows) == 1 for row in rows)
    question = next_question(state, asked=asked, skipped=skipped)
    if question is None:
        _nothing_left("Every photo was placed or skipped; there is nothing left to ask.")
        return
    image = state.collection.image_ids[question.row]
    own = int(load_overview(project, shown).labels[cached.row_of(project, shown.scan)[image]])
    with placing.beside_photo(project, shown, image):
        st.markdown("**Where does this photo belong?**")
        with st.container(horizontal=True):
            st.button("None of these: new group", key="ask_none", shortcut="N", on_click=_new_group,
                      args=(project, shown, question, image))  # fmt: skip
            st.button("Skip", key="ask_skip", shortcut="S", on_click=_skip, args=((image,),))
            st.button("Stop", key="ask_stop", on_click=asking.run, args=(False,))
        belongs = partial(_belongs, project, shown, question, image, own)
        placing.groups(project, shown, image, question.clusters, key="ask", on_place=belongs)


def _belongs(
    project: Project, shown: Revision, question: Question, image: str, own: int, cluster: int
) -> None:
    edit = MovePhotos(images=(image,), cluster=cluster, follow=True)
    _answer(project, shown, edit, _asked(image, question, right=cluster == own))


def _asked(image: str, question: Question, *, right: bool) -> Asked:
    return Asked(image=image, drawn=question.drawn, right=right, weight=question.weight)


def _new_group(project: Project, shown: Revision, question: Question, image: str) -> None:
    name = new_group_name(card.name for card in cached.cards(project, shown))
    edit = NewCluster(images=(image,), name=name)
    _answer(project, shown, edit, _asked(image, question, right=False))


# --- a pair


def _about_a_pair(project: Project, shown: Revision, state: LiveState, asked: int) -> None:
    skipped = frozenset(rows for rows in _skipped(state) if len(rows) == 2)
    found = next_pair(state, asked=asked, skipped=skipped)
    if found is None:
        _nothing_left("There are no two photos left that an answer would teach about.")
        return
    images = tuple(state.collection.image_ids[row] for row in found)
    rows = [cached.row_of(project, shown.scan)[image] for image in images]
    first, second = load_overview(project, shown).labels[rows]
    st.markdown("**Do these two belong together?**")
    with st.container(horizontal=True):
        told = (("Yes, together", True, "together", "Y"), ("No, apart", False, "apart", "N"))
        placing.answers("ask", told, partial(_pair, project, shown, images, bool(first == second)))
        st.button("Skip", key="ask_skip", shortcut="S", on_click=_skip, args=(images,))
        st.button("Stop", key="ask_stop", on_click=asking.run, args=(False,))
    for column, image in zip(st.columns(2, gap="large"), images, strict=True):
        with column:
            placing.photo(project, shown, image)


def _pair(
    project: Project, shown: Revision, images: tuple[str, ...], are_together: bool, together: bool
) -> None:
    edit = KeepTogether(images=images) if together else KeepApart(images=images)
    _answer(project, shown, edit, Asked(image=images[0], drawn=False, right=are_together == together))


def _answer(project: Project, shown: Revision, edit: Edit, told: Asked) -> None:
    with ui.refusals():
        revision = editing.apply_now(project, [edit])
        if revision is not None:
            keep_answers(project, revision, [told])
            moved = cached.count_moved(project, shown, revision) or 0
            said = f"{markup.count(moved, 'photo')} moved" if moved else "No photo had to move"
            session.notice(f"{revision.note} {said}. Undo: Z")


def _skip(images: tuple[str, ...]) -> None:
    session.set_widget(asking.SKIPPED, (*(session.widget(asking.SKIPPED) or ()), images))  # type: ignore[misc]
