"""Which photos of a project are near-copies of each other, as the latest run that looked for them found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

import numpy as np

from kec_core.arrays import IntVector
from state.project.project import Project


def near_copies(project: Project) -> tuple[tuple[str, ...], ...]:
    """Image ids by group, largest group first; empty before a run has looked for them."""
    key = project.near_copies_key
    stored = project.store.load("copies", key) if key else None
    return () if stored is None else tuple(tuple(group) for group in stored.data["groups"])


def group_of_copy(groups: Sequence[Sequence[str]]) -> dict[str, int]:
    """The number of its group for every photo that has near-copies."""
    return {image: number for number, group in enumerate(groups) for image in group}


def without_near_copies(images: Iterable[str], group_of: Mapping[str, int]) -> int:
    """How many photos there are when near-copies among them count as one."""
    return len({group_of.get(image, image) for image in images})


def repeated(project: Project, scan: int, clusters: IntVector) -> tuple[IntVector, int]:
    """How many photos of every cluster repeat others when near-copies count as one; reads no photos but near-copies.

    Args:
        project: which.
        scan: number of the scan whose photos the rows of ``clusters`` are.
        clusters: int32 (N,), cluster of each photo, 0..K-1.

    Returns:
        Of each cluster with itself, (K,), and of all photos together.
    """
    count = int(clusters.max(initial=-1)) + 1
    groups = near_copies(project)
    rows_of = project.rows_of(chain.from_iterable(groups), scan)
    found = [
        (rows_of[image], number) for number, group in enumerate(groups) for image in group if image in rows_of
    ]
    rows, numbers = np.array(found, dtype=np.int64).reshape(-1, 2).T
    own = clusters[rows].astype(np.int64)
    together = np.unique(np.stack([own, numbers]), axis=1)[0]
    within = np.bincount(own, minlength=count) - np.bincount(together, minlength=count)
    return within.astype(np.int32), len(numbers) - len(np.unique(numbers))


def stacked(images: Sequence[str], group_of: Mapping[str, int]) -> list[tuple[int, ...]]:
    """Places of photos in stacks of near-copies, alone where there are none; in the order of their first photos."""
    stacks: dict[int | str, list[int]] = {}
    for place, image in enumerate(images):
        stacks.setdefault(group_of.get(image, image), []).append(place)
    return [tuple(places) for places in stacks.values()]
