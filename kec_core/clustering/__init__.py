"""From features to clusters (KEC 3.5, methods.md 0 and 6.6)."""

from kec_core.clustering.algorithms import FusedRows, cluster, fuse
from kec_core.clustering.estimate import estimate_n_clusters
from kec_core.clustering.kmeans import spherical_kmeans
from kec_core.clustering.labels import match_ids, match_labels, rename
from kec_core.clustering.stability import bootstrap_agreement

__all__ = [
    "FusedRows",
    "bootstrap_agreement",
    "cluster",
    "estimate_n_clusters",
    "fuse",
    "match_ids",
    "match_labels",
    "rename",
    "spherical_kmeans",
]
