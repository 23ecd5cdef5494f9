"""Compare: did it get better?"""

from __future__ import annotations

import streamlit as st

from pages.compare import ask_me, choices_tab, label_free_tab, methods_tab, result_tab
from pages.shared import asking, ui
from state.revisions import revisions

project = ui.need_project()
with ui.errors():
    shown = ui.need_result(
        project,
        "Compare",
        "Nothing to compare yet",
        "Run the stages once. Then you see here how the result stands beside plain k-means, and every change beside it.",
    )
    st.title("Compare", anchor=False)
    ui.tabs(
        {
            "Result": lambda: result_tab.draw(project, shown, revisions.history(project)),
            "Without labels": lambda: label_free_tab.draw(project, shown),
            asking.TAB: lambda: ask_me.draw(project, shown),
            "Methods": lambda: methods_tab.draw(project, shown),
            "What was chosen for you": lambda: choices_tab.draw(project, shown),
        },
        key="compare_tab",
    )
