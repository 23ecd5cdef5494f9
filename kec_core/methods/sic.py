"""SIC, semantic-enhanced image clustering (methods.md 2): a linear head taught by photos, neighbours and nouns."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import BLOCK_ROWS, FloatMatrix, Progress, blocks, l2_normalize
from kec_core.clustering.metrics import score
from kec_core.encoders.base import PHOTO
from kec_core.errors import InputError
from kec_core.methods import heads
from kec_core.methods.counterparts import encode_blockwise
from kec_core.methods.inputs import MethodInputs
from kec_core.methods.options import SicOptions
from kec_core.types import Clustering

if TYPE_CHECKING:
    import torch

CENTRE_SCALE = 0.05  # a of the centre start                                            [C] methods.md 2.3
PATIENCE = 5  # epochs without a better test accuracy that end the paper's selection     [C] methods.md 2.6
LLOYD_STEPS = 5  # iterations of k-means between two reports of progress


def sic(
    inputs: MethodInputs, n_clusters: int, options: SicOptions, seed: int, progress: Progress
) -> Clustering:
    """A linear head trained on raw features; the labels of the last epoch.

    Raises:
        InputError: ``paper_compat_select`` is on, but the method may not see labels.
    """
    if options.paper_compat_select and inputs.labels is None:
        raise InputError(
            "Choosing SIC's best epoch as the paper does needs a label for every photo; use sic, which takes the last."
        )
    raw = inputs.train.raw
    centres = euclidean_centres(raw, n_clusters, options.n_init, seed, progress)
    nouns = semantic_nouns(centres, photo_nouns(inputs, progress), options)
    trainer = _Trainer(inputs, centres, nouns, options, seed, progress)
    labels, note = trainer.best_epoch() if options.paper_compat_select else trainer.last_epoch()
    return heads.partition(inputs, labels, n_clusters, method="sic", seed=seed, note=note)


class _Trainer:
    """One training of the head, epoch by epoch."""

    def __init__(
        self,
        inputs: MethodInputs,
        centres: FloatMatrix,
        nouns: FloatMatrix,
        options: SicOptions,
        seed: int,
        progress: Progress,
    ) -> None:
        import torch

        self._inputs, self._options, self._progress = inputs, options, progress
        self._rng = heads.generator(seed)
        self._x, self._nouns = heads.tensor(inputs.train.raw), heads.tensor(nouns)
        self._test = heads.tensor(inputs.test.raw) if inputs.has_split else self._x
        self._near = torch.from_numpy(nearest_with_self(inputs.train.raw, options.neighbours, progress))
        self._head = head_of(centres, options, self._rng)
        self._optimiser = torch.optim.Adam(
            self._head.parameters(), lr=options.learning_rate, weight_decay=options.weight_decay
        )
        self._batches_per_epoch = max(1, len(self._x) // min(options.batch, len(self._x)))

    def last_epoch(self) -> tuple[NDArray[np.int64], str]:
        """Labels after all epochs."""
        for epoch in range(self._options.epochs):
            self._train(epoch)
        return heads.predict(self._head, self._test), f"{self._options.epochs} epochs."

    def best_epoch(self) -> tuple[NDArray[np.int64], str]:
        """Labels of the epoch of best test accuracy: it looks at the true labels, as the authors' script does."""
        assert self._inputs.labels is not None
        best, labels, since = -1.0, np.zeros(0, dtype=np.int64), 0
        for epoch in range(self._options.epochs):
            self._train(epoch)
            predicted = heads.predict(self._head, self._test)
            accuracy = score(predicted, self._inputs.labels).acc
            since += 1
            if accuracy > best:
                best, labels, since = accuracy, predicted, 0
            if since >= PATIENCE:
                break
        return labels, f"Epoch chosen by the true labels, {epoch + 1} epochs run."

    def _train(self, epoch: int) -> None:
        """One epoch: semantic centres and pseudo-labels anew, then every batch."""
        import torch

        self._head.train()
        with torch.no_grad():
            centres = adjusted_centres(self._head(self._x), self._x, self._nouns, self._options)
            pseudo = (self._x @ centres.T).argmax(dim=1)
        steps = self._batches_per_epoch
        for step, rows in enumerate(heads.batches(len(self._x), self._options.batch, steps, self._rng)):
            self._progress(epoch * steps + step, self._options.epochs * steps, "Training SIC's head")
            near = heads.drawn_neighbours(rows, self._near, self._rng)
            logits, near_logits = self._head(self._x[rows]), self._head(self._x[near])
            heads.descend(
                sic_loss(logits, near_logits, pseudo[rows], self._options.balance, self._options.semantic),
                self._optimiser,
            )


def sic_loss(
    logits: torch.Tensor,
    near_logits: torch.Tensor,
    pseudo: torch.Tensor,
    balance: float,
    semantic: float,
) -> torch.Tensor:
    """L_I - lambda L_B + beta L_IS (methods.md 2.5).

    Args:
        logits: of the photos, (B, K).
        near_logits: of one neighbour each, (B, K).
        pseudo: pseudo-labels of the photos, (B,).
        balance: lambda.
        semantic: beta.
    """
    import torch

    p, p_near = logits.softmax(dim=1), near_logits.softmax(dim=1)
    consistent = -(p * p_near).sum(dim=1).clamp_min(heads.SMALLEST).log().mean()
    balanced = heads.entropy(p.mean(dim=0))
    return consistent - balance * balanced + semantic * torch.nn.functional.cross_entropy(logits, pseudo)


