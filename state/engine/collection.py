"""What a project keeps of the collection that its photos stand for."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from state.project.database import stored
from state.project.project import Project

_KEY, _APPLIED = "collection", "applied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """Photos at an address, and where their features lie; no credentials.

    Attributes:
        address: of the photos.
        results: address of what was made of them.
        files: name of the list of shards in ``results``.
        photos: sound photos there.
        sample: how many of them the project holds.
        cluster: address of the Ray cluster that the latest run was on.
    """

    address: str
    results: str
    files: str
    photos: int
    sample: int
    cluster: str = "local"

    @property
    def is_sampled(self) -> bool:
        """Whether the project holds only some of the photos."""
        return self.photos > self.sample


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestApplied:
    """Which groups all photos have.

    Attributes:
        revision: whose groups.
        labels: address of the files of labels.
        unlike: photos that are unlike all groups.
    """

    revision: str
    labels: str
    unlike: int


def collection_of(project: Project) -> Collection | None:
    """The collection behind a project; None for a project that was made on one machine."""
    kept = project.meta(_KEY)
    with stored("the collection that the photos are of"):
        return None if kept is None else Collection(**kept)


def save_collection(project: Project, collection: Collection) -> None:
    """Keep where the photos of a project come from."""
    project.set_meta(_KEY, asdict(collection))


def latest_applied(project: Project) -> LatestApplied | None:
    """Which groups all photos of the collection have; None when none were given yet."""
    kept = project.meta(_APPLIED)
    with stored("which groups all photos have"):
        return None if kept is None else LatestApplied(**kept)


def save_applied(project: Project, applied: LatestApplied) -> None:
    """Keep which groups all photos have."""
    project.set_meta(_APPLIED, asdict(applied))
