"""What the methods are given: features of the photos, nouns, knowledge; never labels, unless a method says so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from kec_core.arrays import FloatMatrix, FloatVector, IntVector
from kec_core.config import EncoderDefaults, GroundingConfig
from kec_core.encoders.base import TPL7, TextEncoder, centred_features, collection_mean, visual_features
from kec_core.errors import InputError
from kec_core.types import Knowledge, Noun

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PhotoFeatures:
    """Features of some photos; row i of both arrays belongs to the same photo.

    Attributes:
        raw: float32 (N, d), as the encoder gave them, less the collection's mean where the encoder wants that.
        x: float32 (N, d), the same with unit rows.
    """

    raw: FloatMatrix
    x: FloatMatrix


def photo_features(
    raw: FloatMatrix, defaults: EncoderDefaults, *, mean: FloatVector | None = None
) -> PhotoFeatures:
    """Both forms of the features of some photos.

    Args:
        raw: float32 (N, d), encoder output.
        defaults: the encoder's.
        mean: the ``collection_mean`` of the train photos, for test photos; None takes these photos' own.
    """
    centre = collection_mean(raw, defaults) if mean is None else mean
    return PhotoFeatures(
        raw=centred_features(raw, defaults, mean=centre), x=visual_features(raw, defaults, mean=centre)
    )


class PromptTower(Protocol):
    """A frozen text tower that prompts can be learned through (methods.md 5.4)."""

    def start(self, words: Sequence[str], length: int) -> torch.Tensor:
        """Token embeddings of each word, cut or repeated to ``length`` tokens: (K, length, width)."""
        ...

    def features(self, context: torch.Tensor) -> torch.Tensor:
        """Raw text features (K, d) of "a photo of a", the context (K, length, width) and "."; differentiable by it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MethodInputs:
    """Everything a method may look at. Knowledge is taken from ``train``; the clustering is of ``test``.

    Attributes:
        train, test: the photos; the very same object when the collection has no split.
        nouns: float32 (V, d), raw text features of ``vocabulary`` under ``noun_templates``.
        defaults: the encoder's temperatures and thresholds.
        encode: strings to raw text features.
        knowledge: concepts and attributes, for KEC; None when none was built.
        grounding: how the knowledge is grounded.
        weight: fusion weight of the knowledge chosen for this collection without labels; None is the encoder's.
        captions: sentences about any photos, one pool for all (CAE).
        photo_captions: one sentence per test photo (caption + cluster).
        prompts: the encoder's text tower, when prompts can be learned through it.
        class_names: only for methods that need class names; hidden from all others.
        labels: int32 (N_test,), only for methods that say they read labels; hidden from all others.
    """

    train: PhotoFeatures
    test: PhotoFeatures
    nouns: FloatMatrix
    vocabulary: tuple[Noun, ...]
    defaults: EncoderDefaults
    encode: TextEncoder
    noun_templates: tuple[str, ...] = TPL7
    knowledge: Knowledge | None = None
    grounding: GroundingConfig = field(default_factory=GroundingConfig)
    weight: float | None = None
    captions: tuple[str, ...] = ()
    photo_captions: tuple[str, ...] = ()
    prompts: PromptTower | None = None
    class_names: tuple[str, ...] = ()
    labels: IntVector | None = None

    def __post_init__(self) -> None:
        if len(self.nouns) != len(self.vocabulary):
            raise InputError(
                f"Every noun needs one row of features, but there are {len(self.vocabulary)} nouns and "
                f"{len(self.nouns)} rows."
            )

    @property
    def has_split(self) -> bool:
        """Whether knowledge and scores come from different photos."""
        return self.train is not self.test
