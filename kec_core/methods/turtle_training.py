"""TURTLE's two nested problems: linear classifiers on a soft labelling, and the labelling they fit best (methods.md 3.1, 3.2).

The inner gradients are written out: with ten steps per outer step, they are what the time goes into.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, Progress, blocks
from kec_core.methods import heads
from kec_core.methods.options import TurtleOptions

if TYPE_CHECKING:
    import torch

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8  # of both Adams                              [C] methods.md 3.2


class TaskEncoder:
    """A weight-normalised linear layer per space; the labelling is the mean of their softmaxes.

    Attributes:
        layers: direction (K, d), length (K, 1) and bias (K,) of every space.
    """

    def __init__(self, widths: Sequence[int], n_clusters: int, rng: torch.Generator) -> None:
        self.layers: list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]] = []
        for width in widths:
            direction, bias = heads.uniform_start(width, n_clusters, rng)
            length = direction.norm(dim=1, keepdim=True)
            self.layers.append((direction.requires_grad_(), length.requires_grad_(), bias.requires_grad_()))

    def parameters(self) -> list[torch.Tensor]:
        """Everything that is learned."""
        return [parameter for layer in self.layers for parameter in layer]

    def soft_labels(self, batch: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """tau_r of every space, (B, K) each, from its rows (B, d)."""
        import torch

        return [
            (z @ (length * torch.nn.functional.normalize(direction, dim=1)).T + bias).softmax(dim=1)
            for z, (direction, length, bias) in zip(batch, self.layers, strict=True)
        ]

    def labels(self, spaces: Sequence[FloatMatrix]) -> NDArray[np.int64]:
        """Most likely label of every row, (N,); one (N, d) table per space."""
        import torch

        found = np.empty(len(spaces[0]), dtype=np.int64)
        with torch.inference_mode():
            for block in blocks(len(found)):
                soft = self.soft_labels([heads.tensor(z[block]) for z in spaces])
                found[block] = torch.stack(soft).mean(dim=0).argmax(dim=1).numpy()
        return found


class LinearClassifiers:
    """w_r of every space, the bias as its last column, with the state of Adam: few steps on soft labels."""

    def __init__(self, widths: Sequence[int], n_clusters: int, rng: torch.Generator) -> None:
        import torch

        starts = [heads.uniform_start(width, n_clusters, rng) for width in widths]
        self.weights = [torch.cat([weight, bias[:, None]], dim=1) for weight, bias in starts]
        self._first = [torch.zeros_like(weight) for weight in self.weights]
        self._second = [torch.zeros_like(weight) for weight in self.weights]
        self._steps = 0

    def logits(self, batch: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Logits of every space, (B, K) each, from rows that end with a one, (B, d + 1)."""
        return [z @ weight.T for z, weight in zip(batch, self.weights, strict=True)]

    def fit(self, batch: Sequence[torch.Tensor], target: torch.Tensor, n_steps: int, rate: float) -> None:
        """Adam on the cross-entropy with soft targets (B, K), averaged over rows, of every space."""
        for _ in range(n_steps):
            self._steps += 1
            for space, (z, logits) in enumerate(zip(batch, self.logits(batch), strict=True)):
                slope = logits.softmax(dim=1).sub_(target).div_(len(target))  # (B, K)
                self._descend(space, slope.T @ z, rate)

    def _descend(self, space: int, gradient: torch.Tensor, rate: float) -> None:
        """One step of Adam."""
        first, second = self._first[space], self._second[space]
        first.lerp_(gradient, 1 - BETA1)
        second.mul_(BETA2).addcmul_(gradient, gradient, value=1 - BETA2)
        scale = (second / (1 - BETA2**self._steps)).sqrt_().add_(EPSILON)
        self.weights[space].addcdiv_(first, scale, value=-rate / (1 - BETA1**self._steps))


def train_task_encoder(
    spaces: Sequence[FloatMatrix],
    n_clusters: int,
    options: TurtleOptions,
    *,
    seed: int,
    progress: Progress,
) -> TaskEncoder:
    """Find the labelling of the train photos that linear classifiers fit best.

    Args:
        spaces: float32 (N, d_r) per space, raw.
        n_clusters: K.
        options: steps, rates, gamma.
        seed: drives starts and batches.
        progress: told at every outer step.
    """
    import torch

    rng = heads.generator(seed)
    tables = [torch.nn.functional.pad(heads.tensor(z), (0, 1), value=1.0) for z in spaces]
    widths = [z.shape[1] for z in spaces]
    encoder = TaskEncoder(widths, n_clusters, rng)
    optimiser = torch.optim.Adam(encoder.parameters(), lr=options.outer_rate, betas=(BETA1, BETA2))
    classifiers = LinearClassifiers(widths, n_clusters, rng)
    for step in range(options.outer_steps):
        progress(step, options.outer_steps, "Searching a labelling (TURTLE)")
        batch = _batch(tables, options.batch, rng)
        soft = encoder.soft_labels([z[:, :-1] for z in batch])
        with torch.no_grad():
            if not options.warm_start:
                classifiers = LinearClassifiers(widths, n_clusters, rng)
            classifiers.fit(batch, torch.stack(soft).mean(dim=0), options.inner_steps, options.inner_rate)
            logits = classifiers.logits(batch)
        heads.descend(outer_loss(logits, soft, options.gamma), optimiser)
    return encoder


def _batch(tables: Sequence[torch.Tensor], size: int, rng: torch.Generator) -> list[torch.Tensor]:
    """The same rows of every space, drawn without replacement; all rows, as they lie, when they fit."""
    import torch

    n_rows = len(tables[0])
    if n_rows <= size:
        return list(tables)
    rows = torch.randperm(n_rows, generator=rng)[:size]
    return [z[rows] for z in tables]


def outer_loss(
    logits: Sequence[torch.Tensor], soft_labels: Sequence[torch.Tensor], gamma: float
) -> torch.Tensor:
    """sum_r CE(w_r z, tau) - gamma sum_r H(mean tau_r), by tau alone (methods.md 3.1).

    Args:
        logits: of the fitted classifiers, (B, K) per space, constants.
        soft_labels: tau_r, (B, K) per space.
        gamma: weight of the entropy.
    """
    import torch

    tau = torch.stack(list(soft_labels)).mean(dim=0)
    fit = torch.stack([-(tau * each.log_softmax(dim=1)).sum(dim=1).mean() for each in logits]).sum()
    balance = torch.stack([heads.entropy(each.mean(dim=0)) for each in soft_labels]).sum()
    return fit - gamma * balance
