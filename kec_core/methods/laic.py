"""LAIC: relations of photos to nouns as features, and semantic centres learned on what they agree on (methods.md 5).

A reconstruction from a few equations; every choice beyond them is an option.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, IntVector, Progress, blocks, l2_normalize
from kec_core.clustering import cluster
from kec_core.clustering.geometry import centroids_of, nearest_centroids, nearest_neighbours
from kec_core.methods import heads
from kec_core.methods.counterparts import filtered_nouns
from kec_core.methods.inputs import MethodInputs
from kec_core.methods.options import LaicOptions
from kec_core.types import Clustering

if TYPE_CHECKING:
    import torch

LARGEST_K = 50  # neighbours looked at when their number is chosen on the data          [R] methods.md 5.3
PROMPTS_AT_ONCE = 8  # through the text tower between two reports of progress
SMALLEST_SHARE = 0.1  # of every cluster is kept whatever its neighbours say            [R] methods.md 5.3


def laic(
    inputs: MethodInputs, n_clusters: int, options: LaicOptions, seed: int, progress: Progress
) -> Clustering:
    """k-means on the rows of the image-text representation matrix (methods.md 5.2)."""
    nouns = filtered_nouns(inputs, n_clusters, options.nouns_per_centre, seed=seed, progress=progress)
    whitened = l2_normalize(relational(inputs.test.x, nouns, options.gamma))
    return cluster(whitened, n_clusters, options.clustering(), seed=seed, progress=progress)


def relational(x: FloatMatrix, nouns: FloatMatrix, gamma: float) -> FloatMatrix:
    """Y with Y Y^T = C C^T, where C = X U^T (U U^T + gamma I)^-1 are ridge coefficients on the nouns (methods.md 5.2).

    The rows of Y have the same lengths, cosines and distances as those of C, but only d columns.

    Args:
        x: float32 (N, d), unit rows.
        nouns: float32 (m, d), unit rows U.
        gamma: ridge, above 0.

    Returns:
        float32 (N, d).
    """
    u = nouns.astype(np.float64)
    squared, v = np.linalg.eigh(u.T @ u)  # U = P diag(s) V^T
    squared = np.clip(squared, 0, None)
    whitening = (v * (np.sqrt(squared) / (squared + gamma))) @ v.T
    represented: FloatMatrix = x @ whitening.astype(np.float32)
    return represented


def laic_centres(
    inputs: MethodInputs, n_clusters: int, options: LaicOptions, seed: int, progress: Progress
) -> Clustering:
    """Semantic centres learned on photos whose neighbours agree; every photo goes to its nearest (methods.md 5.3, 5.4).

    The centres are prompts learned through the encoder's text tower, or where it has none that can be learned
    through, free vectors: a surrogate, and the note says so.
    """
    nouns = filtered_nouns(inputs, n_clusters, options.nouns_per_centre, seed=seed, progress=progress)
    x = inputs.train.x
    whitened = l2_normalize(relational(x, nouns, options.gamma))
    pseudo = cluster(whitened, n_clusters, options.clustering(), seed=seed, progress=progress).labels
    count = LARGEST_K if options.adaptive_k else options.neighbours
    neighbours, _ = nearest_neighbours(whitened, count, progress=progress)
    centres = np.empty((0, x.shape[1]), dtype=np.float32)
    for _ in range(options.rounds):
        kept = reliable(pseudo, neighbours, options)
        centres = learn_centres(inputs, pseudo, kept, options, seed=seed, progress=progress)
        pseudo, _ = nearest_centroids(x, centres, progress=progress)
    labels, _ = nearest_centroids(inputs.test.x, centres, progress=progress)
    made = heads.partition(inputs, labels, n_clusters, method="laic-centres", seed=seed)
    how = (
        "Prompts learned through the text tower."
        if inputs.prompts
        else "Surrogate: free centres, no prompts."
    )
    return replace(made, note=" ".join(filter(None, (how, made.note))))


def reliable(pseudo: IntVector, neighbours: NDArray[np.int64], options: LaicOptions) -> NDArray[np.int64]:
    """Rows whose neighbours mostly share their pseudo-label, and the best tenth of every cluster (methods.md 5.3).

    Args:
        pseudo: int32 (N,), pseudo-labels.
        neighbours: int64 (N, k), nearest first.
        options: threshold, and whether k is chosen on the data.

    Returns:
        Row numbers, ascending.
    """
    agree = pseudo[neighbours] == pseudo[:, None]
    k = adaptive_count(agree) if options.adaptive_k else agree.shape[1]
    share = agree[:, :k].mean(axis=1)
    kept = share >= options.threshold
    for label in np.unique(pseudo):
        rows = np.flatnonzero(pseudo == label)
        best = rows[np.argsort(-share[rows], kind="stable")]
        kept[best[: int(np.ceil(SMALLEST_SHARE * len(rows)))]] = True
    return np.flatnonzero(kept)


def adaptive_count(agree: NDArray[np.bool_]) -> int:
    """The k of largest k x (share of photos whose k nearest neighbours all agree), 1 to the columns given [R]."""
    all_agree = np.logical_and.accumulate(agree, axis=1).mean(axis=0)
    counts = np.arange(1, agree.shape[1] + 1)
    return int(counts[(counts * all_agree).argmax()])


def learn_centres(
    inputs: MethodInputs,
    pseudo: IntVector,
    kept: NDArray[np.int64],
    options: LaicOptions,
    *,
    seed: int,
    progress: Progress,
) -> FloatMatrix:
    """Unit centres s_c that tell the kept photos of each pseudo-label apart, float32 (K', d) (methods.md 5.4)."""
    import torch

    x, target = heads.tensor(inputs.train.x[kept]), torch.from_numpy(pseudo[kept].astype(np.int64))
    start = centroids_of(inputs.train.x[kept], pseudo[kept], int(pseudo.max()) + 1)
    centres = _Prompts(inputs, start, options) if inputs.prompts else _FreeCentres(start)
    optimiser = torch.optim.Adam([centres.parameter], lr=options.learning_rate)
    decay = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, options.steps)
    for step, rows in enumerate(heads.batches(len(x), options.batch, options.steps, heads.generator(seed))):

        def tell(done: int, total: int, label: str, step: int = step) -> None:
            progress(step * total + done, options.steps * total, label)

        s = centres.vectors(tell).requires_grad_()
        loss = centre_loss(x[rows], s, target[rows], options)
        (slope,) = torch.autograd.grad(loss, s)
        optimiser.zero_grad()
        centres.pass_back(slope, tell)
        optimiser.step()
        decay.step()
    return l2_normalize(centres.vectors(progress).numpy())


