"""Pieces that several pages share: errors, badges, progress in words, photos of a project as tiles."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import Literal, ParamSpec, TypeVar

import streamlit as st

from kec_core.errors import KecError
from kec_core.photos.images import ImageRecord
from kec_core.stages.table import STEP_OF
from pages.shared import markup, navigation, session
from pages.shared.thumbnails import LARGE, SMALL, address
from state.engine.collection import Collection
from state.jobs.jobs import Job
from state.project.project import Project
from state.revisions import revisions
from state.revisions.revisions import Revision

T = TypeVar("T")
P = ParamSpec("P")

POLL_SECONDS = 1
"""How often what a running job says of itself is drawn again."""
_OTHER_STAGES = {"layout": "Making the map"}
"""Work of jobs that is no stage of a run, until it says itself what it does."""

_START = st.components.v2.component(
    "kec_view_start",
    html="<span></span>",
    js=Path(__file__).with_name("view_start.js").read_text(encoding="utf-8"),
)


def begin(shown: str, *, back: bool = False, start: str = "") -> None:
    """Scroll to where the view begins, whenever it is another one than before.

    Args:
        shown: names the view.
        back: True returns to where this view was left.
        start: key of the button from where the Tab key goes on when what had the focus is not there any more; "" for none.
    """
    _START(key="view_start", data={"shown": shown, "back": back, "start": start})


def note(body: str, *, width: Literal["stretch", "content"] = "stretch") -> None:
    """A quiet remark in plain text."""
    st.html(markup.note(body), width=width)


def card(title: str, lines: Iterable[str] = (), *, colour: str = "") -> None:
    """The words of a card: a title, with a dot of its colour, and quiet lines below."""
    st.html(markup.card_text(title, lines, colour=colour))


def photos(
    project: Project,
    images: Sequence[ImageRecord],
    *,
    label: str,
    size: str = "medium",
    captions: Sequence[str] = (),
) -> None:
    """Photos as a gallery, see ``markup.gallery``; ``captions`` is empty or has one for each."""
    st.html(markup.gallery(tiles(project, images, captions=captions), size=size, label=label))


def error(said: object) -> None:
    """What went wrong, in plain text."""
    st.error(markup.plain(said), icon=":material/error:")


def choose(
    label: str,
    options: Mapping[T, str],
    *,
    key: str,
    default: T | None = None,
    tip: str | None = None,
    labelled: bool = False,
    lasting: bool = True,
) -> T:
    """One of a few in a row; a ``lasting`` choice is remembered while the window is open. A screen reader reads the label."""
    chosen: T = st.segmented_control(
        label,
        list(options),
        format_func=options.__getitem__,
        default=next(iter(options)) if default is None else default,
        required=True,
        key=key,
        label_visibility="visible" if labelled else "collapsed",
        persist_state="session" if lasting else None,
        help=tip,
    )
    return chosen


def tabs(parts: Mapping[str, Callable[[], object]], *, key: str) -> None:
    """Parts by their titles, of which only the open one is drawn."""
    for draw, tab in zip(parts.values(), st.tabs(list(parts), key=key, bind="query-params"), strict=True):
        if tab.open:
            with tab:
                draw()


@contextmanager
def errors() -> Iterator[None]:
    """Show what a person can act on as one sentence; any other exception is a bug and must surface."""
    try:
        yield
    except KecError as refused:
        error(refused)


@contextmanager
def refusals() -> Iterator[None]:
    """The same within a widget's callback: what is refused is said by the frame, above the page."""
    try:
        yield
    except KecError as refused:
        session.refuse(str(refused))


def dialog(
    title: str, *, width: Literal["small", "medium", "large"] = "medium"
) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """A dialog in which something can be written: the end of a job waits until it is closed, which draws the page anew."""

    def made(draw: Callable[P, None]) -> Callable[P, None]:
        @st.dialog(title, width=width, on_dismiss="rerun")
        @wraps(draw)
        def opened(*args: P.args, **kwargs: P.kwargs) -> None:
            session.dialog_opened()
            draw(*args, **kwargs)

        return opened

    return made


def need_project() -> Project:
    """The open project; without one, says what to do and stops the page."""
    with errors():
        project = session.project()
        if project is not None:
            return project
    body = "Open one from the list, or start with the demo."
    nothing_here("No project is open", body, "projects", "See projects")
    st.stop()


