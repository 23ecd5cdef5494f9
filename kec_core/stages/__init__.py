"""The stages of a run, each stored under the fingerprint of what it was made from.

embed -> (second) -> copies -> (estimate) -> overcluster -> nouns -> components -> concepts -> attributes -> vectors -> ground -> looks -> weight -> cluster
and, beside them, the k-means baseline on the visual features alone. A stage whose inputs are unchanged is
loaded, never recomputed; a killed run goes on where it stopped. Labels never come here.
"""

from kec_core.stages.codec import (
    clustering_result,
    grounding_result,
    read_clustering,
    read_grounding,
    read_whitening,
    whitening_result,
)
from kec_core.stages.groups import (
    choose_n_clusters,
    choose_weight,
    cluster_baseline,
    cluster_photos,
    ground_photos,
    whiten_photos,
)
from kec_core.stages.nouns import map_nouns
from kec_core.stages.photos import (
    embed_photos,
    embed_second,
    keep_features,
    near_copies,
    refuse_lacking,
    with_bursts,
    without_features,
)
from kec_core.stages.runner import Hooks, Resources, Runner, Stored
from kec_core.stages.words import know, text_vectors

__all__ = [
    "Hooks",
    "Resources",
    "Runner",
    "Stored",
    "choose_n_clusters",
    "choose_weight",
    "cluster_baseline",
    "cluster_photos",
    "clustering_result",
    "embed_photos",
    "embed_second",
    "ground_photos",
    "grounding_result",
    "keep_features",
    "know",
    "map_nouns",
    "near_copies",
    "read_clustering",
    "read_grounding",
    "read_whitening",
    "refuse_lacking",
    "text_vectors",
    "whiten_photos",
    "whitening_result",
    "with_bursts",
    "without_features",
]
