"""KEC and TAC as estimators of scikit-learn: ``fit``, ``fit_predict``, ``predict`` for new photos (docs/api.md)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from kec_core.api.cluster import WORDNET, KnowledgeInput
from kec_core.api.cluster import cluster as cluster_photos
from kec_core.api.features import as_encoder, features_of, refuse_skipped
from kec_core.api.input import Looks, Photos, as_files, looks_table, whole
from kec_core.api.result import Result
from kec_core.arrays import FloatMatrix, IntVector, check_matrix, l2_normalize, no_progress
from kec_core.clustering import cluster, estimate_n_clusters
from kec_core.clustering.whitening import beside
from kec_core.config import ClusteringConfig
from kec_core.encoders import TextCache, encode_texts
from kec_core.encoders.base import Encoder, collection_mean, visual_features
from kec_core.errors import InputError
from kec_core.methods.counterparts import filtered_nouns, mix_of_nouns
from kec_core.methods.inputs import MethodInputs, PhotoFeatures, photo_features
from kec_core.methods.options import TacOptions
from kec_core.methods.tac import beside_text
from kec_core.result.group_model import GroupModel, Groups, groups_of
from kec_core.types import Noun
from kec_core.wordnet.vocabulary import wordnet_vocabulary
from kec_core.wordnet.wordnet import load_wordnet


class _PhotoClusterer(ClusterMixin, BaseEstimator):  # type: ignore[misc]
    """What both estimators share: photos or features in, labels out.

    Attributes:
        labels_: int32 (N,), the group of each photo.
        names_: the name of each group, by its label.
    """

    random_state: Any

    def _features(self, photos: Photos, encoder: Encoder, *, reset: bool) -> FloatMatrix:
        """Raw features of photos, float32 (N, d); checked and counted as scikit-learn does when they are features."""
        table = photos if as_files(photos) is not None else self._table(photos, reset=reset)
        return features_of(table, encoder)[0]

    def _table(self, features: Photos, *, reset: bool) -> NDArray[np.float32]:
        if as_files(features) is not None:
            raise InputError(
                "Features were expected, since without knowledge no encoder is asked, but files came; give a table of numbers, "
                'or knowledge such as "wordnet".'
            )
        table: NDArray[np.float32] = validate_data(
            self, features, dtype=np.float32, reset=reset, ensure_min_samples=1
        )
        return table

    def _seed(self) -> int:
        if isinstance(self.random_state, (int, np.integer)):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))


class KEC(_PhotoClusterer):
    """KEC: groups by looks and knowledge.

    Args:
        n_clusters: K; None takes one group per name, or estimates it.
        encoder: name or encoder of the photos and words; by name it is loaded once.
        knowledge: "wordnet", a ``Knowledge``, a builder or names as in ``kec.cluster``; None clusters by looks alone, and
            then features of any width do.
        guidance: what the groups should be about, in words.
        looks: a second space that looks come from beside the encoder's, by name or as an encoder (docs/api.md); for
            features, ``fit`` and ``predict`` take a table of looks instead.
        weight: of the knowledge beside the looks; None chooses it.
        random_state: seed, ``RandomState`` or None.

    Attributes:
        labels_: int32 (N,), the group of each photo.
        names_: the name of each group, by its label.
        result_: the ``kec.Result``; None without knowledge.
        n_features_in_: d, when ``fit`` was given features.
    """

    def __init__(
        self,
        n_clusters: int | None = None,
        *,
        encoder: str | Encoder = "auto",
        knowledge: KnowledgeInput | None = WORDNET,
        guidance: str = "",
        looks: str | Encoder | None = None,
        weight: float | None = None,
        random_state: Any = 0,  # noqa: ANN401 - int, RandomState or None
    ) -> None:
        self.n_clusters = n_clusters
        self.encoder = encoder
        self.knowledge = knowledge
        self.guidance = guidance
        self.looks = looks
        self.weight = weight
        self.random_state = random_state

    def fit(self, X: Photos, y: object = None, *, looks: Looks | None = None) -> Self:  # noqa: N803, ARG002 - scikit-learn's names
        """Group photos.

        Args:
            X: a folder, a list of files, or raw features (N, d) of the encoder.
            y: ignored.
            looks: features (N, d2) of the photos in a second space of looks, or what gives them; None takes the parameter
                ``looks``.

        Raises:
            InputError: a photo cannot be used, for a row for each is needed; more groups than photos are asked for; or
                looks that cannot be used.
            ShapeError: features that are not as wide as the encoder's.
        """
        self.result_: Result | None = None
        self.model_: GroupModel | Groups
        second = self.looks if looks is None else looks
        if self.knowledge is None:
            return self._fit_looks(_side_by_side(self._table(X, reset=True), second))
        result = cluster_photos(
            X if as_files(X) is not None else self._table(X, reset=True),
            self.n_clusters,
            as_encoder(self.encoder),
            self.knowledge,
            self.guidance,
            looks=second,
            weight=self.weight,
            seed=self._seed(),
            progress=False,
        )
        refuse_skipped(result.skipped)
        self.result_ = result
        self.labels_, self.names_, self.model_ = result.labels, result.names, result.model
        return self

    def _fit_looks(self, x: FloatMatrix) -> Self:
        seed = self._seed()
        n_clusters = (
            estimate_n_clusters(x, seed=seed)[0]
            if self.n_clusters is None
            else whole(self.n_clusters, "n_clusters", 1)
        )
        found = cluster(x, n_clusters, ClusteringConfig(), seed=seed)
        self.labels_ = np.asarray(found.labels)
        self.names_ = {label: f"Cluster {label + 1}" for label in np.unique(self.labels_).tolist()}
        self.model_ = groups_of(x, self.labels_, self.names_)
        return self

    def predict(self, X: Photos, *, looks: Looks | None = None) -> IntVector:  # noqa: N803 - scikit-learn's name
        """The group of new photos, int32 (N,).

        Args:
            X: as in ``fit``.
            looks: these photos in the second space, as in ``fit``; None asks the encoder of the second space, if there is one.

        Raises:
            InputError: a photo cannot be used, or features of the second space are not to be had.
            ShapeError: features of another width.
        """
        check_is_fitted(self)
        if self.result_ is not None:
            photos = X if as_files(X) is not None else self._table(X, reset=False)
            return self.result_.assign(photos, looks=looks).clusters
        assert isinstance(self.model_, Groups)
        rows = _side_by_side(self._table(X, reset=False), looks)
        return self.model_.assign(
            check_matrix(rows, "The features", columns=self.model_.centres.shape[1])
        ).clusters


def _side_by_side(features: FloatMatrix, looks: Looks | None) -> FloatMatrix:
    """Features of photos as unit rows, beside those of a second space where they came."""
    x = l2_normalize(features)
    return x if looks is None else beside(x, looks_table(looks, len(x)))


class TACNoTrain(_PhotoClusterer):
    """TAC without training: groups by looks and by the nouns nearest to each photo (docs/methods.md 1.3).

    Args:
        n_clusters: K.
        encoder: as in ``KEC``.
        nouns: "wordnet", or words.
        random_state: seed, ``RandomState`` or None.

    Attributes:
        labels_: int32 (N,), the group of each photo.
        names_: the name of each group, by its label: "Cluster 1" and so on, for TAC names none.
        nouns_: float32 (m, d), unit features of the nouns that tell the photos apart.
        n_features_in_: d, when ``fit`` was given features.
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        encoder: str | Encoder = "auto",
        nouns: str | Sequence[str] = WORDNET,
        random_state: Any = 0,  # noqa: ANN401 - int, RandomState or None
    ) -> None:
        self.n_clusters = n_clusters
        self.encoder = encoder
        self.nouns = nouns
        self.random_state = random_state

    def fit(self, X: Photos, y: object = None) -> Self:  # noqa: N803, ARG002 - scikit-learn's names
        """Group photos; ``X``, ``y`` and what is raised as in ``KEC.fit``."""
        encoder, seed, k = as_encoder(self.encoder), self._seed(), whole(self.n_clusters, "n_clusters", 1)
        raw, options = self._features(X, encoder, reset=True), TacOptions()
        photos = photo_features(raw, encoder.info.defaults)
        inputs = self._inputs(photos, encoder)
        self.nouns_ = filtered_nouns(inputs, k, options.nouns_per_centre, seed=seed, progress=no_progress)
        self.mean_ = collection_mean(raw, encoder.info.defaults)
        fused = self._fused(photos.x, encoder)
        found = cluster(fused, k, options.clustering(), seed=seed)
        self.labels_ = np.asarray(found.labels)
        self.names_ = {label: f"Cluster {label + 1}" for label in np.unique(self.labels_).tolist()}
        self.model_ = groups_of(fused, self.labels_, self.names_)
        return self

    def predict(self, X: Photos) -> IntVector:  # noqa: N803 - scikit-learn's name
        """The group of new photos, int32 (N,); ``X`` and what is raised as in ``KEC.predict``."""
        check_is_fitted(self)
        encoder = as_encoder(self.encoder)
        raw = self._features(X, encoder, reset=False)
        x = visual_features(raw, encoder.info.defaults, mean=self.mean_)
        return self.model_.assign(self._fused(x, encoder)).clusters

    def _fused(self, x: FloatMatrix, encoder: Encoder) -> FloatMatrix:
        tau = encoder.info.defaults.counterpart_tau
        return beside_text(x, mix_of_nouns(x, self.nouns_, tau, progress=no_progress))

    def _inputs(self, photos: PhotoFeatures, encoder: Encoder) -> MethodInputs:
        nouns = _nouns(self.nouns)
        covered = encoder.covers(nouns)
        pool = tuple(noun for noun, usable in zip(nouns, covered, strict=True) if usable)
        encode = partial(encode_texts, encoder, cache=TextCache())
        return MethodInputs(
            train=photos,
            test=photos,
            nouns=encode([noun.word for noun in pool], templates=encoder.info.noun_templates),
            vocabulary=pool,
            defaults=encoder.info.defaults,
            encode=encode,
        )


def _nouns(given: object) -> tuple[Noun, ...]:
    """WordNet's nouns, or those of the person.

    Raises:
        InputError: neither "wordnet" nor a collection of words.
    """
    if isinstance(given, str) and given == WORDNET:
        return wordnet_vocabulary(load_wordnet())
    words = list(given) if isinstance(given, Iterable) and not isinstance(given, str) else [None]
    if not all(isinstance(word, str) and word.strip() for word in words):
        raise InputError(
            f'Nouns are "wordnet" or a list of words, but {given!r} came; put words into a list: ["gull", "tern"].'
        )
    return tuple(Noun(word=str(word)) for word in words)
