"""Where a phrase is seen in a photo of a project."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from kec_core.arrays import FloatVector
from kec_core.encoders.base import collection_mean
from kec_core.explain import HeatMap, has_places, heat_map
from kec_core.photos.images import open_image
from state.project.project import Project
from state.revisions import revisions
from state.revisions.clusterings import load_features
from state.revisions.revisions import Revision
from state.work.editing import loaded_encoder


def knows_places(revision: Revision) -> bool:
    """Whether the encoder of a revision can tell places of a photo apart; some networks refuse all the same."""
    return has_places(loaded_encoder(revision.facts.encoder))


def phrase_map(project: Project, revision: Revision, image_id: str, phrase: str) -> HeatMap:
    """Compare a phrase with the places of a photo, as its features were compared with texts.

    Raises:
        InputError: the photo is not there any more or unreadable, the phrase is empty, or the encoder of this revision
            knows no places.
    """
    encoder = loaded_encoder(revision.facts.encoder)
    photo = open_image(project.photo_path(image_id), min_side=encoder.info.image_side)
    return heat_map(encoder, photo, phrase, mean=_mean(project.folder, revision.id))


@lru_cache(maxsize=8)
def _mean(folder: Path, revision_id: str) -> FloatVector:
    """What is taken off the features of the collection, (d,); it reads all of them once."""
    project = Project(folder)
    features = load_features(project, revisions.get(project, revision_id))
    return collection_mean(features.raw, features.defaults)
