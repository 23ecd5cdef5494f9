"""TURTLE, unsupervised transfer by the labelling that linear classifiers fit best (methods.md 3), alone or with text.

The inner gradients are written out: with ten steps per outer step, they are what the time goes into.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, Progress, blocks
from kec_core.methods import heads
from kec_core.methods.counterparts import text_counterparts
from kec_core.methods.inputs import MethodInputs
from kec_core.methods.kec import ground_photos
from kec_core.methods.options import TurtleOptions
from kec_core.types import Clustering

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


SHORT_NORM = 5.0  # rows shorter than this on average are lengthened                    [R] methods.md 3.4
USUAL_NORM = 10.0  # to this, the length of CLIP's raw features                        [R] methods.md 3.4
ROWS_PER_CLUSTER = 50  # of a batch; below, the entropy term is noisy                  [R] methods.md 3.4
FOLDS = 10  # of the label-free choice of settings                                     [C] methods.md 3.3


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Space:
    """One feature space: float32 (N_train, d) and (N_test, d), at the scale TURTLE sees them."""

    train: FloatMatrix
    test: FloatMatrix


def turtle(
    inputs: MethodInputs, n_clusters: int, options: TurtleOptions, seed: int, progress: Progress
) -> Clustering:
    """TURTLE on the image features alone (methods.md 3.2)."""
    labels, note = _search([_image_space(inputs)], n_clusters, options, seed, progress)
    return heads.partition(inputs, labels, n_clusters, method="turtle", seed=seed, note=note)


def turtle_tac(
    inputs: MethodInputs, n_clusters: int, options: TurtleOptions, seed: int, progress: Progress
) -> Clustering:
    """TURTLE on image features and TAC's text counterparts (methods.md 3.1)."""
    text = text_counterparts(inputs, n_clusters, options, seed=seed, progress=progress)
    images = _image_space(inputs)
    spaces = [images, _text_space(text.train, text.test, images, options)]
    labels, note = _search(spaces, n_clusters, options, seed, progress)
    return heads.partition(inputs, labels, n_clusters, method="turtle-tac", seed=seed, note=note)


def turtle_kec(
    inputs: MethodInputs, n_clusters: int, options: TurtleOptions, seed: int, progress: Progress
) -> Clustering:
    """TURTLE on image features and grounded knowledge (methods.md 3.1)."""
    train = ground_photos(inputs, inputs.train, inputs.grounding, progress).kappa
    test = ground_photos(inputs, inputs.test, inputs.grounding, progress).kappa if inputs.has_split else train
    images = _image_space(inputs)
    spaces = [images, _text_space(train, test, images, options)]
    labels, note = _search(spaces, n_clusters, options, seed, progress)
    return heads.partition(inputs, labels, n_clusters, method="turtle-kec", seed=seed, note=note)


def _image_space(inputs: MethodInputs) -> Space:
    """Raw features; the few inner steps hardly move on short rows, so those are lengthened."""
    norm = _mean_norm(inputs.train.raw)
    factor = USUAL_NORM / norm if 0 < norm < SHORT_NORM else 1.0
    return _scaled(inputs.train.raw, inputs.test.raw, factor)


def _text_space(train: FloatMatrix, test: FloatMatrix, images: Space, options: TurtleOptions) -> Space:
    """Text features at the mean length of the image features, or as they are (methods.md 3.4)."""
    norm = _mean_norm(train)
    factor = _mean_norm(images.train) / norm if options.rescale and norm > 0 else 1.0
    return _scaled(train, test, factor)


def _scaled(train: FloatMatrix, test: FloatMatrix, factor: float) -> Space:
    scaled = train * np.float32(factor)
    return Space(train=scaled, test=scaled if test is train else test * np.float32(factor))


def _mean_norm(x: FloatMatrix) -> float:
    total = sum(float(np.linalg.norm(x[block], axis=1).sum(dtype=np.float64)) for block in blocks(len(x)))
    return total / len(x)


def _search(
    spaces: Sequence[Space], n_clusters: int, options: TurtleOptions, seed: int, progress: Progress
) -> tuple[NDArray[np.int64], str]:
    """Labels of the test photos and a note; with ``select`` the settings whose labels generalise best."""
    train, test = [s.train for s in spaces], [s.test for s in spaces]
    best, labels, score = options, np.zeros(0, dtype=np.int64), -1.0
    for setting in options.settings() if options.select else (options,):
        encoder = train_task_encoder(train, n_clusters, setting, seed=seed, progress=progress)
        fit = generalisation(train, encoder.labels(train), seed, progress) if options.select else 0.0
        if fit > score:
            best, labels, score = setting, encoder.labels(test), fit
    return labels, _note(best, len(train[0]), n_clusters)


def _note(options: TurtleOptions, n_images: int, n_clusters: int) -> str:
    per_cluster = min(options.batch, n_images) / n_clusters
    parts = [f"{options.outer_steps} outer steps."]
    if per_cluster < ROWS_PER_CLUSTER:
        parts.append(
            f"A batch holds only {per_cluster:.0f} photos per cluster, so TURTLE's balance term is noisy and its "
            "numbers may be low."
        )
    if options.select:
        parts.append(
            f"Settings chosen without labels: rates {options.inner_rate:g} inner and {options.outer_rate:g} outer, "
            f"{'warm' if options.warm_start else 'cold'} start."
        )
    return " ".join(parts)


def generalisation(
    spaces: Sequence[FloatMatrix], labels: NDArray[np.int64], seed: int, progress: Progress
) -> float:
    """How well logistic regression carries a labelling to photos it has not seen, in [0, 1] (methods.md 3.3).

    Args:
        spaces: float32 (N, d_r) per space.
        labels: (N,) the labelling, as found.
        seed: draws the folds.
        progress: told after every fold; may raise Cancelled.

    Returns:
        Accuracy over all folds and spaces; 0 for a labelling with a single label.
    """
    from sklearn.linear_model import LogisticRegression

    if not labels.any() or len(np.unique(labels)) < 2:
        return 0.0
    folds = np.random.default_rng(seed).permutation(len(labels)) % FOLDS
    hits, done, total = 0.0, 0, len(spaces) * FOLDS
    for z in spaces:
        for fold in range(FOLDS):
            progress(done, total, "Judging a labelling without labels")
            seen, kept = folds != fold, folds == fold
            if len(np.unique(labels[seen])) > 1 and kept.any():
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # too few iterations only lower the score
                    model = LogisticRegression(C=1.0, max_iter=1000).fit(z[seen], labels[seen])
                hits += float((model.predict(z[kept]) == labels[kept]).sum())
            done += 1
    return hits / (len(spaces) * len(labels))
