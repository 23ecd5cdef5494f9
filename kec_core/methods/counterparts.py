"""TAC's text space: nouns that tell the image centres apart, and a text counterpart for every photo (methods.md 1.1, 1.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kec_core.arrays import FloatMatrix, Progress, blocks, l2_normalize, softmax_rows
from kec_core.config import MappingConfig
from kec_core.mapping import nouns_of_centres, over_cluster
from kec_core.methods.inputs import MethodInputs
from kec_core.methods.options import CounterpartOptions

TEXTS_AT_ONCE = 256  # encoded between two reports of progress


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Counterparts:
    """Text counterparts of the photos.

    Attributes:
        train, test: float32 (N, d), unit rows z_i; one object when there is no split.
    """

    train: FloatMatrix
    test: FloatMatrix


def text_counterparts(
    inputs: MethodInputs, n_clusters: int, options: CounterpartOptions, *, seed: int, progress: Progress
) -> Counterparts:
    """z_i = n(sum_j softmax_j(x_i . t_j / tau) t_j) over the filtered nouns, for train and test photos."""
    nouns = filtered_nouns(inputs, n_clusters, options.nouns_per_centre, seed=seed, progress=progress)
    tau = inputs.defaults.counterpart_tau if options.tau is None else options.tau
    train = mix_of_nouns(inputs.train.x, nouns, tau, progress=progress)
    test = mix_of_nouns(inputs.test.x, nouns, tau, progress=progress) if inputs.has_split else train
    return Counterparts(train=train, test=test)


def semantic_centres(inputs: MethodInputs, n_clusters: int, *, seed: int, progress: Progress) -> FloatMatrix:
    """Unit means of KSEM(N, K) fine clusters of the train photos, (k, d) (methods.md 0, 1.1 step 2)."""
    _, centres = over_cluster(
        inputs.train.x, MappingConfig(), n_clusters=n_clusters, seed=seed, progress=progress
    )
    return centres


def filtered_nouns(
    inputs: MethodInputs, n_clusters: int, per_centre: int, *, seed: int, progress: Progress
) -> FloatMatrix:
    """Unit features of the nouns each centre owns most surely, (m, d), in vocabulary order (methods.md 1.1 step 3)."""
    centres = semantic_centres(inputs, n_clusters, seed=seed, progress=progress)
    options = MappingConfig(top_nouns=per_centre, noun_choice="tac_reverse")
    owned = nouns_of_centres(centres, inputs.nouns, options)
    return l2_normalize(inputs.nouns[np.unique(owned[owned >= 0])])


def mix_of_nouns(x: FloatMatrix, nouns: FloatMatrix, tau: float, *, progress: Progress) -> FloatMatrix:
    """The unit mix of nouns nearest to every photo (methods.md 1.2).

    Args:
        x: float32 (N, d), unit rows.
        nouns: float32 (m, d), unit rows.
        tau: temperature, above 0.
        progress: told after each block of rows; may raise Cancelled.

    Returns:
        float32 (N, d), unit rows.
    """
    mixed = np.empty(x.shape, dtype=np.float32)
    for block in blocks(len(x)):
        progress(block.start, len(x), "Finding text counterparts")
        mixed[block] = l2_normalize(softmax_rows((x[block] @ nouns.T) / np.float32(tau)) @ nouns)
    return mixed


def encode_blockwise(
    inputs: MethodInputs, texts: Sequence[str], label: str, progress: Progress
) -> FloatMatrix:
    """Raw features of many texts, float32 (T, d), some at a time, so that a stop is felt."""
    features = np.empty((len(texts), inputs.test.x.shape[1]), dtype=np.float32)
    for block in blocks(len(texts), TEXTS_AT_ONCE):
        progress(block.start, len(texts), label)
        features[block] = inputs.encode(texts[block])
    return features
