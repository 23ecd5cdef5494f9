"""What every method is shown beside: k-means on the photos alone (methods.md 7)."""

from __future__ import annotations

from kec_core.arrays import Progress
from kec_core.clustering import cluster
from kec_core.methods.inputs import MethodInputs
from kec_core.methods.options import KMeansOptions
from kec_core.types import Clustering


def kmeans(
    inputs: MethodInputs, n_clusters: int, options: KMeansOptions, seed: int, progress: Progress
) -> Clustering:
    """Spherical k-means on the visual features of the test photos (methods.md 7.1)."""
    return cluster(inputs.test.x, n_clusters, options.clustering(), seed=seed, progress=progress)
