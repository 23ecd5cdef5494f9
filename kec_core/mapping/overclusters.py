"""Fine partition of the photos whose centres pick nouns (methods.md 0, 6.1 step 1, 6.2 A1)."""

from __future__ import annotations

from kec_core.arrays import FloatMatrix, IntVector, Progress, no_progress
from kec_core.clustering import spherical_kmeans
from kec_core.config import MappingConfig
from kec_core.errors import InputError
from kec_core.wording import counted

IMAGES_PER_OVERCLUSTER = 300  # [P]
OVERCLUSTERS_PER_CLUSTER = 3  # [C]


def ksem(n_images: int, n_clusters: int) -> int:
    """KSEM(N, K), the number of over-clusters (methods.md 0): N/300 when that is at least K, else 3K.

    Kept at N/2 or less, but never below K [R].
    """
    if n_images >= IMAGES_PER_OVERCLUSTER * n_clusters:
        rule = round(n_images / IMAGES_PER_OVERCLUSTER)
    else:
        rule = OVERCLUSTERS_PER_CLUSTER * n_clusters
    return max(1, min(n_images, max(n_clusters, min(rule, n_images // 2))))


def count_overclusters(n_images: int, n_clusters: int, config: MappingConfig) -> tuple[int, str]:
    """The number k by the rule that was chosen, and a note for the person when a floor or ceiling applied.

    Raises:
        InputError: an explicit number is not between 1 and the number of photos.
    """
    if isinstance(config.overclusters, int):
        if not 1 <= config.overclusters <= n_images:
            raise InputError(
                f"The number of micro-clusters should be between 1 and the number of photos ({n_images}), "
                f"but {config.overclusters} was asked for; choose {ksem(n_images, n_clusters)} for example."
            )
        return config.overclusters, ""
    count = ksem(n_images, n_clusters)
    if config.overclusters == "n_over_300":
        plain = round(n_images / IMAGES_PER_OVERCLUSTER)
        count = min(n_images, max(2, plain))
        if count == plain:
            return count, ""
        return (
            count,
            f"{counted(n_images, 'photo')}: too few for one micro-cluster per 300, so it is {count}.",
        )
    if n_images >= 2 * OVERCLUSTERS_PER_CLUSTER * n_clusters:
        return count, ""
    return count, (
        f"{n_images} photos are few for {n_clusters} clusters, so only {count} micro-clusters were made; "
        "concepts rest on very few photos each."
    )


def over_cluster(
    x: FloatMatrix,
    config: MappingConfig,
    *,
    n_clusters: int,
    seed: int = 0,
    progress: Progress = no_progress,
) -> tuple[IntVector, FloatMatrix]:
    """Partition the photos finely; every centre mu_p is the unit mean of its photos, empty ones are dropped.

    Args:
        x: float32 (N, d), unit rows.
        config: the rule for k, restarts, iterations.
        n_clusters: K, the number of clusters wanted in the end.
        seed: makes the result repeatable.
        progress: told during the work; may raise Cancelled.

    Returns:
        int32 (N,) over-cluster of each photo and float32 (k, d) centres, unit rows.

    Raises:
        InputError: an explicit number of over-clusters is not possible.
    """
    count, _ = count_overclusters(len(x), n_clusters, config)
    made = spherical_kmeans(
        x, count, n_init=config.n_init, max_iter=config.max_iter, seed=seed, progress=progress
    )
    return made.labels, made.centroids