def need_result(project: Project, page: str, title: str, body: str) -> Revision:
    """The shown revision; without one, says on a page of this name what a run would bring, and stops it."""
    revision = revisions.current(project)
    if revision is not None:
        return revision
    st.title(page, anchor=False)
    nothing_here(title, body, "build", "Go to Build")
    st.stop()


def nothing_here(title: str, body: str, page: str, action: str) -> None:
    """An empty state with the one step that leads on."""
    st.html(markup.empty(title, body))
    with st.container(horizontal=True, horizontal_alignment="center"):
        if st.button(action, type="primary", key=f"empty_{page}"):
            navigation.go_to(page)


def run_notes(revision: Revision, title: str, *, key: str) -> None:
    """What the run noted about its own choices, folded up; nothing when it noted nothing."""
    notes = revision.facts.notes
    if notes:
        with st.expander(title, key=key):
            for said in notes:
                note(said)


def sample_badge(collection: Collection | None) -> None:
    """Say on every page that counts and scores are of a sample, where the project holds one."""
    if collection is not None and collection.is_sampled:
        st.badge(
            f"{collection.sample:,} of {collection.photos:,} photos",
            color="blue",
            icon=":material/filter_alt:",
            help="This project holds a sample. Counts, scores and pictures are of the sample; on Clusters its groups are given "
            "to all photos.",
        )


def encoder_badge(name: str) -> None:
    """Say which encoder made a result; the compact one is never mistaken for CLIP."""
    if name == "compact":
        st.badge(
            "compact (offline), not CLIP",
            color="orange",
            help="A small image and text encoder that needs no download. Its words are coarser than CLIP's.",
        )
    elif name:
        st.badge(
            markup.plain(name.removeprefix("open_clip:")),
            color="gray",
            help="The encoder that compares photos and words.",
        )


def is_dark() -> bool:
    """Whether the page is shown dark."""
    return bool(st.context.theme.type == "dark")


def when(utc: str) -> str:
    """A stored UTC time as "3 minutes ago", "yesterday" or a date."""
    then = datetime.fromisoformat(utc)
    seconds = (datetime.now(UTC) - then).total_seconds()
    for limit, unit, word in (
        (60.0, 1.0, ""),
        (3600.0, 60.0, "minute"),
        (86400.0, 3600.0, "hour"),
        (7 * 86400.0, 86400.0, "day"),
    ):
        if seconds < limit:
            return f"{markup.count(int(seconds // unit), word)} ago" if word else "just now"
    return f"{then.day} {then:%B %Y}"


def share(job: Job) -> float:
    """How far the current loop of a job is, in [0, 1]."""
    return min(1.0, job.done / job.total) if job.total else 0.0


def progress_line(job: Job) -> str:
    """What a job is doing, how far it is, and how long it still takes."""
    if job.state == "cancelling":
        return "Stopping…"
    if job.state == "queued" or not job.stage:
        return "Starting…"
    parts = [job.label or _step_name(job.stage)]
    if job.total > 1:
        parts.append(f"{share(job):.0%}")
    if job.eta is not None and job.eta >= 1 and not job.paused:
        parts.append(f"about {markup.duration(job.eta)} left")
    return " · ".join(parts)


def _step_name(stage: str) -> str:
    return STEP_OF[stage].name if stage in STEP_OF else _OTHER_STAGES.get(stage, stage)


def tiles(
    project: Project, images: Sequence[ImageRecord], *, captions: Sequence[str] = ()
) -> list[markup.Tile]:
    """Photos of a project as tiles of a gallery."""
    return tiles_of(session.open_projects().id_of(project.folder), images, captions=captions)


def tiles_of(
    project_id: str, images: Sequence[ImageRecord], *, captions: Sequence[str] = ()
) -> list[markup.Tile]:
    """Photos as tiles; ``captions`` is empty or has one for each."""
    notes = captions or [""] * len(images)
    return [
        markup.Tile(
            src=address(project_id, image.sha256, SMALL) if image.sha256 else "",
            large=address(project_id, image.sha256, LARGE) if image.sha256 else "",
            alt=image.id,
            caption=note,
        )
        for image, note in zip(images, notes, strict=True)
    ]
