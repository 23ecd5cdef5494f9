"""Every option of every compared method, with the mark of where its default comes from.

[P] stated in the paper, [C] read in the authors' code, [S] secondary source, [R] reconstruction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kec_core.config import Algorithm, ClusteringConfig, Options

CaptionTexts = Literal["encoder", "tfidf"]


@dataclass(frozen=True, kw_only=True)
class KMeansOptions(Options):
    """The final clustering that training-free methods share (methods.md 0)."""

    n_init: int = 20  # restarts, best objective kept                                      [P]
    max_iter: int = 300  # iterations                                                      [P]
    faiss_compat: bool = False  # fit on 256 points per centroid as faiss does unasked     [C]

    def clustering(self, algorithm: Algorithm = "kmeans") -> ClusteringConfig:
        """As options of ``kec_core.clustering``."""
        return ClusteringConfig(
            algorithm=algorithm, n_init=self.n_init, max_iter=self.max_iter, faiss_compat=self.faiss_compat
        )


@dataclass(frozen=True, kw_only=True)
class KecOptions(KMeansOptions):
    """KEC without training (methods.md 6.1, 6.6)."""

    algorithm: Algorithm = "kmeans"  # downstream clusterer                                [P]
    weight: float | None = None  # w; None: chosen for the collection without labels       [M] design.md 8
    paper_weight: bool = False  # w of the paper's setting: the encoder's fixed one        [C] as TAC
    ablation: str = ""  # which parts count, e.g. "con+des"; "" takes the run's own        [P]


@dataclass(frozen=True, kw_only=True)
class CounterpartOptions(Options):
    """TAC's text space (methods.md 1.1, 1.2)."""

    nouns_per_centre: int = 5  # gamma                                                     [C]
    tau: float | None = None  # temperature; None: the encoder's                           [C] 0.005


@dataclass(frozen=True, kw_only=True)
class TacOptions(CounterpartOptions, KMeansOptions):
    """TAC without training (methods.md 1.3)."""


@dataclass(frozen=True, kw_only=True)
class ZeroShotOptions(Options):
    """Zero-shot has nothing to choose: seven templates for every collection, on purpose (methods.md 7.2)."""


@dataclass(frozen=True, kw_only=True)
class CaptionOptions(KMeansOptions):
    """Caption + cluster (methods.md 7.3)."""

    texts: CaptionTexts = "encoder"  # features of the captions: the encoder's, or TF-IDF  [R]
    max_terms: int = 6000  # words of TF-IDF                                               [S]
    with_photos: bool = False  # cluster [n(x), n(caption)] instead of captions alone      [R]
