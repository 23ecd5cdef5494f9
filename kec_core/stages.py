"""The stages of a run, each stored under the fingerprint of what it was made from.

embed -> (estimate) -> overcluster -> nouns -> components -> concepts -> attributes -> vectors -> ground -> cluster
and, beside them, the k-means baseline on the visual features alone. A stage whose inputs are unchanged is
loaded, never recomputed; a killed run goes on where it stopped. Labels never come here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, Progress, fingerprint, no_progress
from kec_core.clustering import cluster, estimate_n_clusters, fuse
from kec_core.config import ClusteringConfig, EncoderDefaults, RunConfig
from kec_core.encoders.base import Encoder, TextEncoder
from kec_core.encoders.loading import encode_files
from kec_core.encoders.text_cache import TextCache, encode_texts
from kec_core.errors import InputError
from kec_core.grounding import concept_vectors, ground
from kec_core.images import ImageRecord
from kec_core.knowledge.base import KnowledgeBuilder
from kec_core.knowledge.construct import build_attributes, build_concepts
from kec_core.mapping import component_nouns, components, nouns_of_centres, over_cluster
from kec_core.store import StageResult, StageStore
from kec_core.types import Clustering, ConceptVectors, Grounding, Knowledge, Noun, NounMapping, StageReport

STAGES = (
    "embed",
    "estimate",
    "overcluster",
    "nouns",
    "components",
    "concepts",
    "attributes",
    "vectors",
    "ground",
    "cluster",
    "baseline",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Resources:
    """What a run needs besides photos and options.

    Attributes:
        vocabulary: candidate nouns; those the encoder does not cover are left out.
        text_cache: where text features are remembered between runs, or None.
    """

    encoder: Encoder
    vocabulary: tuple[Noun, ...]
    builder: KnowledgeBuilder
    text_cache: TextCache | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Hooks:
    """How a run speaks to its surroundings."""

    progress: Progress = no_progress
    on_start: Callable[[str], None] = lambda _stage: None
    on_report: Callable[[StageReport], None] = lambda _report: None


class Runner:
    """Runs stages against a store and keeps their reports."""

    def __init__(self, store: StageStore, hooks: Hooks) -> None:
        self.store = store
        self.hooks = hooks
        self.reports: list[StageReport] = []

    def stage(self, name: str, inputs: Sequence[object], compute: Callable[[str], StageResult]) -> Stored:
        """The result of a stage: loaded when its inputs are known, else computed and stored."""
        self.hooks.on_start(name)
        key = fingerprint(name, *inputs)
        started = time.perf_counter()
        result = self.store.load(name, key)
        reused = result is not None
        if result is None:
            result = self.store.save(name, key, compute(key))
        report = StageReport(
            stage=name,
            fingerprint=key,
            seconds=time.perf_counter() - started,
            reused=reused,
            summary=dict(result.data.get("summary", {})),
        )
        self.reports.append(report)
        self.hooks.on_report(report)
        return Stored(key=key, arrays=dict(result.arrays), data=dict(result.data))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stored:
    """A stage's result and the key others refer to it by."""

    key: str
    arrays: dict[str, NDArray[Any]]
    data: dict[str, Any]


def embed_photos(runner: Runner, records: Sequence[ImageRecord], root: Path, encoder: Encoder) -> Stored:
    """Raw features of every readable photo, (N, d); unreadable ones are listed, ids stay aligned."""
    hashes = [record.sha256 for record in records]

    def compute(key: str) -> StageResult:
        encoded = encode_files(
            encoder,
            [root / record.id for record in records],
            progress=runner.hooks.progress,
            workspace=runner.store.workspace("embed", key),
        )
        bad = dict(encoded.failed)
        if len(bad) == len(records):
            raise InputError(
                f"None of the {len(records)} photos could be read (first: {next(iter(bad.values()))}); "
                "choose a folder with readable photos."
            )
        good = [record.id for row, record in enumerate(records) if row not in bad]
        return StageResult(
            arrays={"features": encoded.features},
            data={
                "ids": good,
                "failed": [{"path": records[row].id, "reason": reason} for row, reason in bad.items()],
                "summary": {"images": len(good), "skipped": len(bad), "encoder": encoder.info.name},
            },
        )

    return runner.stage("embed", [encoder.info.revision, hashes, [r.id for r in records]], compute)


def choose_n_clusters(runner: Runner, embedded: Stored, x: FloatMatrix, config: RunConfig) -> tuple[int, str]:
    """K: what the person asked for, or an estimate and how it was made."""
    if config.n_clusters is not None:
        if not 1 <= config.n_clusters <= len(x):
            raise InputError(
                f"The number of clusters should be between 1 and the number of photos ({len(x)}), "
                f"but {config.n_clusters} was asked for; choose {min(len(x), max(1, round(len(x) ** 0.5)))} for example."
            )
        return config.n_clusters, ""

    def compute(_key: str) -> StageResult:
        k, how = estimate_n_clusters(x, seed=config.seed, progress=runner.hooks.progress)
        return StageResult(data={"k": k, "how": how, "summary": {"clusters": k}})

    stored = runner.stage("estimate", [embedded.key, config.seed], compute)
    return int(stored.data["k"]), str(stored.data["how"])


