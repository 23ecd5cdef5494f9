"""Knowledge carried into every photo (KEC section 3.4; methods.md 6.1 step 4, 6.2 A6 to A9, 6.3).

    Omega  = softmax(s_g X Zhat^T)                (N, d)(d, M)
    [C|A~] = Omega [Z | E]                        (N, M)(M, 2d)
    kappa  = C + eta (X (*) A~)                   (N, d)

The mean over attributes moves inside the product, so only the mean attribute vector of a concept matters.
"""

from kec_core.grounding.photos import (
    aggregate,
    attribute_scale,
    concept_scores,
    ground,
    ground_features,
    logit_scale,
    product_centre,
    smooth,
    smoothing_graph,
)
from kec_core.grounding.words import Emphasis, concept_vectors, emphasis

__all__ = [
    "Emphasis",
    "aggregate",
    "attribute_scale",
    "concept_scores",
    "concept_vectors",
    "emphasis",
    "ground",
    "ground_features",
    "logit_scale",
    "product_centre",
    "smooth",
    "smoothing_graph",
]
