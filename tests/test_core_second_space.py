"""A second space of looks: what it knows and what words know come together; what cannot be done with it is said."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import kec_core as kec
from kec_core.clustering.metrics import score
from kec_core.clustering.whitening import (
    SecondSpace,
    Whitening,
    beside,
    fit_whitening,
    looks_of,
    unwhitened,
)
from kec_core.config import ClusteringConfig, RunConfig
from kec_core.encoders import encode_files, load_looks, load_second_space
from kec_core.errors import InputError, ResourceMissing, ShapeError
from kec_core.photos.images import scan_images
from kec_core.result.group_model import second_space
from kec_core.result.group_model_file import model_bytes, read_model
from kec_core.stages import Hooks, Resources, Runner, embed_second, pipeline, read_whitening, whitening_result
from kec_core.store import FolderStore
from state.project.project import Project
from state.revisions import revisions
from state.revisions.clusterings import load_features
from tests.fakes import COLOURS, VOCABULARY, FirstNounBuilder, HashEncoder

PLANTED = ("crimson", "ocean")


def unit(rows):
    return np.float32(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def plant(folder, count, rng):
    """Photos of two colours, which words tell apart, in two kinds that only the second space tells apart."""
    names, truth, rows = [], [], []
    for colour in PLANTED:
        for kind in (0, 1):
            for number in range(count):
                shade = np.clip(np.array(COLOURS[colour]) + rng.normal(0, 12, 3), 0, 255).astype(np.uint8)
                names.append(f"{colour}-{kind}-{number:03}.png")
                (folder / "photos").mkdir(parents=True, exist_ok=True)
                Image.fromarray(np.tile(shade, (12, 12, 1))).save(folder / "photos" / names[-1])
                truth.append(len(truth) // count)
                rows.append(np.eye(24)[kind] + rng.normal(0, 0.1, 24))
    np.savez(folder / "second.npz", ids=np.array(names), features=np.float32(rows))
    return dict(zip(names, truth, strict=True)), dict(zip(names, unit(np.array(rows)), strict=True))


def run(folder, store, looks=None, config=None):
    resources = Resources(
        encoder=HashEncoder(), vocabulary=VOCABULARY, builder=FirstNounBuilder(), looks=looks
    )
    root = folder / "photos"
    return pipeline.run(scan_images(root).images, root, resources, config or RunConfig(n_clusters=4), store)


@pytest.mark.parametrize("count", [12, 60], ids=["as they are", "whitened"])
def test_looks_of_two_spaces_and_knowledge_beat_either(tmp_path, count):
    truth_of, rows_of = plant(tmp_path, count, np.random.default_rng(0))
    store = FolderStore(tmp_path / "store")
    looks = load_looks(str(tmp_path / "second.npz"))
    both = run(tmp_path, store, looks)
    truth = np.int32([truth_of[image_id] for image_id in both.embeddings.ids])
    second = np.array([rows_of[image_id] for image_id in both.embeddings.ids])
    from kec_core.clustering import spherical_kmeans

    words_alone = score(run(tmp_path, store).clustering.labels, truth).acc
    second_alone = score(spherical_kmeans(second, 4, n_init=5, max_iter=100, seed=0).labels, truth).acc
    accuracy = score(both.clustering.labels, truth).acc
    assert accuracy > 0.95
    assert accuracy > max(words_alone, second_alone) + 0.2
    is_plain = np.array_equal(both.whitening.onto, np.eye(len(both.whitening.onto)))
    assert is_plain == (count == 12)
    np.testing.assert_allclose(np.linalg.norm(both.looks, axis=1), 1, atol=1e-4)
    assert {concept.name for concept in both.knowledge.concepts} >= set(PLANTED)


def test_a_second_run_reuses_it_and_another_space_redoes_only_what_follows(tmp_path):
    plant(tmp_path, 12, np.random.default_rng(0))
    store = FolderStore(tmp_path / "store")
    looks = load_looks(str(tmp_path / "second.npz"))
    first, again = run(tmp_path, store, looks), run(tmp_path, store, looks)
    assert all(report.reused for report in again.reports)
    np.testing.assert_array_equal(first.looks, again.looks)
    with np.load(tmp_path / "second.npz") as found:
        np.savez(tmp_path / "third.npz", ids=found["ids"], features=found["features"][:, ::-1])
    other = run(tmp_path, store, load_looks(str(tmp_path / "third.npz")))
    assert [report.stage for report in other.reports if not report.reused] == ["second", "looks", "cluster"]
    plain = run(tmp_path, store)
    assert {"second", "looks"} & {report.stage for report in plain.reports} == set()


def test_both_spaces_count_alike():
    rng = np.random.default_rng(0)
    x, second = unit(rng.normal(size=(50, 6))), unit(rng.normal(size=(50, 30)))
    looks = looks_of(x, unwhitened(x, second))
    np.testing.assert_allclose(looks, beside(x, second), atol=1e-6)
    np.testing.assert_allclose(looks @ looks.T, (x @ x.T + second @ second.T) / 2, atol=1e-5)


def test_what_is_stored_is_read_as_it_was():
    rng = np.random.default_rng(0)
    x, second = unit(rng.normal(size=(240, 6))), unit(rng.normal(size=(240, 9)))
    fitted = fit_whitening(x, second)
    assert fitted.onto.shape[0] == 15
    kept = read_whitening(whitening_result(fitted))
    np.testing.assert_array_equal(kept.of(x), fitted.of(x))
    assert set(whitening_result(fit_whitening(x)).arrays) == {"centre", "onto"}


def test_paper_defaults_put_the_spaces_side_by_side(tmp_path):
    plant(tmp_path, 60, np.random.default_rng(0))
    config = RunConfig(n_clusters=4, clustering=ClusteringConfig(whiten=False))
    found = run(tmp_path, FolderStore(tmp_path / "store"), load_looks(str(tmp_path / "second.npz")), config)
    np.testing.assert_allclose(found.looks, beside(found.x, found.whitening.second), atol=1e-5)


def test_a_file_that_lacks_a_photo_is_refused_with_its_name(tmp_path):
    plant(tmp_path, 12, np.random.default_rng(0))
    with np.load(tmp_path / "second.npz") as found:
        np.savez(tmp_path / "short.npz", ids=found["ids"][1:], features=found["features"][1:])
    with pytest.raises(
        InputError, match=r"short.npz lacks 1 of 48, first crimson-0-000.png .*run without --looks"
    ):
        run(tmp_path, FolderStore(tmp_path / "store"), load_looks(str(tmp_path / "short.npz")))


def test_a_photo_is_encoded_once_and_rows_without_names_stay_with_their_photos(tmp_path):
    plant(tmp_path, 3, np.random.default_rng(0))
    root, runner = tmp_path / "photos", Runner(FolderStore(tmp_path / "store"), Hooks())
    with np.load(tmp_path / "second.npz") as found:
        np.save(tmp_path / "rows.npy", found["features"])
    records = scan_images(root).images
    ids = [record.id for record in records]
    rows = load_looks(str(tmp_path / "rows.npy"))
    by_row = embed_second(runner, records, root, rows, ids)
    assert "has no names" in by_row.data["note"]
    fewer = embed_second(runner, records[1:], root, rows, ids[1:])
    np.testing.assert_array_equal(fewer.arrays["features"], by_row.arrays["features"][1:])
    asked = []

    class Counting(HashEncoder):
        def encode_images(self, pixels):
            asked.append(len(pixels))
            return super().encode_images(pixels)

    embed_second(runner, records[1:], root, Counting(), ids[1:])
    assert sum(asked) == 11
    all_of_them = embed_second(runner, records, root, Counting(), ids)
    assert sum(asked) == 12
    assert all_of_them.arrays["features"].shape == (12, HashEncoder().info.dim)


def test_a_whitening_of_an_earlier_version_takes_no_new_photos():
    x = np.eye(3, dtype=np.float32)
    with pytest.raises(InputError, match=r"second space too .* run the project again"):
        second_space(unwhitened(x, x))
    assert second_space(Whitening(centre=x[0], onto=x)) is None


# --- notebooks


def test_notebooks_give_a_second_space_as_a_file_or_a_table(tmp_path):
    truth_of, rows_of = plant(tmp_path, 12, np.random.default_rng(0))
    names = dict.fromkeys(PLANTED, "")
    known = {"encoder": HashEncoder(), "knowledge": names, "n_clusters": 4, "progress": False}
    by_file = kec.cluster(tmp_path / "photos", looks=str(tmp_path / "second.npz"), **known)
    assert any("rows belong to photos by name" in note for note in by_file.notes)
    table = np.array([rows_of[file] for file in by_file.files])
    by_table = kec.cluster(tmp_path / "photos", looks=table, **known)
    features = kec.cluster(by_file.photos.raw, looks=table * 3, **known)
    truth = np.int32([truth_of[file] for file in by_file.files])
    assert score(kec.cluster(tmp_path / "photos", **known).labels, truth).acc < 0.8
    for result in (by_file, by_table, features):
        assert score(result.labels, truth).acc > 0.95
    assert by_file.config.looks == str(tmp_path / "second.npz")
    edited = by_file.edit(
        [{"op": "rename_concept", "concept": by_file.knowledge.concepts[0].id, "name": "scarlet"}]
    )
    assert edited.save(tmp_path / "project") == "r1"
    kept = load_features(project := Project.open(tmp_path / "project"), revisions.get(project, "r1"))
    np.testing.assert_allclose(kept.looks(), by_file.state.collection.looks, atol=1e-5)


def test_looks_that_do_not_fit_the_photos_are_refused(tmp_path):
    plant(tmp_path, 2, np.random.default_rng(0))
    known = {"encoder": HashEncoder(), "knowledge": list(PLANTED), "progress": False}
    with pytest.raises(InputError, match="A row of looks for each of 8 photos was expected, but 7 rows came"):
        kec.cluster(tmp_path / "photos", looks=np.ones((7, 3), np.float32), **known)
    rows = np.ones((8, HashEncoder().info.dim), np.float32)
    with pytest.raises(InputError, match="looks should be features too"):
        kec.cluster(rows, looks="dinov2", **known)


def test_new_photos_of_a_notebook_are_told_apart_by_both_spaces(tmp_path):
    _, rows_of = plant(tmp_path / "seen", 12, np.random.default_rng(0))
    _, rows_of_unseen = plant(tmp_path / "unseen", 5, np.random.default_rng(1))
    known = {
        "encoder": HashEncoder(),
        "knowledge": dict.fromkeys(PLANTED, ""),
        "n_clusters": 4,
        "progress": False,
    }
    seen, unseen = tmp_path / "seen/photos", tmp_path / "unseen/photos"
    result = kec.cluster(seen, looks=str(tmp_path / "seen/second.npz"), **known)
    files = sorted(path.name for path in unseen.iterdir())
    group_of = {}
    for file, label in zip(result.files, result.labels.tolist(), strict=True):
        group_of.setdefault(file[:-8], label)
    right = [group_of[file[:-8]] for file in files]
    table = np.array([rows_of_unseen[file] for file in files])
    by_file = result.assign(unseen, looks=str(tmp_path / "unseen/second.npz"))
    assert by_file.clusters.tolist() == right
    np.testing.assert_array_equal(result.assign(unseen, looks=table).clusters, by_file.clusters)
    raw = encode_files(HashEncoder(), [unseen / file for file in files]).features
    np.testing.assert_array_equal(result.assign(raw, looks=table).clusters, by_file.clusters)

    with pytest.raises(InputError, match=r"second.npz should name the photos.* fit none"):
        result.assign([unseen / "crimson-0-000.png"], looks=str(other_names(tmp_path)))
    with pytest.raises(InputError, match="looks should be features too"):
        result.assign(raw)
    with pytest.raises(ShapeError, match=r"shape \(rows, 24\)"):
        result.assign(raw, looks=table[:, :7])
    rows = np.array([rows_of[file] for file in result.files])
    from_table = kec.cluster(seen, looks=rows, **known)
    with pytest.raises(InputError, match="table of features that was given in a notebook"):
        from_table.assign(unseen)
    assert from_table.assign(unseen, looks=table).clusters.tolist() == [
        from_table.labels[result.files.index(f"{file[:-8]}-000.png")] for file in files
    ]
    plain = kec.cluster(seen, **known)
    with pytest.raises(InputError, match="come from the encoder alone"):
        plain.assign(raw, looks=table)


def other_names(folder):
    """A file of features that names other photos."""
    (folder / "other").mkdir()
    np.savez(folder / "other/second.npz", ids=np.array(["a.png"]), features=np.ones((1, 24), np.float32))
    return folder / "other/second.npz"


class Sharper(HashEncoder):
    """Looks by an encoder that came as an object."""

    def __init__(self):
        super().__init__()
        self.info = replace(self.info, name="sharper", revision="sharper-1")


def test_an_encoder_that_came_as_one_is_asked_for_new_photos(tmp_path):
    plant(tmp_path, 12, np.random.default_rng(0))
    known = {"encoder": HashEncoder(), "knowledge": list(PLANTED), "n_clusters": 2, "progress": False}
    result = kec.cluster(tmp_path / "photos", looks=Sharper(), **known)
    np.testing.assert_array_equal(result.assign(tmp_path / "photos").clusters, result.labels)
    edited = result.edit([{"op": "set_weight", "knowledge": 0.3}])
    np.testing.assert_array_equal(edited.assign(tmp_path / "photos").clusters, edited.labels)


def test_a_model_file_keeps_the_second_space(tmp_path):
    plant(tmp_path, 60, np.random.default_rng(0))
    known = {
        "encoder": HashEncoder(),
        "knowledge": dict.fromkeys(PLANTED, ""),
        "n_clusters": 4,
        "progress": False,
    }
    result = kec.cluster(tmp_path / "photos", looks=str(tmp_path / "second.npz"), **known)
    (tmp_path / "model.npz").write_bytes(model_bytes(result.model))
    model = read_model(tmp_path / "model.npz")
    assert model.space.encoder == f"embeddings:{tmp_path / 'second.npz'}"
    assert model.whitening.second is None
    second = result.photos.raw[:, :24] * 0 + result.state.collection.whitening.second
    again = model.assign(result.photos.raw, second + model.space.mean)
    np.testing.assert_array_equal(again.clusters, result.labels)
    with pytest.raises(InputError, match="only with their features there"):
        model.assign(result.photos.raw)
    with pytest.raises(ShapeError, match="240 rows of the second space were expected"):
        model.assign(result.photos.raw, second[1:])


# --- networks of timm


def test_another_version_of_a_network_is_refused_for_new_photos(checkpoint):
    name = f"timm:test_vit/{checkpoint}"
    encoder = load_looks(name)
    assert encoder.info.name == name
    mean = np.zeros(encoder.info.dim, np.float32)
    same = SecondSpace(encoder=name, revision=encoder.info.revision, mean=mean)
    assert load_second_space(same).info.revision == encoder.info.revision
    with pytest.raises(InputError, match="another version of their second space"):
        load_second_space(replace(same, revision="older"))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """Random weights of a tiny vision transformer."""
    import timm

    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("timm") / "tiny.pth"
    torch.save(timm.create_model("test_vit", pretrained=False, num_classes=0).state_dict(), file)
    return file


def test_a_network_of_timm_gives_looks(checkpoint):
    encoder = load_looks(f"timm:test_vit/{checkpoint}")
    photos = [Image.new("RGB", (50, 30), colour) for colour in ("red", "red", "blue")]
    features = encoder.encode_images(np.stack([encoder.preprocess(photo) for photo in photos]))
    assert features.shape == (3, encoder.info.dim)
    assert features.dtype == np.float32
    np.testing.assert_allclose(features[0], features[1], atol=1e-4)
    assert np.abs(features[0] - features[2]).max() > 1e-3
    assert load_looks(f"timm:test_vit/{checkpoint}").info.revision == encoder.info.revision
    with pytest.raises(InputError, match="knows photos only"):
        encoder.encode_texts(["a bird"])


def test_other_weights_are_another_space(checkpoint, tmp_path):
    state = torch.load(checkpoint, weights_only=True)
    torch.save({name: tensor + 1 for name, tensor in state.items()}, tmp_path / "other.pth")
    other = load_looks(f"timm:test_vit/{tmp_path / 'other.pth'}")
    assert other.info.revision != load_looks(f"timm:test_vit/{checkpoint}").info.revision


def test_a_checkpoint_may_hold_its_classifier_as_published_ones_do(checkpoint, tmp_path):
    state = torch.load(checkpoint, weights_only=True)
    classifier = {"head.weight": torch.ones(9, 64), "head.bias": torch.ones(9)}
    torch.save({**state, **classifier}, tmp_path / "whole.pth")
    whole = load_looks(f"timm:test_vit/{tmp_path / 'whole.pth'}")
    assert whole.info.revision == load_looks(f"timm:test_vit/{checkpoint}").info.revision


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("timm:no_such_net", "timm has no model 'no_such_net'; .* for example are models of timm"),
        ("timm:test_vit/gone.pth", "A checkpoint of test_vit was expected at gone.pth, but no file is there"),
        ("dinov9", r"Unknown space of looks 'dinov9'; known are dinov2, timm:MODEL"),
        ("gone.npy", "There should be a file of features at gone.npy"),
    ],
)
def test_a_space_that_cannot_be_loaded_is_one_sentence(name, said):
    with pytest.raises(InputError, match=said):
        load_looks(name)


def test_weights_that_do_not_fit_are_one_sentence(tmp_path):
    torch.save({"a": torch.zeros(3)}, tmp_path / "wrong.pth")
    with pytest.raises(InputError, match="weights that fit it, but cannot be loaded"):
        load_looks(f"timm:test_vit/{tmp_path / 'wrong.pth'}")


def test_published_weights_that_cannot_be_fetched_are_said(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ResourceMissing, match=r"dinov2.* not on this machine .*timm:MODEL/CHECKPOINT"):
        load_looks("dinov2")
