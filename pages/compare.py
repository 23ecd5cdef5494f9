"""Compare: did it get better?"""

from __future__ import annotations

import streamlit as st

from pages import _compare_check, _compare_choice, _compare_methods, _compare_result, _ui
from state import revisions

TABS = ("Result", "Without labels", "Methods", "What was chosen for you")

project = _ui.need_project()
st.title("Compare", anchor=False)
with _ui.errors():
    shown = revisions.current(project)
    if shown is None:
        _ui.nothing_here(
            "Nothing to compare yet",
            "Run the stages once. Then you see here how the result stands beside plain k-means, and every change beside it.",
            "build",
            "Go to Build",
        )
        st.stop()
    result, check, methods, choice = st.tabs(TABS, key="compare_tab", on_change="rerun")
    if result.open:
        with result:
            _compare_result.draw(project, shown, revisions.history(project))
    if check.open:
        with check:
            _compare_check.draw(project, shown)
    if methods.open:
        with methods:
            _compare_methods.draw(project, shown)
    if choice.open:
        with choice:
            _compare_choice.draw(project, shown)
