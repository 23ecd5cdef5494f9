"""Options of the clustering (methods.md 0, A9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kec_core.config.base import Options
from kec_core.config.option import option

Algorithm = Literal["kmeans", "spectral", "agglomerative", "bisecting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusteringConfig(Options):
    """The clustering on [n(x); w n(kappa)] (methods.md 0, A9)."""

    algorithm: Algorithm = option(
        "kmeans",
        "cluster",
        mark="P",
        label="Algorithm",
        kind="choice",
        choices={
            "kmeans": "Spherical k-means (paper)",
            "spectral": "Spectral",
            "agglomerative": "Agglomerative",
            "bisecting": "Bisecting k-means",
        },
        help="How the photos are grouped at the end.",
    )
    n_init: int = option(
        20,
        "cluster",
        "baseline",
        mark="P",
        label="Restarts",
        kind="count",
        low=1,
        high=100,
        help="The best of that many starts is kept. Default of the paper: 20.",
    )
    max_iter: int = option(300, "cluster", "baseline", mark="P")  # iterations
    weight: float | None = option(  # w on the knowledge part; None: by how decidedly words speak
        None,
        through=("weight", "cluster"),
        mark="M",
        label="Weight of the knowledge",
        high=5.0,
        automatic="from the photos",
        step=0.1,
        help="0 groups by looks alone; more lets the words count more (w). Left empty it follows how clearly the "
        "words set the photos apart.",
        flag="--weight",
        flag_help="weight of the knowledge; 0 is plain k-means",
    )
    whiten: bool = option(
        True,
        through=("looks", "cluster"),
        mark="M",
        label="Compare looks by what sets kinds apart",
        kind="switch",
        help="How photos differ from their nearest look-alikes (light, place, pose) counts less than how kinds differ "
        "(within-class whitening, neighbours for classes). Needs 200 photos.",
    )
    words_start: bool = option(
        True,
        "cluster",
        mark="M",
        label="Let words start the groups",
        kind="switch",
        help="Where there is one concept for each cluster, groups start from the words as well as from looks, and looks "
        "finish them (transduction).",
    )
    faiss_compat: bool = option(
        False, "cluster", mark="C"
    )  # fit on 256 points per centroid as faiss does unasked
