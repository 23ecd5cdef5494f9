"""What stays the same while the knowledge is edited."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from kec_core.arrays import FloatMatrix, IntVector
from kec_core.clustering.bursts import find_bursts
from kec_core.clustering.whitening import Whitening, looks_of
from kec_core.config import EncoderDefaults, GroundingConfig, RunConfig
from kec_core.encoders.base import TextEncoder, centred_features, visual_features
from kec_core.grounding import smoothing_graph
from kec_core.types import Embeddings, Knowledge

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


@dataclass(frozen=True, kw_only=True, eq=False)
class LiveCollection:
    """What stays the same while the knowledge is edited; row i of every array belongs to ``image_ids[i]``.

    Attributes:
        x: float32 (N, d), unit rows, the visual features.
        grounded: float32 (N, d), the features that are grounded: ``x``, or ``centred_features`` in mode "raw".
        encode: strings to raw features; remembers what it encoded, so that only new strings cost time.
        n_clusters, weight: what holds where the knowledge leaves them automatic.
        truth: int32 (N,), label id per photo, -1 where unknown; None without labels. For scores only.
        baseline: int32 (N,), groups by the photos alone; another place to start from when the knowledge changes much.
        bursts: int32 (N,), from ``find_bursts``; for clustering in full.
        whitening: from ``x`` to ``looks``; None where they are the same.
    """

    image_ids: tuple[str, ...]
    x: FloatMatrix
    grounded: FloatMatrix
    encode: TextEncoder
    defaults: EncoderDefaults
    config: GroundingConfig
    n_clusters: int
    weight: float
    truth: IntVector | None = None
    baseline: IntVector | None = None
    bursts: IntVector | None = None
    whitening: Whitening | None = None
    seed: int = 0

    def n_clusters_of(self, knowledge: Knowledge) -> int:
        """K that holds: the person's, else the automatic one."""
        return self.n_clusters if knowledge.n_clusters is None else knowledge.n_clusters

    def weight_of(self, knowledge: Knowledge) -> float:
        """The weight w of the knowledge that holds: the person's, else the automatic one."""
        return self.weight if knowledge.weight is None else knowledge.weight

    @cached_property
    def looks(self) -> FloatMatrix:
        """What is clustered beside the knowledge, float32 (N, e), unit rows."""
        return looks_of(self.x, self.whitening)

    @cached_property
    def smoothing_graph(self) -> csr_matrix | None:
        """Who lends whom posteriors, found once; None unless ``config.smooth_neighbours`` asks for it."""
        count = self.config.smooth_neighbours
        return smoothing_graph(self.grounded, count) if count and len(self.grounded) > 1 else None


def live_collection(
    photos: Embeddings,
    config: RunConfig,
    defaults: EncoderDefaults,
    encode: TextEncoder,
    *,
    n_clusters: int,
    weight: float,
    truth: IntVector | None = None,
    baseline: IntVector | None = None,
    whitening: Whitening | None = None,
) -> LiveCollection:
    """What stays the same while the knowledge of these photos is edited.

    Args:
        photos: their features, as the encoder gave them.
        config: of the run behind the groups.
        defaults: of the encoder.
        encode: its texts.
        n_clusters: K where the knowledge leaves it automatic.
        weight: of the knowledge, where it leaves it automatic.
        truth: see ``LiveCollection``.
        baseline: int32 (N,), groups by looks alone; None when they were not made.
        whitening: of the looks that were clustered; None where they are the visual features.
    """
    x = visual_features(photos.features, defaults)
    raw = config.grounding.mode == "raw"
    return LiveCollection(
        image_ids=photos.ids,
        x=x,
        grounded=centred_features(photos.features, defaults) if raw else x,
        encode=encode,
        defaults=defaults,
        config=config.grounding,
        n_clusters=n_clusters,
        weight=weight,
        truth=truth,
        baseline=baseline,
        bursts=find_bursts(photos.features),
        whitening=whitening,
        seed=config.seed,
    )
