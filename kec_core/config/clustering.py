"""Options of the grounding (methods.md 6.1 step 4; A6 to A9) and of the clustering (methods.md 0, A9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kec_core.config.option import Options, option

GroundingMode = Literal["scaled", "raw", "literal_unit"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundingConfig(Options):
    """Grounding of knowledge in each image (methods.md 6.1 step 4; A6 to A9)."""

    mode: GroundingMode = option(
        "scaled", "vectors", "ground"
    )  # unit features and a scale; raw; the literal text; A6
    logit_scale: float | None = option(  # s_g; None: the encoder's; methods.md A6
        None,
        "ground",
        label="Sharpness of the match",
        automatic="what fits the encoder",
        step=5.0,
        help="How decidedly a photo leans to its best concept (softmax scale).",
    )
    attribute_scale: float | None = option(None, "ground")  # eta; None: sqrt(d) scaled, 1 raw; methods.md A8
    unit_zeta: bool = option(False, "vectors")  # aggregate n(phi + psi) instead of the sum; methods.md A7
    centre_before_product: bool = option(  # centre x and xi before x (*) xi; methods.md A8
        False, "vectors", "ground"
    )
    use_concept: bool = option(
        True,
        "vectors",
        mark="P",
        label="Use concept names",
        kind="switch",
        help="“Con” in the paper's ablation.",
    )
    use_description: bool = option(
        True,
        "vectors",
        mark="P",
        label="Use descriptions",
        kind="switch",
        help="“Des” in the paper's ablation.",
    )
    use_uni: bool = option(
        True,
        "vectors",
        mark="P",
        label="Use attributes of one concept",
        kind="switch",
        help="“UA” in the paper's ablation.",
    )
    use_bi: bool = option(
        True,
        "vectors",
        mark="P",
        label="Use attributes of pairs",
        kind="switch",
        help="“BA” in the paper's ablation.",
    )
    smooth_neighbours: int = option(  # methods.md 6.3
        0,
        "ground",
        label="Smooth over look-alikes",
        kind="count",
        high=50,
        help="Average the match over that many photos that look alike; 0 is off.",
    )


Algorithm = Literal["kmeans", "spectral", "agglomerative", "bisecting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusteringConfig(Options):
    """The clustering on [n(x); w n(kappa)] (methods.md 0, A9)."""

    algorithm: Algorithm = option(
        "kmeans",
        "cluster",
        mark="P",
        label="Algorithm",
        kind="choice",
        choices={
            "kmeans": "Spherical k-means (paper)",
            "spectral": "Spectral",
            "agglomerative": "Agglomerative",
            "bisecting": "Bisecting k-means",
        },
        help="How the photos are grouped at the end.",
    )
    n_init: int = option(
        20,
        "cluster",
        "baseline",
        mark="P",
        label="Restarts",
        kind="count",
        low=1,
        high=100,
        help="The best of that many starts is kept. Default of the paper: 20.",
    )
    max_iter: int = option(300, "cluster", "baseline", mark="P")  # iterations
    weight: float | None = option(  # w on the knowledge part; None: by how decidedly words speak
        None,
        through=("weight", "cluster"),
        mark="M",
        label="Weight of the knowledge",
        high=5.0,
        automatic="from the photos",
        step=0.1,
        help="0 groups by looks alone; more lets the words count more (w). Left empty it follows how clearly the "
        "words set the photos apart.",
        flag="--weight",
        flag_help="weight of the knowledge; 0 is plain k-means",
    )
    whiten: bool = option(
        True,
        through=("looks", "cluster"),
        mark="M",
        label="Compare looks by what sets kinds apart",
        kind="switch",
        help="How photos differ from their nearest look-alikes (light, place, pose) counts less than how kinds differ "
        "(within-class whitening, neighbours for classes). Needs 200 photos.",
    )
    words_start: bool = option(
        True,
        "cluster",
        mark="M",
        label="Let words start the groups",
        kind="switch",
        help="Where there is one concept for each cluster, groups start from the words as well as from looks, and looks "
        "finish them (transduction).",
    )
    faiss_compat: bool = option(
        False, "cluster", mark="C"
    )  # fit on 256 points per centroid as faiss does unasked
