"""History: what was done, when, and what came of it; go back to any revision, nothing is ever lost."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from kec_core.errors import KecError
from pages.history import revision_tree
from pages.shared import cached, editing, gallery, revision_diff, session, ui
from state.project.project import Project
from state.revisions import revisions
from state.revisions.comparison import automatic_result
from state.revisions.revisions import RevisionInfo

PER_PAGE = 20
CHOSEN = "history_chosen"


def _score(revision: RevisionInfo) -> tuple[str, float | None]:
    """The one score for a list: accuracy with labels, else the silhouette."""
    if revision.scores is not None:
        return "ACC", revision.scores.acc
    return "silhouette", None if revision.internal is None else revision.internal.silhouette


def _facts(project: Project, revision: RevisionInfo, parent: RevisionInfo | None) -> list[str]:
    """When, how good, how much better than its parent on the same photos, how many of them moved."""
    name, score = _score(revision)
    facts = [ui.when(revision.created)]
    if score is not None:
        facts.append(f"{name} {score:.1%}" if name == "ACC" else f"{name} {score:.3f}")
    if parent is None or parent.scan != revision.scan:
        return facts
    before = _score(parent)
    if score is not None and before[1] is not None and before[0] == name:
        gap = score - before[1]
        facts.append(f"{gap * 100:+.1f} points" if name == "ACC" else f"{gap:+.3f}")
    try:
        count = cached.count_moved(project, parent, revision)
    except KecError:
        return [*facts, "its arrays are missing"]
    return facts if count is None else [*facts, f"{count:,} moved"]


def _choose(revision_id: str) -> None:
    session.set_widget(CHOSEN, revision_id)


def _tree(project: Project, history: Sequence[RevisionInfo], shown: RevisionInfo, chosen: str) -> None:
    """All branches, newest first; the buttons choose what is looked at beside the tree."""
    lines = revision_tree.lay_out(history)
    by_id = {revision.id: revision for revision in history}
    lanes = 1 + max(line.lane for line in lines)
    with st.container(gap=None, key="history_tree"):
        for line in lines[gallery.turn("page_history", len(lines), PER_PAGE)]:
            revision = line.revision
            is_shown = revision.id == shown.id
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.html(revision_tree.drawing(line, lanes=lanes, shown=is_shown), width="content")
                st.button(
                    revision.id,
                    key=f"choose_{revision.id}",
                    type="primary" if revision.id == chosen else "secondary",
                    on_click=_choose,
                    args=(revision.id,),
                    help="Look at this revision beside the tree.",
                    width=64,
                )
                facts = _facts(project, revision, by_id.get(revision.parent or ""))
                st.html(revision_tree.words(revision, facts, shown=is_shown))


def _rename(project: Project, revision_id: str, key: str) -> None:
    try:
        revisions.set_name(project, revision_id, str(session.widget(key) or ""))
    except KecError as error:
        session.refuse(str(error))
        session.set_widget(key, revisions.get(project, revision_id).name)


@ui.refusals()
def _pin(project: Project, revision_id: str, key: str) -> None:
    revisions.set_pinned(project, revision_id, bool(session.widget(key)))


def _detail(project: Project, revision: RevisionInfo, shown: RevisionInfo) -> None:
    """One revision: what it is, and what can be done with it."""
    st.subheader(revision.id, anchor=False)
    ui.note(revision.note)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = f"name_{revision.id}"
        st.text_input(
            "Name",
            value=revision.name,
            key=key,
            placeholder="for example: before the split",
            on_change=_rename,
            args=(project, revision.id, key),
            help="A name of your own, so that you find it again; it also works in `kec` commands.",
        )
        pin = f"pin_{revision.id}"
        st.toggle(
            "Pin",
            value=revision.pinned,
            key=pin,
            on_change=_pin,
            args=(project, revision.id, pin),
            help="Marks it as worth keeping. A pinned run becomes the automatic result to return to.",
        )
    with st.container(horizontal=True):
        st.button(
            "Show this one",
            key="restore",
            type="primary",
            icon=":material/history:",
            disabled=revision.id == shown.id,
            on_click=editing.go_to,
            args=(project, revision.id),
            help="Go on from here (restore). Later revisions stay; an edit starts a branch.",
        )
        edits = len(revisions.journal(project, revision.id))
        st.download_button(
            f"Edits ({edits})",
            data=lambda: revision_diff.script(project, revision),
            file_name=f"edits-{revision.id}.json",
            mime="application/json",
            key="journal",
            icon=":material/download:",
            disabled=not edits,
            on_click="ignore",
            help="Every edit that led here, as a script: `kec edit PROJECT --script FILE` replays it on a copy of this project at "
            "its first revision. Another project has ids of its own.",
        )


def _other(history: Sequence[RevisionInfo], revision: RevisionInfo) -> RevisionInfo | None:
    """What to compare a revision with: chosen by the person, its parent at first."""
    others = {step.id: step for step in reversed(history) if step.id != revision.id}
    if not others:
        return None
    first = revision.parent or next(iter(others))
    wanted = st.selectbox(
        "Compared with",
        list(others),
        index=list(others).index(first),
        format_func=lambda i: f"{i} · {others[i].name or others[i].note}",
        key=f"compared_{revision.id}",
    )
    return others[wanted]


def _differences_from(project: Project, history: Sequence[RevisionInfo], revision: RevisionInfo) -> None:
    other = _other(history, revision)
    if other is None:
        ui.note("This is the only revision so far. Every edit and every run adds one; they are all kept.")
        return
    changes = cached.changes(project, other, revision)
    revision_diff.knowledge(project, changes)
    ui.note(revision_diff.moved(changes))
    if len(changes.moved):
        with st.expander("The photos that moved", key="history_moved", on_change="rerun") as photos:
            if photos.open:
                revision_diff.photos(project, changes, key="page_history_moved")


def _return(project: Project, history: Sequence[RevisionInfo], shown: RevisionInfo) -> None:
    automatic = automatic_result(history, shown)
    st.button(
        f"Return to the automatic result ({automatic.id})",
        key="return_automatic",
        icon=":material/settings_backup_restore:",
        disabled=automatic.id == shown.id,
        on_click=editing.go_to,
        args=(project, automatic.id),
        help="What the program found by itself on this branch. Your edits stay in the history.",
    )


def _page(project: Project, shown: RevisionInfo) -> None:
    history = revisions.history(project)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("History", anchor=False, width="content")
        st.space("stretch")
        _return(project, history, shown)
    known = {revision.id: revision for revision in history}
    chosen = known.get(str(session.widget(CHOSEN)), shown)
    left, right = st.columns([5, 4], gap="large")
    with left:
        _tree(project, history, shown, chosen.id)
    with right, st.container(border=True):
        _detail(project, chosen, shown)
        st.divider()
        with ui.errors():
            _differences_from(project, history, chosen)


project = ui.need_project()
with ui.errors():
    shown = ui.need_result(
        project,
        "History",
        "No history yet",
        "Run the stages once. From then on every run and every edit is kept here, and you can go back to each.",
    )
    _page(project, shown)