def map_nouns(
    runner: Runner,
    embedded: Stored,
    x: FloatMatrix,
    n_clusters: int,
    resources: Resources,
    config: RunConfig,
) -> tuple[NounMapping, tuple[Noun, ...]]:
    """Over-clusters, nouns of their centres, concept components (KEC 3.1 and the merge of 3.2)."""
    options, encoder = config.mapping, resources.encoder
    progress = runner.hooks.progress

    def compute_overclusters(_key: str) -> StageResult:
        labels, centroids = over_cluster(
            x, options, n_clusters=n_clusters, seed=config.seed, progress=progress
        )
        return StageResult(
            arrays={"labels": labels, "centroids": centroids},
            data={"summary": {"overclusters": len(centroids)}},
        )

    over = runner.stage(
        "overcluster",
        [embedded.key, options.overclusters, options.n_init, options.max_iter, n_clusters, config.seed],
        compute_overclusters,
    )

    def compute_nouns(_key: str) -> StageResult:
        covered = encoder.covers([noun.word for noun in resources.vocabulary])
        pool = [noun for noun, usable in zip(resources.vocabulary, covered, strict=True) if usable]
        features = encode_texts(
            encoder,
            [noun.word for noun in pool],
            templates=encoder.info.noun_templates,
            cache=resources.text_cache,
            progress=progress,
        )
        chosen = nouns_of_centres(over.arrays["centroids"], features, options)
        used = np.unique(chosen[chosen >= 0])
        position = np.full(len(pool) + 1, -1, dtype=np.int32)
        position[used] = np.arange(len(used), dtype=np.int32)
        return StageResult(
            arrays={"nouns": position[chosen], "features": features[used]},
            data={
                "pool": [[pool[i].word, pool[i].synset] for i in used],
                "summary": {"vocabulary": len(pool), "nouns": len(used)},
            },
        )

    nouns = runner.stage(
        "nouns",
        [
            over.key,
            encoder.info.revision,
            encoder.info.noun_templates,
            fingerprint([[n.word, n.synset] for n in resources.vocabulary]),
            options.top_nouns,
            options.noun_choice,
        ],
        compute_nouns,
    )

    def compute_components(_key: str) -> StageResult:
        ids, note = components(
            over.arrays["centroids"],
            nouns.arrays["nouns"],
            nouns.arrays["features"],
            options,
            encoder.info.defaults,
            n_clusters=n_clusters,
        )
        return StageResult(
            arrays={"components": ids},
            data={"note": note, "summary": {"components": int(ids.max()) + 1, "note": note}},
        )

    merged = runner.stage(
        "components",
        [
            nouns.key,
            options.alpha,
            options.beta,
            options.similarity,
            options.collapse_guard,
            options.n_concepts,
            encoder.info.defaults.to_json(),
        ],
        compute_components,
    )
    mapping = NounMapping(
        labels=over.arrays["labels"],
        centroids=over.arrays["centroids"],
        nouns=nouns.arrays["nouns"],
        components=merged.arrays["components"],
        note=merged.data["note"],
    )
    return mapping, tuple(Noun(word=word, synset=synset) for word, synset in nouns.data["pool"])


def know(
    runner: Runner,
    mapping: NounMapping,
    vocabulary: tuple[Noun, ...],
    resources: Resources,
    encode: TextEncoder,
    config: RunConfig,
    keep: Knowledge | None,
) -> tuple[Knowledge, str]:
    """Concepts, then attributes (KEC 3.2, 3.3); also a note about cut pairs."""
    options, builder, progress = config.knowledge, resources.builder, runner.hooks.progress
    noun_lists = component_nouns(mapping, vocabulary)
    nouns_key = [[[noun.word, noun.synset] for noun in nouns] for nouns in noun_lists]
    kept_key = keep.to_json() if keep else None

    def compute_concepts(_key: str) -> StageResult:
        made = build_concepts(noun_lists, builder, options, keep=keep, progress=progress)
        return StageResult(data={"knowledge": made.to_json(), "summary": {"concepts": len(made.concepts)}})

    concept_inputs = [
        nouns_key,
        builder.name,
        options.guidance,
        options.max_nouns,
        options.merge_same_name,
        kept_key,
    ]
    concepts = runner.stage("concepts", concept_inputs, compute_concepts)

    def compute_attributes(_key: str) -> StageResult:
        made, note = build_attributes(
            Knowledge.from_json(concepts.data["knowledge"]),
            builder,
            encode,
            options,
            resources.encoder.info.defaults,
            progress=progress,
        )
        summary = {"uni_attributes": len(made.uni), "bi_attributes": len(made.bi), "note": note}
        return StageResult(data={"knowledge": made.to_json(), "note": note, "summary": summary})

    attribute_inputs = [concepts.key, resources.encoder.info.revision, options.to_json()]
    attributes = runner.stage("attributes", attribute_inputs, compute_attributes)
    return Knowledge.from_json(attributes.data["knowledge"]), str(attributes.data["note"])


