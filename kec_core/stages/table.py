"""The steps of a run as a person sees them, and the stages behind each; what decides a stage stands in ``kec_core.config``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kec_core.config import OPTIONS
from kec_core.config.option import Option


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step.

    Attributes:
        name: as people read it.
        tip: what it does, with the paper's term.
        stages: names of its stages, in order.
    """

    name: str
    tip: str
    stages: tuple[str, ...]


STEPS = (
    Step(name="Scan", tip="Find the photos and check that each can be read.", stages=("scan",)),
    Step(
        name="Embed",
        tip="Turn every photo into numbers that words can be compared with (features of the encoder).",
        stages=("embed", "second", "copies", "estimate"),
    ),
    Step(
        name="Over-cluster",
        tip="Group the photos by looks alone (k-means); in the paper's way, also into many small clusters (k over-clusters).",
        stages=("baseline", "overcluster"),
    ),
    Step(
        name="Nouns",
        tip="Find the words that explain the photos, or those nearest to each small cluster (image-text mapping).",
        stages=("nouns",),
    ),
    Step(
        name="Concepts",
        tip="Name what the photos of a group share (concepts and descriptions).",
        stages=("components", "concepts"),
    ),
    Step(
        name="Attributes",
        tip="Write what is typical of a concept, and what tells two similar ones apart (uni and bi attributes).",
        stages=("attributes",),
    ),
    Step(
        name="Ground",
        tip="Carry the words back into every photo (knowledge-guided features).",
        stages=("vectors", "ground"),
    ),
    Step(
        name="Cluster",
        tip="Group the photos by looks and words together.",
        stages=("looks", "weight", "cluster"),
    ),
)
"""In the order of the work; "scan" is done by ``kec_core.photos.images``, the others by this room."""

STEP_OF: Mapping[str, Step] = {stage: step for step in STEPS for stage in step.stages}
STAGES = tuple(stage for stage in STEP_OF if stage != "scan")


def decided_by(stage: str) -> tuple[Option, ...]:
    """The options that decide a stage, whether its computation sees them or not."""
    return tuple(one for one in OPTIONS.values() if stage in (*one.stages, *one.through))


def shown_at(step: Step) -> tuple[Option, ...]:
    """The options to offer at a step: those whose first stage is one of its stages, unless they are essential."""
    return tuple(
        one
        for one in OPTIONS.values()
        if one.label and not one.essential and (*one.stages, *one.through)[0] in step.stages
    )