def centre_loss(
    x: torch.Tensor, centres: torch.Tensor, target: torch.Tensor, options: LaicOptions
) -> torch.Tensor:
    """Cross-entropy of the pseudo-labels, less mu times the entropy of the mean prediction (methods.md 5.4).

    Args:
        x: photos, (B, d), unit rows.
        centres: (K, d), any length; they are made unit here.
        target: pseudo-labels, (B,).
        options: temperature t and balance mu.
    """
    import torch

    logits = x @ torch.nn.functional.normalize(centres, dim=1).T / options.temperature
    fit = torch.nn.functional.cross_entropy(logits, target)
    return fit - options.balance * heads.entropy(logits.softmax(dim=1).mean(dim=0))


class _FreeCentres:
    """The centres themselves are learned."""

    def __init__(self, start: FloatMatrix) -> None:
        self.parameter = heads.tensor(start).requires_grad_()

    def vectors(self, progress: Progress) -> torch.Tensor:
        """The centres, (K, d)."""
        progress(0, 1, "Learning centres")
        return self.parameter.detach().clone()

    def pass_back(self, slope: torch.Tensor, _progress: Progress) -> None:
        """Give the parameter its gradient."""
        self.parameter.grad = slope


class _Prompts:
    """Continuous tokens between "a photo of a" and "." are learned; the text tower stays as it is."""

    def __init__(self, inputs: MethodInputs, start: FloatMatrix, options: LaicOptions) -> None:
        assert inputs.prompts is not None
        nearest, _ = nearest_centroids(start, l2_normalize(inputs.nouns))
        words = [inputs.vocabulary[noun].word for noun in nearest]
        self._tower = inputs.prompts
        self.parameter = self._tower.start(words, options.tokens).requires_grad_()

    def vectors(self, progress: Progress) -> torch.Tensor:
        """Raw text features of the prompts, (K, d)."""
        import torch

        found = []
        for block in blocks(len(self.parameter), PROMPTS_AT_ONCE):
            progress(block.start, len(self.parameter), "Learning prompts")
            with torch.no_grad():
                found.append(self._tower.features(self.parameter[block]))
        return torch.cat(found)

    def pass_back(self, slope: torch.Tensor, progress: Progress) -> None:
        """Carry the gradient by the features back to the tokens, a few prompts at a time."""
        import torch

        parts = []
        for block in blocks(len(self.parameter), PROMPTS_AT_ONCE):
            progress(block.start, len(self.parameter), "Learning prompts")
            context = self.parameter[block].detach().requires_grad_()
            (part,) = torch.autograd.grad(self._tower.features(context), context, slope[block])
            parts.append(part)
        self.parameter.grad = torch.cat(parts)