def adjusted_centres(
    logits: torch.Tensor, x: torch.Tensor, nouns: torch.Tensor, options: SicOptions
) -> torch.Tensor:
    """Semantic centres h_c of this epoch, (K, d), unit rows (methods.md 2.4).

    Args:
        logits: of all train photos, (N, K).
        x: raw features, (N, d).
        nouns: raw features of the semantic set, (m, d).
        options: share of surest photos, nouns per centre.
    """
    import torch

    n_images, n_clusters = logits.shape
    surest = max(1, int(n_images // n_clusters * options.sure_share))
    rows = logits.topk(surest, dim=0).indices  # (surest, K)
    visual = torch.nn.functional.normalize(x[rows].mean(dim=0), dim=1)
    cosines = visual @ torch.nn.functional.normalize(nouns, dim=1).T  # (K, m)
    chosen = cosines.topk(min(options.nouns_per_centre, len(nouns)), dim=1).indices
    return torch.nn.functional.normalize(nouns[chosen].mean(dim=1), dim=1)


def head_of(centres: FloatMatrix, options: SicOptions, rng: torch.Generator) -> torch.nn.Linear:
    """The linear head, started at random or at the k-means centres (methods.md 2.3)."""
    import torch

    n_clusters, width = centres.shape
    head = torch.nn.Linear(width, n_clusters, device="meta").to_empty(device="cpu")
    weight, bias = heads.uniform_start(width, n_clusters, rng)
    if options.start_at_centres:
        start = heads.tensor(centres)
        weight, bias = 2 * CENTRE_SCALE * start, -CENTRE_SCALE * start.square().sum(dim=1)
    with torch.no_grad():
        head.weight.copy_(weight)
        head.bias.copy_(bias)
    return head


def photo_nouns(inputs: MethodInputs, progress: Progress) -> FloatMatrix:
    """Raw features of every noun under the single prompt "a photo of a ..." (methods.md 2.1), (V, d)."""
    if inputs.noun_templates == PHOTO:
        return inputs.nouns
    prompts = [PHOTO[0].replace("{}", noun.word) for noun in inputs.vocabulary]
    return encode_blockwise(inputs, prompts, "Encoding nouns", progress)


def semantic_nouns(centres: FloatMatrix, nouns: FloatMatrix, options: SicOptions) -> FloatMatrix:
    """Nouns that are near to some centre and not like every other noun, raw (m, d) (methods.md 2.2).

    When no noun is both, those near to a centre are kept [R].
    """
    unit = l2_normalize(nouns)
    cosines = l2_normalize(centres) @ unit.T  # (K, V)
    count = min(options.relevant_nouns, len(nouns))
    relevant = np.unique(np.argpartition(-cosines, count - 1, axis=1)[:, :count])
    mean = l2_normalize(nouns.mean(axis=0, keepdims=True))[0]
    unique = relevant[unit[relevant] @ mean < 1 - options.uniqueness]
    return nouns[unique if len(unique) else relevant]


def nearest_with_self(x: FloatMatrix, count: int, progress: Progress) -> NDArray[np.int64]:
    """Row numbers of the nearest rows by distance, each row's own first: (N, count + 1), fewer for few rows."""
    import faiss

    index = faiss.IndexFlatL2(x.shape[1])
    index.add(np.ascontiguousarray(x, dtype=np.float32))
    found = np.empty((len(x), min(count + 1, len(x))), dtype=np.int64)
    for block in blocks(len(x), BLOCK_ROWS // 8):
        progress(block.start, len(x), "Finding neighbours")
        found[block] = index.search(np.ascontiguousarray(x[block], dtype=np.float32), found.shape[1])[1]
    return found


def euclidean_centres(
    x: FloatMatrix, n_clusters: int, n_init: int, seed: int, progress: Progress
) -> FloatMatrix:
    """Centres of plain k-means, best of several starts, float32 (K, d); a few steps at a time, so it can be stopped."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    rows = np.ascontiguousarray(x, dtype=np.float32)
    best, inertia = np.empty((0, 0), dtype=np.float32), np.inf
    for start in range(n_init):
        init: str | FloatMatrix = "k-means++"
        converged = False
        while not converged:
            progress(start, n_init, f"Finding centres, start {start + 1} of {n_init}")
            with warnings.catch_warnings():
                warnings.simplefilter(
                    "ignore", ConvergenceWarning
                )  # duplicates leave fewer centres: no harm here
                model = KMeans(
                    n_clusters, init=init, n_init=1, max_iter=LLOYD_STEPS, random_state=seed + start
                ).fit(rows)
            init, converged = model.cluster_centers_, model.n_iter_ < LLOYD_STEPS
        if model.inertia_ < inertia:
            best, inertia = model.cluster_centers_, model.inertia_
    return np.asarray(best, dtype=np.float32)
