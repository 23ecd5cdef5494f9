"""Nouns of the photos: of the groups that they explain, or of over-clusters joined to components (KEC 3.1, methods.md 6.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, FloatVector, IntVector, Progress, blocks, fingerprint, l2_normalize
from kec_core.clustering import cluster
from kec_core.clustering.geometry import centroids_of
from kec_core.config import RunConfig
from kec_core.encoders.text_cache import encode_texts
from kec_core.knowledge.guidance import Guidance
from kec_core.mapping import components, count_overclusters, nouns_of_centres, over_cluster
from kec_core.mapping.explaining import EXPLAINING_REVISION, explain_groups
from kec_core.mapping.kinds import kinds_among, read_as_meant
from kec_core.mapping.nouns import guide_nouns
from kec_core.stages.runner import Resources, Runner, Stored
from kec_core.store import StageResult
from kec_core.types import Clustering, Noun, NounMapping
from kec_core.wordnet.vocabulary import can_be_seen, everyday_name


def map_nouns(
    runner: Runner,
    embedded: Stored,
    x: FloatMatrix,
    n_clusters: int,
    resources: Resources,
    config: RunConfig,
    bursts: IntVector | None = None,
    looks: Clustering | None = None,
) -> tuple[NounMapping, tuple[Noun, ...]]:
    """Where concepts come from: words that explain the photos, or over-clusters (KEC 3.1 and the merge of 3.2)."""
    if config.mapping.concepts_from == "words":
        return _explaining_nouns(runner, embedded, x, n_clusters, resources, config, bursts, looks)
    defaults, progress = resources.encoder.info.defaults, runner.hooks.progress

    def compute_overclusters(options: RunConfig) -> StageResult:
        labels, centroids = over_cluster(
            x, options.mapping, n_clusters=n_clusters, seed=options.seed, progress=progress
        )
        return StageResult(
            arrays={"labels": labels, "centroids": centroids},
            data={"summary": {"overclusters": len(centroids)}},
        )

    over = runner.configured("overcluster", [embedded.key, n_clusters], compute_overclusters, config)
    nouns = _nouns_stage(runner, over, resources, config)

    def compute_components(options: RunConfig) -> StageResult:
        ids, note = components(
            over.arrays["centroids"],
            nouns.arrays["nouns"],
            nouns.arrays["features"],
            options.mapping,
            defaults,
            n_clusters=n_clusters,
        )
        return StageResult(
            arrays={"components": ids},
            data={"note": note, "summary": {"components": int(ids.max()) + 1, "note": note}},
        )

    merged = runner.configured("components", [nouns.key, defaults.to_json()], compute_components, config)
    _, few_photos = count_overclusters(len(x), n_clusters, config.mapping)
    mapping = NounMapping(
        labels=over.arrays["labels"],
        centroids=over.arrays["centroids"],
        nouns=nouns.arrays["nouns"],
        components=merged.arrays["components"],
        note=" ".join(filter(None, (few_photos, nouns.data.get("note", ""), merged.data["note"]))),
    )
    return mapping, tuple(Noun(word=word, synset=synset) for word, synset in nouns.data["pool"])


def _explaining_nouns(
    runner: Runner,
    embedded: Stored,
    x: FloatMatrix,
    n_clusters: int,
    resources: Resources,
    config: RunConfig,
    bursts: IntVector | None,
    looks: Clustering | None,
) -> tuple[NounMapping, tuple[Noun, ...]]:
    """Groups by looks, then groups and a noun for each (``explain_groups``); every group is a component of its own."""
    count = min(config.mapping.n_concepts or n_clusters, len(x))
    progress = runner.hooks.progress

    def compute_groups(options: RunConfig) -> StageResult:
        made = looks
        if made is None or len(made.centroids) != count:
            made = cluster(x, count, options.clustering, bursts=bursts, seed=options.seed, progress=progress)
        return StageResult(
            arrays={"labels": made.labels, "centroids": made.centroids},
            data={"summary": {"overclusters": made.n_clusters}},
        )

    over = runner.configured("overcluster", [embedded.key, count], compute_groups, config)

    def compute(options: RunConfig) -> StageResult:
        pool = _read_as_meant(_pool(resources, options, progress, only_visible=True), resources)
        names = _names(pool.nouns, resources)
        start, different = over.arrays["labels"], len({name.casefold() for name in names})
        if different < len(np.unique(start)):
            start = cluster(x, different, options.clustering, bursts=bursts, seed=options.seed).labels
        photos, features = _both_centred(x, pool.features, resources)
        made = explain_groups(
            photos,
            features,
            start,
            names=names,
            kinds=kinds_among(pool.nouns, resources.wordnet),
            preference=pool.preference,
            bursts=bursts,
            seed=options.seed,
            progress=progress,
        )
        arrays = {"labels": made.labels, "fit": made.fit}
        return _used_nouns(pool, made.nouns, arrays)

    inputs = [over.key, *noun_inputs(resources), EXPLAINING_REVISION]
    nouns = runner.configured("nouns", inputs, compute, config)
    labels = nouns.arrays["labels"]
    count = len(nouns.arrays["nouns"])
    components = np.arange(count, dtype=np.int32)
    result = StageResult(arrays={"components": components}, data={"summary": {"components": count}})
    runner.configured("components", [nouns.key], lambda _options: result, config)
    mapping = NounMapping(
        labels=labels,
        centroids=centroids_of(x, labels, len(components)),
        nouns=nouns.arrays["nouns"],
        components=components,
        note=nouns.data.get("note", ""),
        fit=nouns.arrays["fit"],
    )
    return mapping, tuple(Noun(word=word, synset=synset) for word, synset in nouns.data["pool"])


def _nouns_stage(runner: Runner, over: Stored, resources: Resources, config: RunConfig) -> Stored:
    """The nouns of every centre, out of the vocabulary and the person's terms, as guidance wants them."""

    def compute(options: RunConfig) -> StageResult:
        pool = _pool(resources, options, runner.hooks.progress, only_visible=False)
        chosen = nouns_of_centres(
            over.arrays["centroids"], pool.features, options.mapping, preference=pool.preference
        )
        return _used_nouns(pool, chosen, {})

    return runner.configured("nouns", [over.key, *noun_inputs(resources)], compute, config)


