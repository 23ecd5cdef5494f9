"""KEC without training, with every downstream clusterer, and its ablation rows (methods.md 6.1 steps 4, 5; 6.6)."""

from __future__ import annotations

from dataclasses import replace

from kec_core.arrays import Progress
from kec_core.clustering import cluster, fuse
from kec_core.clustering.seeded import told_by_words
from kec_core.clustering.whitening import whitened
from kec_core.config import GroundingConfig
from kec_core.errors import InputError
from kec_core.grounding import concept_vectors, ground
from kec_core.methods.inputs import MethodInputs, PhotoFeatures
from kec_core.methods.options import KecOptions
from kec_core.types import Clustering, Grounding

PARTS = ("con", "des", "ua", "ba")


def kec(
    inputs: MethodInputs, n_clusters: int, options: KecOptions, seed: int, progress: Progress
) -> Clustering:
    """Clusters on [looks, w n(kappa)] of the test photos (KEC 3.5); the looks are n(x), or whitened."""
    config = ablated(inputs.grounding, options.ablation)
    grounding = ground_photos(inputs, inputs.test, config, progress)
    weight = fusion_weight(inputs, options)
    looks = whitened(inputs.test.x, progress=progress) if options.whiten else inputs.test.x
    fused = fuse(looks, grounding.kappa, weight)
    made = cluster(fused, n_clusters, options.clustering(options.algorithm), seed=seed, progress=progress)
    if options.words_start and weight > 0:
        made = told_by_words(fused, grounding.omega, made)
    return replace(made, note=" ".join(filter(None, (f"Knowledge weight {weight:.2f}.", made.note))))


def fusion_weight(inputs: MethodInputs, options: KecOptions) -> float:
    """w: the option, else the collection's, else the encoder's."""
    if options.weight is not None:
        return options.weight
    return inputs.defaults.weight if inputs.weight is None else inputs.weight


def ablated(config: GroundingConfig, ablation: str) -> GroundingConfig:
    """The grounding with only the named parts of the knowledge: "con", "des", "ua", "ba" joined by "+".

    Raises:
        InputError: another name.
    """
    if not ablation:
        return config
    parts = set(ablation.split("+"))
    unknown = sorted(parts - set(PARTS))
    if unknown:
        raise InputError(
            f"Parts of the knowledge are {', '.join(PARTS)}, but {unknown[0]!r} was given; join some by '+'."
        )
    return replace(
        config,
        use_concept="con" in parts,
        use_description="des" in parts,
        use_uni="ua" in parts,
        use_bi="ba" in parts,
    )


def ground_photos(
    inputs: MethodInputs, photos: PhotoFeatures, config: GroundingConfig, progress: Progress
) -> Grounding:
    """Knowledge carried into some photos.

    Raises:
        InputError: no knowledge was built.
    """
    if inputs.knowledge is None:
        raise InputError("KEC needs concepts, but no knowledge was built; run `kec run` on the photos first.")
    vectors = concept_vectors(inputs.knowledge, inputs.encode, config)
    features = photos.raw if config.mode == "raw" else photos.x
    return ground(features, vectors, config, inputs.defaults, progress=progress)
