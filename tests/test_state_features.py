"""What revisions were clustered on: whitened looks stay with every revision that goes on from them."""

from __future__ import annotations

import numpy as np
import pytest

from kec_core.clustering import fuse, whitening
from kec_core.knowledge.edits import SetClusters
from kec_core.result.group_model_file import model_bytes, read_model
from kec_core.stages import groups
from state.revisions.clusterings import load_clustering, load_features
from state.revisions.group_models import model_of
from state.work.workbench import LiveStates, Workbench
from tests.fakes import HashEncoder
from tests.page_helpers import make_photos, make_project


@pytest.fixture
def project(hash_encoder, tmp_path, monkeypatch):
    """Its photos are enough to be whitened."""
    for module in (whitening, groups):
        monkeypatch.setattr(module, "FEWEST", 8)
    return make_project(tmp_path / "home", make_photos(tmp_path / "photos"))


def test_edits_go_on_in_the_space_that_was_clustered(project):
    bench = Workbench(project, LiveStates())
    first = bench.shown()
    features = load_features(project, first)
    looks = features.looks()
    assert looks.shape[1] == len(features.ids) // 4 < features.visual().shape[1]
    assert load_clustering(project, first).centroids.shape[1] == looks.shape[1] + features.raw.shape[1]
    kept = bench.commit(bench.preview([SetClusters(k=2)]))
    later = load_features(project, kept)
    assert np.allclose(later.looks(), looks, atol=1e-6)
    assert np.allclose(bench.live().collection.looks, looks, atol=1e-6)


def test_every_map_is_made_from_its_own_space(project):
    features = load_features(project, Workbench(project, LiveStates()).shown())
    assert np.array_equal(features.of_space("visual", 0.5), features.visual())
    known = features.of_space("knowledge", 0.5)
    assert np.allclose(np.linalg.norm(known, axis=1), 1, atol=1e-5)
    combined = features.of_space("combined", 0.5)
    assert np.allclose(combined, fuse(features.looks(), features.grounding.kappa, 0.5), atol=1e-6)


def test_a_model_sorts_photos_in_the_space_that_was_clustered(project, tmp_path):
    shown = Workbench(project, LiveStates()).shown()
    features = load_features(project, shown)
    (tmp_path / "model.npz").write_bytes(model_bytes(model_of(project, shown, HashEncoder())))
    model = read_model(tmp_path / "model.npz")
    assert model.whitening is not None
    found = model.assign(np.array(features.raw))
    assert np.array_equal(found.clusters, load_clustering(project, shown).labels)
