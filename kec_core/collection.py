"""Photos under the options of a run, ready for edits."""

from __future__ import annotations

from kec_core.arrays import IntVector
from kec_core.clustering.bursts import find_bursts
from kec_core.clustering.whitening import Whitening
from kec_core.config import EncoderDefaults, RunConfig
from kec_core.encoders.base import TextEncoder, centred_features, visual_features
from kec_core.live import LiveCollection
from kec_core.types import Embeddings


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
