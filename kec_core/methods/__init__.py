"""Every compared method under one contract (methods.md); a table, no scanning, no plugins.

A method sees features, nouns and knowledge. Class names reach zero-shot alone; labels reach only the method that
copies SIC's choice of the best epoch, and its name says so.
"""

from __future__ import annotations

from typing import Any

from kec_core.arrays import Progress, no_progress
from kec_core.clustering.kmeans import check_n_clusters
from kec_core.config import Options
from kec_core.errors import InputError
from kec_core.methods import baselines, cae, kec, laic, sic, tac, turtle
from kec_core.methods.base import Method, MethodFunction, Need, Provenance, missing_needs, permitted
from kec_core.methods.inputs import MethodInputs, photo_features
from kec_core.methods.options import (
    CaeOptions,
    CaptionOptions,
    KecOptions,
    KMeansOptions,
    LaicOptions,
    SicOptions,
    TacOptions,
    TacTrainingOptions,
    TurtleOptions,
    ZeroShotOptions,
)
from kec_core.types import Clustering

__all__ = [
    "METHODS",
    "Method",
    "MethodInputs",
    "Provenance",
    "find_method",
    "missing_needs",
    "photo_features",
    "run_method",
]


def _kec(caption: str, *, note: str = "", **options: Any) -> Method:  # noqa: ANN401 - fields of KecOptions
    return Method(
        function=kec.kec,
        options=KecOptions(**options),
        needs=frozenset({"knowledge"}),
        provenance="paper",
        caption=caption,
        note=note,
    )


def _turtle(caption: str, function: MethodFunction, provenance: Provenance, *needs: Need) -> Method:
    return Method(
        function=function,
        options=TurtleOptions(),
        fast=TurtleOptions(outer_steps=1000),
        needs=frozenset(needs),
        provenance=provenance,
        caption=caption,
    )


def _cae(caption: str, text: Need = "nouns", **options: Any) -> Method:  # noqa: ANN401 - fields of CaeOptions
    return Method(
        function=cae.cae,
        options=CaeOptions(**options),
        needs=frozenset({text}),
        provenance="reconstruction",
        caption=caption,
    )


def _laic(caption: str, function: MethodFunction) -> Method:
    return Method(
        function=function,
        options=LaicOptions(),
        needs=frozenset({"nouns"}),
        provenance="reconstruction",
        caption=caption,
    )


