"""The groups of a revision as a model that sorts new photos."""

from __future__ import annotations

from functools import partial

from kec_core.encoders import TextCache, encode_texts
from kec_core.encoders.base import Encoder, centred_features, collection_mean
from kec_core.grounding import concept_vectors, product_centre
from kec_core.result.group_model import GroupModel, groups_of
from state.project.project import Project
from state.revisions.clusterings import load_clustering, load_features
from state.revisions.overview import cluster_names, load_overview
from state.revisions.revisions import Revision


def model_of(project: Project, revision: Revision, encoder: Encoder) -> GroupModel:
    """The groups of a revision as a model.

    Args:
        project: whose.
        revision: its groups are taken.
        encoder: of its photos.

    Raises:
        StoreError: a stored result is missing or damaged.
    """
    features, config = load_features(project, revision), revision.config.grounding
    x, defaults = features.visual(), features.defaults
    encode = partial(encode_texts, encoder, cache=TextCache())
    return GroupModel(
        encoder=revision.facts.encoder,
        revision=encoder.info.revision,
        knowledge=revision.knowledge,
        vectors=concept_vectors(revision.knowledge, encode, config),
        grounding=config,
        defaults=defaults,
        weight=revision.facts.weight,
        mean=collection_mean(features.raw, defaults),
        product_centre=product_centre(
            centred_features(features.raw, defaults) if config.mode == "raw" else x, config
        ),
        whitening=features.whitening,
        groups=groups_of(
            features.fused(revision.facts.weight),
            load_clustering(project, revision).labels,
            cluster_names(load_overview(project, revision), revision.knowledge),
        ),
    )
