"""Edits of clusters: move photos, make, merge, split, name and tick off groups, sort photos into a list of names.

They say which photo is in which cluster, so they are applied to a ``Partition``; no other photo moves, but for those
that are said to go along. What they touch is kept by every later clustering.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import replace
from typing import Annotated, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from kec_core.arrays import l2_normalize
from kec_core.clustering import spherical_kmeans
from kec_core.clustering.constraints import units_of
from kec_core.errors import InputError
from kec_core.knowledge.edit_base import Edit, cluster_name, listed, quoted
from kec_core.knowledge.edit_fields import (
    Cluster,
    Flag,
    OptionalName,
    Parts,
    SomeImages,
    TwoNames,
    first_repeat,
    shown,
)
from kec_core.knowledge.partition import Partition, Rows, photos
from kec_core.types import Knowledge
from kec_core.wording import counted

_NAMED = 3
"""Clusters that a sentence names; more of them are counted."""


class ClusterEdit(Edit):
    """An edit that needs to know which photo is in which cluster."""

    @abstractmethod
    def regroup(self, partition: Partition, /) -> Partition:
        """The photos and the knowledge after this edit.

        Raises:
            InputError: the edit does not fit these clusters.
        """

    def change(self, _knowledge: Knowledge, /) -> Knowledge:
        """See Edit; raises InputError, for a knowledge alone has no clusters."""
        raise InputError("it changes clusters, which only a project with photos has; apply it to one.")


class MovePhotos(ClusterEdit):
    """These photos go into a cluster and stay in it; photos kept together with them go along.

    With ``follow`` they are examples: photos that by all examples so far belong there follow them.
    """

    op: Literal["move_photos"] = "move_photos"
    images: SomeImages
    cluster: Cluster
    follow: Flag = False

    def regroup(self, partition: Partition, /) -> Partition:
        """See ClusterEdit."""
        target = partition.find(self.cluster)
        named = partition.rows(self.images)
        moved, along = put(partition, named, target)
        moved = moved.pinned(partition.with_partners(named), target)
        if self.follow:
            rows = moved.following(partition.labels[named], target)
            moved = moved.moved(rows, target).going_along(rows.tolist())
            along += len(rows)
        done = "Moved {} to {}." if (partition.labels[named] != target).any() else "Kept {} in {}."
        said = (
            f"{done.format(photos(len(named)), partition.called(target))}"
            f"{_along(along)}{_instead(partition, named, target)}{_emptied(partition, moved)}"
        )
        return moved.keeping(target).finished(partition, said)

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        return f"Moved {photos(len(self.images))} to {_named(knowledge, self.cluster)}."


class NewCluster(ClusterEdit):
    """A new cluster of these photos; photos clearly nearer to it than to their own go along if they may."""

    op: Literal["new_cluster"] = "new_cluster"
    images: SomeImages
    name: OptionalName = ""
    follow: Flag = True

    def regroup(self, partition: Partition, /) -> Partition:
        """See ClusterEdit."""
        if self.name:
            partition.free_name(self.name)
        named = partition.rows(self.images)
        cluster = partition.next_cluster
        made, along = new_cluster(partition, named, follow=self.follow)
        made = made.pinned(partition.with_partners(named), cluster).keeping(cluster, name=self.name)
        made_what = f"Made the group {quoted(self.name)}" if self.name else "Made a group"
        said = (
            f"{made_what} of {photos(len(named))}."
            f"{_along(along)}{_instead(partition, named, cluster)}{_emptied(partition, made)}"
        )
        return made.finished(partition, said)

    def sentence(self, _knowledge: Knowledge, /) -> str:
        """See Edit."""
        name = f" {quoted(self.name)}" if self.name else ""
        return f"Made a group{name} of {photos(len(self.images))}."


class MergeClusters(ClusterEdit):
    """Several clusters become one, with the id of the first; all of their photos stay in it."""

    op: Literal["merge_clusters"] = "merge_clusters"
    clusters: Annotated[tuple[Cluster, ...], Field(min_length=2)]
    name: OptionalName = ""

    def regroup(self, partition: Partition, /) -> Partition:
        """See ClusterEdit; raises InputError when a cluster is named twice or another one has the name."""
        found = [partition.find(one) for one in self.clusters]
        repeated = first_repeat(found)
        if repeated is not None:
            raise InputError(f"the cluster {partition.called(found[repeated])} is named twice; name it once.")
        first, *others = found
        given = partition.given_names
        name = self.name or next((given[one] for one in found if one in given), "")
        if name:
            partition.free_name(name, but=found)
        rows = np.flatnonzero(np.isin(partition.labels, found))
        merged = partition.moved(rows, first).with_wishes_following(found)
        merged = merged.pinned(_not_put(merged, rows), first)
        kept = tuple(one for one in merged.knowledge.kept if one.id not in others)
        merged = replace(merged, knowledge=replace(merged.knowledge, kept=kept)).keeping(first, name=name)
        into = f" into {quoted(name)}" if name else ""
        said = (
            f"Merged {listed(partition.names[one] for one in found)}{into}: {photos(len(rows))} in one group."
        )
        return merged.finished(partition, said)

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        into = f" into {quoted(self.name)}" if self.name else ""
        names = " and ".join(_named(knowledge, one) for one in self.clusters)
        return f"Merged {names}{into}."


class SplitCluster(ClusterEdit):
    """A cluster is parted by the looks of its photos, by photos that are given for each part, or by words.

    The largest part keeps the id, and the name unless words name every part. Photos that are not given go with the part
    they are nearer to.
    """

    op: Literal["split_cluster"] = "split_cluster"
    cluster: Cluster
    into: Parts | None = None
    parts: Annotated[tuple[SomeImages, ...], Field(min_length=2)] | None = None
    names: TwoNames | None = None

    @model_validator(mode="after")
    def _check(self) -> Self:
        ways = [name for name in ("into", "parts", "names") if getattr(self, name) is not None]
        if len(ways) > 1:
            raise InputError(f"{' and '.join(ways)} say both how to split; give one of them.")
        images = [image for part in self.parts or () for image in part]
        repeated = first_repeat(images)
        if repeated is not None:
            raise InputError(f"parts names {shown(images[repeated])} twice; give it to one part.")
        return self

    def image_ids(self) -> tuple[str, ...]:
        """See Edit."""
        return tuple(image for part in self.parts or () for image in part)

    def regroup(self, partition: Partition, /) -> Partition:
        """See ClusterEdit."""
        source = partition.find(self.cluster)
        rows = partition.members(source)
        for name in self.names or ():
            partition.free_name(name, but=[source])
        if self.names is not None:
            part_of = self._by_words(partition, source, rows)
        elif self.parts is not None:
            part_of = self._by_parts(partition, source, rows)
        else:
            part_of = self._by_looks(partition, source, rows)
        sizes = np.bincount(part_of)
        ids = np.arange(len(sizes)) + partition.next_cluster
        largest = int(sizes.argmax())
        ids[largest + 1 :] -= 1
        ids[largest] = source
        labels = partition.labels.copy()
        labels[rows] = ids[part_of]
        split = replace(
            partition, labels=labels, next_cluster=partition.next_cluster + len(ids) - 1
        ).with_wishes_following([source])
        for part, images in enumerate(self.parts or ()):
            split = split.pinned(partition.rows(images), int(ids[part]))
        counts = " and ".join(map(str, sorted(sizes.tolist(), reverse=True)))
        said = f"Split {partition.called(source)} into {len(sizes)} groups of {counts} photos."
        split = split.keeping(*ids.tolist())
        for cluster, name in zip(ids.tolist(), self.names or (), strict=False):
            split = split.keeping(cluster, name=name)
        return split.finished(partition, said)

    def _by_words(self, partition: Partition, source: int, rows: Rows) -> Rows:
        """The part of every photo: that of the name it fits best; photos kept together go with most of them."""
        assert self.names is not None
        part_of = _units_whole(partition, rows, partition.looks.fit(self.names)[rows].argmax(axis=1))
        empty = [name for part, name in enumerate(self.names) if not (part_of == part).any()]
        if empty:
            raise InputError(
                f"no photo of {partition.called(source)} fits {listed(empty)} best; choose other words."
            )
        return part_of

    def _by_looks(self, partition: Partition, source: int, rows: Rows) -> Rows:
        """The part of every photo, by k-means within the cluster; photos kept together go with most of them."""
        count = self.into or 2
        name = partition.called(source)
        if len(rows) < count:
            raise InputError(
                f"{name} has {photos(len(rows))} and cannot be split in {count}; choose another cluster."
            )
        x = partition.looks.space_rows(rows)
        found = spherical_kmeans(x, count, n_init=3, max_iter=100, seed=partition.looks.seed).labels
        part_of = _units_whole(partition, rows, found.astype(np.int64))
        if len(np.unique(part_of)) < count:
            raise InputError(
                f"the photos of {name} look too much the same, or are kept together, to be split in {count}; "
                "name the photos of each part."
            )
        return part_of

    def _by_parts(self, partition: Partition, source: int, rows: Rows) -> Rows:
        """The part of every photo: as given, else the nearer one."""
        assert self.parts is not None
        for image in self.image_ids():
            cluster = int(partition.labels[partition.row_of[image]])
            if cluster != source:
                raise InputError(
                    f"the photo {image!r} is in {partition.called(cluster)}, not in {partition.called(source)}; "
                    "move it there first, or leave it out."
                )
        x = partition.looks.space_rows(rows)
        given = [partition.with_partners(partition.rows(images)) for images in self.parts]
        centres = l2_normalize(np.stack([x[np.isin(rows, one)].mean(axis=0) for one in given]))
        part_of = _units_whole(partition, rows, (x @ centres.T).argmax(axis=1))
        for part, one in reversed(list(enumerate(given))):
            part_of[np.isin(rows, one)] = part
        for part, images in enumerate(self.parts):
            part_of[np.isin(rows, partition.rows(images))] = part
        return part_of

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        count = len(self.parts or self.names or ()) or self.into or 2
        return f"Split {_named(knowledge, self.cluster)} into {count} groups."


class RenameCluster(ClusterEdit):
    """Another name for a cluster; an empty one lets its concepts name it again."""

    op: Literal["rename_cluster"] = "rename_cluster"
    cluster: Cluster
    name: OptionalName

    def regroup(self, partition: Partition, /) -> Partition:
        """See ClusterEdit."""
        cluster = partition.find(self.cluster)
        if self.name:
            partition.free_name(self.name, but=[cluster])
        old = partition.called(cluster)
        said = self._said(old)
        if not self.name and cluster not in partition.given_names:
            said = f"{old} had no other name to take back."
        return partition.keeping(cluster, name=self.name).finished(partition, said)

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        return self._said(_named(knowledge, self.cluster))

    def _said(self, old: str) -> str:
        if not self.name:
            return f"Took the name {old} back."
        return (
            f"Kept the name {old}." if quoted(self.name) == old else f"Renamed {old} to {quoted(self.name)}."
        )


class SetClusterDone(ClusterEdit):
    """A cluster is ticked off, or not any more."""

    op: Literal["set_cluster_done"] = "set_cluster_done"
    cluster: Cluster
    done: Flag = True

    def regroup(self, partition: Partition, /) -> Partition:
        """See ClusterEdit."""
        cluster = partition.find(self.cluster)
        said = self._said(partition.called(cluster))
        return partition.keeping(cluster, done=self.done).finished(partition, said)

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        return self._said(_named(knowledge, self.cluster))

    def _said(self, name: str) -> str:
        return f"Ticked {name} off." if self.done else f"{name} is not done any more."


def new_cluster(partition: Partition, named: Rows, *, follow: bool) -> tuple[Partition, int]:
    """The partition with photos, and those kept together with them, in a new cluster; and how many went along.

    Args:
        partition: before.
        named: rows of the photos.
        follow: True takes along the photos that are clearly nearer to the new cluster than to their own.
    """
    cluster = partition.next_cluster
    made, along = put(partition, named, cluster)
    if not follow:
        return made, along
    followers = made.followers(made.members(cluster), cluster)
    return made.moved(followers, cluster).going_along(followers.tolist()), along + len(followers)


def put(partition: Partition, named: Rows, cluster: int) -> tuple[Partition, int]:
    """The partition with photos and their partners in a cluster; and how many partners came from elsewhere."""
    rows = partition.with_partners(named)
    partners = rows[len(named) :]
    along = partners[partition.labels[partners] != cluster]
    return partition.moved(rows, cluster).going_along(along.tolist()), len(along)


def _not_put(partition: Partition, rows: Rows) -> Rows:
    """Those of the rows whose photos the person put into no cluster."""
    put = {
        image for wish in partition.knowledge.constraints if wish.cluster is not None for image in wish.images
    }
    return np.array([row for row in rows.tolist() if partition.image_ids[row] not in put], dtype=np.int64)


def _units_whole(partition: Partition, rows: Rows, part_of: Rows) -> Rows:
    """Parts with photos that are kept together in the part of most of them."""
    unit_of = units_of(c for c in partition.knowledge.constraints if c.kind == "together")
    if not unit_of:
        return part_of
    place = {partition.image_ids[row]: index for index, row in enumerate(rows.tolist())}
    units: dict[str, list[int]] = {}
    for image, unit in unit_of.items():
        if image in place:
            units.setdefault(unit, []).append(place[image])
    whole = part_of.copy()
    for members in units.values():
        whole[members] = np.bincount(part_of[members]).argmax()
    return whole


def _along(count: int) -> str:
    return f" {photos(count)} went along." if count else ""


def _instead(partition: Partition, named: Rows, cluster: int) -> str:
    """How many of the photos the person had put elsewhere, as a sentence."""
    images = set(partition.images(named.tolist()))
    earlier = [
        w for w in partition.knowledge.constraints if w.kind in ("assign", "member") and w.cluster != cluster
    ]
    count = len({image for wish in earlier for image in wish.images} & images)
    return f" For {photos(count)} this takes the place of an earlier wish." if count else ""


def _emptied(before: Partition, after: Partition) -> str:
    gone = sorted(set(before.clusters) - set(after.clusters))
    if not gone:
        return ""
    if len(gone) > _NAMED:
        return f" {counted(len(gone), 'cluster')} have no photos left."
    names, verb = listed(before.names[one] for one in gone), "has" if len(gone) == 1 else "have"
    return f" {names} {verb} no photos left."


def _named(knowledge: Knowledge, cluster: int | str) -> str:
    """A cluster as far as a knowledge knows its name."""
    return cluster_name(knowledge, cluster) if isinstance(cluster, int) else quoted(cluster)
