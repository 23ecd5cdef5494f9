"""How many clusters, when the person does not say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, IntVector, Progress, check_matrix, no_progress, sampled_rows
from kec_core.clustering.bursts import one_of_each
from kec_core.clustering.geometry import neighbour_graph
from kec_core.wording import counted

SAMPLE = 2000  # rows looked at                                                        [R]
LARGEST = 200  # largest K considered; more cannot be told apart on the sample         [R]
ROWS_PER_CLUSTER = 5  # on average at least, in what is considered                     [R]
NEIGHBOURS = (8, 12, 20)  # sizes of the graphs that vote                              [M]
RIVAL_GAP = 0.4  # of the chosen gap: a K with so much is named as one that fits too     [R]
RIVALS = 3  # named at most                                                            [R]
ALIKE = 1e-5  # rows that differ by less in every coordinate are one photo             [R]


def estimate_n_clusters(
    x: FloatMatrix, *, bursts: IntVector | None = None, seed: int = 0, progress: Progress = no_progress
) -> tuple[int, str]:
    """Choose K by the eigengap: how many groups the graph of visual neighbours nearly falls into.

    Graphs of three sizes vote and the median wins, because the gap of one graph moves with its size. A sweep of
    k-means by silhouette was tried too: it costs more and followed the categories of photo sets less well. On sets
    of 6, 10, 12 and 30 categories the votes gave 6, 12, 8 and 31, on the hardest (10) only 2. A collection often
    falls into groups at several scales (living things and vehicles, then their kinds), so rivals are named.

    Args:
        x: float32 (N, D), unit rows.
        bursts: int32 (N,) from ``find_bursts``: of each only so many photos are looked at as the smallest graph links to
            each other, so that none falls apart; None for none.
        seed: draws the sample.
        progress: told before each graph; may raise Cancelled.

    Returns:
        K, and for the person how it was found and which other numbers would fit too.
    """
    x = check_matrix(x, "The features")
    if len(x) // ROWS_PER_CLUSTER < 2:
        return (
            1,
            f"{counted(len(x), 'photo')}: too few to estimate the number of clusters, so all are in one.",
        )
    distinct = x if bursts is None else x[one_of_each(bursts, most=NEIGHBOURS[0] + 1)]
    sample = distinct[sampled_rows(len(distinct), SAMPLE, seed)]
    if np.ptp(sample, axis=0).max() < ALIKE:
        return 1, f"All {len(x)} photos look the same, so they are in one cluster."
    most = max(2, most_clusters(len(sample)))
    gaps = np.empty((len(NEIGHBOURS), most - 1))
    for done, count in enumerate(NEIGHBOURS):
        progress(done, len(NEIGHBOURS), "Estimating the number of clusters")
        gaps[done] = _gaps(sample, count, most)
    votes = [int(vote) + 2 for vote in gaps.argmax(axis=1)]
    k = int(np.median(votes))
    seen = f"{len(sample)} of {len(x)} photos" if len(sample) < len(x) else f"{len(x)} photos"
    return k, (
        f"{k} clusters were estimated: linked to their {_listed(NEIGHBOURS)} most similar ones, {seen} nearly fall "
        f"into {_listed(votes)} groups, and the middle was taken.{_rivals_of(k, gaps.sum(axis=0))}"
    )


def most_clusters(n_rows: int) -> int:
    """The largest number of clusters that is considered for so many rows."""
    return min(LARGEST, n_rows // ROWS_PER_CLUSTER)


def _gaps(x: FloatMatrix, count: int, largest: int) -> NDArray[np.float64]:
    """How much the eigenvalues of the normalised graph Laplacian rise after each K in 2..largest; (largest - 1,)."""
    from scipy.linalg import eigvalsh
    from scipy.sparse.csgraph import laplacian

    graph = neighbour_graph(x, count).toarray().astype(np.float64)
    spectrum = eigvalsh(np.asarray(laplacian(graph, normed=True)), subset_by_index=[0, largest])
    return np.asarray(np.diff(spectrum)[1:])


def _rivals_of(k: int, gaps: NDArray[np.float64]) -> str:
    """Other numbers of groups with a wide gap, widest first; "" when there is none. ``gaps`` begin at K = 2."""
    order = np.argsort(-gaps, kind="stable")
    rivals = [int(i) + 2 for i in order if i + 2 != k and gaps[i] >= RIVAL_GAP * gaps[k - 2]][:RIVALS]
    if not rivals:
        return ""
    return f" {_listed(rivals) if len(rivals) > 1 else rivals[0]} would fit too."


def _listed(numbers: Sequence[int]) -> str:
    return f"{', '.join(map(str, numbers[:-1]))} and {numbers[-1]}"
