"""An audit by eye: photo after photo, "does it belong here?", answered with one key; then how right the groups are."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from kec_core.photos.images import ImageRecord
from pages.shared import cached, gallery, markup, session, ui
from pages.shared.palette import cluster_colour
from pages.shared.thumbnails import LARGE, address
from state.project.project import Project
from state.revisions.audits import SAMPLE, Audit, Question, answer, audits, load_audit, start_audit, take_back
from state.revisions.overview import load_overview
from state.revisions.revisions import Revision

TYPICAL = 12
MOST = 500


def draw(project: Project, shown: Revision) -> None:
    """What fits the state of the audit: an invitation, the next photo, or the result."""
    audit = load_audit(project, shown.id)
    if audit is None:
        _invite(project, shown)
    else:
        st.fragment(_judge)(project, shown)
    _others(project, shown)


def _invite(project: Project, shown: Revision) -> None:
    st.html(
        markup.note(
            "Look at a random sample, about five seconds a photo: does it belong where it is? You get the share of photos "
            "in the right place with an interval. You can stop at any time and go on later."
        )
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
    """Redrawn alone after every answer."""
    audit = load_audit(project, shown.id)
    if audit is None:
        st.rerun()
    done, total = len(audit.answers), len(audit.questions)
    st.progress(done / total, text=f"{done} of {total} judged")
    question = audit.next
    if question is not None:
        _question(project, shown, audit, question)
    _result(audit)
    if question is None:
        _finished(project, shown, audit)


def _question(project: Project, shown: Revision, audit: Audit, question: Question) -> None:
    name = cached.cluster_names(project, shown)(question.cluster)
    images = cached.images(project, shown.scan)
    row = cached.row_of(project, shown.scan)[question.image]
    left, right = st.columns([2, 3], gap="large")
    with left:
        st.html(_photo(project, images[row]))
    with right:
        st.html(markup.card_text(f"Does it belong to “{name}”?", [], colour=cluster_colour(question.cluster)))
        _buttons(project, audit, question)
        st.html(markup.note("Typical photos of this cluster:"))
        typical = load_overview(project, shown).members(question.cluster)
        others = [images[other] for other in typical[: TYPICAL + 1] if other != row][:TYPICAL]
        st.html(markup.gallery(ui.tiles(project, others), size="strip", label="Typical photos"))


def _photo(project: Project, image: ImageRecord) -> str:
    """The photo, large; its name is no caption, since the name of a folder may give the answer away."""
    if not image.sha256:
        return markup.note(f"{image.id} has no preview.")
    source = address(session.open_projects().id_of(project.folder), image.sha256, LARGE)
    return (
        f'<div class="kec kec-judged"><img src="{markup.text(source)}" alt="{markup.text(image.id)}"></div>'
    )


def _buttons(project: Project, audit: Audit, question: Question) -> None:
    with st.container(horizontal=True):
        for label, belongs, key, shortcut in (
            ("Yes", True, "audit_yes", "Y"),
            ("No", False, "audit_no", "N"),
            ("Cannot say", None, "audit_skip", "S"),
        ):
            st.button(
                label,
                key=key,
                shortcut=shortcut,
                type="primary" if belongs else "secondary",
                on_click=_answer,
                args=(project, audit.revision, question.image, belongs),
            )
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
    place = cached.row_of(project, shown.scan)
    images = cached.images(project, shown.scan)
    name = cached.cluster_names(project, shown)
    if wrong:
        where = {question.image: name(question.cluster) for question in wrong}
        st.html(markup.note("Photos that you found in the wrong place:"))
        gallery.paged(
            project,
            [images[place[question.image]] for question in wrong],
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
        st.html(markup.note("Judged before, on other results:"))
        st.html(markup.definitions(rows))
