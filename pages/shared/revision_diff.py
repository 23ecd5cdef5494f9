"""What lies between two revisions, in words and in photos; History and Compare show it alike."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import streamlit as st

from kec_core.knowledge.diff import Difference, KnowledgeDiff, diff
from kec_core.photos.images import ImageRecord
from kec_core.result.impact import Flow
from pages.shared import cached, gallery, markup, ui
from state.project.project import Project
from state.revisions import revisions
from state.revisions.comparison import Changes
from state.revisions.revisions import RevisionInfo

SHOWN = 40
"""Lines of a list of differences; the rest is counted."""


def knowledge(project: Project, changes: Changes) -> None:
    """The differences of the knowledge in words."""
    before, after = (cached.knowledge_in_words(project, one) for one in (changes.before, changes.after))
    found = diff(before, after)
    if not found:
        ui.note("The knowledge is the same in both.")
        return
    st.html(markup.definitions(_rows(found)))


def _rows(found: KnowledgeDiff) -> list[tuple[str, Sequence[str]]]:
    parts = {
        "New": found.added,
        "Gone": found.removed,
        "Changed": found.changed,
        "Settings": found.settings,
    }
    return [(title, _lines(items)) for title, items in parts.items() if items]


def _lines(items: Sequence[Difference]) -> list[str]:
    rest = len(items) - SHOWN
    return [item.words for item in items[:SHOWN]] + ([f"and {rest:,} more"] if rest > 0 else [])


def moved(changes: Changes) -> str:
    """How many photos moved, as a sentence."""
    count, total = len(changes.moved), len(changes.images)
    said = (
        f"{markup.count(count, 'photo')} of {total:,} changed cluster"
        if count
        else "No photo changed cluster"
    )
    others = [
        f"{markup.count(number, 'photo')} only in {revision.id}"
        for number, revision in (
            (changes.only_before, changes.before),
            (changes.only_after, changes.after),
        )
        if number
    ]
    return f"{said} from {changes.before.id} to {changes.after.id}" + "".join(f"; {o}" for o in others) + "."


Names = Callable[[int], str]
"""The name of a cluster by its id."""


def names(project: Project, changes: Changes) -> tuple[Names, Names]:
    """How the clusters of both revisions are called."""
    return cached.cluster_names(project, changes.before), cached.cluster_names(project, changes.after)


def photos(project: Project, changes: Changes, *, key: str, flow: Flow | None = None) -> None:
    """The photos that moved, by one flow or by all, each with where it came from and went."""
    old_name, new_name = names(project, changes)
    place = {changes.images[row].id: row for row in changes.moved}

    def caption(image: ImageRecord) -> str:
        row = place[image.id]
        return f"{old_name(int(changes.old[row]))} → {new_name(int(changes.new[row]))}"

    gallery.paged(
        project,
        changes.photos(flow),
        key=f"{key}_{changes.before.id}_{changes.after.id}",
        label="Photos that moved",
        caption=None if flow is not None else caption,
    )


def script(project: Project, revision: RevisionInfo) -> str:
    """All edits that lead to a revision, as a file for ``kec edit --script``."""
    edits = [dict(edit) for edit in revisions.journal(project, revision.id)]
    return json.dumps({"edits": edits}, ensure_ascii=False, indent=2)
