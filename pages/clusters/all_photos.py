"""A project that holds a sample: what its groups are for the whole collection, and giving them to all photos."""

from __future__ import annotations

import streamlit as st

from pages.shared import markup, session
from state.engine.collection import Collection, LatestApplied, collection_of, latest_applied
from state.project.project import Project
from state.revisions.revisions import Revision


def draw(project: Project, revision: Revision) -> None:
    """What counts and scores are of, and a button that applies the groups to all photos; nothing without a sample."""
    collection = collection_of(project)
    if collection is None or not collection.is_sampled:
        return
    applied = latest_applied(project)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html(markup.note(f"{_of(collection)} {_state(revision, applied)}"), width="stretch")
        if st.button(
            "Apply to all photos",
            key="clusters_apply",
            icon=":material/done_all:",
            disabled=session.jobs().active(project) is not None or _is_applied(revision, applied),
            help=f"Gives these groups and names to all {collection.photos:,} photos, on the cluster of the latest run "
            f"({collection.cluster}). You can go on looking meanwhile, and cancel; the same as kec apply.",
        ):
            session.jobs().start(project, "apply", {})
            st.rerun()


def _of(collection: Collection) -> str:
    return (
        f"A sample of {collection.sample:,} of the {collection.photos:,} photos at {collection.address}: "
        "counts and scores here are of the sample."
    )


def _state(revision: Revision, applied: LatestApplied | None) -> str:
    if applied is None:
        return "No groups were given to all photos yet."
    unlike = f"{markup.count(applied.unlike, 'photo')} of them unlike all groups"
    if _is_applied(revision, applied):
        return f"All photos have the groups of {applied.revision}, {unlike}; labels: {applied.labels}."
    return f"All photos have the groups of {applied.revision} ({unlike}), not those of {revision.id} yet."


def _is_applied(revision: Revision, applied: LatestApplied | None) -> bool:
    return applied is not None and applied.revision == revision.id
