"""The table of compared methods, as it is kept with the project."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from pages.shared import markup
from state.methods.results import KeptRow, compared_revisions, kept_rows
from state.project.project import Project
from state.revisions.revisions import Revision


def kept(project: Project, shown: Revision) -> tuple[KeptRow, ...]:
    """The table of the shown revision, else that of the latest revision that has one."""
    known = compared_revisions(project)
    if not known:
        return ()
    return kept_rows(project, shown.id if shown.id in known else known[0])


def draw(project: Project, shown: Revision) -> None:
    """The kept rows, what to know about them, and the way to take them along."""
    rows = kept(project, shown)
    if not rows:
        st.html(
            markup.empty(
                "No methods compared yet",
                "Choose some below and run them. The rows appear here one by one and stay with the project.",
            )
        )
        return
    _warnings(project, shown, rows)
    frame = table(rows)
    st.dataframe(
        frame,
        key="method_table",
        hide_index=True,
        column_config={
            "Note": st.column_config.TextColumn(width="large"),
            "s per seed": st.column_config.NumberColumn(format="%.2f"),
        },
        alt="Scores of the compared methods.",
    )
    st.download_button(
        "As CSV",
        data=frame.to_csv(index=False).encode("utf-8-sig"),
        file_name=f"methods-{rows[0].revision}.csv",
        mime="text/csv",
        key="method_csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _warnings(project: Project, shown: Revision, rows: Sequence[KeptRow]) -> None:
    if rows[0].revision != shown.id:
        st.info(
            f"These rows were made on {rows[0].revision}; {shown.id} is shown now. Run again to see it: what has not "
            "changed is not computed again.",
            icon=":material/info:",
        )
    if any(row.labels_version != project.labels_version for row in rows):
        st.warning(
            "The labels have changed since some rows were scored. Run again: only the scores are computed anew.",
            icon=":material/update:",
        )
    if all(row.row.scores is None for row in rows):
        st.info(
            "There are no labels, so the methods cannot be scored; their groups are kept all the same. Labels for a part of "
            "the photos are enough (page Data).",
            icon=":material/info:",
        )


def table(rows: Sequence[KeptRow]) -> pd.DataFrame:
    """The rows for people: best accuracy first, mean ± sd in percent."""
    ordered = sorted(rows, key=lambda one: -one.row.scores["acc"].mean if one.row.scores else math.inf)
    return pd.DataFrame([_cells(one) for one in ordered])


def _cells(one: KeptRow) -> dict[str, object]:
    scores = one.row.scores or {}
    shown = {
        metric.upper(): f"{100 * scores[metric].mean:.1f} ± {100 * scores[metric].sd:.1f}"
        if metric in scores
        else "–"
        for metric in ("acc", "nmi", "ari")
    }
    return {
        "Method": one.row.caption,
        **shown,
        "s per seed": round(one.row.seconds, 2),
        "Seeds": one.n_seeds,
        "Preset": one.preset,
        "Follows": one.row.provenance,
        "Note": one.row.note,
    }
