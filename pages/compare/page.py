"""Compare: did it get better?"""

from __future__ import annotations

import streamlit as st

from pages.compare import ask_me, choices_tab, label_free_tab, methods_tab, result_tab
from pages.shared import ui
from state.revisions import revisions

TABS = ("Result", "Without labels", "Ask me", "Methods", "What was chosen for you")

project = ui.need_project()
with ui.errors():
    shown = ui.need_result(
        project,
        "Compare",
        "Nothing to compare yet",
        "Run the stages once. Then you see here how the result stands beside plain k-means, and every change beside it.",
    )
    st.title("Compare", anchor=False)
    result, check, asking, methods, choice = st.tabs(TABS, key="compare_tab", on_change="rerun")
    if result.open:
        with result:
            result_tab.draw(project, shown, revisions.history(project))
    if check.open:
        with check:
            label_free_tab.draw(project, shown)
    if asking.open:
        with asking:
            ask_me.draw(project, shown)
    if methods.open:
        with methods:
            methods_tab.draw(project, shown)
    if choice.open:
        with choice:
            choices_tab.draw(project, shown)
