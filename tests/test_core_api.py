"""KEC in notebooks: every form of photos and knowledge, edits, new photos, bad input; nothing is lost in silence."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image
from scipy.sparse import csr_matrix

import kec_core as kec
from kec_core.clustering.metrics import score
from kec_core.config import MappingConfig, RunConfig
from kec_core.encoders import encode_files
from kec_core.errors import Cancelled, InputError, ShapeError
from kec_core.knowledge.edits import parse_edit
from kec_core.photos.images import find_images
from kec_core.stages import resources
from kec_core.types import Knowledge
from tests.fakes import COLOURS, FirstNounBuilder, HashEncoder, colour_photos

NAMES = list(COLOURS)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return colour_photos(tmp_path_factory.mktemp("photos"), 8)


@pytest.fixture(scope="module")
def features(photos):
    return encode_files(HashEncoder(), list(find_images(photos))).features


def cluster(given, **options):
    return kec.cluster(given, **{"encoder": HashEncoder(), "knowledge": NAMES, "progress": False, **options})


@pytest.fixture(scope="module")
def result(photos):
    return cluster(photos)


def truth(files):
    return np.array([NAMES.index(file.split("/")[0]) for file in files], dtype=np.int32)


def test_names_alone_give_a_group_each(result):
    assert score(result.labels, truth(result.files)).acc == 1
    assert {result.names[label] for label in result.labels.tolist()} == set(NAMES)
    assert result.labels.dtype == np.int32
    assert result.confidence.shape == (32,)
    assert ((result.confidence >= 0) & (result.confidence <= 1)).all()
    assert result.knowledge.builder == "names"


def test_the_table_has_a_row_per_photo(result):
    table = result.to_frame()
    assert table["file"].tolist() == list(result.files)
    assert (table["cluster_name"] == table["file"].str.split("/").str[0]).all()
    assert (table["concept"] == table["cluster_name"]).all()


def test_files_keep_their_order_and_what_cannot_be_used_is_listed(photos, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no photo")
    given = [
        photos / "ocean/1.png",
        tmp_path / "gone.png",
        photos / "leaf/0.png",
        broken,
        photos / "leaf/1.png",
    ]
    made = cluster(given, n_clusters=2)
    ends = [file.rsplit("/", 2)[-2:] for file in made.files]
    assert ends == [["ocean", "1.png"], ["leaf", "0.png"], ["leaf", "1.png"]]
    assert made.labels[1] == made.labels[2] != made.labels[0]
    assert sorted(item.path.rsplit("/", 1)[-1] for item in made.skipped) == ["broken.jpg", "gone.png"]


def test_features_give_the_groups_of_the_photos(features, result):
    made = cluster(features)
    np.testing.assert_array_equal(made.labels, result.labels)
    assert made.files == tuple(map(str, range(32)))
    assert len(made.plot().layout.images) == 0


@pytest.mark.parametrize("as_what", ["list", "frame"])
def test_features_may_come_as_lists_or_data_frames(features, result, as_what):
    import pandas as pd

    given = (
        features.tolist()
        if as_what == "list"
        else pd.DataFrame(features, columns=[f"f{i}" for i in range(32)])
    )
    np.testing.assert_array_equal(cluster(given).labels, result.labels)


def test_a_knowledge_a_builder_and_wordnet_are_taken(photos, result, monkeypatch, tiny_wordnet):
    monkeypatch.setattr(resources, "load_wordnet", lambda: tiny_wordnet)
    own = RunConfig(mapping=MappingConfig(vocabulary="\n".join(NAMES), vocabulary_mode="only"))
    built = cluster(photos, knowledge=FirstNounBuilder(), n_clusters=4, options=own)
    assert {concept.name for concept in built.knowledge.concepts} <= set(NAMES)
    assert score(built.labels, truth(built.files)).acc == 1
    plain = cluster(photos, knowledge="wordnet", n_clusters=4, options=own)
    assert plain.knowledge.builder == "wordnet"
    listed = cluster(photos, knowledge="wordnet", options=own)  # the list says how many
    assert len(set(listed.labels.tolist())) == len(NAMES)
    again = cluster(photos, knowledge=result.knowledge)
    np.testing.assert_array_equal(again.labels, result.labels)
    assert again.knowledge == result.knowledge


def test_a_whole_list_names_the_groups_as_it_is_written_however_its_words_fit(
    photos, monkeypatch, tiny_wordnet
):
    monkeypatch.setattr(resources, "load_wordnet", lambda: tiny_wordnet)
    words = ["Dogs", "lorry", "cats", "xyzzy"]
    own = RunConfig(mapping=MappingConfig(vocabulary="\n".join(words), vocabulary_mode="only"))
    made = cluster(photos, knowledge="wordnet", options=own)
    assert {concept.name for concept in made.knowledge.concepts} == set(words)
    assert len(set(made.labels.tolist())) == len(words)


def test_guidance_and_weight_hold(photos):
    made = cluster(photos, guidance="not crimson", weight=0.25)
    assert made.knowledge.guidance == "not crimson"
    assert made.state.weight == 0.25


def test_an_explanation_adds_up_and_may_be_asked_by_file(result):
    why = result.explain("leaf/0.png")
    assert why.total == pytest.approx(sum(part.value for part in why.parts))
    assert why == result.explain(result.files.index("leaf/0.png"))
    with pytest.raises(InputError, match="row from 0 to 31"):
        result.explain("nowhere.png")


def test_edits_give_another_result_all_or_none(result):
    before = result.labels.copy()
    home = result.labels[result.files.index("ocean/0.png")]
    move = {"op": "move_photos", "images": ["leaf/0.png"], "cluster": int(home)}
    after = result.edit([move, {"op": "rename_cluster", "cluster": int(home), "name": "the sea"}])
    assert after.labels[result.files.index("leaf/0.png")] == home
    assert after.names[int(home)] == "the sea"
    assert [edit.op for edit in after.edits] == ["move_photos", "rename_cluster"]
    assert len(after.notes) == 2
    np.testing.assert_array_equal(result.labels, before)
    assert result.edit([parse_edit(move)]).labels.tolist() == result.edit([move]).labels.tolist()
    with pytest.raises(InputError, match="index 1"):
        result.edit([move, {"op": "no such thing"}])


def test_new_photos_go_to_the_group_of_their_colour(result, photos, tmp_path):
    unseen = colour_photos(tmp_path / "unseen", 2)
    found = result.assign(unseen)
    files = sorted(path.relative_to(unseen).as_posix() for path in unseen.rglob("*.png"))
    names = [result.names[label] for label in found.clusters.tolist()]
    assert names == [file.split("/")[0] for file in files]
    (unseen / "leaf/broken.png").write_bytes(b"no photo")
    with pytest.raises(InputError, match=r"1 cannot be used .*broken\.png"):
        result.assign(unseen)


def test_progress_is_told_and_may_stop_the_work(photos):
    labels = set()
    cluster(photos, progress=lambda done, total, label: labels.add(label))
    assert "Encoding photos" in labels

    def stop(*_):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        cluster(photos, progress=stop)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        ([], InputError, "nothing came"),
        (np.zeros((0, 32)), InputError, "empty"),
        (np.ones((4, 5)), ShapeError, r"\(rows, 32\)"),
        (np.full((4, 32), np.nan), ShapeError, "finite"),
        (np.array([["a", "b"]]), InputError, "table of numbers"),
        (3, InputError, r"shape|table"),
        ("/nowhere/at/all", InputError, "folder"),
    ],
)
def test_photos_that_cannot_be_used_are_refused_in_a_sentence(given, error, words):
    with pytest.raises(error, match=words):
        cluster(given)


@pytest.mark.parametrize("second", ["leaf/0.png", "leaf/../leaf/0.png", "gone/../leaf/0.png"])
def test_a_file_that_comes_twice_is_refused(photos, second):
    with pytest.raises(InputError, match="comes twice"):
        cluster([photos / "leaf/0.png", photos / second])


class Elsewhere:
    """As a tensor with gradients or on a GPU."""

    ndim, shape = 2, (4, 32)

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad")


@pytest.mark.parametrize(
    ("photos", "words"),
    [
        ([[1, 2], [3]], "table of numbers"),
        (Elsewhere(), "requires grad.*NumPy array"),
        (np.ma.masked_array(np.ones((4, 32)), np.eye(4, 32) > 0), "masked"),
        (np.vstack([np.ones((3, 32)), np.zeros((1, 32))]), "row 3 is all zeros .1 of 4"),
        ("a\0b", "not a folder that can be read"),
        (["a\0b"], "can be used"),
        ("~nobody-is-called-so/x", "not a folder that can be read"),
        ("", "A path was expected"),
        (None, "NoneType came; give pictures as files"),
        (np.ones((4, 32)).astype(object), "object values came"),
        (3, "int came; give pictures as files"),
        ((one for one in "ab"), "generator came"),
        (csr_matrix(np.ones((4, 32))), "csr_matrix came.*dense array"),
        (np.zeros((4, 8, 8, 3), dtype=np.uint8), "shape .4, 8, 8, 3. came; give pictures as files"),
        ([Image.new("RGB", (8, 8))], "shape .1, 8, 8, 3. came; give pictures as files"),
        ([Image.new("RGB", (8, 8)), Image.new("RGB", (9, 8))], "give pictures as files|NumPy array"),
    ],
)
def test_odd_photos_are_one_sentence(photos, words):
    with pytest.raises((InputError, ShapeError), match=words):
        cluster(photos)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_clusters": 2.5}, "whole number"),
        ({"n_clusters": "3"}, "whole number"),
        ({"n_clusters": True}, "whole number"),
        ({"n_clusters": 0}, "at least 1"),
        ({"seed": -1}, "seed should be a whole number"),
        ({"seed": "a"}, "seed should be a whole number"),
        ({"weight": -1}, "weight"),
        ({"weight": float("nan")}, "weight"),
        ({"weight": "a"}, "weight"),
        ({"guidance": 3}, "Guidance should be a text"),
        ({"options": {}}, "RunConfig"),
        ({"encoder": None}, "An encoder or the name"),
        ({"knowledge": None}, "names of concepts"),
        ({"knowledge": 5}, "names of concepts"),
        ({"knowledge": ["a\ud800", "b"]}, "should be texts"),
        ({"knowledge": {"a": 3}}, "should be texts"),
    ],
)
def test_odd_options_are_one_sentence(features, options, words):
    given = {"encoder": HashEncoder(), "knowledge": list(COLOURS)[:3], "progress": False, **options}
    with pytest.raises(InputError, match=words):
        kec.cluster(features, **given)


def test_numbers_of_numpy_and_names_in_any_collection_are_taken(features):
    expected = cluster(features, n_clusters=3, knowledge=["leaf", "ocean", "lemon"]).labels
    for names in (np.array(["leaf", "ocean", "lemon"]), (name for name in ("leaf", "ocean", "lemon"))):
        np.testing.assert_array_equal(
            cluster(features, n_clusters=np.int64(3), knowledge=names).labels, expected
        )
    assert len(set(cluster(features, knowledge={"leaf": None, "ocean": ""}).labels.tolist())) == 2


@pytest.mark.parametrize("scale", [1e-40, 1e30, 1e200])
def test_features_of_any_scale_give_the_same_groups(features, scale):
    expected = cluster(features, n_clusters=3, knowledge=["leaf", "ocean", "lemon"]).labels
    scaled = cluster(
        features.astype(np.float64) * scale, n_clusters=3, knowledge=["leaf", "ocean", "lemon"]
    ).labels
    np.testing.assert_array_equal(scaled, expected)


@pytest.mark.parametrize("folder", [None, 3, "", []])
def test_what_is_no_path_is_not_opened(result, folder):
    with pytest.raises(InputError, match="A path was expected"):
        kec.open(folder)
    with pytest.raises(InputError, match="A path was expected"):
        result.save(folder)


@pytest.mark.parametrize(
    ("knowledge", "words"),
    [
        ("magic", "but 'magic' came"),
        ([], "Different names"),
        (["leaf", "LEAF"], "Different names"),
        (["leaf", " "], "Different names"),
        (["leaf", 3], "should be texts"),
        (Knowledge(), "concept"),
    ],
)
def test_knowledge_that_cannot_be_used_is_refused_in_a_sentence(photos, knowledge, words):
    with pytest.raises(InputError, match=words):
        cluster(photos, knowledge=knowledge)


def test_too_many_groups_are_refused(features):
    with pytest.raises(InputError, match="between 1 and the number of photos"):
        cluster(features, n_clusters=33)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"n_clusters": 0}, "at least 1"), ({"looks": "nowhere"}, "Unknown space of looks")],
)
def test_what_cannot_be_had_is_refused_before_photos_are_encoded(photos, wrong, words):
    told: list[tuple[object, ...]] = []
    with pytest.raises(InputError, match=words):
        cluster(photos, **wrong, progress=lambda *step: told.append(step))
    assert not told


def test_a_single_edit_is_refused_with_what_to_do(photos):
    with pytest.raises(InputError, match=r"list of edits was expected.*\[edit\]"):
        cluster(photos, n_clusters=2).edit({"op": "set_weight", "knowledge": 0.4})


@pytest.mark.parametrize("edits", [None, 3])
def test_what_is_no_list_of_edits_is_refused_in_a_sentence(result, edits):
    with pytest.raises(InputError, match=r"A list of edits was expected, but .* came; give"):
        result.edit(edits)


def test_a_label_and_numbers_of_numpy_may_stand_in_edits(result):
    target = result.labels[-1]
    better = result.edit(
        [
            {
                "op": "move_photos",
                "images": np.array(result.files[:1]),
                "cluster": target,
                "follow": np.False_,
            },
            {"op": "merge_clusters", "clusters": np.unique(result.labels)[:2], "name": np.str_("both")},
            {"op": "set_weight", "knowledge": np.float64(0.4)},
        ]
    )
    assert len(set(better.labels.tolist())) == 3
    assert json.loads(json.dumps([edit.to_json() for edit in better.edits]))[0]["cluster"] == int(target)


def test_the_library_is_imported_when_it_is_used():
    code = "import sys, kec_core; print(sorted({'numpy', 'sklearn', 'torch', 'state'} & set(sys.modules)))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"
    assert {"cluster", "open", "KEC", "TACNoTrain", "Result"} <= set(dir(kec))
    assert kec.cluster is importlib.import_module("kec_core.api.cluster").cluster
    with pytest.raises(AttributeError, match="no attribute 'clusters'"):
        _ = kec.clusters
