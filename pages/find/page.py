"""Find: where are the photos I have in mind? By words, like other photos, by name, label, cluster, day, camera, place, confidence."""

from __future__ import annotations

import streamlit as st

from kec_core.errors import ResourceMissing
from pages.find import filters, timeline
from pages.shared import (
    cached,
    editing,
    finding,
    gallery,
    groups,
    markup,
    moved,
    photo_picker,
    selection,
    session,
    ui,
)
from state.project.project import Project
from state.revisions.revisions import Revision
from state.work.photo_filter import PhotoFilter
from state.work.search import Found, Search, open_search

TOPS = (20, 60, 200, 1000)
NOTHING_ASKED = "Type what can be seen in the field above (key /), click a word, or choose by what is known of the photos."
HINT = "Click photos to pick them, or pick all that were found; then say where they belong."
_TOP = "find_top"


@cached.remembered(
    lambda project, shown: (cached.identity(project), shown.id, project.labels_version, project.exif_known),
    entries=2,
)
def _search(project: Project, shown: Revision) -> Search:
    """Held once per result: the features are those that edits use, not another copy."""
    return open_search(project, shown, editing.workbench(project).live(shown).collection.x)


_SUGGESTED = 12
_CLICKED = "find_suggested"


def _suggestions(search: Search) -> None:
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
            key=_CLICKED,
            on_change=_look_for_clicked,
        )


@cached.remembered(lambda search: (cached.identity(search.project), search.revision.id))
def _words(search: Search) -> tuple[str, ...]:
    return search.suggested_words(_SUGGESTED)


def _look_for_clicked() -> None:
    chosen = session.widget(_CLICKED)
    if chosen:
        finding.look_for_words(str(chosen))
        session.set_widget(_CLICKED, None)


def _asked(search: Search) -> None:
    """What is looked for besides the words in the header, and how to let go of it."""
    like = _like(search)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.title("Find", anchor=False, width="content")
        if finding.words():
            ui.note(f"Photos that “{finding.words()}” fits best", width="content")
        elif like:
            ui.note(f"Photos like {_named(like)}", width="content")
        else:
            ui.note(NOTHING_ASKED, width="content")
        if finding.words() or like:
            st.button(
                "Clear", key="find_forget", type="tertiary", icon=":material/close:", on_click=finding.forget
            )
    if like:
        images = cached.images(search.project, search.revision.scan)
        shown = [images[search.row_of[image]] for image in like[:6]]
        with st.container(width=480):
            ui.photos(search.project, shown, size="strip", label="Looked for")


def _like(search: Search) -> list[str]:
    return [image for image in finding.like() if image in search.row_of]


def _named(images: list[str]) -> str:
    return images[0] if len(images) == 1 else f"these {len(images):,} photos"


def _found(search: Search, chosen: PhotoFilter, top: int) -> tuple[Found, ...]:
    like = _like(search)
    if finding.words():
        return search.words(finding.words(), top, chosen)
    if like:
        return search.like(like, top, chosen)
    return search.filtered(chosen, len(search.ids)) if chosen else search.newest(top)


def _heading(search: Search, found: tuple[Found, ...], *, is_asked: bool) -> str:
    """How many photos there are, and which ones when nothing was asked for."""
    count = markup.count(len(found), "photo")
    if is_asked:
        return count
    if any(one.exif.taken for one in found):
        return f"The newest {count}" if len(found) < len(search.ids) else f"All {count}, newest first"
    return f"The first {count}" if len(found) < len(search.ids) else f"All {count}"


def _results(project: Project, shown: Revision, found: tuple[Found, ...], heading: str) -> None:
    row_of = cached.row_of(project, shown.scan)
    images = cached.images(project, shown.scan)
    rows = [row_of[one.image] for one in found]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="find_results"):
        st.subheader(heading, anchor=False, width="content")
        said = (gallery.distinct(project, (one.image for one in found)), groups.whence(project, shown, rows))
        ui.note(" · ".join(filter(None, said)), width="content")
        st.space("stretch")
        st.button(
            f"Pick all {len(found):,}",
            key="find_pick",
            icon=":material/select_all:",
            on_click=session.select,
            kwargs={"images": [one.image for one in found]},
        )
    photo_picker.draw(project, [images[row] for row in rows], key="found", label="Photos that were found")


def _page(project: Project, shown: Revision) -> None:
    search = _search(project, shown)
    _asked(search)
    is_ranked = bool(finding.words() or _like(search))
    if not is_ranked:
        _suggestions(search)
    chosen = filters.draw(project, shown, search)
    with st.container(horizontal=True, vertical_alignment="center"):
        top = st.segmented_control(
            "How many", TOPS, default=TOPS[1], required=True, key=_TOP, persist_state="session",
            format_func=lambda count: f"best {count:,}" if is_ranked else f"{count:,} photos",
            label_visibility="collapsed",
        )  # fmt: skip
        if chosen:
            st.button("No filter", key="find_no_filter", type="tertiary", on_click=filters.clear)
    timeline.draw(search, chosen)
    found = _found(search, chosen, int(top))
    if found:
        _results(project, shown, found, _heading(search, found, is_asked=is_ranked or bool(chosen)))
    else:
        ui.note("No photo has all of this; take one of the filters back.")
    with st.bottom:
        selection.draw(project, shown, hint=HINT, place="bar")
        if not session.selection().images:
            moved.bar(project, shown)


project = ui.need_project()
with ui.errors():
    revision = ui.need_result(
        project,
        "Find",
        "Nothing to search yet",
        "Run the stages once; then every photo can be found by words.",
    )
    _page(project, revision)