def text_vectors(
    runner: Runner, knowledge: Knowledge, encoder: Encoder, encode: TextEncoder, config: RunConfig
) -> tuple[str, ConceptVectors]:
    """Text features of the concepts and attributes, and the key they are stored under."""

    def compute(_key: str) -> StageResult:
        made = concept_vectors(knowledge, encode, config.grounding)
        return StageResult(
            arrays={"logit": made.logit, "zeta": made.zeta, "attributes": made.attributes},
            data={"concept_ids": list(made.concept_ids), "summary": {"concepts": len(made.concept_ids)}},
        )

    words = [
        [c.id, c.name, c.description, c.muted, knowledge.attributes_of(c.id)] for c in knowledge.concepts
    ]
    stored = runner.stage("vectors", [encoder.info.revision, words, config.grounding.to_json()], compute)
    vectors = ConceptVectors(
        logit=stored.arrays["logit"],
        zeta=stored.arrays["zeta"],
        attributes=stored.arrays["attributes"],
        concept_ids=tuple(stored.data["concept_ids"]),
    )
    return stored.key, vectors


def ground_photos(
    runner: Runner,
    embedded: Stored,
    x: FloatMatrix,
    vectors_key: str,
    vectors: ConceptVectors,
    defaults: EncoderDefaults,
    config: RunConfig,
) -> tuple[str, Grounding]:
    """Knowledge carried into every photo (KEC 3.4), and the key it is stored under."""
    raw = config.grounding.mode == "raw"

    def compute(_key: str) -> StageResult:
        made = ground(
            embedded.arrays["features"] if raw else x,
            vectors,
            config.grounding,
            defaults,
            progress=runner.hooks.progress,
        )
        return StageResult(
            arrays={"omega": made.omega, "kappa": made.kappa},
            data={
                "concept_ids": list(made.concept_ids),
                "embed": embedded.key,
                "defaults": defaults.to_json(),
                "summary": {"concepts": len(made.concept_ids)},
            },
        )

    inputs = [embedded.key, vectors_key, config.grounding.to_json(), defaults.to_json()]
    stored = runner.stage("ground", inputs, compute)
    grounding = Grounding(
        omega=stored.arrays["omega"],
        kappa=stored.arrays["kappa"],
        concept_ids=tuple(stored.data["concept_ids"]),
    )
    return stored.key, grounding


def cluster_photos(
    runner: Runner,
    ground_key: str,
    x: FloatMatrix,
    grounding: Grounding,
    n_clusters: int,
    weight: float,
    config: RunConfig,
) -> tuple[str, Clustering]:
    """Clusters on [n(x), w n(kappa)] (KEC 3.5), and the key they are stored under."""

    def compute(_key: str) -> StageResult:
        fused = fuse(x, grounding.kappa, weight)
        return _clustering_result(
            cluster(fused, n_clusters, config.clustering, seed=config.seed, progress=runner.hooks.progress),
            ground=ground_key,
        )

    inputs = [ground_key, n_clusters, weight, config.clustering.to_json(), config.seed]
    stored = runner.stage("cluster", inputs, compute)
    return stored.key, read_clustering(StageResult(arrays=stored.arrays, data=stored.data))


def cluster_baseline(
    runner: Runner, embedded: Stored, x: FloatMatrix, n_clusters: int, config: RunConfig
) -> Clustering:
    """Spherical k-means on the visual features alone: what KEC is always shown beside."""
    options = ClusteringConfig(n_init=config.clustering.n_init, max_iter=config.clustering.max_iter)

    def compute(_key: str) -> StageResult:
        return _clustering_result(
            cluster(x, n_clusters, options, seed=config.seed, progress=runner.hooks.progress)
        )

    stored = runner.stage("baseline", [embedded.key, n_clusters, options.to_json(), config.seed], compute)
    return read_clustering(StageResult(arrays=stored.arrays, data=stored.data))


def _clustering_result(made: Clustering, **inputs: str) -> StageResult:
    return StageResult(
        arrays={"labels": made.labels, "centroids": made.centroids},
        data={
            "objective": made.objective,
            "method": made.method,
            "seed": made.seed,
            "note": made.note,
            **inputs,
            "summary": {"clusters": made.n_clusters, "note": made.note},
        },
    )


def read_clustering(stored: StageResult) -> Clustering:
    """The clustering that a "cluster" or "baseline" stage stored."""
    return Clustering(
        labels=stored.arrays["labels"],
        centroids=stored.arrays["centroids"],
        objective=float(stored.data["objective"]),
        method=str(stored.data["method"]),
        seed=int(stored.data["seed"]),
        note=str(stored.data["note"]),
    )
