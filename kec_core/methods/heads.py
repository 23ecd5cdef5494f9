"""What the trained methods share: small heads, batches, entropy, and the partition that a head predicts.

Everything random comes from one ``torch.Generator``, never from torch's global state, so that training is repeatable
and leaves no trace. Threads are torch's own setting (``OMP_NUM_THREADS``).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, as_labels, blocks
from kec_core.clustering.geometry import centroids_of, row_cosines
from kec_core.methods.inputs import MethodInputs
from kec_core.types import Clustering

if TYPE_CHECKING:
    import torch

WEIGHT_SD = 0.02  # truncated normal start of linear layers                            [C] methods.md 1.4
SMALLEST = 1e-9  # floor inside logarithms                                             [C] methods.md 1.4


def generator(seed: int) -> torch.Generator:
    """A source of random numbers of its own."""
    import torch

    return torch.Generator().manual_seed(seed)


def tensor(x: FloatMatrix) -> torch.Tensor:
    """A float32 tensor of its own; the array may be memory-mapped and read-only."""
    import torch

    return torch.from_numpy(np.array(x, dtype=np.float32))


def linear(width: int, n_outputs: int, rng: torch.Generator) -> torch.nn.Linear:
    """A linear layer with truncated normal weights and zero bias."""
    import torch

    # made without values, because the usual start draws from torch's global state
    layer = torch.nn.Linear(width, n_outputs, device="meta").to_empty(device="cpu")
    torch.nn.init.trunc_normal_(layer.weight, std=WEIGHT_SD, generator=rng)
    torch.nn.init.zeros_(layer.bias)
    return layer


def uniform_start(width: int, n_clusters: int, rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Weight (K, d) and bias (K,) as a linear layer usually starts: uniform within 1/sqrt(d)."""
    import torch

    limit = float(width**-0.5)
    weight = torch.empty(n_clusters, width).uniform_(-limit, limit, generator=rng)
    return weight, torch.empty(n_clusters).uniform_(-limit, limit, generator=rng)


def mlp(width: int, n_clusters: int, rng: torch.Generator) -> torch.nn.Sequential:
    """TAC's head: Linear(d, d), BatchNorm, ReLU, Linear(d, K); logits (methods.md 1.4)."""
    import torch

    return torch.nn.Sequential(
        linear(width, width, rng),
        torch.nn.BatchNorm1d(width),
        torch.nn.ReLU(),
        linear(width, n_clusters, rng),
    )


def batches(n_rows: int, size: int, n_steps: int, rng: torch.Generator) -> Iterator[torch.Tensor]:
    """Exactly ``n_steps`` batches of row numbers; every epoch shuffles anew and drops the rest that fills no batch."""
    import torch

    size = min(size, n_rows)
    per_epoch = n_rows // size
    order = torch.empty(0, dtype=torch.long)
    for step in range(n_steps):
        place = step % per_epoch
        if place == 0:
            order = torch.randperm(n_rows, generator=rng)
        yield order[place * size : (place + 1) * size]


def drawn_neighbours(rows: torch.Tensor, neighbours: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """One neighbour of each row, drawn evenly from its list; ``neighbours`` is long (N, count)."""
    import torch

    column = torch.randint(neighbours.shape[1], rows.shape, generator=rng)
    return neighbours[rows, column]


def descend(loss: torch.Tensor, optimiser: torch.optim.Optimizer) -> None:
    """One step of an optimiser down a loss."""
    import torch

    optimiser.zero_grad()
    torch.autograd.backward(loss)
    optimiser.step()


def entropy(p: torch.Tensor) -> torch.Tensor:
    """H(p) = -sum p log p over the last axis, in nats."""
    return -(p * p.clamp_min(SMALLEST).log()).sum(dim=-1)


def predict(head: torch.nn.Module, x: torch.Tensor) -> NDArray[np.int64]:
    """Largest output of a head for every row, in evaluation mode; (N,)."""
    import torch

    head.eval()
    with torch.inference_mode():
        parts = [head(x[block]).argmax(dim=1) for block in blocks(len(x))]
    return np.asarray(torch.cat(parts).numpy(), dtype=np.int64)


def partition(
    inputs: MethodInputs,
    predicted: NDArray[np.integer],
    n_clusters: int,
    *,
    method: str,
    seed: int,
    note: str = "",
) -> Clustering:
    """What a head predicts for the test photos, as a clustering in the space of their visual features."""
    labels = as_labels(predicted)
    found = int(labels.max()) + 1
    x = inputs.test.x
    centroids = centroids_of(x, labels, found)
    fewer = f"Only {found} of the {n_clusters} clusters asked for were used." if found < n_clusters else ""
    return Clustering(
        labels=labels,
        centroids=centroids,
        objective=float(row_cosines(x, centroids, labels).sum(dtype=np.float64)),
        method=method,
        seed=seed,
        note=" ".join(filter(None, (note, fewer))),
    )
