"""Seventy-two photos of six kinds in clusters, and verbs on them, without a project."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kec_core.arrays import l2_normalize
from kec_core.clustering import fuse, spherical_kmeans
from kec_core.clustering.constraints import plan_constraints
from kec_core.config import ClusteringConfig, EncoderDefaults, GroundingConfig
from kec_core.errors import InputError
from kec_core.knowledge.edits import apply_script, parse_script
from kec_core.live import LiveCollection, LiveState, start
from kec_core.live.edited import edited
from kec_core.live.full import finalised, full_clustering, under_kept_ids
from kec_core.types import Knowledge

KINDS = ("cat", "dog", "bus", "car", "cup", "pen")
EACH = 12
IMAGES = tuple(f"{kind}{n:02d}.jpg" for kind in KINDS for n in range(EACH))
AXES = l2_normalize(np.random.default_rng(0).normal(size=(len(KINDS), 16)).astype(np.float32))


def read(texts):
    """A text encoder by table: the name of a kind lies on its axis, other words anywhere."""
    return np.stack([_vector(text) for text in texts])


def _vector(text):
    named = [AXES[i] for i, kind in enumerate(KINDS) if kind in text]
    seed = int.from_bytes(text.encode(), "little") % 2**32
    noise = np.random.default_rng(seed).normal(size=16).astype(np.float32)
    return np.sum(named, axis=0) + 0.02 * noise if named else noise


def of(*kinds: str, first: int = 0, last: int = EACH) -> list[str]:
    """Photos of some kinds."""
    return [f"{kind}{n:02d}.jpg" for kind in kinds for n in range(first, last)]


def begin(n_clusters: int = 6) -> LiveState:
    """Twelve photos of each of six kinds, in clusters of one kind where there are six."""
    truth = np.repeat(np.arange(len(KINDS)), EACH)
    noise = np.random.default_rng(1).normal(size=(len(truth), 16)).astype(np.float32)
    x = l2_normalize(AXES[truth] + 0.08 * noise)
    collection = LiveCollection(
        image_ids=IMAGES,
        x=x,
        grounded=x,
        encode=read,
        defaults=EncoderDefaults(logit_scale=20.0),
        config=GroundingConfig(),
        n_clusters=n_clusters,
        weight=1.0,
        truth=truth.astype(np.int32),
    )
    names = [{"op": "add_concept", "name": kind} for kind in KINDS]
    knowledge = apply_script(Knowledge(), parse_script({"edits": names}))
    # Concepts that nobody made: k-means finds the groups, they are not seeded by name.
    found = tuple(replace(concept, source="wordnet") for concept in knowledge.concepts)
    return start(collection, replace(knowledge, concepts=found), spherical_kmeans(x, n_clusters, n_init=5))


def names(state: LiveState) -> dict[int, str]:
    """Every cluster called by the kind that most of its photos show."""
    kinds = np.repeat(np.arange(len(KINDS)), EACH)
    labels = state.clustering.labels
    return {int(c): KINDS[np.bincount(kinds[labels == c]).argmax()] for c in np.unique(labels)}


def do(state: LiveState, *edits: dict):
    return edited(state, parse_script({"edits": list(edits)}), names=names)


def refused(state: LiveState, *edits: dict) -> str:
    with pytest.raises(InputError) as error:
        do(state, *edits)
    return str(error.value)


def cluster_of(state: LiveState, image: str) -> int:
    return int(state.clustering.labels[IMAGES.index(image)])


def together(state: LiveState, images) -> bool:
    return len({cluster_of(state, image) for image in images}) == 1


def rebuilt(state: LiveState) -> LiveState:
    """The photos clustered anew as a run does, which knows no earlier groups."""
    these, knowledge = state.collection, state.knowledge
    fused = fuse(these.x, state.grounding.kappa, state.weight)
    found = full_clustering(
        fused, state.grounding, knowledge, IMAGES, state.n_clusters, ClusteringConfig(n_init=2)
    )
    found = under_kept_ids(found, plan_constraints(knowledge, IMAGES).kept)
    return start(these, knowledge, found)


LATER = {
    "another edit": lambda s: do(s, {"op": "rename_concept", "concept": "bus", "name": "dog bus cat"}).state,
    "more clusters": lambda s: do(s, {"op": "set_clusters", "k": 9}).state,
    "fewer clusters": lambda s: do(s, {"op": "set_clusters", "k": 3}).state,
    "another weight": lambda s: do(s, {"op": "set_weight", "knowledge": 0.2}).state,
    "finalise": lambda s: finalised(s, ClusteringConfig(n_init=2)),
    "a rebuild": rebuilt,
}
