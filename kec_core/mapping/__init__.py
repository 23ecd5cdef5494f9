"""From photos to noun sets (KEC 3.1 and the merge of 3.2): over-clusters, nouns per centre, concept components."""

from __future__ import annotations

from kec_core.arrays import FloatMatrix, Progress, no_progress
from kec_core.config import EncoderDefaults, MappingConfig
from kec_core.mapping.components import components, merge_similarity
from kec_core.mapping.nouns import component_nouns, nouns_of_centres
from kec_core.mapping.overclusters import count_overclusters, ksem, over_cluster
from kec_core.types import NounMapping

__all__ = [
    "component_nouns",
    "components",
    "count_overclusters",
    "ksem",
    "map_nouns",
    "merge_similarity",
    "nouns_of_centres",
    "over_cluster",
]


def map_nouns(
    x: FloatMatrix,
    nouns: FloatMatrix,
    config: MappingConfig,
    defaults: EncoderDefaults,
    *,
    n_clusters: int,
    seed: int = 0,
    progress: Progress = no_progress,
) -> NounMapping:
    """Over-cluster the photos, give every centre its nouns, join centres to components (KEC 3.1).

    Args: see ``over_cluster``, ``nouns_of_centres`` and ``components``.

    Raises:
        InputError: an option does not fit the number of photos, or there is no noun.
    """
    labels, centroids = over_cluster(x, config, n_clusters=n_clusters, seed=seed, progress=progress)
    chosen = nouns_of_centres(centroids, nouns, config)
    ids, note = components(centroids, chosen, nouns, config, defaults, n_clusters=n_clusters)
    _, few = count_overclusters(len(x), n_clusters, config)
    return NounMapping(
        labels=labels,
        centroids=centroids,
        nouns=chosen,
        components=ids,
        note=" ".join(filter(None, (few, note))),
    )
