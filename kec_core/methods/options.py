"""Every option of every compared method, with the mark of where its default comes from.

[P] stated in the paper, [C] read in the authors' code, [S] secondary source, [R] reconstruction.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from kec_core.config import Algorithm, ClusteringConfig, Options

Alignment = Literal["transport", "softmax"]
ViewWeights = Literal["adaptive", "uniform"]
Fusion = Literal["concat", "sum"]
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
    weight: float | None = None  # w; None: chosen for the collection without labels       [M] methods.md 0
    whiten: bool = True  # looks are whitened by the scatter among neighbours              [M]
    words_start: bool = True  # groups start from words as well as from looks              [M]
    ablation: str = ""  # which parts count, e.g. "con+des"; "" takes the run's own        [P]


@dataclass(frozen=True, kw_only=True)
class CounterpartOptions(Options):
    """TAC's text space (methods.md 1.1, 1.2)."""

    nouns_per_centre: int = 5  # gamma                                                     [C]
    tau: float | None = None  # temperature; None: the encoder's                           [C] 0.005


@dataclass(frozen=True, kw_only=True)
class TacOptions(CounterpartOptions, KMeansOptions):
    """TAC without training (methods.md 1.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Training fitted to a collection: rows per step, steps, neighbours, and TAC's contrast temperature."""

    batch: int
    neighbours: int
    steps: int
    temperature: float


LARGE_K = 100  # from here on TAC trains as on ImageNet                                [S] methods.md 1.4


