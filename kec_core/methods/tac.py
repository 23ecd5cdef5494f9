"""TAC, image clustering with external guidance (methods.md 1)."""

from __future__ import annotations

from kec_core.arrays import Progress
from kec_core.clustering import cluster, fuse
from kec_core.methods.counterparts import text_counterparts
from kec_core.methods.inputs import MethodInputs
from kec_core.methods.options import TacOptions
from kec_core.types import Clustering


def tac_without_training(
    inputs: MethodInputs, n_clusters: int, options: TacOptions, seed: int, progress: Progress
) -> Clustering:
    """k-means on [n(x), z] of the test photos (methods.md 1.3)."""
    counterparts = text_counterparts(inputs, n_clusters, options, seed=seed, progress=progress)
    fused = fuse(inputs.test.x, counterparts.test, 1.0)
    return cluster(fused, n_clusters, options.clustering(), seed=seed, progress=progress)
