"""The image side of grounding: posteriors and knowledge features in blocks of rows (methods.md 6.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kec_core.arrays import (
    BLOCK_ROWS,
    FloatMatrix,
    FloatVector,
    Progress,
    blocks,
    check_matrix,
    l2_normalize,
    no_progress,
    softmax_rows,
)
from kec_core.clustering.geometry import nearest_neighbours
from kec_core.config import EncoderDefaults, GroundingConfig
from kec_core.types import ConceptVectors, Grounding

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix
WEIGHT_REVISION = "weight-3"
"""Change it with the rules: stored weights are found by it."""
UNDECIDED, DECIDED = 0.4, 0.5
"""Up to the first the words count least, from the second on most [M]."""
LEAST, MOST = 0.5, 2.0
"""Times the encoder's own weight."""


def decidedness(omega: FloatMatrix) -> float:
    """1 - mean entropy of the posteriors over that of no knowledge: 0 when words say nothing, 1 when each photo has one.

    Args:
        omega: float32 (N, M), rows sum to 1.
    """
    if omega.shape[1] < 2 or not len(omega):
        return 0.0
    total = 0.0
    for block in blocks(len(omega)):
        part = omega[block]
        total -= float((part * np.log(np.maximum(part, 1e-12))).sum(dtype=np.float64))
    return 1.0 - total / len(omega) / float(np.log(omega.shape[1]))


def knowledge_weight(decided: float, encoders: float) -> float:
    """Default weight w of the knowledge, between ``LEAST`` and ``MOST`` times the encoder's.

    Args:
        decided: see ``decidedness``.
        encoders: the encoder's own weight.
    """
    sure = min(1.0, max(0.0, (decided - UNDECIDED) / (DECIDED - UNDECIDED)))
    return encoders * (LEAST + sure * (MOST - LEAST))


def ground(
    x: FloatMatrix,
    vectors: ConceptVectors,
    config: GroundingConfig,
    defaults: EncoderDefaults,
    *,
    progress: Progress = no_progress,
) -> Grounding:
    """Concept posteriors omega and knowledge features kappa of every photo.

    Holds omega and kappa, and beyond them only blocks of rows. For collections where N x M is too much,
    ``ground_features`` gives kappa alone.

    Args:
        x: float32 (N, d); unit rows, or ``centred_features`` in mode "raw"; may be memory-mapped.
        vectors: from ``concept_vectors`` under the same ``config``.
        config: mode, scales, ``centre_before_product``, ``smooth_neighbours``.
        defaults: the encoder's logit scale, used when ``config.logit_scale`` is None.
        progress: told after each block; may raise Cancelled.

    Raises:
        ShapeError: ``x`` is not a table as wide as the concept vectors.
    """
    check_matrix(x[:1], "The image features", columns=vectors.zeta.shape[1])
    omega = np.empty((len(x), len(vectors.zeta)), dtype=np.float32)
    for block in blocks(len(x)):
        progress(block.start, len(x), "Comparing photos with concepts")
        scores = concept_scores(x[block], vectors, config, defaults, out=omega[block])
        softmax_rows(scores, out=scores)
    if config.smooth_neighbours and len(x) > 1:
        omega = smooth(omega, smoothing_graph(x, config.smooth_neighbours, progress=progress))
    return Grounding(
        omega=omega,
        kappa=aggregate(x, omega, vectors, config, progress=progress),
        concept_ids=vectors.concept_ids,
    )


def ground_features(
    x: FloatMatrix,
    vectors: ConceptVectors,
    config: GroundingConfig,
    defaults: EncoderDefaults,
    *,
    centre: FloatVector | None = None,
    progress: Progress = no_progress,
) -> FloatMatrix:
    """The kappa of ``ground`` alone, float32 (N, d), without ever holding omega.

    With ``smooth_neighbours`` the posteriors of all photos are needed, so memory then grows with N x M.

    Args:
        x: see ``ground``.
        vectors: see ``ground``.
        config: see ``ground``.
        defaults: see ``ground``.
        progress: see ``ground``.
        centre: float32 (d,), the ``product_centre`` of the collection that these photos are compared with; None for that
            of ``x``.

    Raises:
        ShapeError: ``x`` is not a table as wide as the concept vectors.
    """
    if config.smooth_neighbours:
        return ground(x, vectors, config, defaults, progress=progress).kappa
    check_matrix(x[:1], "The image features", columns=vectors.zeta.shape[1])
    operands = _operands(x, vectors, config, centre)
    omega = np.empty((min(len(x), BLOCK_ROWS), len(vectors.zeta)), dtype=np.float32)  # of one block at a time
    kappa = np.empty(x.shape, dtype=np.float32)
    for block in blocks(len(x)):
        progress(block.start, len(x), "Carrying knowledge into photos")
        scores = concept_scores(x[block], vectors, config, defaults, out=omega[: block.stop - block.start])
        _aggregate_block(x[block], softmax_rows(scores, out=scores), operands, out=kappa[block])
    return kappa


