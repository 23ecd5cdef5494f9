"""The groups of a project given to every photo of the collection behind it, part by part on a cluster."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import add
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import Progress
from kec_core.photos.images import ImageRecord
from kec_core.result.group_model import Assigned, GroupModel
from state.engine.cluster import over, sharing
from state.engine.shards import read_shard
from state.engine.stores import Store

GROUP: Final = 64  # shards of one task: beginning one costs Ray a tenth of a second       [R]
ROUNDS: Final = 5
_STILL: Final = 1e-5  # 1 - cosine that no centre moves beyond any more                   [R]


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """What became of all photos of a collection.

    Attributes:
        sizes: photos in each group, by its id.
        unlike: how many of them are unlike all groups.
    """

    sizes: Counter[int] = field(default_factory=Counter)
    unlike: int = 0

    def __add__(self, other: Labelled) -> Labelled:
        return Labelled(sizes=self.sizes + other.sizes, unlike=self.unlike + other.unlike)


def refined(shards: Store, files: Sequence[str], model: GroupModel, *, progress: Progress) -> GroupModel:
    """Go on with k-means from the centres of a sample over all photos, inside a ``cluster`` block.

    Every task adds up its photos by their nearest centre; the sums make the next centres. It ends when no centre moves,
    or after ``ROUNDS`` rounds.

    Raises:
        StoreError: a shard cannot be read.
    """
    for round_ in range(ROUNDS):
        sums = np.zeros(model.groups.centres.shape)
        work = sharing(model, lambda m, group: _sums(m, shards, group))
        for part in _told(
            over(task_groups(files), work), files, progress, f"Refining groups, round {round_ + 1}"
        ):
            sums += part
        before, model = model, model.recentred(sums)
        cosines = np.einsum("gd,gd->g", before.groups.centres, model.groups.centres)
        if (1 - cosines).max() <= _STILL:
            break
    return model


def label_all(
    shards: Store, files: Sequence[str], model: GroupModel, labels: Store, *, progress: Progress
) -> Labelled:
    """Write the group of every photo, one Parquet file for each shard, inside a ``cluster`` block.

    Args:
        shards: where the features lie.
        files: of the shards.
        model: the groups.
        labels: where the files go; those that are there already are kept.
        progress: told about shards; may raise Cancelled.

    Raises:
        StoreError: a shard cannot be read, or labels cannot be written.
    """
    there = {file.name for file in labels.files()}
    total = Labelled()
    work = sharing(model, lambda m, group: label_group(m, shards, group, labels, there))
    for part in _told(over(task_groups(files), work), files, progress, "Assigning all photos"):
        total = total + part
    return total


def task_groups(files: Sequence[str]) -> list[Sequence[str]]:
    """The shards of each task."""
    return [files[start : start + GROUP] for start in range(0, len(files), GROUP)]


def _told(results: Any, files: Sequence[str], progress: Progress, label: str) -> Any:  # noqa: ANN401 - passed on
    """The results one by one, told as the shards that are done."""
    progress(0, len(files), label)
    for number, result in enumerate(results, 1):
        progress(min(number * GROUP, len(files)), len(files), label)
        yield result


def _sums(model: GroupModel, shards: Store, group: Sequence[str]) -> NDArray[np.float64]:
    return reduce(add, (model.group_sums(read_shard(shards, file).features) for file in group))


def label_group(
    model: GroupModel, shards: Store, group: Sequence[str], labels: Store, there: set[str]
) -> Labelled:
    """Label the photos of some shards, what one task of ``label_all`` does; files ``there`` are only counted.

    Raises:
        StoreError: a shard cannot be read, or labels cannot be written.
    """
    total = Labelled()
    for file in group:
        if file in there:
            total += _counted(labels, file)
            continue
        shard = read_shard(shards, file)
        found = model.assign(shard.features)
        labels.write(file, _labels_file(model, shard.records, found))
        total += Labelled(sizes=Counter(found.clusters.tolist()), unlike=int(found.unlike.sum()))
    return total


def _labels_file(model: GroupModel, records: Sequence[ImageRecord], found: Assigned) -> bytes:
    """A Parquet file with the columns file, cluster, name, confidence and unlike."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(
        {
            "file": pa.array([record.id for record in records], pa.string()),
            "cluster": pa.array(found.clusters, pa.int32()),
            "name": pa.array(model.groups.names_of(found.clusters), pa.string()),
            "confidence": pa.array(found.confidence, pa.float32()),
            "unlike": pa.array(found.unlike, pa.bool_()),
        }
    )
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    return buffer.getvalue()


def _counted(labels: Store, file: str) -> Labelled:
    """What a file of labels that was written before holds."""
    import pyarrow.parquet as pq

    table = pq.read_table(io.BytesIO(labels.needed(file)), columns=["cluster", "unlike"])
    return Labelled(sizes=Counter(table["cluster"].to_pylist()), unlike=sum(table["unlike"].to_pylist()))
