"""The workbench of a project: try edits on the shown revision, keep them, step back and forth.

A live state is worth keeping between two clicks: the next edit goes on from it, and undo only restores what differs.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import fingerprint
from kec_core.errors import InputError
from kec_core.knowledge.edits import Edit, script_to_json
from kec_core.live import LiveState, restore
from kec_core.result.impact import Impact, compare
from state.project.project import Project
from state.revisions import revisions
from state.revisions.clusterings import load_clustering
from state.revisions.revisions import Revision
from state.work.editing import keep, open_live, try_edits

STATES = 4
"""Live states kept in memory per project: the shown one, its parent, and where undo and redo lead."""
STATES_BYTES = 640 * 2**20
"""What the live states of all projects may take; one of 50,000 photos and 100 concepts takes about 150 MB."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Preview:
    """What some edits would do; nothing is kept yet.

    Attributes:
        revision: the one they were tried on.
        edits: in order.
        before, after: the state of the revision, and the state with the edits.
        impact: what lies between them.
        follow: int64, rows of the photos that go along with those that edits of clusters name.
        said: what each edit does, in words.
        remarks: what the person should know of the last edit, in sentences that ``said`` holds too.
    """

    revision: Revision
    edits: tuple[Edit, ...]
    before: LiveState
    after: LiveState
    impact: Impact
    follow: NDArray[np.int64]
    said: tuple[str, ...]
    remarks: tuple[str, ...]


@dataclass(slots=True)
class _Shelf:
    """What is remembered of one project: live states by collection and revision, and the latest preview."""

    states: OrderedDict[tuple[str, ...], LiveState] = field(default_factory=OrderedDict)
    latest: tuple[tuple[str, ...], Preview] | None = None


class LiveStates:
    """The live states that were used last; safe to share between all windows of a server.

    Args:
        per_project: how many are kept of a project.
        most_bytes: how much memory all may take; projects that were not used for longest are forgotten first, but never
            the one in use.
    """

    def __init__(self, per_project: int = STATES, most_bytes: int = STATES_BYTES) -> None:
        self._per_project = per_project
        self._most_bytes = most_bytes
        self._shelves: OrderedDict[Path, _Shelf] = OrderedDict()
        self._lock = threading.Lock()
        # A lock lives as long as somebody holds or awaits it; a project that nobody uses leaves nothing behind.
        self._turns: WeakValueDictionary[Path, threading.RLock] = WeakValueDictionary()

    def of(self, project: Project, revision: Revision) -> LiveState:
        """The live state of a revision: remembered, restored from a relative, or opened from the disk.

        Raises:
            ResourceMissing: the weights of its encoder are not on this machine.
            StoreError: a stored result is missing or damaged.
        """
        collection = _collection(project, revision)
        key = (*collection, _identity(revision))
        with self._turn(project):
            with self._shelf(project) as shelf:
                relative = next(
                    (shelf.states[k] for k in reversed(shelf.states) if k[:-1] == collection), None
                )
                known = shelf.states.get(key)
                if known is not None:
                    shelf.states.move_to_end(key)
            if known is None:
                known = _opened(project, revision, relative)
                self.put(project, revision, known)
            return known

    def knows(self, project: Project, revision: Revision) -> bool:
        """Whether the state of a revision is remembered, or one that it can be restored from in a moment."""
        collection = _collection(project, revision)
        with self._shelf(project) as shelf:
            return any(key[:-1] == collection for key in shelf.states)

    def put(self, project: Project, revision: Revision, state: LiveState) -> None:
        """Remember the state of a revision that was just made."""
        with self._shelf(project) as shelf:
            shelf.states[(*_collection(project, revision), _identity(revision))] = state
            while len(shelf.states) > self._per_project:
                shelf.states.popitem(last=False)

    def latest(self, project: Project, key: tuple[str, ...], make: Callable[[], Preview]) -> Preview:
        """A project's latest preview, made only when another one was asked for: looking and then keeping costs one try."""
        with self._turn(project):
            with self._shelf(project) as shelf:
                if shelf.latest is not None and shelf.latest[0] == key:
                    return shelf.latest[1]
            made = make()
            with self._shelf(project) as shelf:
                shelf.latest = (key, made)
            return made

    def _turn(self, project: Project) -> threading.RLock:
        """Held during the work on a project: windows of it share one result, those of others do not wait."""
        folder = project.folder.resolve()
        with self._lock:
            turn = self._turns.get(folder)
            if turn is None:
                turn = self._turns[folder] = threading.RLock()
            return turn

    @contextmanager
    def _shelf(self, project: Project) -> Iterator[_Shelf]:
        """What is remembered of a project, for a moment; it counts as used now, and what is too much is forgotten."""
        folder = project.folder.resolve()
        with self._lock:
            shelf = self._shelves.setdefault(folder, _Shelf())
            self._shelves.move_to_end(folder)
            yield shelf
            while len(self._shelves) > 1 and _bytes(self._shelves.values()) > self._most_bytes:
                self._shelves.popitem(last=False)


