"""Answers of a person, kept with a revision: to "Ask me", and audits of photos judged by eye; each is stored at once."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Self, TypeVar

import numpy as np

from kec_core.errors import InputError
from kec_core.knowledge.edit_base import Edit
from kec_core.knowledge.edit_clusters import MovePhotos, NewCluster
from kec_core.knowledge.unique_names import free_name
from kec_core.result.audit import Estimate, Judged, draw_sample, estimate
from state.project.database import now
from state.project.meta import read_meta, read_meta_below, write_meta
from state.project.project import Project
from state.revisions import revisions
from state.revisions.clusterings import load_clustering
from state.revisions.revisions import RevisionInfo

_ASKED = "asked:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """An answer: to "Ask me" about a photo or a pair, or to judging by eye.

    Attributes:
        image: id of the photo.
        drawn: True when the photo was drawn at random.
        right: True when it was in the group that the person chose; of a pair, when the groups agreed with the person.
        weight: of a drawn photo in the estimate; 1 where all photos were drawn alike, as by earlier versions.
    """

    image: str
    drawn: bool
    right: bool
    weight: float = 1.0


def keep_answers(project: Project, revision: RevisionInfo, told: Sequence[Asked]) -> None:
    """Remember the answers that led to a revision."""
    project.set_meta(_ASKED + revision.id, [asdict(one) for one in told])


def answers(project: Project, revision: RevisionInfo) -> tuple[Asked, ...]:
    """The answers that led to a revision, oldest first."""
    with project.database.reading() as db:
        kept = {key: _read_asked(value) for key, value in read_meta_below(db, _ASKED).items()}
    path = revisions.lineage(project, revision.id) if kept else ()
    return tuple(answer for step in path for answer in kept.get(step.id, ()))


def _read_asked(stored: list[dict[str, Any]] | dict[str, Any]) -> list[Asked]:
    """What was stored: a list, or one answer by earlier versions."""
    return [Asked(**one) for one in (stored if isinstance(stored, list) else [stored])]


T = TypeVar("T")

SAMPLE = 60
"""Photos of an audit, unless the person wants another number: five minutes at five seconds each."""

NEW_GROUP = -1
"""Where a photo belongs that fits none of the groups."""

_PREFIX = "audit:"


def new_group_name(taken: Iterable[str]) -> str:
    """What a group of a photo is called at first that belongs to none of the groups with these names.

    A word for the photo would often be the name of a group that it is not in.
    """
    return free_name("new group", {name.casefold() for name in taken})


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Does photo ``image`` (an image id) belong to ``cluster``?"""

    image: str
    cluster: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """A sample of a revision and what was judged so far.

    Attributes:
        revision: its id.
        seed: what the sample was drawn with.
        created: UTC, ISO 8601.
        sizes: photos of each cluster.
        questions: in the order to ask them.
        answers: by image id: True belongs there, False does not, None cannot be said.
        places: by image id, where photos belong that are in the wrong place: a cluster, ``NEW_GROUP``, or None for not
            known.
    """

    revision: str
    seed: int
    created: str
    sizes: Mapping[int, int]
    questions: tuple[Question, ...]
    answers: Mapping[str, bool | None]
    places: Mapping[str, int | None] = field(default_factory=dict)

    @property
    def unplaced(self) -> Question | None:
        """The first photo in the wrong place of which was not asked yet where it belongs."""
        return next((q for q in self.wrong() if q.image not in self.places), None)

    def edits(self, taken: Iterable[str] = ()) -> tuple[Edit, ...]:
        """The answers as edits: photos go, or stay, where the person said, and photos like them follow.

        Args:
            taken: names of the groups that there are.
        """
        to: dict[int, list[str]] = {}
        for question in self.questions:
            belongs = self.answers.get(question.image)
            place = question.cluster if belongs else self.places.get(question.image)
            if place is not None:
                to.setdefault(place, []).append(question.image)
        names, alone = list(taken), []
        for image in to.pop(NEW_GROUP, ()):
            names.append(new_group_name(names))
            alone.append(NewCluster(images=(image,), name=names[-1]))
        return (
            *(
                MovePhotos(images=tuple(images), cluster=cluster, follow=True)
                for cluster, images in to.items()
            ),
            *alone,
        )

    @property
    def next(self) -> Question | None:
        """The first question without an answer, None when all have one."""
        return next((q for q in self.questions if q.image not in self.answers), None)

    @property
    def last(self) -> Question | None:
        """The question that was answered last, in the order of asking."""
        return next((q for q in reversed(self.questions) if q.image in self.answers), None)

    def wrong(self) -> tuple[Question, ...]:
        """Photos that do not belong where they are."""
        return tuple(q for q in self.questions if self.answers.get(q.image) is False)

    def estimate(self) -> Estimate | None:
        """The share of photos that are right, over the whole collection; None before the first answer."""
        told = [(q.cluster, self.answers.get(q.image)) for q in self.questions]
        judged = Counter(cluster for cluster, answer in told if answer is not None)
        right = Counter(cluster for cluster, answer in told if answer)
        strata = {c: Judged(size=n, judged=judged[c], right=right[c]) for c, n in self.sizes.items()}
        return estimate(strata)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON types."""
        return {**asdict(self), "sizes": {str(cluster): size for cluster, size in self.sizes.items()}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` wrote."""
        sizes = {int(cluster): size for cluster, size in data["sizes"].items()}
        questions = tuple(Question(**question) for question in data["questions"])
        return cls(**{**data, "sizes": sizes, "questions": questions})