@dataclass(frozen=True, slots=True, eq=False)
class _Pool:
    """The nouns that may be chosen, their text features (V, d), what guidance prefers (V,), and what it did in words."""

    nouns: list[Noun]
    features: FloatMatrix
    preference: FloatVector | None
    note: str


def _pool(resources: Resources, options: RunConfig, progress: Progress, *, only_visible: bool) -> _Pool:
    """What the encoder covers of the vocabulary, and the person's terms, without what guidance leaves out."""
    nouns = _candidates(resources, progress, only_visible=only_visible)
    features = _encoded([noun.word for noun in nouns], resources, progress)
    guidance = Guidance.parse(options.knowledge.guidance)
    if not guidance:
        return _Pool(nouns, features, None, "")
    phrases = _encoded([*guidance.prefer, *guidance.avoid], resources, progress)
    guided = guide_nouns(nouns, features, guidance, phrases, resources.wordnet)
    kept = [noun for noun, kept in zip(nouns, guided.kept, strict=True) if kept]
    return _Pool(kept, features[guided.kept], guided.preference[guided.kept], guided.note)


def _read_as_meant(pool: _Pool, resources: Resources) -> _Pool:
    """The pool without nouns whose text is read as something else than WordNet means; the person's terms stay."""
    own = {term.noun.word for term in resources.domain}
    features = pool.features if resources.encoder.info.defaults.centre else _centred(pool.features)
    kept = read_as_meant(features, kinds_among(pool.nouns, resources.wordnet))
    kept |= [noun.word in own for noun in pool.nouns]
    nouns = [noun for noun, stays in zip(pool.nouns, kept, strict=True) if stays]
    preference = None if pool.preference is None else pool.preference[kept]
    return replace(pool, nouns=nouns, features=pool.features[kept], preference=preference)


def centred_nouns(
    x: FloatMatrix, resources: Resources, progress: Progress
) -> tuple[FloatMatrix, FloatMatrix, list[str]]:
    """Photos (N, d), all nouns that can be seen (V, d), both centred, and what people call the nouns."""
    nouns = _candidates(resources, progress, only_visible=True)
    features = _encoded([noun.word for noun in nouns], resources, progress)
    return *_both_centred(x, features, resources), _names(nouns, resources)


def _encoded(texts: Sequence[str], resources: Resources, progress: Progress) -> FloatMatrix:
    encoder = resources.encoder
    templates = encoder.info.noun_templates
    return encode_texts(encoder, texts, templates=templates, cache=resources.text_cache, progress=progress)


def _both_centred(
    x: FloatMatrix, nouns: FloatMatrix, resources: Resources
) -> tuple[FloatMatrix, FloatMatrix]:
    centred = resources.encoder.info.defaults.centre  # then the photos are centred already
    return (x, nouns) if centred else (_centred(x), _centred(nouns))


def _names(nouns: Sequence[Noun], resources: Resources) -> list[str]:
    """What people call the nouns; the person's own terms stay as they are."""
    wordnet = resources.wordnet
    own = {term.noun.word for term in resources.domain}
    return [
        noun.word if wordnet is None or noun.word in own else everyday_name(noun, wordnet) for noun in nouns
    ]


def _used_nouns(pool: _Pool, chosen: IntVector, arrays: dict[str, NDArray[Any]]) -> StageResult:
    """The chosen nouns of every centre, with only the used part of the vocabulary."""
    used = np.unique(chosen[chosen >= 0])
    position = np.full(len(pool.nouns) + 1, -1, dtype=np.int32)
    position[used] = np.arange(len(used), dtype=np.int32)
    return StageResult(
        arrays={"nouns": position[chosen], "features": pool.features[used], **arrays},
        data={
            "pool": [[pool.nouns[i].word, pool.nouns[i].synset] for i in used],
            "note": pool.note,
            "summary": {"vocabulary": len(pool.nouns), "nouns": len(used), "note": pool.note},
        },
    )


def _centred(features: FloatMatrix) -> FloatMatrix:
    mean = features.mean(axis=0, dtype=np.float64).astype(np.float32)
    centred = np.empty(features.shape, dtype=np.float32)
    for block in blocks(len(features)):
        centred[block] = l2_normalize(features[block] - mean)
    return centred


def noun_inputs(resources: Resources) -> list[object]:
    """What the nouns follow from besides photos and options."""
    words = fingerprint([[noun.word, noun.synset] for noun in resources.vocabulary])
    own = [[term.noun.word, term.noun.synset] for term in resources.domain]
    info = resources.encoder.info
    return [info.revision, info.noun_templates, words, own]


def _candidates(resources: Resources, progress: Progress, *, only_visible: bool) -> list[Noun]:
    """The person's terms, then the nouns of the vocabulary that the encoder covers, each word once."""
    own = {term.noun.word.casefold(): term.noun for term in resources.domain}
    covered = resources.encoder.covers(resources.vocabulary, progress=progress)
    usable = (noun for noun, use in zip(resources.vocabulary, covered, strict=True) if use)
    others = (noun for noun in usable if noun.word.casefold() not in own)
    if only_visible and resources.wordnet is not None:
        return [*own.values(), *(noun for noun in others if can_be_seen(noun, resources.wordnet))]
    return [*own.values(), *others]
