"""Number of clusters, grounding, the weight of the knowledge, clusters and the baseline (KEC 3.4, 3.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kec_core.arrays import FloatMatrix, IntVector
from kec_core.clustering import cluster, fuse
from kec_core.clustering.bursts import one_of_each
from kec_core.clustering.constraints import plan_constraints
from kec_core.clustering.estimate import estimate_n_clusters, most_clusters
from kec_core.clustering.seeded import names_groups
from kec_core.clustering.whitening import (
    FEWEST,
    WHITENING_REVISION,
    SecondSpace,
    Whitening,
    fit_whitening,
    unwhitened,
)
from kec_core.config import EncoderDefaults, RunConfig
from kec_core.encoders.base import centred_features
from kec_core.errors import InputError
from kec_core.grounding import ground
from kec_core.grounding.photos import WEIGHT_REVISION, decidedness, knowledge_weight
from kec_core.live.full import full_clustering, under_kept_ids, weighed
from kec_core.mapping.choosing import count_by_words
from kec_core.stages.codec import (
    clustering_result,
    grounding_result,
    read_clustering,
    read_grounding,
    read_whitening,
    whitening_result,
)
from kec_core.stages.nouns import centred_nouns, noun_inputs
from kec_core.stages.runner import Resources, Runner, Stored
from kec_core.store import StageResult
from kec_core.types import Clustering, ConceptVectors, Grounding, Knowledge


def choose_n_clusters(
    runner: Runner,
    embedded: Stored,
    x: FloatMatrix,
    config: RunConfig,
    bursts: IntVector | None = None,
    resources: Resources | None = None,
) -> tuple[int, str]:
    """K: what the person asked for, one for each word of the person's own list, or an estimate and how it was made.

    A list that is all there is to choose from says what the groups are, as far as photos can be told apart so finely.

    Args:
        runner: runs the stage.
        embedded: the features, under the key of what follows from them.
        x: float32 (N, d), unit rows.
        config: every option.
        bursts: int32 (N,), from ``find_bursts``; None for none.
        resources: where the words come from; None lets looks alone tell.

    Raises:
        InputError: the person asked for fewer than one cluster or for more than there are photos.
    """
    if config.n_clusters is not None:
        if not 1 <= config.n_clusters <= len(x):
            raise InputError(
                f"The number of clusters should be between 1 and the number of photos ({len(x)}), "
                f"but {config.n_clusters} was asked for; choose {min(len(x), max(1, round(len(x) ** 0.5)))} for example."
            )
        return config.n_clusters, ""

    words = resources if config.mapping.concepts_from == "words" else None
    listed = 0 if words is None else words.listed
    if 1 < listed <= most_clusters(len(x)):
        return (
            listed,
            f"{listed} clusters, one for each word of your list; give their number for fewer or more.",
        )

    def compute(options: RunConfig) -> StageResult:
        k, how = estimate_n_clusters(x, bursts=bursts, seed=options.seed, progress=runner.hooks.progress)
        told = None if words is None or k == 1 else _told_by_words(x, words, bursts, options.seed, runner)
        if told is not None:
            k, how = told, _why_this_many(told, k, how)
        return StageResult(data={"k": k, "how": how, "summary": {"clusters": k}})

    inputs = [embedded.key, *([] if words is None else noun_inputs(words))]
    stored = runner.configured("estimate", inputs, compute, config)
    return int(stored.data["k"]), str(stored.data["how"])


def _told_by_words(
    x: FloatMatrix, resources: Resources, bursts: IntVector | None, seed: int, runner: Runner
) -> int | None:
    """K by words, of every burst one photo; None where there are too few photos or words do not tell."""
    photos = x if bursts is None else x[one_of_each(bursts)]
    largest = most_clusters(len(photos))
    if largest < 2:
        return None
    photos, nouns, names = centred_nouns(photos, resources, runner.hooks.progress)
    return count_by_words(
        photos, nouns, largest=largest, names=names, seed=seed, progress=runner.hooks.progress
    )


def _why_this_many(k: int, by_looks: int, how: str) -> str:
    same = " Looks say the same." if k == by_looks else f" By looks alone: {how}"
    return (
        f"{k} clusters were estimated: {k} different words each explain a part of the photos, and one more explains hardly "
        f"anything in photos that had no part in choosing it.{same}"
    )


def whiten_photos(
    runner: Runner, photos: Stored, x: FloatMatrix, config: RunConfig, second: Stored | None = None
) -> tuple[str, Whitening | None]:
    """From ``x`` to the looks that are clustered, and the key it is stored under; "" and None where they are ``x``.

    With a second space, from ``embed_second``, looks come from both, each counting alike.
    """
    whiten = config.clustering.whiten and len(x) >= FEWEST
    if second is None and not whiten:
        return "", None
    space = None if second is None else _space_of(second)

    def compute(_key: str) -> StageResult:
        other = None if second is None or space is None else space.unit(second.arrays["features"])
        fitted = fit_whitening(x, other, progress=runner.hooks.progress) if whiten else None
        if fitted is None:
            assert other is not None
            fitted = unwhitened(x, other)
        return whitening_result(replace(fitted, space=space))

    inputs = [photos.key, WHITENING_REVISION, *([] if second is None else [second.key, whiten])]
    stored = runner.stage("looks", inputs, compute)
    return stored.key, read_whitening(stored)


def _space_of(second: Stored) -> SecondSpace:
    """Where the features of ``embed_second`` come from."""
    return SecondSpace(
        encoder=str(second.data["name"]), revision=str(second.data["encoder"]), mean=second.arrays["mean"]
    )


def ground_photos(
    runner: Runner,
    embedded: Stored,
    photos_key: str,
    x: FloatMatrix,
    vectors_key: str,
    vectors: ConceptVectors,
    defaults: EncoderDefaults,
    config: RunConfig,
) -> tuple[str, Grounding]:
    """Knowledge carried into every photo (KEC 3.4), and the key it is stored under.

    ``photos_key`` is the key of what follows from the features, see ``with_bursts``.
    """

    def compute(options: RunConfig) -> StageResult:
        raw = options.grounding.mode == "raw"
        made = ground(
            centred_features(embedded.arrays["features"], defaults) if raw else x,
            vectors,
            options.grounding,
            defaults,
            progress=runner.hooks.progress,
        )
        return grounding_result(made, embed=embedded.key, defaults=defaults.to_json())

    inputs = [photos_key, vectors_key, defaults.to_json()]
    stored = runner.configured("ground", inputs, compute, config)
    return stored.key, read_grounding(stored)


def choose_weight(
    runner: Runner, ground_key: str, grounding: Grounding, defaults: EncoderDefaults, config: RunConfig
) -> tuple[float, str]:
    """w: what the person asked for, or what follows from the words without labels (``knowledge_weight``), and why."""
    if config.clustering.weight is not None:
        return config.clustering.weight, ""

    def compute(_options: RunConfig) -> StageResult:
        decided = decidedness(grounding.omega)
        weight = knowledge_weight(decided, defaults.weight)
        return StageResult(data={"decided": decided, "weight": weight, "summary": {"weight": weight}})

    stored = runner.configured("weight", [ground_key, defaults.weight, WEIGHT_REVISION], compute, config)
    weight = float(stored.data["weight"])
    return weight, _why(weight, float(stored.data["decided"]), defaults)


def _why(weight: float, decided: float, defaults: EncoderDefaults) -> str:
    """The weight in a sentence with its numbers."""
    least, most = knowledge_weight(0.0, defaults.weight), knowledge_weight(1.0, defaults.weight)
    follows = {least: "looks lead", most: "they count as much as they may"}.get(
        weight, "they count more than usual"
    )
    return (
        f"Knowledge counts {weight:.2f} beside the photos (between {least:g} and {most:g}): words set the photos apart "
        f"with a certainty of {decided:.0%}, so {follows}."
    )


def cluster_photos(
    runner: Runner,
    ground_key: str,
    looks_key: str,
    looks: FloatMatrix,
    grounding: Grounding,
    knowledge: Knowledge,
    image_ids: Sequence[str],
    n_clusters: int,
    weight: float,
    config: RunConfig,
    bursts: IntVector | None = None,
) -> tuple[str, Clustering]:
    """Clusters on [looks, w n(kappa)] (KEC 3.5) around the person's wishes, and the key they are stored under."""

    def compute(options: RunConfig) -> StageResult:
        made = full_clustering(
            fuse(looks, grounding.kappa, weight),
            grounding,
            knowledge,
            image_ids,
            n_clusters,
            weighed(options.clustering, weight),
            bursts=bursts,
            seed=options.seed,
            progress=runner.hooks.progress,
        )
        made = under_kept_ids(made, plan_constraints(knowledge, image_ids).kept)
        return clustering_result(made, ground=ground_key, looks=looks_key)

    inputs = [ground_key, n_clusters, weight, *_wishes(knowledge), *filter(None, [looks_key])]
    stored = runner.configured("cluster", inputs, compute, config)
    return stored.key, read_clustering(stored)


def _wishes(knowledge: Knowledge) -> list[object]:
    """Other inputs of the cluster key: seeding and constraints; empty for a knowledge that nobody touched."""
    named = names_groups(knowledge)
    if not (named or knowledge.constraints or knowledge.kept):
        return []
    kept = [[[one.id, list(one.seeds)] for one in knowledge.kept]] if knowledge.kept else []
    return [named, [one.to_json() for one in knowledge.constraints], knowledge.column_of, *kept]


def cluster_baseline(
    runner: Runner,
    embedded: Stored,
    x: FloatMatrix,
    n_clusters: int,
    config: RunConfig,
    bursts: IntVector | None = None,
) -> Clustering:
    """Spherical k-means on the visual features alone: what KEC is always shown beside."""

    def compute(options: RunConfig) -> StageResult:
        return clustering_result(
            cluster(
                x,
                n_clusters,
                options.clustering,
                bursts=bursts,
                seed=options.seed,
                progress=runner.hooks.progress,
            )
        )

    stored = runner.configured("baseline", [embedded.key, n_clusters], compute, config)
    return read_clustering(stored)