def _bytes(shelves: Collection[_Shelf]) -> int:
    """The memory of the large arrays of live states; those that several share count once."""
    states = [state for shelf in shelves for state in shelf.states.values()]
    states += [
        state
        for shelf in shelves
        if shelf.latest
        for state in (shelf.latest[1].before, shelf.latest[1].after)
    ]
    arrays = (
        array
        for state in states
        for array in (
            state.collection.x,
            state.collection.looks,
            state.collection.grounded,
            state.logits,
            state.grounding.omega,
            state.grounding.kappa,
        )
    )
    return sum({id(array): array.nbytes for array in arrays}.values())


class Workbench:
    """What a person does to the shown revision of a project.

    Args:
        project: with at least one revision.
        states: shared by all workbenches of the process.
    """

    def __init__(self, project: Project, states: LiveStates) -> None:
        self.project = project
        self._states = states

    def shown(self) -> Revision:
        """The revision that edits apply to.

        Raises:
            InputError: there is no result yet.
        """
        revision = revisions.current(self.project)
        if revision is None:
            raise InputError(
                f"The project {self.project.name!r} has no result to edit yet; build one on the Build page first."
            )
        return revision

    def live(self, revision: Revision | None = None) -> LiveState:
        """The live state of a revision, the shown one by default; raises as ``LiveStates.of``."""
        return self._states.of(self.project, revision or self.shown())

    def preview(self, edits: Sequence[Edit], *, revision: Revision | None = None) -> Preview:
        """Try edits: all of them or none.

        Args:
            edits: in order.
            revision: what they apply to; the shown one by default.

        Raises:
            InputError: an edit does not fit; says why.
        """
        base = revision or self.shown()
        script = json.dumps(script_to_json(edits), sort_keys=True)
        key = (*_collection(self.project, base), _identity(base), script)
        return self._states.latest(self.project, key, lambda: self._tried(base, tuple(edits)))

    def _tried(self, base: Revision, edits: tuple[Edit, ...]) -> Preview:
        before = self.live(base)
        try:
            done = try_edits(self.project, base, before, edits)
        except InputError as error:
            raise _in_words(error) from error
        return Preview(
            revision=base,
            edits=edits,
            before=before,
            after=done.state,
            impact=compare(before, done.state),
            follow=done.follow,
            said=done.said,
            remarks=done.remarks,
        )

    def commit(self, preview: Preview) -> Revision:
        """Keep what was tried as a new revision and show it.

        Raises:
            StoreError: another window has moved on from the revision it was tried on; nothing is kept.
        """
        kept = keep(self.project, preview.revision, preview.after, preview.edits, said=preview.said)
        self._states.put(self.project, kept, preview.after)
        return kept

    def undo(self, *, expected: str | None = None) -> Revision:
        """Show the parent of the shown revision; raises as ``revisions.undo``."""
        return revisions.undo(self.project, expected=expected)

    def redo(self, *, expected: str | None = None) -> Revision:
        """Show the revision that was left by the latest undo; raises as ``revisions.redo``."""
        return revisions.redo(self.project, expected=expected)

    def go_to(self, revision_id: str, *, expected: str | None = None) -> Revision:
        """Show any revision; raises as ``revisions.go_to``."""
        return revisions.go_to(self.project, revision_id, expected=expected)


def _in_words(error: InputError) -> InputError:
    """Why an edit does not fit, as a sentence: the place in a script, which goes before it, says nothing on a page."""
    reason = str(error.__cause__ or error)
    return InputError(reason[:1].upper() + reason[1:])


def _identity(revision: Revision) -> str:
    """Tells a revision from one that had its id before, in a project that was restored or made anew in its folder."""
    return f"{revision.id} {revision.created}"


def _collection(project: Project, revision: Revision) -> tuple[str, ...]:
    """What two revisions have in common when a live state of one can be restored to the other."""
    baseline = "" if revision.baseline is None else revision.baseline.clustering_fp
    return (
        str(project.folder.resolve()),
        str(revision.scan),
        revision.facts.encoder,
        fingerprint(
            revision.config.grounding.to_json(), asdict(revision.facts.automatic), revision.config.seed
        ),
        baseline,
        str(project.labels_version),
    )


def _opened(project: Project, revision: Revision, relative: LiveState | None) -> LiveState:
    if relative is None:
        return open_live(project, revision)
    return restore(relative, revision.knowledge, load_clustering(project, revision))
