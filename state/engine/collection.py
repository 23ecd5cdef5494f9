"""What a project keeps of the collection that its photos stand for."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from state.engine.stores import store_at
from state.project.database import stored
from state.project.project import Project

_KEY, _APPLIED = "collection", "applied"
_INSIDE = "project://"
"""How an address in the project's own folder is kept, so that a project may be renamed, moved and copied."""


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
        if kept is None:
            return None
        collection = Collection(**kept)
    return replace(collection, results=_found(project, collection.results))


def save_collection(project: Project, collection: Collection) -> None:
    """Keep where the photos of a project come from."""
    project.set_meta(_KEY, asdict(replace(collection, results=_kept(project, collection.results))))


def latest_applied(project: Project) -> LatestApplied | None:
    """Which groups all photos of the collection have; None when none were given yet."""
    kept = project.meta(_APPLIED)
    with stored("which groups all photos have"):
        if kept is None:
            return None
        applied = LatestApplied(**kept)
    return replace(applied, labels=_found(project, applied.labels))


def save_applied(project: Project, applied: LatestApplied) -> None:
    """Keep which groups all photos have."""
    project.set_meta(_APPLIED, asdict(replace(applied, labels=_kept(project, applied.labels))))


def _kept(project: Project, address: str) -> str:
    own = f"{store_at(project.folder).address}/"
    return f"{_INSIDE}{address.removeprefix(own)}" if address.startswith(own) else address


def _found(project: Project, address: str) -> str:
    if not address.startswith(_INSIDE):
        return address
    return store_at(project.folder).below(address.removeprefix(_INSIDE)).address
