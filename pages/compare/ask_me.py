"""Compare, tab "Ask me": one photo at a time where an answer teaches most; the groups follow every answer."""

from __future__ import annotations

import streamlit as st

from kec_core.knowledge.edit_clusters import MovePhotos, NewCluster
from kec_core.knowledge.edits import Edit
from kec_core.photos.images import ImageRecord
from kec_core.suggestions.questions import EVERY, Question, next_question, placed_rows, right_share
from pages.shared import cached, markup, session, ui
from pages.shared.thumbnails import LARGE, address
from state.project.project import Project
from state.revisions.asked import Asked, answers, keep_answer
from state.revisions.overview import load_overview
from state.revisions.revisions import Revision

EXAMPLES = 5
_RUNNING, _SKIPPED = "ask_running", "ask_skipped"


def draw(project: Project, shown: Revision) -> None:
    """An invitation, or the photo that is asked about now."""
    if not session.widget(_RUNNING):
        st.html(
            markup.note(
                "Say of one photo after another where it belongs. Each is chosen so that the answer teaches most; photos like "
                "it follow at once. You can stop at any time; every answer is an edit that can be undone."
            )
        )
        st.button(
            "Ask me", key="ask_start", type="primary", icon=":material/quiz:", on_click=_run, args=(True,)
        )
        return
    told = answers(project, shown)
    state = session.workbench(project).live(shown)
    skipped = frozenset(session.widget(_SKIPPED) or ())  # type: ignore[call-overload]
    rows = cached.row_of(project, shown.scan)
    here = {image: row for row, image in enumerate(state.collection.image_ids)}
    question = next_question(
        state, asked=len(told), skipped=frozenset(here[one] for one in skipped if one in here)
    )
    _progress(told, len(placed_rows(state)), len(here))
    if question is None:
        st.html(markup.note("Every photo was placed or skipped; there is nothing left to ask."))
        st.button("Stop", key="ask_stop", on_click=_run, args=(False,))
        return
    image = state.collection.image_ids[question.row]
    _question(project, shown, question, image, cached.images(project, shown.scan)[rows[image]])


def _run(running: bool) -> None:
    session.set_widget(_RUNNING, running)
    session.set_widget(_SKIPPED, ())


def _progress(told: tuple[Asked, ...], placed: int, photos: int) -> None:
    """How many answers there are, and what the photos drawn at random say about all."""
    found = right_share([one.right for one in told if one.drawn], placed, photos)
    facts = [("Answers", str(len(told)), "Answers that led to this result")]
    if found is not None:
        facts += [
            ("In the right group", f"{found.share:.0%}", "Estimated share of all photos"),
            (
                "95 % interval",
                f"{found.low:.0%} to {found.high:.0%}",
                f"From {found.judged} photos drawn at random (Wilson)",
            ),
        ]
    st.html(markup.facts(facts))
    st.html(
        markup.note(
            f"Photos that are chosen to teach are harder than most, so only every {EVERY}th photo, drawn at random, counts for "
            "the estimate: whether its group was right before you were asked."
        )
    )


def _question(project: Project, shown: Revision, question: Question, image: str, record: ImageRecord) -> None:
    name = cached.cluster_names(project, shown)
    overview = load_overview(project, shown)
    images = cached.images(project, shown.scan)
    own = int(overview.labels[cached.row_of(project, shown.scan)[image]])
    left, right = st.columns([2, 3], gap="large")
    with left:
        source = address(session.open_projects().id_of(project.folder), record.sha256, LARGE)
        st.html(
            f'<div class="kec kec-judged"><img src="{markup.text(source)}" alt="{markup.text(image)}"></div>'
        )
    with right:
        st.markdown("**Where does this photo belong?**")
        with st.container(horizontal=True):
            st.button("None of these: new group", key="ask_none", shortcut="N", on_click=_new_group,
                      args=(project, question, image))  # fmt: skip
            st.button("Skip", key="ask_skip", shortcut="S", on_click=_skip, args=(image,))
            st.button("Stop", key="ask_stop", on_click=_run, args=(False,))
        for key, cluster in enumerate(question.clusters, start=1):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.button(
                    markup.plain(name(cluster)),
                    key=f"ask_{key}",
                    shortcut=str(key),
                    width=220,
                    on_click=_belongs,
                    args=(project, question, image, cluster, cluster == own),
                )
                examples = [images[row] for row in overview.members(cluster)[: EXAMPLES + 1]]
                others = [one for one in examples if one.id != image][:EXAMPLES]
                st.html(
                    markup.gallery(
                        ui.tiles(project, others), size="strip", label=f"Photos of {name(cluster)}"
                    )
                )


def _belongs(project: Project, question: Question, image: str, cluster: int, right: bool) -> None:
    _answer(project, question, MovePhotos(images=(image,), cluster=cluster, follow=True), image, right=right)


def _new_group(project: Project, question: Question, image: str) -> None:
    _answer(project, question, NewCluster(images=(image,)), image, right=False)


def _answer(project: Project, question: Question, edit: Edit, image: str, *, right: bool) -> None:
    with ui.refusals():
        revision = session.apply_now(project, [edit])
        if revision is not None:
            keep_answer(project, revision, Asked(image=image, drawn=question.drawn, right=right))


def _skip(image: str) -> None:
    session.set_widget(_SKIPPED, (*(session.widget(_SKIPPED) or ()), image))  # type: ignore[misc]