@dataclass(frozen=True, kw_only=True)
class TacTrainingOptions(CounterpartOptions):
    """TAC's heads (methods.md 1.4); None takes the authors' value for the size of K."""

    neighbours: int = 50  # N_hat, in each space                                           [C]
    cap_neighbours: bool = True  # at most N/K of them, for small collections              [R]
    temperature: float | None = None  # T_d; 0.5, or 5 from K = 100                        [C]
    epochs: int | None = None  # 20, or 100                                                [C]
    batch: int | None = None  # 512, or 8192; never more than the photos                   [C]
    balance: float = 5.0  # weight of the entropy                                          [C]
    learning_rate: float = 1e-3  # of Adam                                                 [C]
    min_steps: int = 300  # small collections train on until here                          [R]
    max_steps: int | None = None  # stop here                                              [R]

    def schedule(self, n_images: int, n_clusters: int) -> Schedule:
        """The authors' settings for this K, fitted to this many photos."""
        large = n_clusters >= LARGE_K
        batch = min(n_images, self.batch or (8192 if large else 512))
        steps = (self.epochs or (100 if large else 20)) * (n_images // batch)
        steps = max(steps, self.min_steps)
        return Schedule(
            batch=batch,
            neighbours=min(self.neighbours, max(1, n_images // n_clusters))
            if self.cap_neighbours
            else self.neighbours,
            steps=steps if self.max_steps is None else min(steps, self.max_steps),
            temperature=self.temperature or (5.0 if large else 0.5),
        )


@dataclass(frozen=True, kw_only=True)
class SicOptions(Options):
    """SIC (methods.md 2); KEC's comparison runs these defaults on every set."""

    n_init: int = 20  # restarts of the first k-means                                      [C]
    relevant_nouns: int = 500  # gamma_r, nouns per centre of the relevance filter         [C]
    uniqueness: float = 0.05  # gamma_u, 1 - largest cosine to the mean noun               [C]
    sure_share: float = 0.9  # xi_c, share of a cluster's size that its centre rests on    [C]
    nouns_per_centre: int = 30  # xi_a                                                     [C]
    neighbours: int = 20  # besides the photo itself                                       [C]
    start_at_centres: bool = False  # start the head at the k-means centres                [C]
    balance: float = 5.0  # lambda                                                         [C]
    semantic: float = 0.1  # beta                                                          [C]
    learning_rate: float = 1e-4  # of Adam                                                 [C]
    weight_decay: float = 1e-4  # of Adam                                                  [C]
    batch: int = 128  # photos per step                                                    [C]
    epochs: int = 100  # the last one counts                                               [C]
    paper_compat_select: bool = False  # take the epoch of best test accuracy: uses labels [C] methods.md 2.6


@dataclass(frozen=True, kw_only=True)
class TurtleOptions(CounterpartOptions):
    """TURTLE (methods.md 3)."""

    outer_steps: int = 6000  # T                                                           [C]
    inner_steps: int = 10  # M, of the classifiers per outer step                          [C]
    batch: int = 10_000  # photos per outer step, at most all                              [C]
    inner_rate: float = 1e-3  # Adam of the classifiers                                    [C]
    outer_rate: float = 1e-3  # Adam of the labelling                                      [C]
    warm_start: bool = False  # keep the classifiers between outer steps                   [C]
    gamma: float = 10.0  # weight of the entropy                                           [C]
    rescale: bool = True  # give the text space the length of the image features           [R] methods.md 3.4
    select: bool = False  # try several settings, keep what generalises best without labels [C] methods.md 3.3

    def settings(self) -> tuple[TurtleOptions, ...]:
        """What ``select`` tries: these options cold and warm, at two inner rates."""
        return tuple(
            replace(self, inner_rate=rate, warm_start=warm)
            for rate in (self.inner_rate, 10 * self.inner_rate)
            for warm in (False, True)
        )


@dataclass(frozen=True, kw_only=True)
class CaeOptions(KMeansOptions):
    """CAE (methods.md 4)."""

    per_centre: int = 5  # K_s, nouns and captions per centre                              [R]
    epsilon: float | None = None  # of the entropy; None: twice TAC's tau                  [R] 0.01 with CLIP
    alignment: Alignment = "transport"  # or softmax, as if without the column constraint  [P]
    times_similarity: bool = True  # t_ij s_ij rather than t_ij alone                      [S]
    fit_rows: int = 20_000  # train photos the plan is fitted on, at most                  [R]
    sinkhorn_steps: int = 100  # iterations at most                                        [R]
    tolerance: float = 1e-4  # error of the column marginal that ends them                 [R]
    gamma: float = 0.01  # temperature of the view weights                                 [S]
    weights: ViewWeights = "adaptive"  # per photo, or the same for every view             [P]
    fusion: Fusion = "concat"  # weighted concatenation, or weighted sum                   [R]
    use_nouns: bool = True  # noun counterparts                                            [P]
    use_captions: bool = True  # caption counterparts                                      [P]


@dataclass(frozen=True, kw_only=True)
class LaicOptions(KMeansOptions):
    """LAIC (methods.md 5); the training options are for its learned centres."""

    nouns_per_centre: int = 5  # candidate nouns: TAC's filtered set                       [R]
    gamma: float = 1.0  # ridge of the representation matrix                               [R]
    neighbours: int = 10  # k_hat                                                          [P]
    adaptive_k: bool = False  # choose k_hat on the data, up to 50                         [R]
    threshold: float = 0.7  # tau_f, share of neighbours that must agree                   [S]
    tokens: int = 4  # L, learned tokens per prompt                                        [R]
    temperature: float = 0.01  # t, CLIP's logit scale                                     [R]
    balance: float = 0.0  # mu, weight of the entropy of the mean prediction               [R]
    learning_rate: float = 2e-3  # of Adam, with cosine decay                              [R]
    steps: int = 200  # per round                                                          [R]
    batch: int = 512  # photos per step                                                    [R]
    rounds: int = 1  # times that labels and centres follow each other                     [R]


@dataclass(frozen=True, kw_only=True)
class ZeroShotOptions(Options):
    """Zero-shot has nothing to choose: seven templates for every collection, on purpose (methods.md 7.2)."""


@dataclass(frozen=True, kw_only=True)
class CaptionOptions(KMeansOptions):
    """Caption + cluster (methods.md 7.3)."""

    texts: CaptionTexts = "encoder"  # features of the captions: the encoder's, or TF-IDF  [R]
    max_terms: int = 6000  # words of TF-IDF                                               [S]
    with_photos: bool = False  # cluster [n(x), n(caption)] instead of captions alone      [R]
