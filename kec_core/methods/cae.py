"""CAE, hierarchical semantic alignment: optimal transport to nouns and captions, fused adaptively (methods.md 4).

A reconstruction: no code is public, and parts of the paper could not be read; every such choice is an option.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kec_core.arrays import (
    FloatMatrix,
    FloatVector,
    Progress,
    blocks,
    l2_normalize,
    sampled_rows,
    softmax_rows,
)
from kec_core.clustering import cluster
from kec_core.config import MappingConfig
from kec_core.errors import InputError
from kec_core.mapping import nouns_of_centres
from kec_core.methods.counterparts import encode_blockwise, semantic_centres
from kec_core.methods.inputs import MethodInputs
from kec_core.methods.options import CaeOptions
from kec_core.types import Clustering

ENTRIES_AT_ONCE = 4_000_000  # of the transport plan per report of progress: well below a second


def cae(
    inputs: MethodInputs, n_clusters: int, options: CaeOptions, seed: int, progress: Progress
) -> Clustering:
    """k-means on photos, noun counterparts and caption counterparts, each weighed per photo.

    Without captions the nouns alone are taken, and the note says so.

    Raises:
        InputError: both nouns and captions are switched off or missing.
    """
    centres = semantic_centres(inputs, n_clusters, seed=seed, progress=progress)
    spaces = _text_spaces(inputs, centres, options, progress)
    if not spaces:
        raise InputError(
            "CAE needs nouns or captions, but both are switched off or missing; give one of them."
        )
    views = [inputs.test.x, *(counterparts(inputs, texts, options, seed, progress) for texts in spaces)]
    made = cluster(fuse_views(views, options), n_clusters, options.clustering(), seed=seed, progress=progress)
    alone = options.use_captions and not inputs.captions
    note = "Without captions, because none were given." if alone else ""
    return replace(made, note=" ".join(filter(None, (note, made.note))))


def _text_spaces(
    inputs: MethodInputs, centres: FloatMatrix, options: CaeOptions, progress: Progress
) -> list[FloatMatrix]:
    """Unit features of the nouns, then of the captions, nearest to the centres (methods.md 4.2)."""
    pools = []
    if options.use_nouns and len(inputs.nouns):
        pools.append(inputs.nouns)
    if options.use_captions and inputs.captions:
        pools.append(encode_blockwise(inputs, inputs.captions, "Encoding captions", progress))
    return [_nearest_texts(centres, pool, options.per_centre) for pool in pools]


def _nearest_texts(centres: FloatMatrix, texts: FloatMatrix, count: int) -> FloatMatrix:
    chosen = nouns_of_centres(centres, texts, MappingConfig(top_nouns=count))
    return l2_normalize(texts[np.unique(chosen[chosen >= 0])])


def counterparts(
    inputs: MethodInputs, texts: FloatMatrix, options: CaeOptions, seed: int, progress: Progress
) -> FloatMatrix:
    """x_i^u = n(sum_j t_ij s_ij u_j) of every test photo, float32 (N, d), unit rows (methods.md 4.3).

    The plan is fitted on (a sample of) the train photos; its column potentials then give the row of any photo.

    Args:
        inputs: photos.
        texts: float32 (m, d), unit rows.
        options: alignment, epsilon.
        seed: draws the sample.
        progress: told after each part; may raise Cancelled.
    """
    epsilon = 2 * inputs.defaults.counterpart_tau if options.epsilon is None else options.epsilon
    potentials = np.zeros(len(texts), dtype=np.float32)
    if options.alignment == "transport":
        rows = sampled_rows(len(inputs.train.x), options.fit_rows, seed)
        potentials = column_potentials(inputs.train.x[rows], texts, epsilon, options, progress)
    x = inputs.test.x
    found = np.empty(x.shape, dtype=np.float32)
    for block in blocks(len(x)):
        progress(block.start, len(x), "Aligning photos with texts")
        similarity = x[block] @ texts.T
        plan = softmax_rows(similarity / np.float32(epsilon) + potentials)  # rows of n T
        if options.times_similarity:
            plan *= similarity
        found[block] = l2_normalize(plan @ texts)
    return found


def column_potentials(
    x: FloatMatrix, texts: FloatMatrix, epsilon: float, options: CaeOptions, progress: Progress
) -> FloatVector:
    """Log potentials g/eps of the texts in the entropic plan with even marginals; float32 (m,) (methods.md 4.3).

    A photo's row of the plan, scaled to sum 1, is softmax_j(s_ij / eps + potential_j).

    Args:
        x: float32 (n, d), unit rows.
        texts: float32 (m, d), unit rows.
        epsilon: weight of the plan's entropy, above 0.
        options: iterations and tolerance.
        progress: told after every few iterations; may raise Cancelled.
    """
    from ot.bregman import sinkhorn_log

    cost = (-(x @ texts.T)).astype(np.float64)
    rows, columns = (np.full(size, 1 / size) for size in cost.shape)
    at_once = max(1, ENTRIES_AT_ONCE // cost.size)
    warm, done, error = None, 0, np.inf
    while done < options.sinkhorn_steps and error > options.tolerance:
        progress(done, options.sinkhorn_steps, "Balancing texts over photos (Sinkhorn)")
        steps = min(at_once, options.sinkhorn_steps - done)
        _, log = sinkhorn_log(
            rows,
            columns,
            cost,
            epsilon,
            numItermax=steps,
            stopThr=options.tolerance,
            log=True,
            warn=False,
            warmstart=warm,
        )
        warm, done, error = (log["log_u"], log["log_v"]), done + steps, log["err"][-1]
    assert warm is not None
    potentials = warm[1]
    return np.asarray(potentials - potentials.mean(), dtype=np.float32)


def fuse_views(views: Sequence[FloatMatrix], options: CaeOptions) -> FloatMatrix:
    """Photos and their counterparts as one unit feature per photo (methods.md 4.4).

    Args:
        views: float32 (N, d), unit rows each.
        options: weights and fusion.

    Returns:
        float32 (N, d times the number of views), or (N, d) with fusion "sum".
    """
    prototype = l2_normalize(np.mean(views, axis=0))
    closeness: FloatMatrix = np.stack([np.einsum("nd,nd->n", v, prototype) for v in views], axis=1)
    weights = softmax_rows(closeness / np.float32(options.gamma))
    if options.weights == "uniform":
        weights = np.full_like(weights, 1 / len(views))
    weighted = [weights[:, [m]] * view for m, view in enumerate(views)]
    if options.fusion == "sum":
        return l2_normalize(np.sum(weighted, axis=0))
    return l2_normalize(np.concatenate(weighted, axis=1))
