"""From stored features to what the methods are given, by the same stages as a run; the split of a collection."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from kec_core import stages
from kec_core.arrays import FloatMatrix, IntVector, fingerprint
from kec_core.config import RunConfig
from kec_core.encoders.base import collection_mean
from kec_core.encoders.openclip_prompts import learned_prompts
from kec_core.encoders.text_cache import encode_texts
from kec_core.methods.base import Need
from kec_core.methods.inputs import MethodInputs, PhotoFeatures, photo_features
from kec_core.stages import Resources, Runner, Stored
from kec_core.types import Knowledge, Noun

TRAIN, TEST = "train/", "test/"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Split:
    """Rows that knowledge comes from and rows that are clustered and scored; int32, ascending."""

    train: IntVector
    test: IntVector


def find_split(ids: Sequence[str]) -> Split | None:
    """The split of a folder with the sub-folders train and test, None without both of them."""
    train, test = (
        np.array([row for row, image_id in enumerate(ids) if image_id.startswith(part)], dtype=np.int32)
        for part in (TRAIN, TEST)
    )
    return Split(train=train, test=test) if len(train) and len(test) else None


def split_note(split: Split | None) -> str:
    """What the numbers of a table are made on, for people."""
    if split is None:
        return "Knowledge and scores come from the same photos."
    return (
        f"Knowledge comes from {len(split.train)} photos in train/, scores from {len(split.test)} in test/."
    )


def prepare(
    runner: Runner,
    embedded: Stored,
    resources: Resources,
    config: RunConfig,
    n_clusters: int,
    *,
    needs: Collection[Need],
    knowledge: Knowledge | None = None,
    keep: Knowledge | None = None,
) -> tuple[MethodInputs, Split | None]:
    """What the methods with these needs are given; everything costly is a stage, found again next time.

    Args:
        runner: runs the stages and tells progress.
        embedded: the stage "embed" of all photos.
        resources: encoder, vocabulary, knowledge builder.
        config: the options of a run.
        n_clusters: K.
        needs: of all methods together; what none needs is not made.
        knowledge: taken as it is; None builds it from the train photos.
        keep: earlier knowledge whose user-made and locked parts stay when it is built.

    Returns:
        The inputs, without class names, captions and labels; and the split, None when there is none.
    """
    defaults = resources.encoder.info.defaults
    split = find_split(embedded.data["ids"])
    part, train, test = _photos(embedded, split, resources)
    inputs = MethodInputs(
        train=train,
        test=test,
        nouns=np.empty((0, train.x.shape[1]), dtype=np.float32),
        vocabulary=(),
        defaults=defaults,
        encode=partial(encode_texts, resources.encoder, cache=resources.text_cache),
        noun_templates=resources.encoder.info.noun_templates,
        grounding=config.grounding,
        prompts=learned_prompts(resources.encoder),
    )
    if "nouns" in needs:
        inputs = _with_nouns(inputs, runner, resources)
    if "knowledge" in needs:
        inputs = _with_knowledge(inputs, runner, part, resources, config, n_clusters, knowledge, keep)
    return inputs, split


def _photos(
    embedded: Stored, split: Split | None, resources: Resources
) -> tuple[Stored, PhotoFeatures, PhotoFeatures]:
    """The train photos as a stage of their own, and both parts' features."""
    raw: FloatMatrix = embedded.arrays["features"]
    defaults = resources.encoder.info.defaults
    if split is None:
        photos = photo_features(raw, defaults)
        return embedded, photos, photos
    train = np.ascontiguousarray(raw[split.train])
    part = Stored(key=fingerprint(embedded.key, split.train), arrays={"features": train}, data=embedded.data)
    mean = collection_mean(train, defaults)
    return part, photo_features(train, defaults), photo_features(raw[split.test], defaults, mean=mean)


def _with_nouns(inputs: MethodInputs, runner: Runner, resources: Resources) -> MethodInputs:
    covered = resources.encoder.covers(resources.vocabulary, progress=runner.hooks.progress)
    pool: tuple[Noun, ...] = tuple(
        noun for noun, usable in zip(resources.vocabulary, covered, strict=True) if usable
    )
    features = encode_texts(
        resources.encoder,
        [noun.word for noun in pool],
        templates=inputs.noun_templates,
        cache=resources.text_cache,
        progress=runner.hooks.progress,
    )
    return replace(inputs, nouns=features, vocabulary=pool)


def _with_knowledge(
    inputs: MethodInputs,
    runner: Runner,
    part: Stored,
    resources: Resources,
    config: RunConfig,
    n_clusters: int,
    knowledge: Knowledge | None,
    keep: Knowledge | None,
) -> MethodInputs:
    x = inputs.train.x
    if knowledge is None:
        mapping, vocabulary = stages.map_nouns(runner, part, x, n_clusters, resources, config)
        knowledge, _ = stages.know(
            runner, part.key, x, mapping, vocabulary, resources, inputs.encode, config, keep
        )
    weight = knowledge.weight
    if weight is None:
        defaults = resources.encoder.info.defaults
        key, vectors = stages.text_vectors(runner, knowledge, resources.encoder, inputs.encode, config)
        key, grounding = stages.ground_photos(runner, part, part.key, x, key, vectors, defaults, config)
        weight, _ = stages.choose_weight(runner, key, grounding, defaults, config)
    return replace(inputs, knowledge=knowledge, weight=weight)
