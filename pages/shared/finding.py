"""What is looked for: words from the header, photos from wherever they are shown; the page Find shows what was found."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.shared import navigation, session

LABEL = "Find photos"
_FIELD, _WORDS, _LIKE, _ASKED = "find_field", "find_words", "find_like", "find_asked"


def field() -> None:
    """The field for words in the header; Enter leads to the page Find."""
    if session.widget(_FIELD) is None:  # what a field holds is forgotten when another page is gone to
        session.set_widget(_FIELD, words())
    st.text_input(
        LABEL,
        key=_FIELD,
        placeholder="Find photos: red flowers",
        icon=":material/search:",
        label_visibility="collapsed",
        width=230,
        on_change=_ask_words,
    )


def look_for_words(words: str) -> None:
    """Look for these words on the page Find, where one is; a widget's callback."""
    _look_for(words, ())


def ask_like(images: Sequence[str]) -> None:
    """Look for photos like these; a widget's callback."""
    _look_for("", images)
    session.set_widget(_ASKED, True)


def go_when_asked() -> None:
    """Go to the page Find when something is looked for that it has not shown yet."""
    if is_asked():
        session.set_widget(_ASKED, False)
        navigation.go_to("find")


def is_asked() -> bool:
    """Whether something is looked for that was not shown yet."""
    return bool(session.widget(_ASKED))


def words() -> str:
    """The words that are looked for, "" for none."""
    return str(session.widget(_WORDS) or "")


def like() -> tuple[str, ...]:
    """The photos that others should be like; none while words are looked for."""
    kept = session.widget(_LIKE)
    return kept if isinstance(kept, tuple) else ()


def forget() -> None:
    """Look for nothing; a widget's callback."""
    _look_for("", ())


def _ask_words() -> None:
    _look_for(str(session.widget(_FIELD) or "").strip(), ())
    session.set_widget(_ASKED, bool(words()))


def _look_for(words: str, images: Sequence[str]) -> None:
    for key, value in ((_WORDS, words), (_FIELD, words), (_LIKE, tuple(images))):
        session.set_widget(key, value)
