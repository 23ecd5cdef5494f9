"""What may be looked for in these photos: words of the knowledge that each show other photos, one click each."""

from __future__ import annotations

import streamlit as st

from kec_core.errors import ResourceMissing
from pages.shared import cached, finding, markup, session, ui
from state.work.search import Search

COUNT = 12
_KEY = "find_suggested"


def draw(search: Search) -> None:
    """Draw the words; a click looks for one. Without the encoder no words can be compared, which is said."""
    try:
        words = _words(search)
    except ResourceMissing as error:
        ui.note(str(error))
        return
    if words:
        st.pills(
            "Words that set these photos apart",
            words,
            format_func=markup.plain,
            key=_KEY,
            on_change=_look,
        )


@cached.remembered(lambda search: (cached.identity(search.project), search.revision.id))
def _words(search: Search) -> tuple[str, ...]:
    return search.suggested_words(COUNT)


def _look() -> None:
    chosen = session.widget(_KEY)
    if chosen:
        finding.look_for_words(str(chosen))
        session.set_widget(_KEY, None)
