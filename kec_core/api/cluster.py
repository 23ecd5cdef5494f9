"""KEC in notebooks: ``kec.cluster(photos)`` gives a ``Result`` (docs/api.md)."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from numbers import Real
from typing import cast

import numpy as np

from kec_core.api.features import as_encoder, progress_line
from kec_core.api.input import (
    EmbeddedPhotos,
    Looks,
    Names,
    Photos,
    as_files,
    embed,
    embed_looks,
    knowledge_of,
    whole,
)
from kec_core.api.result import Result
from kec_core.arrays import Progress
from kec_core.config import RunConfig
from kec_core.encoders import TextCache, encode_texts, load_looks
from kec_core.encoders.base import Encoder
from kec_core.errors import InputError
from kec_core.knowledge.base import KnowledgeBuilder
from kec_core.live import live_collection, start
from kec_core.stages import Hooks, Runner
from kec_core.stages.pipeline import Known, RunResult, group, run_embedded
from kec_core.stages.resources import local_resources
from kec_core.store import MemoryStore
from kec_core.types import Knowledge

WORDNET = "wordnet"
KnowledgeInput = str | Knowledge | KnowledgeBuilder | Names
"""Where knowledge comes from: "wordnet", a knowledge, a builder of one, or names of concepts."""


def cluster(
    photos: Photos,
    n_clusters: int | None = None,
    encoder: str | Encoder = "auto",
    knowledge: KnowledgeInput = WORDNET,
    guidance: str = "",
    *,
    looks: Looks | None = None,
    weight: float | None = None,
    seed: int = 0,
    options: RunConfig | None = None,
    progress: bool | Progress = True,
) -> Result:
    """Group photos by looks and knowledge.

    Args:
        photos: a folder, a list of files, or raw features float32 (N, d) of ``encoder``.
        n_clusters: K; None takes one group per name, or estimates it.
        encoder: what ``kec_core.encoders.load_encoder`` takes, or an encoder.
        knowledge: "wordnet"; a ``Knowledge``; a builder of knowledge; or names of concepts, a list or a mapping to their
            descriptions.
        guidance: what the groups should be about, in words.
        looks: a second space that looks come from beside the encoder's, while words stay with the encoder: what
            ``kec_core.encoders.load_looks`` takes, an encoder, or features float32 (N, d2), a row for each photo.
        weight: of the knowledge beside the looks; 0 is plain k-means, None chooses it.
        seed: makes the result repeatable.
        options: everything else; the arguments above stand before it.
        progress: True writes a line to stderr; or a function of (done, total, label), which may raise Cancelled.

    Returns:
        The groups; ``skipped`` lists files that cannot be used.

    Raises:
        InputError: photos, knowledge, looks or options that cannot be used.
        ResourceMissing: weights or WordNet are not on this machine.
        ShapeError: features that are not a finite table of the encoder's width.
    """
    used = as_encoder(encoder)
    given = _given(knowledge, guidance)
    config = _config(RunConfig() if options is None else options, n_clusters, used, guidance, weight, seed)
    if isinstance(looks, str):
        config = replace(config, looks=looks)
    space = config.looks if looks is None else looks
    if isinstance(space, str) and space and as_files(photos) is not None:
        space = load_looks(space)  # before photos are encoded: it may not be had
    with progress_line(progress) as tell:
        runner = Runner(MemoryStore(), Hooks(progress=tell))
        embedded = embed(photos, used, runner)
        second = embed_looks(space, embedded, runner)
        if given is not None:
            config = config if config.n_clusters is not None else _counted(config, knowledge, given)
            found = group(
                runner,
                embedded.stored,
                used,
                config,
                lambda _looks: Known(knowledge=given),
                text_cache=TextCache(),
                second=second,
            )
        else:
            builder = None if isinstance(knowledge, str) else cast(KnowledgeBuilder, knowledge)
            resources = local_resources(config, encoder=used, builder=builder)
            found = run_embedded(runner, embedded.stored, resources, config, second=second)
    return _result(found, embedded, used, config, looks)


def _given(knowledge: KnowledgeInput, guidance: str) -> Knowledge | None:
    """Knowledge that need not be built; None for what builds it."""
    is_wordnet = isinstance(knowledge, str) and knowledge == WORDNET
    if is_wordnet or hasattr(knowledge, "uni_attributes"):
        return None
    if isinstance(knowledge, str):
        raise InputError(
            f'Knowledge comes from "wordnet", names of concepts, a Knowledge or a builder, but {knowledge!r} came.'
        )
    given = knowledge if isinstance(knowledge, Knowledge) else knowledge_of(knowledge)
    return replace(given, guidance=guidance) if guidance else given


def _config(
    options: RunConfig,
    n_clusters: int | None,
    encoder: Encoder,
    guidance: str,
    weight: float | None,
    seed: int,
) -> RunConfig:
    """The options, with those that were given apart.

    Raises:
        InputError: one of them is none.
    """
    if not isinstance(options, RunConfig):
        raise InputError(
            f"Options should be a RunConfig, but {options!r} came; leave them out for the usual ones."
        )
    if n_clusters is not None:
        n_clusters = whole(n_clusters, "The number of clusters", 1)
    if not isinstance(guidance, str):
        raise InputError(f"Guidance should be a text, but {guidance!r} came; leave it out for none.")
    is_number = isinstance(weight, Real) and not isinstance(weight, bool)
    if weight is not None and not (is_number and 0 <= weight < math.inf):
        raise InputError(
            f"The weight of the knowledge should be a number of at least 0, or None, but {weight!r} came."
        )
    seed = whole(seed, "The seed", 0)
    return replace(
        options,
        encoder=encoder.info.name,
        n_clusters=options.n_clusters if n_clusters is None else n_clusters,
        knowledge=replace(options.knowledge, guidance=guidance or options.knowledge.guidance),
        clustering=replace(
            options.clustering, weight=options.clustering.weight if weight is None else float(weight)
        ),
        seed=seed or options.seed,
    )


def _counted(config: RunConfig, knowledge: KnowledgeInput, given: Knowledge) -> RunConfig:
    """The options with one group per name where only names were given, else with the number that the knowledge wants."""
    wanted = given.n_clusters if isinstance(knowledge, Knowledge) else len(given.concepts)
    return replace(config, n_clusters=wanted)


def _result(
    found: RunResult, photos: EmbeddedPhotos, encoder: Encoder, config: RunConfig, looks: Looks | None
) -> Result:
    collection = live_collection(
        found.embeddings,
        config,
        encoder.info.defaults,
        partial(encode_texts, encoder, cache=TextCache()),
        n_clusters=found.clustering.n_clusters,
        weight=found.weight,
        baseline=found.baseline.labels,
        whitening=found.whitening,
    )
    state = start(collection, found.knowledge, found.clustering)
    return Result(
        state=state,
        photos=photos,
        encoder=encoder,
        config=config,
        made=found.knowledge,
        notes=found.notes,
        looks=None if isinstance(looks, (str, np.ndarray)) else looks,
    )