def concept_scores(
    x: FloatMatrix,
    vectors: ConceptVectors,
    config: GroundingConfig,
    defaults: EncoderDefaults,
    *,
    out: FloatMatrix | None = None,
) -> FloatMatrix:
    """Logits s_g X Zhat^T + prior, float32 (N, M); their softmax over the concepts is omega (methods.md 6.3, GEMM 1).

    Column q depends on concept q alone, so after an edit only its column needs to be computed again. ``out`` takes
    the result when given.
    """
    scale = np.float32(logit_scale(config, defaults))
    logits = np.matmul(np.asarray(x, dtype=np.float32), (scale * vectors.logit).T, out=out)
    if vectors.prior is not None:
        logits += vectors.prior
    return logits


def logit_scale(config: GroundingConfig, defaults: EncoderDefaults) -> float:
    """s_g: what is set, else the encoder's in mode "scaled" and 1 in the others (methods.md A6)."""
    if config.logit_scale is not None:
        return config.logit_scale
    return defaults.logit_scale if config.mode == "scaled" else 1.0


def attribute_scale(config: GroundingConfig, dim: int) -> float:
    """The factor eta: what is set, else sqrt(d) in mode "scaled" and 1 in the others (methods.md A8)."""
    if config.attribute_scale is not None:
        return config.attribute_scale
    return float(np.sqrt(dim)) if config.mode == "scaled" else 1.0


def aggregate(
    x: FloatMatrix,
    omega: FloatMatrix,
    vectors: ConceptVectors,
    config: GroundingConfig,
    *,
    progress: Progress = no_progress,
) -> FloatMatrix:
    """Kappa from posteriors, float32 (N, d) (methods.md 6.3, GEMM 2).

    Args:
        x: float32 (N, d), the whole collection, as given to ``ground``.
        omega: float32 (N, M), rows sum to 1.
        vectors: the concepts of omega's columns.
        config: eta and ``centre_before_product``.
        progress: told after each block; may raise Cancelled.
    """
    operands = _operands(x, vectors, config)
    kappa = np.empty(x.shape, dtype=np.float32)
    for block in blocks(len(x)):
        progress(block.start, len(x), "Carrying knowledge into photos")
        _aggregate_block(x[block], omega[block], operands, out=kappa[block])
    return kappa


@dataclass(frozen=True, slots=True, eq=False)
class _Operands:
    """What every block of rows is combined with.

    Attributes:
        stacked: [Z | eta E], float32 (M, 2d); [Z] alone when no concept has attributes or eta is 0.
        centre: what is taken off x before the product with A~, float32 (d,), or None.
        scratch: room for [C | eta A~] of one block, float32.
    """

    stacked: FloatMatrix
    centre: FloatVector | None
    scratch: FloatMatrix


def _operands(
    x: FloatMatrix, vectors: ConceptVectors, config: GroundingConfig, centre: FloatVector | None = None
) -> _Operands:
    eta = np.float32(attribute_scale(config, x.shape[1]))
    speaking = eta != 0 and bool(vectors.attributes.any())
    stacked = np.hstack([vectors.zeta, eta * vectors.attributes]) if speaking else vectors.zeta
    return _Operands(
        stacked=stacked,
        centre=(product_centre(x, config) if centre is None else centre) if speaking else None,
        scratch=np.empty((min(len(x), BLOCK_ROWS), stacked.shape[1]), dtype=np.float32),
    )


def product_centre(x: FloatMatrix, config: GroundingConfig) -> FloatVector | None:
    """What is taken off every row before its product with attributes: the mean row, float32 (d,), or None for nothing."""
    if not config.centre_before_product:
        return None
    total = np.zeros(x.shape[1])
    for block in blocks(len(x)):
        total += x[block].sum(axis=0, dtype=np.float64)
    return np.asarray(total / max(len(x), 1), dtype=np.float32)


def _aggregate_block(x: FloatMatrix, omega: FloatMatrix, operands: _Operands, *, out: FloatMatrix) -> None:
    """C + eta (X (*) A~) of some rows, written to ``out`` (B, d)."""
    width = x.shape[1]
    mixed = np.matmul(omega, operands.stacked, out=operands.scratch[: len(omega)])  # (B, M)(M, 2d)
    if mixed.shape[1] == width:
        out[:] = mixed
    else:
        np.multiply(mixed[:, width:], x if operands.centre is None else x - operands.centre, out=out)
        out += mixed[:, :width]


def smoothing_graph(x: FloatMatrix, count: int, *, progress: Progress = no_progress) -> csr_matrix:
    """Who lends a photo half of its posterior: sparse (N, N), rows of ``count`` weights that sum to 0.5.

    Depends on the photos alone, so it outlives every edit of the knowledge.

    Args:
        x: float32 (N, d), N >= 2, the features that are grounded.
        count: visual neighbours per photo.
        progress: told after each block of rows; may raise Cancelled.
    """
    from scipy.sparse import csr_matrix

    neighbours, _ = nearest_neighbours(l2_normalize(x), count, progress=progress)
    per_row = neighbours.shape[1]
    weights = np.full(neighbours.size, 0.5 / per_row, dtype=np.float32)
    starts = np.arange(0, neighbours.size + 1, per_row)
    return csr_matrix((weights, neighbours.ravel(), starts), shape=(len(x), len(x)))


def smooth(omega: FloatMatrix, graph: csr_matrix) -> FloatMatrix:
    """Half the posterior of a photo, half the mean of its visual neighbours' (methods.md 6.3). (N, M)."""
    smoothed = np.empty_like(omega)
    for block in blocks(len(omega)):
        smoothed[block] = graph[block] @ omega + np.float32(0.5) * omega[block]
    return smoothed
