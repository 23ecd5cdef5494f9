"""New photos in the groups there are: beside clustering everything again, and how many of another kind are noticed.

``kec bench assign --data FOLDER [FOLDER ...] [--seeds 3]``. Half of the photos of each folder are clustered, the other
half is assigned to their groups; both halves are also clustered together. Then a quarter of the classes is left out of
the clustering, a fifth of the other photos is kept as unseen, and it is counted which are called unlike anything here.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import markdown_table
from benchmarks.table import labelled_folder, measure_sets
from kec_core.api.cluster import cluster
from kec_core.api.result import Result
from kec_core.arrays import FloatMatrix, IntVector, as_labels
from kec_core.clustering.metrics import score
from kec_core.encoders.base import Encoder
from kec_core.stages import Resources

Rows = NDArray[np.int64]
COLUMNS = {
    "assigned": "ACC of unseen photos, assigned",
    "clustered_again": "clustered again with them",
    "false": "false alarms",
    "found": "strangers found",
}


def measure(options: Sequence[str]) -> dict[str, Any]:
    """Run the comparison; the Markdown table is part of the result."""
    return measure_sets("assign", options, measure_set, table, seeds=3)


def measure_set(folder: Path, resources: Resources, seeds: int) -> dict[str, Any]:
    """Means over the seeds for one folder; all are shares in [0, 1]."""
    with labelled_folder(folder, resources) as (collection, _runner):
        raw: FloatMatrix = np.asarray(collection.embedded.arrays["features"])
    truth = as_labels([label or "" for label in collection.labels])
    rows = [
        {**halves(raw, truth, resources.encoder, seed), **strangers(raw, truth, resources.encoder, seed)}
        for seed in range(seeds)
    ]
    found = {
        "set": collection.name,
        "images": len(raw),
        **{name: fmean(row[name] for row in rows) for name in COLUMNS},
    }
    print(f"{collection.name}: {found}", file=sys.stderr)
    return found


def halves(raw: FloatMatrix, truth: IntVector, encoder: Encoder, seed: int) -> dict[str, float]:
    """ACC of the unseen half: assigned to the groups of the other half, and clustered together with it."""
    order = np.random.default_rng(seed).permutation(len(raw))
    seen, unseen = np.sort(order[: len(raw) // 2]), np.sort(order[len(raw) // 2 :])
    assigned = grouped(raw, truth, encoder, seen, seed).assign(raw[unseen]).clusters
    again = grouped(raw, truth, encoder, np.arange(len(raw)), seed).labels[unseen]
    return {
        "assigned": score(assigned, truth[unseen]).acc,
        "clustered_again": score(again, truth[unseen]).acc,
    }


def strangers(raw: FloatMatrix, truth: IntVector, encoder: Encoder, seed: int) -> dict[str, float]:
    """Shares that are called unlike anything here: of unseen photos of known classes, and of classes left out."""
    rng = np.random.default_rng(seed)
    classes = rng.permutation(np.unique(truth))
    other = np.isin(truth, classes[: max(1, len(classes) // 4)])
    own = rng.permutation(np.flatnonzero(~other))
    unseen, seen = own[: len(own) // 5], np.sort(own[len(own) // 5 :])
    result = grouped(raw, truth, encoder, seen, seed)
    return {
        "false": float(result.assign(raw[unseen]).unlike.mean()),
        "found": float(result.assign(raw[other]).unlike.mean()),
    }


def grouped(raw: FloatMatrix, truth: IntVector, encoder: Encoder, rows: Rows, seed: int) -> Result:
    """KEC on some of the photos, with as many groups as they have classes."""
    n_clusters = len(np.unique(truth[rows]))
    return cluster(raw[rows], n_clusters, encoder, seed=seed, progress=False)


def table(result: Mapping[str, Any]) -> str:
    """One row per set, in percent."""
    told = f"Encoder: {result['encoder']}. Means of {result['seeds']} seeds, in percent."
    rows = [
        [one["set"], f"{one['images']:,}", *(f"{100 * one[name]:.1f}" for name in COLUMNS)]
        for one in result["sets"]
    ]
    return markdown_table(["set", "photos", *COLUMNS.values()], rows, told)