def start_audit(project: Project, revision: RevisionInfo, *, size: int = SAMPLE, seed: int = 0) -> Audit:
    """Draw a sample of a revision and keep it; an earlier audit of this revision is replaced.

    Raises:
        InputError: less than one photo is wanted.
        StoreError: the clustering is missing or damaged.
    """
    labels = np.asarray(load_clustering(project, revision).labels)
    images = project.images(revision.scan)
    clusters, counts = np.unique(labels, return_counts=True)
    audit = Audit(
        revision=revision.id,
        seed=seed,
        created=now(),
        sizes={int(c): int(n) for c, n in zip(clusters, counts, strict=True)},
        questions=tuple(
            Question(image=images[row].id, cluster=int(labels[row]))
            for row in draw_sample(labels, size, seed=seed)
        ),
        answers={},
    )
    project.set_meta(_PREFIX + audit.revision, audit.to_json())
    return audit


def load_audit(project: Project, revision_id: str) -> Audit | None:
    """The audit of a revision, or None."""
    with project.database.reading() as db:
        return _read(db, revision_id)


def audits(project: Project) -> tuple[Audit, ...]:
    """All audits, newest first."""
    with project.database.reading() as db:
        found = [Audit.from_json(value) for value in read_meta_below(db, _PREFIX).values()]
    return tuple(sorted(found, key=lambda audit: audit.created, reverse=True))


def answer(project: Project, revision_id: str, image: str, belongs: bool | None) -> Audit:
    """Keep one answer; other answers stay, whoever gave them meanwhile.

    Raises:
        InputError: the revision has no audit, or the photo is not in its sample.
    """
    return _change(
        project, revision_id, image, lambda audit: replace(audit, answers={**audit.answers, image: belongs})
    )


def place(project: Project, revision_id: str, image: str, where: int | None) -> Audit:
    """Keep where a photo belongs: a cluster, ``NEW_GROUP``, or None for not known; raises as ``answer``."""
    return _change(
        project, revision_id, image, lambda audit: replace(audit, places={**audit.places, image: where})
    )


def take_back(project: Project, revision_id: str, image: str) -> Audit:
    """Forget one answer, and where the photo belongs; raises as ``answer``."""

    def without(kept: Mapping[str, T]) -> dict[str, T]:
        return {k: v for k, v in kept.items() if k != image}

    return _change(
        project,
        revision_id,
        image,
        lambda audit: replace(audit, answers=without(audit.answers), places=without(audit.places)),
    )


def _change(project: Project, revision_id: str, image: str, change: Callable[[Audit], Audit]) -> Audit:
    with project.database.writing() as db:
        audit = _read(db, revision_id)
        if audit is None or image not in {question.image for question in audit.questions}:
            raise InputError(
                f"{image!r} is not in the audit of revision {revision_id}; it was drawn anew meanwhile: judge the photo "
                "that is shown now."
            )
        changed = change(audit)
        write_meta(db, _PREFIX + revision_id, changed.to_json())
    return changed


def _read(db: sqlite3.Connection, revision_id: str) -> Audit | None:
    kept = read_meta(db, _PREFIX + revision_id)
    return None if kept is None else Audit.from_json(kept)
