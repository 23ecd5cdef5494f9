"""TAC, image clustering with external guidance (methods.md 1); KEC inside it takes kappa for the text view (1.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, Progress, l2_normalize
from kec_core.clustering import cluster, fuse
from kec_core.clustering.geometry import nearest_neighbours
from kec_core.methods import heads
from kec_core.methods.counterparts import text_counterparts
from kec_core.methods.inputs import MethodInputs
from kec_core.methods.kec import ground_photos
from kec_core.methods.options import TacOptions, TacTrainingOptions
from kec_core.types import Clustering

if TYPE_CHECKING:
    import torch

BETAS = (0.9, 0.99)  # of Adam                                                         [C] methods.md 1.4


def tac_without_training(
    inputs: MethodInputs, n_clusters: int, options: TacOptions, seed: int, progress: Progress
) -> Clustering:
    """k-means on [n(x), z] of the test photos (methods.md 1.3)."""
    counterparts = text_counterparts(inputs, n_clusters, options, seed=seed, progress=progress)
    fused = beside_text(inputs.test.x, counterparts.test)
    return cluster(fused, n_clusters, options.clustering(), seed=seed, progress=progress)


def beside_text(x: FloatMatrix, counterparts: FloatMatrix) -> FloatMatrix:
    """[n(x), z], float32 (N, 2d) with unit rows: what TAC clusters without training."""
    return fuse(x, counterparts, 1.0)


def tac(
    inputs: MethodInputs, n_clusters: int, options: TacTrainingOptions, seed: int, progress: Progress
) -> Clustering:
    """Heads trained on photos and their text counterparts (methods.md 1.4)."""
    counterparts = text_counterparts(inputs, n_clusters, options, seed=seed, progress=progress)
    labels, note = train_and_predict(inputs, counterparts.train, n_clusters, options, seed, progress)
    return heads.partition(inputs, labels, n_clusters, method="tac", seed=seed, note=note)


def kec_tac(
    inputs: MethodInputs, n_clusters: int, options: TacTrainingOptions, seed: int, progress: Progress
) -> Clustering:
    """TAC's heads on photos and grounded knowledge (methods.md 1.5)."""
    kappa = l2_normalize(ground_photos(inputs, inputs.train, inputs.grounding, progress).kappa)
    labels, note = train_and_predict(inputs, kappa, n_clusters, options, seed, progress)
    return heads.partition(inputs, labels, n_clusters, method="kec-tac", seed=seed, note=note)


def train_and_predict(
    inputs: MethodInputs,
    second_view: FloatMatrix,
    n_clusters: int,
    options: TacTrainingOptions,
    seed: int,
    progress: Progress,
) -> tuple[NDArray[np.int64], str]:
    """Train both heads on the train photos; what the image head of the last step says of the test photos, and a note.

    Args:
        inputs: photos.
        second_view: float32 (N_train, d), unit rows, text counterparts or grounded knowledge.
        n_clusters: K.
        options: of the training.
        seed: drives starts, batches and neighbours.
        progress: told at every step.
    """
    views = (inputs.train.x, second_view)
    schedule = options.schedule(len(second_view), n_clusters)
    neighbours = [_neighbours(view, schedule.neighbours, progress) for view in views]
    rng = heads.generator(seed)
    x, z = (heads.tensor(view) for view in views)
    image_head = heads.mlp(x.shape[1], n_clusters, rng)
    text_head = heads.mlp(z.shape[1], n_clusters, rng)
    optimiser = _adam([*image_head.parameters(), *text_head.parameters()], options.learning_rate)
    for step, rows in enumerate(heads.batches(len(x), schedule.batch, schedule.steps, rng)):
        progress(step, schedule.steps, "Training TAC's heads")
        near_x, near_z = (heads.drawn_neighbours(rows, table, rng) for table in neighbours)
        # each head sees anchors and neighbours in one batch of its own, as two calls
        loss = tac_loss(
            image_head(x[rows]).softmax(dim=1),
            text_head(z[rows]).softmax(dim=1),
            image_head(x[near_x]).softmax(dim=1),
            text_head(z[near_z]).softmax(dim=1),
            temperature=schedule.temperature,
            balance=options.balance,
        )
        heads.descend(loss, optimiser)
    return heads.predict(image_head, heads.tensor(inputs.test.x)), f"{schedule.steps} training steps."


def _neighbours(view: FloatMatrix, count: int, progress: Progress) -> torch.Tensor:
    import torch

    rows, _ = nearest_neighbours(view, count, progress=progress)
    return torch.from_numpy(rows)


def _adam(parameters: list[torch.nn.Parameter], learning_rate: float) -> torch.optim.Optimizer:
    import torch

    return torch.optim.Adam(parameters, lr=learning_rate, betas=BETAS)


def tac_loss(
    p: torch.Tensor,
    q: torch.Tensor,
    p_near: torch.Tensor,
    q_near: torch.Tensor,
    *,
    temperature: float,
    balance: float,
) -> torch.Tensor:
    """L_dis + L_con - balance * L_bal (methods.md 1.4).

    Args:
        p: predictions of the image head for the anchors, (B, K), rows sum to 1.
        q: those of the text head.
        p_near: predictions of the image head for one neighbour of each anchor, found in image space.
        q_near: those of the text head, for neighbours found in text space.
        temperature: T_d of the cluster-level contrast.
        balance: weight of the entropy of the mean predictions.
    """
    distilled = cluster_contrast(p, q_near, temperature) + cluster_contrast(q, p_near, temperature)
    consistent = -(p * q).sum(dim=1).clamp_min(heads.SMALLEST).log().mean()
    balanced = heads.entropy(p.mean(dim=0)) + heads.entropy(q.mean(dim=0))
    return distilled + consistent - balance * balanced


def cluster_contrast(a: torch.Tensor, b: torch.Tensor, temperature: float) -> torch.Tensor:
    """D(A, B): every cluster's column finds its counterpart among the columns of both (methods.md 1.4).

    Args:
        a: predictions, (B, K).
        b: predictions, (B, K).
        temperature: T_d.
    """
    import torch

    n_clusters = a.shape[1]
    columns = torch.nn.functional.normalize(torch.cat([a, b], dim=1).T, dim=1)  # (2K, B)
    similarity = columns @ columns.T / temperature  # (2K, 2K)
    others = similarity.masked_fill(torch.eye(2 * n_clusters, dtype=torch.bool), -torch.inf)
    counterpart = torch.arange(2 * n_clusters).roll(n_clusters)
    return torch.nn.functional.cross_entropy(others, counterpart)
