"""Over-clusters joined to concept components (methods.md 6.1 step 2, 6.2 A4, A5)."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, IntVector, l2_normalize
from kec_core.config import EncoderDefaults, MappingConfig, Similarity
from kec_core.errors import InputError
from kec_core.wording import counted


def merge_similarity(
    centroids: FloatMatrix,
    noun_lists: IntVector,
    nouns: FloatMatrix,
    config: MappingConfig,
    defaults: EncoderDefaults,
) -> FloatMatrix:
    """R = alpha R_vis + (1 - alpha) R_text between over-clusters (methods.md 6.1 step 2, A5).

    A pair in which one centre has no noun is judged by R_vis alone [R].

    Args:
        centroids: float32 (k, d), unit rows mu_p.
        noun_lists: int32 (k, top), rows of ``nouns``; -1 pads.
        nouns: float32 (V, d), raw or unit.
        config: ``alpha`` and ``similarity``.
        defaults: the encoder's similarity, used when ``config.similarity`` is None.

    Returns:
        float32 (k, k), symmetric. Cosines in [-1, 1]; with "quantile" the share of pairs that are less alike.
    """
    similarity = config.similarity or defaults.similarity
    nu = _noun_means(noun_lists, nouns)
    named = np.asarray(nu.any(axis=1))
    visual, textual = _cosines(centroids, similarity), np.zeros((len(nu), len(nu)), dtype=np.float32)
    textual[np.ix_(named, named)] = _cosines(nu[named], similarity)
    both = named[:, None] & named[None, :]
    blend = config.alpha * visual + (1 - config.alpha) * textual
    merged = np.where(both, blend, visual).astype(np.float32)
    return _quantiles(merged) if similarity == "quantile" else merged


def _noun_means(noun_lists: IntVector, nouns: FloatMatrix) -> FloatMatrix:
    """nu_p, the mean of T_p, (k, d); zeros for a centre without nouns."""
    present = noun_lists >= 0
    unit = l2_normalize(nouns[np.where(present, noun_lists, 0)])  # (k, top, d)
    sums = (unit * present[:, :, None]).sum(axis=1)
    return np.asarray(sums / np.maximum(present.sum(axis=1), 1)[:, None], dtype=np.float32)


def _cosines(features: FloatMatrix, similarity: Similarity) -> FloatMatrix:
    """sim() within one modality: cosine, after centring or standardising the coordinates if asked."""
    if similarity in ("centred", "zscore"):
        features = np.asarray(features - features.mean(axis=0), dtype=np.float32)
    if similarity == "zscore":
        spread = features.std(axis=0)
        features = np.asarray(features / np.where(spread > 0, spread, 1), dtype=np.float32)
    unit = l2_normalize(features)
    return np.asarray(unit @ unit.T, dtype=np.float32)


def _quantiles(similarity: FloatMatrix) -> FloatMatrix:
    """Share of the pairs that are less alike, in [0, 1)."""
    from scipy.spatial.distance import squareform

    values = np.sort(squareform(similarity, checks=False))
    if not len(values):
        return similarity
    return np.asarray(np.searchsorted(values, similarity) / len(values), dtype=np.float32)


def components(
    centroids: FloatMatrix,
    noun_lists: IntVector,
    nouns: FloatMatrix,
    config: MappingConfig,
    defaults: EncoderDefaults,
    *,
    n_clusters: int,
) -> tuple[IntVector, str]:
    """Concept components Q_q: over-clusters joined where R exceeds beta (methods.md 6.1 step 2).

    When they collapse (the largest holds over half of the over-clusters, or there are fewer than
    max(2, K/2)), the collapse guard takes the mean out of both modalities and tries again (methods.md A5).

    Args:
        centroids: float32 (k, d), unit rows mu_p.
        noun_lists: int32 (k, top), rows of ``nouns``; -1 pads.
        nouns: float32 (V, d), raw or unit.
        config: alpha, beta or ``n_concepts``, similarity, guard.
        defaults: the encoder's beta and similarity, used where ``config`` has None.
        n_clusters: K.

    Returns:
        int32 (k,) component ids 0..M-1 in order of first appearance, and a note for the person ("" if none).

    Raises:
        InputError: more concepts are asked for than there are over-clusters.
    """
    wanted = config.similarity or defaults.similarity

    def join(similarity: Similarity) -> tuple[IntVector, str]:
        options = replace(config, similarity=similarity)
        merged = merge_similarity(centroids, noun_lists, nouns, options, defaults)
        if config.n_concepts is not None:
            return cut_to_count(merged, config.n_concepts, average=similarity == "agglomerative")
        beta = defaults.beta if config.beta is None else config.beta
        return cut_at(merged, beta, average=similarity == "agglomerative"), ""

    ids, note = join(wanted)
    if not (config.collapse_guard and collapsed(ids, n_clusters)) or wanted == "centred":
        return ids, note
    before = _spread(ids)
    ids, note = join("centred")
    verdict = (
        "which still lumps most together: ask for a number of concepts" if collapsed(ids, n_clusters) else ""
    )
    parts = (
        f"With {wanted} similarity nearly everything merged ({before}), so the mean was taken out first, giving "
        f"{_spread(ids)}{', ' if verdict else ''}{verdict}.",
        note,
    )
    return ids, " ".join(filter(None, parts))


def collapsed(components: IntVector, n_clusters: int) -> bool:
    """Whether components have run together (methods.md A5); two over-clusters may always join."""
    sizes = np.bincount(components)
    too_few = len(sizes) < min(len(components), max(2, n_clusters / 2))
    return bool(too_few or sizes.max() > max(2, 0.5 * len(components)))


def _spread(components: IntVector) -> str:
    sizes = np.bincount(components)
    return f"{counted(len(sizes), 'concept')}, the largest from {sizes.max()} of {len(components)} micro-clusters"


def cut_at(similarity: FloatMatrix, beta: float, *, average: bool = False) -> IntVector:
    """Components of the graph R > beta; with ``average``, average linkage cut at similarity beta. int32 (k,)."""
    if average and len(similarity) > 1:
        return _cut(_tree(similarity, "average"), 1 - beta)
    from scipy.sparse.csgraph import connected_components

    graph = similarity > beta
    return _in_order(connected_components(graph, directed=False)[1])


def cut_to_count(similarity: FloatMatrix, count: int, *, average: bool = False) -> tuple[IntVector, str]:
    """The beta that gives ``count`` components, found on the dendrogram (the count only grows with beta).

    Returns:
        int32 (k,) component ids, and a note when equal similarities make the exact number impossible.

    Raises:
        InputError: ``count`` is not between 1 and k.
    """
    if not 1 <= count <= len(similarity):
        raise InputError(
            f"The number of concepts should be between 1 and the number of micro-clusters ({len(similarity)}), "
            f"but {count} was asked for; ask for fewer concepts or for more micro-clusters."
        )
    if count == len(similarity):
        return np.arange(count, dtype=np.int32), ""
    tree = _tree(similarity, "average" if average else "single")
    joined_at = tree[:, 2]  # ascending; after j joins k - j components are left
    ids = _cut(tree, joined_at[len(similarity) - count - 1])
    made = int(ids.max()) + 1
    if made == count:
        return ids, ""
    return (
        ids,
        f"{counted(made, 'concept')} instead of {count}, because several merges are exactly equally similar.",
    )


def _tree(similarity: FloatMatrix, method: Literal["single", "average"]) -> NDArray[np.float64]:
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform

    distances = squareform(1 - similarity.astype(np.float64), checks=False)
    return np.asarray(linkage(distances, method=method))


def _cut(tree: NDArray[np.float64], distance: float) -> IntVector:
    """Components of what the tree joins up to a distance."""
    from scipy.cluster.hierarchy import fcluster

    return _in_order(fcluster(tree, distance, criterion="distance"))


def _in_order(ids: NDArray[np.integer]) -> IntVector:
    """Component ids 0..M-1 in order of first appearance."""
    _, first, inverse = np.unique(ids, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first)).astype(np.int32)[inverse]
