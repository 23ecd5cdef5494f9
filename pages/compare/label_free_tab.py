"""Compare, tab "Without labels": how clear and how stable the groups are, and an audit by eye.

The audit asks of photo after photo whether it belongs where it is, answered with one key; "No" asks where it belongs. The
answers are those of "Ask me": they can be given to the groups as edits.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

import streamlit as st

from kec_core.knowledge.edit_base import Edit
from kec_core.suggestions.questions import likely_clusters
from pages.compare import metric_cards, placing
from pages.shared import cached, editing, gallery, markup, session, ui
from pages.shared.palette import cluster_colour
from state.project.project import Project
from state.revisions.audits import (
    NEW_GROUP,
    SAMPLE,
    Asked,
    Audit,
    Question,
    answer,
    audits,
    keep_answers,
    load_audit,
    place,
    start_audit,
    take_back,
)
from state.revisions.overview import load_overview
from state.revisions.revisions import Revision
from state.revisions.scoring import WITHOUT_LABELS, Metric, Stability, load_stability

TYPICAL = 12
MOST = 500


STABLE = Metric(
    key="ours",
    name="Groups that survive chance",
    term="stability",
    tip="Share of photos that keep their cluster when photos and starts are drawn anew (8 bootstrap resamples).",
    shown=".1%",
)


def draw(project: Project, shown: Revision) -> None:
    """The whole tab."""
    ui.note(
        "These scores look at the photos alone. They say how clear and how steady the groups are, not whether they "
        "are the ones you want; for that, judge a few photos by eye below."
    )
    with ui.errors():
        stability = load_stability(project, shown)
        cards = [_stability_card(stability)]
        for metric in WITHOUT_LABELS:
            against = [("k-means", metric.of_baseline(shown))]
            cards.append(metric_cards.card(metric, metric.of(shown), against))
        st.html(metric_cards.cards(cards))
        if stability is None:
            _measure(project, shown)
    st.subheader("Judge by eye", anchor=False)
    with ui.errors():
        _audit(project, shown)


def _stability_card(found: Stability | None) -> str:
    if found is None:
        return metric_cards.card(STABLE, None, [], lacking="not measured yet")
    return metric_cards.card(STABLE, found.ours, [("photos alone", found.visual)])


def _measure(project: Project, shown: Revision) -> None:
    busy = session.jobs().active(project) is not None
    if st.button(
        "Measure the stability",
        key="measure_stability",
        icon=":material/casino:",
        disabled=busy,
        help="Groups the photos 16 more times: seconds for a thousand photos, minutes for fifty thousand. It runs beside "
        "your work and can be cancelled.",
    ):
        session.jobs().start(project, "stability", {"revision": shown.id})
        st.rerun()


def _audit(project: Project, shown: Revision) -> None:
    """What fits the state of the audit: an invitation, the next photo, or the result."""
    audit = load_audit(project, shown.id)
    if audit is None:
        _invite(project, shown)
    else:
        st.fragment(_judge)(project, shown)
    _others(project, shown)


def _invite(project: Project, shown: Revision) -> None:
    ui.note(
        "Look at a random sample, about five seconds a photo: does it belong where it is? You get the share of photos "
        "in the right place with an interval. You can stop at any time and go on later."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.number_input(
            "Photos to judge",
            min_value=1,
            max_value=MOST,
            value=SAMPLE,
            step=10,
            key="audit_size",
            width=160,
            help="Drawn in proportion to the clusters, at least one of each (stratified sample).",
        )
        st.button(
            "Start judging",
            key="audit_start",
            type="primary",
            on_click=_start_asked,
            args=(project, shown),
            icon=":material/visibility:",
        )


def _start_asked(project: Project, shown: Revision) -> None:
    """Start with the number as it is at the click, which may be newer than the drawn page."""
    _start(project, shown, int(st.session_state["audit_size"]))


def _start(project: Project, shown: Revision, size: int, seed: int = 0) -> None:
    with ui.refusals():
        start_audit(project, shown, size=size, seed=seed)


def _judge(project: Project, shown: Revision) -> None:
    """Redrawn alone after every answer, but for those that change the groups."""
    if session.has_news():
        st.rerun()
    audit = load_audit(project, shown.id)
    if audit is None:
        st.rerun()
    done, total = len(audit.answers), len(audit.questions)
    st.progress(done / total, text=f"{done} of {total} judged")
    question, wrong = audit.next, audit.unplaced
    if wrong is not None:
        _place(project, shown, audit, wrong)
    elif question is not None:
        _question(project, shown, audit, question)
    _result(audit)
    if wrong is None:
        _teach(project, shown, audit)
    if question is None and wrong is None:
        _finished(project, shown, audit)


def _question(project: Project, shown: Revision, audit: Audit, question: Question) -> None:
    name = cached.cluster_names(project, shown)(question.cluster)
    images = cached.images(project, shown.scan)
    with placing.beside_photo(project, shown, question.image):
        ui.card(f"Does it belong to “{name}”?", colour=cluster_colour(question.cluster))
        _buttons(project, audit, question)
        ui.note("Typical photos of this cluster:")
        typical = load_overview(project, shown).members(question.cluster)
        others = [images[row] for row in typical[: TYPICAL + 1] if images[row].id != question.image]
        ui.photos(project, others[:TYPICAL], size="strip", label="Typical photos")


def _place(project: Project, shown: Revision, audit: Audit, question: Question) -> None:
    """Where a photo belongs that is in the wrong place."""
    with placing.beside_photo(project, shown, question.image):
        st.markdown("**Where does it belong?**")
        with st.container(horizontal=True):
            put = partial(_put, project, audit.revision, question.image)
            told = (("None of these: new group", NEW_GROUP, "new", "N"), ("Cannot say", None, "unknown", "S"))
            placing.answers("audit", told, put)
            _back(project, audit)
        with ui.errors():
            state = editing.workbench(project).live(shown)
            likely = likely_clusters(state, state.collection.image_ids.index(question.image))
            placing.groups(project, shown, question.image, likely, key="audit_place", on_place=put)


def _put(project: Project, revision: str, image: str, where: int | None) -> None:
    with ui.refusals():
        place(project, revision, image, where)


def _teach(project: Project, shown: Revision, audit: Audit) -> None:
    """The answers given to the groups: what is right stays, what is wrong goes where it belongs."""
    edits = _edits(project, shown, audit)
    if not edits:
        return
    images = {image for edit in edits for image in edit.image_ids()}
    stay = sum(audit.answers[image] is True for image in images)
    stays = "1 photo stays where it is" if stay == 1 else f"{stay:,} photos stay where they are"
    moves = f"{len(images) - stay:,} {'moves' if len(images) - stay == 1 else 'move'}"
    ui.note(
        f"Use these answers: {stays}, {moves}, and photos like them follow. The groups change then; this judgement stays "
        "with the result it is about."
    )
    st.button(
        "Put the groups right",
        key="audit_teach",
        icon=":material/school:",
        on_click=_give,
        args=(project, shown, audit),
    )


def _edits(project: Project, shown: Revision, audit: Audit) -> tuple[Edit, ...]:
    return audit.edits(card.name for card in cached.cards(project, shown))


def _give(project: Project, shown: Revision, audit: Audit) -> None:
    with ui.refusals():
        edits = _edits(project, shown, audit)
        revision = editing.apply_now(project, edits)
        if revision is None:
            return
        images = [image for edit in edits for image in edit.image_ids()]
        told = [Asked(image=image, drawn=True, right=audit.answers[image] is True) for image in images]
        keep_answers(project, revision, told)
        moved = cached.count_moved(project, shown, revision) or 0
        session.notice(
            f"Used {markup.count(len(images), 'answer')}. {markup.count(moved, 'photo')} moved. Undo: Z"
        )


def _buttons(project: Project, audit: Audit, question: Question) -> None:
    with st.container(horizontal=True):
        told = (("Yes", True, "yes", "Y"), ("No", False, "no", "N"), ("Cannot say", None, "skip", "S"))
        placing.answers("audit", told, partial(_answer, project, audit.revision, question.image))
        _back(project, audit)


def _back(project: Project, audit: Audit) -> None:
    last = audit.last
    st.button(
        "Back",
        key="audit_back",
        shortcut="Backspace",
        disabled=last is None,
        on_click=_take_back,
        args=(project, audit.revision, last.image if last else ""),
        help="Judge the photo before this one again.",
    )


def _answer(project: Project, revision: str, image: str, belongs: bool | None) -> None:
    with ui.refusals():
        answer(project, revision, image, belongs)


def _take_back(project: Project, revision: str, image: str) -> None:
    with ui.refusals():
        take_back(project, revision, image)


def _result(audit: Audit) -> None:
    """The estimate so far."""
    found = audit.estimate()
    if found is None:
        return
    said = [
        (
            "In the right place",
            f"{found.share:.0%}",
            "Share of all photos, each cluster counted by its size",
        ),
        (
            "95 % interval",
            f"{found.low:.0%} to {found.high:.0%}",
            "In 19 of 20 such samples the interval holds the true share (Wilson, effective sample size)",
        ),
        ("Judged", f"{found.judged}", "Photos that could be judged"),
    ]
    if found.covered < 1:
        said.append(("Clusters seen", f"{found.covered:.0%}", "Share of the photos whose cluster was judged"))
    st.html(markup.facts(said))


def _finished(project: Project, shown: Revision, audit: Audit) -> None:
    wrong = audit.wrong()
    row_of = cached.row_of(project, shown.scan)
    images = cached.images(project, shown.scan)
    name = cached.cluster_names(project, shown)
    if wrong:
        where = {question.image: name(question.cluster) for question in wrong}
        ui.note("Photos that you found in the wrong place:")
        gallery.paged(
            project,
            [images[row_of[question.image]] for question in wrong],
            key="page_audit_wrong",
            label="Photos in the wrong place",
            caption=lambda image: where[image.id],
        )
    with st.container(horizontal=True):
        st.button("Back", key="audit_reopen", on_click=_reopen, args=(project, audit))
        st.button(
            "Draw other photos",
            key="audit_again",
            icon=":material/refresh:",
            on_click=_start,
            args=(project, shown, len(audit.questions), audit.seed + 1),
            help="A new sample of this result; the judgements of this one are replaced.",
        )


def _reopen(project: Project, audit: Audit) -> None:
    if audit.last is not None:
        _take_back(project, audit.revision, audit.last.image)


def _others(project: Project, shown: Revision) -> None:
    """Audits of other revisions, so that the person sees whether it got better."""
    rows = []
    for audit in audits(project):
        found = audit.estimate()
        if audit.revision != shown.id and found is not None:
            day = f"{datetime.fromisoformat(audit.created):%d %B %Y}"
            rows.append(
                (
                    audit.revision,
                    [
                        f"{found.share:.0%} right, {found.low:.0%} to {found.high:.0%} ({found.judged} judged, {day})"
                    ],
                )
            )
    if rows:
        ui.note("Judged before, on other results:")
        st.html(markup.definitions(rows))
