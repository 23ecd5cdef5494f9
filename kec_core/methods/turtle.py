"""TURTLE, unsupervised transfer by the labelling that linear classifiers fit best (methods.md 3), alone or with text."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, Progress, blocks
from kec_core.methods import heads
from kec_core.methods.counterparts import text_counterparts
from kec_core.methods.inputs import MethodInputs
from kec_core.methods.kec import ground_photos
from kec_core.methods.options import TurtleOptions
from kec_core.methods.turtle_training import train_task_encoder
from kec_core.types import Clustering

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
