"""One run of KEC, from files to clusters: the stages of the room ``stages`` in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from kec_core import stages
from kec_core.arrays import FloatMatrix, IntVector
from kec_core.clustering.whitening import Whitening, looks_of
from kec_core.config import EncoderDefaults, RunConfig
from kec_core.encoders.base import Encoder, visual_features
from kec_core.encoders.text_cache import TextCache, encode_texts
from kec_core.parallel import threads_for
from kec_core.photos.images import ImageRecord
from kec_core.stages import Hooks, Resources, Runner, Stored
from kec_core.store import ReadingStore, StageStore
from kec_core.types import (
    Clustering,
    ConceptVectors,
    Embeddings,
    Grounding,
    Knowledge,
    Noun,
    NounMapping,
    SkippedImage,
    StageReport,
)
from kec_core.wordnet.vocabulary import not_in_wordnet


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunResult:
    """Everything one run produced; row i of every array belongs to ``embeddings.ids[i]``.

    ``mapping`` is None and ``vocabulary`` empty where the knowledge was given instead of built.
    """

    embeddings: Embeddings
    defaults: EncoderDefaults
    whitening: Whitening | None
    skipped: tuple[SkippedImage, ...]
    mapping: NounMapping | None
    vocabulary: tuple[Noun, ...]
    knowledge: Knowledge
    vectors: ConceptVectors
    grounding: Grounding
    clustering: Clustering
    cluster_key: str
    weight: float
    baseline: Clustering
    reports: tuple[StageReport, ...]
    notes: tuple[str, ...]
    near_copies: tuple[tuple[str, ...], ...]

    @property
    def x(self) -> FloatMatrix:
        """Visual features, new float32 (N, d), unit rows."""
        return visual_features(self.embeddings.features, self.defaults)

    @property
    def looks(self) -> FloatMatrix:
        """What was clustered beside the knowledge, new float32 (N, e), unit rows."""
        return looks_of(self.x, self.whitening)


def run(
    records: Sequence[ImageRecord],
    root: Path,
    resources: Resources,
    config: RunConfig,
    store: StageStore,
    *,
    keep: Knowledge | None = None,
    hooks: Hooks | None = None,
) -> RunResult:
    """Run KEC on photos: from files to clusters.

    Args:
        records: the photos, ids unique; they lie below ``root``.
        root: folder of the photos.
        resources: encoder, vocabulary, knowledge builder.
        config: every option.
        store: where stages are kept and found again.
        keep: earlier knowledge whose user-made and locked parts must stay; its constraints hold, and its number of
            clusters and weight where ``config`` leaves them open.
        hooks: progress and stage callbacks; progress may raise Cancelled.

    Raises:
        InputError: no readable photo, or more clusters asked for than photos.
    """
    runner = Runner(store, hooks or Hooks())
    embedded = stages.embed_photos(runner, records, root, resources.encoder)
    second = (
        stages.embed_second(runner, records, root, resources.looks, embedded.data["ids"])
        if resources.looks
        else None
    )
    return run_embedded(runner, embedded, resources, config, keep=keep, second=second)


def run_embedded(
    runner: Runner,
    embedded: Stored,
    resources: Resources,
    config: RunConfig,
    *,
    keep: Knowledge | None = None,
    second: Stored | None = None,
) -> RunResult:
    """Run KEC on features: every stage after the first.

    Args:
        runner: runs the stages and tells progress.
        embedded: raw features, as ``stages.embed_photos`` stores them.
        resources: as in ``run``.
        config: as in ``run``.
        keep: as in ``run``.
        second: the photos in a second space of looks, from ``stages.embed_second``, or None.

    Raises:
        InputError: more clusters are asked for than there are photos.
    """
    config = _with_wishes(config, keep)
    encoder, cache = resources.encoder, resources.text_cache
    encode = partial(encode_texts, encoder, cache=cache)

    def build(looks: Looks) -> Known:
        mapping, vocabulary = stages.map_nouns(
            runner,
            looks.stored,
            looks.x,
            looks.n_clusters,
            resources,
            config,
            looks.bursts,
            looks=looks.baseline,
        )
        knowledge, note = stages.know(
            runner,
            looks.stored.key,
            looks.x,
            mapping,
            vocabulary,
            resources,
            encode,
            config,
            keep,
        )
        own = [term.noun.word for term in resources.domain]
        unread = "" if resources.wordnet is None else not_in_wordnet(own, resources.wordnet)
        notes = " ".join(filter(None, (unread, note)))
        return Known(knowledge=knowledge, mapping=mapping, vocabulary=vocabulary, note=notes)

    with threads_for(len(embedded.data["ids"])):
        return group(
            runner, embedded, encoder, config, build, resources=resources, text_cache=cache, second=second
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Looks:
    """What knowledge is built from.

    Attributes:
        stored: the features, under the key of what follows from them.
        x: float32 (N, d), unit rows.
        n_clusters: K.
        bursts: int32 (N,), from ``find_bursts``; None for none.
        baseline: groups by looks alone.
    """

    stored: Stored
    x: FloatMatrix
    n_clusters: int
    bursts: IntVector | None
    baseline: Clustering


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Known:
    """Knowledge, and the nouns that it was built from: None and empty where it was given."""

    knowledge: Knowledge
    mapping: NounMapping | None = None
    vocabulary: tuple[Noun, ...] = ()
    note: str = ""


def group(
    runner: Runner,
    embedded: Stored,
    encoder: Encoder,
    config: RunConfig,
    know: Callable[[Looks], Known],
    *,
    resources: Resources | None = None,
    text_cache: TextCache | None = None,
    second: Stored | None = None,
) -> RunResult:
    """From features to clusters, around what ``know`` knows of them.

    Args:
        runner: runs the stages and tells progress.
        embedded: raw features, as ``stages.embed_photos`` stores them.
        encoder: of the features and of texts.
        config: every option; its number of clusters and weight become those of the knowledge.
        know: makes knowledge, or gives it.
        resources: words that help to tell the number of clusters; None leaves it to looks.
        text_cache: where text features are remembered between runs, or None.
        second: as in ``run_embedded``.

    Raises:
        InputError: more clusters are asked for than there are photos, or no concept counts.
    """
    defaults = encoder.info.defaults
    encode = partial(encode_texts, encoder, cache=text_cache)
    near_copies = stages.near_copies(runner, embedded)
    x = visual_features(embedded.arrays["features"], defaults)
    photos, bursts = stages.with_bursts(embedded)
    n_clusters, how = stages.choose_n_clusters(runner, photos, x, config, bursts, resources)
    baseline = stages.cluster_baseline(runner, photos, x, n_clusters, config, bursts)
    known = know(Looks(stored=photos, x=x, n_clusters=n_clusters, bursts=bursts, baseline=baseline))
    knowledge = replace(known.knowledge, n_clusters=config.n_clusters, weight=config.clustering.weight)
    vectors_key, vectors = stages.text_vectors(runner, knowledge, encoder, encode, config)
    ground_key, grounding = stages.ground_photos(
        runner, embedded, photos.key, x, vectors_key, vectors, defaults, config
    )
    looks_key, whitening = stages.whiten_photos(runner, photos, x, config, second)
    weight, why = stages.choose_weight(runner, ground_key, grounding, defaults, config)
    looks = looks_of(x, whitening)
    del x  # of a large collection it must not lie in memory beside what is clustered
    cluster_key, clustering = stages.cluster_photos(
        runner,
        ground_key,
        looks_key,
        looks,
        grounding,
        knowledge,
        embedded.data["ids"],
        n_clusters,
        weight,
        config,
        bursts,
    )
    return RunResult(
        embeddings=Embeddings(
            features=embedded.arrays["features"], ids=tuple(embedded.data["ids"]), encoder=encoder.info.name
        ),
        defaults=defaults,
        whitening=whitening,
        skipped=tuple(SkippedImage(**item) for item in embedded.data["failed"]),
        mapping=known.mapping,
        vocabulary=known.vocabulary,
        knowledge=knowledge,
        vectors=vectors,
        grounding=grounding,
        clustering=clustering,
        cluster_key=cluster_key,
        weight=weight,
        baseline=baseline,
        reports=tuple(runner.reports),
        notes=tuple(
            note
            for note in (
                embedded.data.get("note", ""),
                "" if second is None else second.data.get("note", ""),
                how,
                known.mapping.note if known.mapping else "",
                known.note,
                why,
                clustering.note,
            )
            if note
        ),
        near_copies=near_copies,
    )


def _with_wishes(config: RunConfig, keep: Knowledge | None) -> RunConfig:
    """The options with the person's number of clusters and weight where they leave them open."""
    if keep is None:
        return config
    weight = keep.weight if config.clustering.weight is None else config.clustering.weight
    return replace(
        config,
        n_clusters=keep.n_clusters if config.n_clusters is None else config.n_clusters,
        clustering=replace(config.clustering, weight=weight),
    )


def rehearse(
    records: Sequence[ImageRecord],
    root: Path,
    resources: Resources,
    config: RunConfig,
    store: StageStore,
    *,
    keep: Knowledge | None = None,
    hooks: Hooks | None = None,
) -> Knowledge:
    """Do what ``run`` does up to the knowledge; the stages before it are stored, concepts and attributes are not.

    With a builder that only counts (``LLMBuilder.counting``) this tells what ``run`` would ask of it.

    Args, Raises: as ``run``.
    """
    config = _with_wishes(config, keep)
    runner = Runner(store, hooks or Hooks())
    encoder = resources.encoder
    embedded = stages.embed_photos(runner, records, root, encoder)
    x = visual_features(embedded.arrays["features"], encoder.info.defaults)
    photos, bursts = stages.with_bursts(embedded)
    n_clusters, _ = stages.choose_n_clusters(runner, photos, x, config, bursts, resources)
    mapping, vocabulary = stages.map_nouns(runner, photos, x, n_clusters, resources, config, bursts)
    trial = Runner(ReadingStore(store), runner.hooks)
    encode = partial(encode_texts, encoder, cache=resources.text_cache)
    return stages.know(trial, photos.key, x, mapping, vocabulary, resources, encode, config, keep)[0]
