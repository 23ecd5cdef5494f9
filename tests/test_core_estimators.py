"""KEC and TAC as estimators of scikit-learn: the library's own checks, and photos by their features and files."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer
from sklearn.utils.estimator_checks import parametrize_with_checks

import kec_core as kec
from kec_core.clustering.metrics import score
from kec_core.encoders import encode_files
from kec_core.errors import InputError, ShapeError
from kec_core.photos.images import find_images
from tests.fakes import COLOURS, HashEncoder, colour_photos
from tests.test_core_second_space import plant

NAMES = list(COLOURS)
WIDTH = "it fits features of two to ten columns, but words can be compared only with features of the encoder's width"
NEED_FEATURES = (
    "check_clustering",
    "check_dict_unchanged",
    "check_dont_overwrite_parameters",
    "check_dtype_object",
    "check_estimators_dtypes",
    "check_estimators_fit_returns_self",
    "check_estimators_nan_inf",
    "check_estimators_overwrite_params",
    "check_estimators_pickle",
    "check_f_contiguous_array_estimator",
    "check_fit2d_1feature",
    "check_fit2d_1sample",
    "check_fit2d_predict1d",
    "check_fit_check_is_fitted",
    "check_fit_idempotent",
    "check_fit_score_takes_y",
    "check_methods_sample_order_invariance",
    "check_methods_subset_invariance",
    "check_n_features_in",
    "check_n_features_in_after_fitting",
    "check_pipeline_consistency",
    "check_positive_only_tag_during_fit",
    "check_readonly_memmap_input",
)


def not_applicable(estimator):
    """The checks that bring features of their own, for estimators that compare them with words."""
    by_looks = isinstance(estimator, kec.KEC) and estimator.knowledge is None
    return {} if by_looks else dict.fromkeys(NEED_FEATURES, WIDTH)


@parametrize_with_checks(
    [
        kec.KEC(n_clusters=3, knowledge=None),
        kec.KEC(n_clusters=3, knowledge=NAMES, encoder=HashEncoder()),
        kec.TACNoTrain(n_clusters=3, nouns=NAMES, encoder=HashEncoder()),
    ],
    expected_failed_checks=not_applicable,
)
def test_what_scikit_learn_asks_of_estimators(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return colour_photos(tmp_path_factory.mktemp("photos"), 8)


@pytest.fixture(scope="module")
def files(photos):
    return list(find_images(photos))


@pytest.fixture(scope="module")
def features(files):
    return encode_files(HashEncoder(), files).features


def estimators():
    return [
        kec.KEC(knowledge=NAMES, encoder=HashEncoder()),
        kec.TACNoTrain(n_clusters=4, nouns=[*NAMES, "stone", "paper"], encoder=HashEncoder()),
        kec.KEC(n_clusters=4, knowledge=None),
    ]


def truth(files):
    return np.array([NAMES.index(file.parent.name) for file in files], dtype=np.int32)


@pytest.mark.parametrize("model", estimators(), ids=["KEC", "TACNoTrain", "looks"])
def test_groups_are_found_and_new_photos_join_them(model, files, features):
    model = clone(model)
    labels = model.fit_predict(features[::2])
    assert score(labels, truth(files[::2])).acc == 1
    joined = model.predict(features[1::2])
    np.testing.assert_array_equal(joined, labels)  # neighbours in the list are of one colour
    assert set(model.names_) == set(labels.tolist())
    assert model.n_features_in_ == 32


@pytest.mark.parametrize("model", estimators()[:2], ids=["KEC", "TACNoTrain"])
def test_files_and_features_give_the_same(model, files, features):
    by_files, by_features = clone(model).fit(files), clone(model).fit(features)
    np.testing.assert_array_equal(by_files.labels_, by_features.labels_)
    np.testing.assert_array_equal(by_files.predict(files[:3]), by_features.predict(features[:3]))


def test_the_result_behind_kec_is_there_with_its_photos(files):
    model = kec.KEC(knowledge=NAMES, encoder=HashEncoder()).fit(files)
    assert len(model.result_.plot().layout.images) == 32
    assert {model.names_[label] for label in model.labels_.tolist()} == set(NAMES)


def test_it_stands_at_the_end_of_a_pipeline(files, features):
    pipe = make_pipeline(Normalizer(), kec.KEC(knowledge=NAMES, encoder=HashEncoder()))
    assert score(np.asarray(pipe.fit_predict(features)), truth(files)).acc == 1


@pytest.mark.parametrize("model", estimators()[:2], ids=["KEC", "TACNoTrain"])
def test_a_photo_without_a_row_and_features_of_another_width_are_refused(model, files, features, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no photo")
    with pytest.raises(InputError, match="cannot be used"):
        clone(model).fit([*files, broken])
    with pytest.raises(ShapeError, match=r"\(rows, 32\)"):
        clone(model).fit(features[:, :5])


def test_the_same_seed_gives_the_same_groups(features):
    runs = [
        kec.TACNoTrain(n_clusters=5, nouns=NAMES, encoder=HashEncoder(), random_state=3) for _ in range(2)
    ]
    first, second = (run.fit_predict(features) for run in runs)
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("nouns", ["crimson", None, 3, [3], [None], [""]])
def test_nouns_that_are_neither_wordnet_nor_words_are_refused(features, nouns):
    with pytest.raises(InputError, match=r'"wordnet" or a list of words, but .* came; put words into a list'):
        kec.TACNoTrain(n_clusters=3, nouns=nouns, encoder=HashEncoder()).fit(features)


# --- a second space of looks


@pytest.mark.parametrize("knowledge", [["crimson", "ocean"], None], ids=["knowledge", "looks alone"])
def test_tables_of_looks_are_taken_by_fit_and_predict(tmp_path, knowledge):
    truth_of, rows_of = plant(tmp_path, 12, np.random.default_rng(0))
    files = list(find_images(tmp_path / "photos"))
    features = encode_files(HashEncoder(), files).features
    looks = np.array([rows_of[file.name] for file in files])
    truth = np.int32([truth_of[file.name] for file in files])
    model = kec.KEC(n_clusters=4, knowledge=knowledge, encoder=HashEncoder())
    labels = model.fit_predict(features[::2], looks=looks[::2])
    assert score(labels, truth[::2]).acc == 1
    np.testing.assert_array_equal(model.predict(features[1::2], looks=looks[1::2]), labels)
    assert score(clone(model).fit(features[::2]).labels_, truth[::2]).acc < 0.8
    with pytest.raises((InputError, ShapeError)):
        model.predict(features)
    with pytest.raises((InputError, ShapeError)):
        model.predict(features, looks=looks[:, :3])
    with pytest.raises(
        InputError, match="A row of looks for each of 48 photos was expected, but 24 rows came"
    ):
        model.fit(features, looks=looks[::2])


def test_looks_by_name_are_a_parameter_and_serve_new_photos(tmp_path):
    truth_of, _ = plant(tmp_path, 12, np.random.default_rng(0))
    files = list(find_images(tmp_path / "photos"))
    model = kec.KEC(
        n_clusters=4,
        knowledge=["crimson", "ocean"],
        encoder=HashEncoder(),
        looks=str(tmp_path / "second.npz"),
    )
    model = clone(model).fit(files)
    assert model.get_params()["looks"] == str(tmp_path / "second.npz")
    assert score(model.labels_, np.int32([truth_of[file.name] for file in files])).acc == 1
    np.testing.assert_array_equal(model.predict(files[:9]), model.labels_[:9])
    with pytest.raises(InputError, match="looks should be features too"):
        clone(model).set_params(knowledge=None).fit(encode_files(HashEncoder(), files).features)
