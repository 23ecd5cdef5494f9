"""Does in advance, while the person still looks around, what the first look at the concepts and the first edit need."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from kec_core.encoders import automatic_encoder
from kec_core.errors import KecError
from kec_core.suggestions import suggest
from state.project.project import Project
from state.revisions.revisions import Revision
from state.work.editing import loaded_encoder
from state.work.workbench import LiveStates

log = logging.getLogger(__name__)

_ANY = "a photo"

_served = threading.Event()
_loading = threading.Event()
_begun: set[tuple[Path, str, str]] = set()


def serve() -> None:
    """From now on things are done in advance; to be called once, by the server."""
    _served.set()


def start() -> None:
    """Load the encoder that new projects use, once; nothing outside the server.

    To be called when a page has been drawn: before, both would wait for each other.
    """
    if not _served.is_set() or _loading.is_set():
        return
    _loading.set()
    # A string that is new to the encoder reads its weights; through the text cache it would not be new for long.
    _in_background(lambda: loaded_encoder(automatic_encoder()).encode_texts([_ANY]))


def open_project(states: LiveStates, project: Project, revision: Revision) -> None:
    """Make the live state of a revision that somebody looks at, and look for doubts; nothing outside the server.

    What costs most of the doubts is remembered with the photos, for this state and those after it.

    Args:
        states: where it is kept; whoever needs it meanwhile waits for the same one.
        project: whose.
        revision: the shown one.
    """
    key = (project.folder, revision.id, revision.created)
    if not _served.is_set() or key in _begun:
        return
    if not states.knows(project, revision):
        _begun.add(key)
        _in_background(lambda: suggest(states.of(project, revision)))


def _in_background(work: Callable[[], object]) -> None:
    """Do it in a thread of its own; what fails here is said where it is needed."""

    def attempt() -> None:
        try:
            work()
        except (KecError, OSError) as error:
            log.info("Nothing was loaded in advance: %s", error)

    threading.Thread(target=attempt, name="warm-up", daemon=True).start()
