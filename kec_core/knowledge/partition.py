"""Photos in clusters as edits see and change them: which photos a cluster holds, what it is called, what is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, IntVector, l2_normalize
from kec_core.clustering.constraints import units_of
from kec_core.clustering.examples import followers
from kec_core.clustering.geometry import centroids_of, row_cosines
from kec_core.errors import InputError
from kec_core.knowledge.changes import put_images
from kec_core.knowledge.edit_base import quoted, with_cluster_names
from kec_core.types import Constraint, KeptCluster, Knowledge
from kec_core.wording import counted

SEEDS = 50
"""How many central photos hold a kept cluster in place [R]."""
CLEARLY_NEARER = 0.8
"""A photo follows into a new cluster when its distance to it, 1 - cosine, is below this share of that to its own [R]."""

Rows = NDArray[np.int64]
ClusterRef = int | str
"""A cluster in an edit: its id, or its unique name."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Looks:
    """What edits of clusters read of the photos; each is computed when it is asked for.

    Attributes:
        space: float32 (N, D), unit rows, the space that is clustered.
        space_rows: some rows of it, without computing the others.
        names: the name of every cluster that has photos, as the person sees it.
        named_by: the cluster that is called by a concept (id) when some rows are in none; None without one.
        fit: scores of the photos for some names, float32 (N, names).
        concepts: scores of the photos for the concepts, float32 (N, M).
        given: names that the person gave by other means than edits, by cluster id.
        seed: for k-means.
    """

    space: Callable[[], FloatMatrix]
    space_rows: Callable[[Rows], FloatMatrix]
    names: Callable[[], Mapping[int, str]]
    named_by: Callable[[str, IntVector, Rows], int | None]
    fit: Callable[[Sequence[str]], FloatMatrix]
    concepts: Callable[[], FloatMatrix]
    given: Mapping[int, str] = field(default_factory=dict)
    seed: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Partition:
    """A knowledge and the clusters of the photos while a script of edits is applied; row i is ``image_ids[i]``.

    Attributes:
        row_of: the row of every image id.
        labels: int32 (N,), cluster ids.
        next_cluster: id of the next new cluster.
        follow: rows of photos that went along with those an edit names.
        said: what was done, per edit.
        remarks: what the person should know of the latest edit, in sentences that ``said`` holds too.
        touched: clusters that the edit in hand keeps from now on.
    """

    knowledge: Knowledge
    image_ids: Sequence[str]
    row_of: Mapping[str, int]
    labels: IntVector
    next_cluster: int
    looks: Looks
    follow: tuple[int, ...] = ()
    said: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    touched: frozenset[int] = frozenset()

    def rows(self, images: Iterable[str]) -> Rows:
        """Rows of photos, int64."""
        return np.array([self.row_of[image] for image in images], dtype=np.int64)

    def images(self, rows: Iterable[int]) -> tuple[str, ...]:
        """Image ids of rows."""
        return tuple(self.image_ids[row] for row in rows)

    def members(self, cluster: int) -> Rows:
        """Rows of the photos of a cluster, int64, ascending."""
        return np.flatnonzero(self.labels == cluster)

    @property
    def clusters(self) -> list[int]:
        """Ids of the clusters that have photos, ascending."""
        found: list[int] = np.unique(self.labels).tolist()
        return found

    @property
    def given_names(self) -> dict[int, str]:
        """The names that the person gave, by cluster id."""
        used = set(self.clusters)
        before = {cluster: name for cluster, name in self.looks.given.items() if cluster in used}
        return before | {kept.id: kept.name for kept in self.knowledge.kept if kept.name}

    @property
    def names(self) -> dict[int, str]:
        """The name of every cluster that has photos or was named."""
        made = {cluster: f"cluster {cluster}" for cluster in self.clusters}
        return made | {c: n for c, n in self.looks.names().items() if c in made} | self.given_names

    def called(self, cluster: int) -> str:
        """A cluster's name as it stands in sentences."""
        return quoted(self.names[cluster])

    @property
    def told(self) -> Knowledge:
        """The knowledge for sentences, its clusters called as they are shown."""
        return with_cluster_names(self.knowledge, self.names)

    def find(self, reference: ClusterRef) -> int:
        """The cluster with this id or this unique name.

        Raises:
            InputError: there is none, or more than one.
        """
        names = self.names
        text = str(reference)
        if isinstance(reference, str):
            found = [cluster for cluster, name in names.items() if name.casefold() == text.casefold()]
            if len(found) > 1:
                raise InputError(
                    f"{quoted(text)} may mean {len(found)} clusters ({', '.join(map(str, found))}); name it by its id."
                )
            if found:
                return found[0]
        if text.isascii() and text.isdigit() and int(text) in names:
            return int(text)
        close = get_close_matches(text, names.values(), n=1)
        advice = f"did you mean {quoted(close[0])}?" if close else "clusters are named by id or name."
        raise InputError(f"there is no cluster {quoted(text)}; {advice}")

    def free_name(self, name: str, *, but: Iterable[int] = ()) -> None:
        """Raise InputError when the person gave this name to another cluster, in any case."""
        for cluster, given in self.given_names.items():
            if given.casefold() == name.casefold() and cluster not in set(but):
                raise InputError(
                    f"there is already a cluster {quoted(given)} ({cluster}); choose another name."
                )

    def with_partners(self, rows: Rows) -> Rows:
        """Rows, then those of the photos that are kept together with them."""
        unit_of = units_of(c for c in self.knowledge.constraints if c.kind == "together")
        units = {unit_of[image] for image in self.images(rows) if image in unit_of}
        partners = [self.row_of[i] for i, unit in unit_of.items() if unit in units and i in self.row_of]
        return np.concatenate([rows, np.setdiff1d(np.array(partners, dtype=np.int64), rows)])

    def constrained(self) -> NDArray[np.bool_]:
        """Which photos a constraint names, bool (N,)."""
        return self._named(self.knowledge.constraints)

    def _named(self, constraints: Iterable[Constraint]) -> NDArray[np.bool_]:
        named = np.zeros(len(self.labels), dtype=np.bool_)
        images = {image for constraint in constraints for image in constraint.images}
        named[[self.row_of[image] for image in images if image in self.row_of]] = True
        return named

    def going_along(self, rows: Iterable[int]) -> Partition:
        """With more photos among those that went along."""
        return replace(self, follow=(*self.follow, *rows))

    def moved(self, rows: Rows, cluster: int) -> Partition:
        """With photos in a cluster, an old or a new one."""
        labels = self.labels.copy()
        labels[rows] = cluster
        return replace(self, labels=labels, next_cluster=max(self.next_cluster, cluster + 1))

    def pinned(self, rows: Rows, cluster: int) -> Partition:
        """With photos put into a cluster by the person: they stay in it from now on."""
        return replace(self, knowledge=put_images(self.knowledge, cluster, self.images(rows)))

    def with_wishes_following(self, clusters: Iterable[int]) -> Partition:
        """With what the person put into some clusters put where these photos are now."""
        wishes: list[Constraint] = []
        numbered, among = self.knowledge, set(clusters)
        for wish in self.knowledge.constraints:
            if wish.cluster not in among:
                wishes.append(wish)
                continue
            parts = self._by_cluster(wish)
            numbered, numbers = numbered.with_new_ids(len(parts) - 1)
            ids = [wish.id, *(f"k{number:03d}" for number in numbers)]
            wishes += [
                replace(wish, id=new, images=tuple(images), cluster=cluster)
                for new, (cluster, images) in zip(ids, parts.items(), strict=True)
            ]
        return replace(self, knowledge=replace(numbered, constraints=tuple(wishes)))

    def _by_cluster(self, wish: Constraint) -> dict[int, list[str]]:
        """The photos of a wish by the cluster they are in; those that are no longer there go with the first."""
        parts: dict[int, list[str]] = {}
        gone = []
        for image in wish.images:
            row = self.row_of.get(image)
            if row is None:
                gone.append(image)
            else:
                parts.setdefault(int(self.labels[row]), []).append(image)
        if not parts:
            return {int(wish.cluster or 0): gone}
        next(iter(parts.values())).extend(gone)
        return parts

    def keeping(self, *clusters: int, name: str | None = None, done: bool | None = None) -> Partition:
        """With clusters that are kept from now on; None leaves a name or a tick as it was."""
        kept = {one.id: one for one in self.knowledge.kept}
        for cluster in clusters:
            one = kept.get(cluster, KeptCluster(id=cluster))
            kept[cluster] = replace(
                one,
                name=one.name if name is None else name,
                done=one.done if done is None else done,
            )
        return replace(
            self,
            knowledge=replace(self.knowledge, kept=tuple(kept.values())),
            touched=self.touched | set(clusters),
        )

    def followers(self, rows: Rows, cluster: int) -> Rows:
        """Rows of photos that are clearly nearer to the mean of some rows than to their own cluster.

        Args:
            rows: of the photos that were just put into ``cluster``; every cluster keeps a photo.
            cluster: theirs.
        """
        x = self.looks.space()
        centre = l2_normalize(x[rows].mean(axis=0, keepdims=True))[0]
        own = row_cosines(x, centroids_of(x, self.labels, int(self.labels.max()) + 1), self.labels)
        nearer = 1 - x @ centre < CLEARLY_NEARER * (1 - own)
        nearer &= (self.labels != cluster) & ~self.constrained()
        seeds = {image for kept in self.knowledge.kept for image in kept.seeds}
        nearer[[self.row_of[image] for image in seeds if image in self.row_of]] = False
        sizes, going = (
            np.bincount(self.labels),
            np.bincount(self.labels[nearer], minlength=1 + int(self.labels.max())),
        )
        nearer &= (going < sizes)[self.labels]
        return np.flatnonzero(nearer)

    def following(self, came_from: IntVector, cluster: int) -> Rows:
        """Rows of photos that follow those which were just put into a cluster, by all that the person placed.

        Args:
            came_from: the clusters of the photos before.
            cluster: theirs now; clusters that are ticked off keep their photos.
        """
        done = [kept.id for kept in self.knowledge.kept if kept.done]
        placed = np.flatnonzero(
            self._named(wish for wish in self.knowledge.constraints if wish.cluster is not None)
        )
        held = self.constrained() | np.isin(self.labels, done)
        return followers(self.looks.space(), self.labels, placed, cluster, came_from, held)

    def finished(self, before: Partition, said: str, remarks: Iterable[str] = ()) -> Partition:
        """After an edit: constraints seen to, seeds chosen, the number of clusters kept in step.

        Args:
            before: as it was before the edit.
            said: what the edit did.
            remarks: what the person should know of it besides; empty ones are left out.

        Raises:
            InputError: photos that are kept together or apart would not be.
        """
        self._refuse_broken()
        count, old = len(self.clusters), len(before.clusters)
        knowledge = self.knowledge if count == old else replace(self.knowledge, n_clusters=count)
        told = tuple(filter(None, remarks))
        in_words = " ".join((said, *told))
        return replace(self, knowledge=knowledge, said=(*self.said, in_words), remarks=told).anchored()

    def anchored(self) -> Partition:
        """With photos that hold every kept cluster in place; one without photos or name is not kept any more.

        Seeds are chosen anew for clusters that an edit touched and for those that lost theirs; where every photo is
        held by another wish, one is put into the cluster.
        """
        used, knowledge = set(self.clusters), self.knowledge
        put = {wish.cluster for wish in knowledge.constraints}
        constrained = self.constrained()
        seeds = {kept.id: self._seeds_left(kept, constrained) for kept in knowledge.kept if kept.id in used}
        seeds |= self._central([cluster for cluster, left in seeds.items() if not left], constrained)
        for cluster, chosen in seeds.items():
            if not chosen and cluster not in put:
                knowledge = put_images(knowledge, cluster, self.images(self.members(cluster)[:1].tolist()))
        kept = tuple(
            replace(one, seeds=seeds.get(one.id, ())) for one in knowledge.kept if one.id in used or one.name
        )
        return replace(self, knowledge=replace(knowledge, kept=kept), touched=frozenset())

    def _seeds_left(self, kept: KeptCluster, constrained: NDArray[np.bool_]) -> tuple[str, ...]:
        """The seeds of a cluster that are still in it; none for one that the edit in hand touched."""
        if kept.id in self.touched:
            return ()
        rows = self.rows(image for image in kept.seeds if image in self.row_of)
        return self.images(rows[(self.labels[rows] == kept.id) & ~constrained[rows]].tolist())

    def _central(self, clusters: Sequence[int], constrained: NDArray[np.bool_]) -> dict[int, tuple[str, ...]]:
        """The photos of clusters nearest to their mean that no constraint names."""
        rows = np.flatnonzero(np.isin(self.labels, clusters))
        if not len(rows):
            return {}
        x, labels = self.looks.space_rows(rows), self.labels[rows]
        cosines = row_cosines(x, centroids_of(x, labels, int(labels.max()) + 1), labels)
        central = {}
        for cluster in clusters:
            free = np.flatnonzero((labels == cluster) & ~constrained[rows])
            nearest = free[np.argsort(-cosines[free], kind="stable")[:SEEDS]]
            central[cluster] = self.images(rows[nearest].tolist())
        return central

    def _refuse_broken(self) -> None:
        for constraint in self.knowledge.constraints:
            if constraint.kind not in ("together", "apart"):
                continue
            images = [image for image in constraint.images if image in self.row_of]
            places = self.labels[self.rows(images)]
            if constraint.kind == "together" and len(set(places.tolist())) > 1:
                parted = images[int(np.flatnonzero(places != places[0])[0])]
                raise InputError(
                    f"the photos {images[0]!r} and {parted!r} are kept together ({constraint.id}) and would part; "
                    "take both, or take that wish back."
                )
            if constraint.kind == "apart" and len(set(places.tolist())) < len(images):
                self._refuse_met(constraint, images, places)

    def _refuse_met(self, constraint: Constraint, images: Sequence[str], places: IntVector) -> None:
        seen: dict[int, str] = {}
        for image, place in zip(images, places.tolist(), strict=True):
            if place in seen:
                raise InputError(
                    f"the photos {seen[place]!r} and {image!r} are kept apart ({constraint.id}) and would both be in "
                    f"{self.called(place)}; leave one out, or take that wish back."
                )
            seen[place] = image


def photos(count: int) -> str:
    """A number of photos in words."""
    return counted(count, "photo")
