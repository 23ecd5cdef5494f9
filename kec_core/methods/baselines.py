"""What every method is shown beside: k-means on the photos alone, zero-shot, and captions (methods.md 7)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kec_core.arrays import FloatMatrix, Progress, l2_normalize
from kec_core.clustering import cluster, fuse
from kec_core.clustering.geometry import nearest_centroids
from kec_core.encoders.base import TPL7
from kec_core.methods.counterparts import encode_blockwise
from kec_core.methods.inputs import MethodInputs
from kec_core.methods.options import CaptionOptions, KMeansOptions, ZeroShotOptions
from kec_core.types import Clustering
from kec_core.wording import counted


def kmeans(
    inputs: MethodInputs, n_clusters: int, options: KMeansOptions, seed: int, progress: Progress
) -> Clustering:
    """Spherical k-means on the visual features of the test photos (methods.md 7.1)."""
    return cluster(inputs.test.x, n_clusters, options.clustering(), seed=seed, progress=progress)


def zero_shot(
    inputs: MethodInputs, _n_clusters: int, _options: ZeroShotOptions, seed: int, progress: Progress
) -> Clustering:
    """The class name nearest to each photo (methods.md 7.2): an upper bound, since it is told the classes.

    Its cluster ids are positions in ``inputs.class_names``, so that they can be scored without matching too.
    """
    names = class_features(inputs, progress)
    labels, cosines = nearest_centroids(inputs.test.x, names, progress=progress)
    return Clustering(
        labels=labels,
        centroids=names,
        objective=float(cosines.sum(dtype=np.float64)),
        method="zeroshot",
        seed=seed,
    )


def class_features(inputs: MethodInputs, progress: Progress) -> FloatMatrix:
    """w_c: each prompt's feature made unit, then the mean over the seven templates made unit; float32 (C, d)."""
    prompts = [template.replace("{}", name) for template in TPL7 for name in inputs.class_names]
    unit = l2_normalize(encode_blockwise(inputs, prompts, "Encoding class names", progress))
    return l2_normalize(unit.reshape(len(TPL7), len(inputs.class_names), -1).mean(axis=0))


def caption_and_cluster(
    inputs: MethodInputs, n_clusters: int, options: CaptionOptions, seed: int, progress: Progress
) -> Clustering:
    """k-means on the texts of one caption per photo (methods.md 7.3)."""
    if options.texts == "encoder":
        features = l2_normalize(
            encode_blockwise(inputs, inputs.photo_captions, "Encoding captions", progress)
        )
    else:
        progress(0, 1, "Weighing the words of the captions")
        features = term_weights(inputs.photo_captions, options.max_terms)
    if options.with_photos:
        features = fuse(inputs.test.x, features, 1.0)
    made = cluster(features, n_clusters, options.clustering(), seed=seed, progress=progress)
    silent = sum(not caption.strip() for caption in inputs.photo_captions)
    note = f"Without a caption: {counted(silent, 'photo')}." if silent else ""
    return replace(made, note=" ".join(filter(None, (note, made.note))))


def term_weights(texts: tuple[str, ...], max_terms: int) -> FloatMatrix:
    """TF-IDF of single words without English stop words, float32 (N, terms), unit rows; zeros for an empty text."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(max_features=max_terms, stop_words="english", dtype=np.float32)
    weights: FloatMatrix = vectorizer.fit_transform(texts).toarray()
    return weights
