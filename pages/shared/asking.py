"""Whether "Ask me" asks now, and what was skipped; it begins on Clusters as well as on its own tab of Compare."""

from __future__ import annotations

from typing import Final, NoReturn

from pages.shared import navigation, session

RUNNING: Final = "ask_running"
SKIPPED: Final = "ask_skipped"
TAB: Final = "Ask me"
"""The tab of Compare where it asks."""


def run(running: bool) -> None:
    """Begin or stop asking; nothing counts as skipped then."""
    session.set_widget(RUNNING, running)
    session.set_widget(SKIPPED, ())


def begin() -> NoReturn:
    """Leave the page for the first question."""
    run(True)
    session.set_widget("compare_tab", TAB)
    navigation.go_to("compare")