METHODS: dict[str, Method] = {
    "kmeans": Method(
        function=baselines.kmeans,
        options=KMeansOptions(),
        provenance="paper",
        caption="k-means on the photos alone",
    ),
    "zeroshot": Method(
        function=baselines.zero_shot,
        options=ZeroShotOptions(),
        needs=frozenset({"class names"}),
        provenance="paper",
        caption="Zero-shot by class names",
        note="Upper bound: it is told the names of the classes.",
    ),
    "caption": Method(
        function=baselines.caption_and_cluster,
        options=CaptionOptions(),
        needs=frozenset({"photo captions"}),
        provenance="reconstruction",
        caption="Captions, then k-means",
        note="Clusters the captions that were given, not the photos.",
    ),
    "tac-notrain": Method(
        function=tac.tac_without_training,
        options=TacOptions(),
        needs=frozenset({"nouns"}),
        provenance="authors' code",
        caption="TAC, no training",
    ),
    "tac": Method(
        function=tac.tac,
        options=TacTrainingOptions(),
        fast=TacTrainingOptions(max_steps=300),
        needs=frozenset({"nouns"}),
        provenance="authors' code",
        caption="TAC, trained heads",
    ),
    "sic": Method(
        function=sic.sic,
        options=SicOptions(),
        needs=frozenset({"nouns"}),
        provenance="authors' code",
        caption="SIC, last epoch",
    ),
    "sic-best-epoch": Method(
        function=sic.sic,
        options=SicOptions(paper_compat_select=True),
        needs=frozenset({"nouns", "labels"}),
        provenance="authors' code",
        caption="SIC, best epoch by labels",
        note="Uses the true labels to choose its epoch, as the authors' script does: not a fair comparison.",
    ),
    "turtle": _turtle("TURTLE, photos", turtle.turtle, "authors' code"),
    "cae": _cae("CAE, nouns and captions"),
    "cae-no-captions": _cae("CAE without captions", use_captions=False),
    "cae-no-nouns": _cae("CAE without nouns", "captions", use_nouns=False),
    "cae-softmax": _cae("CAE, softmax for transport", alignment="softmax"),
    "cae-uniform": _cae("CAE, even weights", weights="uniform"),
    "cae-sum": _cae("CAE, sum of the views", fusion="sum"),
    "laic": _laic("LAIC, no training", laic.laic),
    "laic-centres": _laic("LAIC, learned centres", laic.laic_centres),
    "kec": _kec("KEC", note="Knowledge weight chosen for the collection without labels."),
    "kec-fixed": _kec(
        "KEC, fixed weight 1",
        note="Knowledge counts as much as the photos everywhere.",
        weight=1.0,
        whiten=False,
        words_start=False,
    ),
    "kec-looks": _kec(
        "Whitened looks alone", note="KEC without knowledge: k-means on the looks it clusters.", weight=0.0
    ),
    "kec-plain-looks": _kec("KEC on plain looks", whiten=False),
    "kec-no-words-start": _kec("KEC, words start nothing", words_start=False),
    "kec-spectral": _kec("KEC, spectral", algorithm="spectral"),
    "kec-agglomerative": _kec("KEC, agglomerative", algorithm="agglomerative"),
    "kec-bisecting": _kec("KEC, bisecting k-means", algorithm="bisecting"),
    "kec-con": _kec("KEC, concept names alone", ablation="con"),
    "kec-des": _kec("KEC, descriptions alone", ablation="des"),
    "kec-con-des": _kec("KEC, names and descriptions", ablation="con+des"),
    "kec-con-des-ua": _kec("KEC without pair attributes", ablation="con+des+ua"),
    "kec-con-des-ba": _kec("KEC with pair attributes only", ablation="con+des+ba"),
    "kec-tac": Method(
        function=tac.kec_tac,
        options=TacTrainingOptions(),
        fast=TacTrainingOptions(max_steps=300),
        needs=frozenset({"knowledge"}),
        provenance="paper",
        caption="KEC inside TAC, trained heads",
    ),
    "turtle-tac": _turtle("TURTLE, photos and TAC's text", turtle.turtle_tac, "paper", "nouns"),
    "turtle-kec": _turtle("TURTLE, photos and knowledge", turtle.turtle_kec, "paper", "knowledge"),
}
"""By name, in the order of tables."""


def find_method(name: str) -> Method:
    """The method of that name.

    Raises:
        InputError: there is none; lists the known ones.
    """
    if name not in METHODS:
        raise InputError(f"Unknown method {name!r}; known methods: {', '.join(METHODS)}.")
    return METHODS[name]


def run_method(
    name: str,
    inputs: MethodInputs,
    n_clusters: int,
    *,
    options: Options | None = None,
    seed: int = 0,
    progress: Progress = no_progress,
) -> Clustering:
    """Cluster the test photos with one method; the same seed gives the same labels.

    Args:
        name: a key of ``METHODS``.
        inputs: photos, nouns, knowledge; what the method must not see is taken out before it runs.
        n_clusters: K; a method may find fewer.
        options: of the method's own class; None takes its defaults.
        seed: drives everything random.
        progress: told at least every second; may raise Cancelled.

    Returns:
        A clustering of the test photos: int32 (N_test,) ids in 0..K-1, centroids of the space that was clustered.

    Raises:
        InputError: unknown method, options of another one, an impossible K, a single photo, or something it
            needs is missing.
    """
    method = find_method(name)
    if options is not None and not isinstance(options, type(method.options)):
        raise InputError(
            f"Method {name!r} takes {type(method.options).__name__}, but {type(options).__name__} was given."
        )
    if len(inputs.train.x) < 2:
        raise InputError("Methods learn from at least two photos, but there is only one; add photos.")
    check_n_clusters(n_clusters, len(inputs.test.x))
    lacking = missing_needs(method, inputs)
    if lacking:
        raise InputError(
            f"Method {name!r} needs {' and '.join(lacking)}, but none was given; add them or leave it out."
        )
    return method.function(permitted(method, inputs), n_clusters, options or method.options, seed, progress)
