"""Why a photo is where it is, in words: contributions that add up exactly (methods.md 6.1 step 4, 6.3).

Everything between a text and a score is linear once the posteriors omega are known, so a score is a plain sum:

    score_iq  = s_g g_i . Zhat_q              = a part of the name + a part of the description
    cos_ic    = f_i . mu_c,  f = [n(x); w n(kappa)] scaled to unit length
              = looks + sum over concepts q of omega_iq (name + description + its attributes)
"""

from kec_core.explain.clusters import ClusterWords, Contrast, explain_cluster
from kec_core.explain.heat_map import HeatMap, has_places, heat_map
from kec_core.explain.photos import Contribution, Explainer, Explanation, explain_place, explain_score

__all__ = [
    "ClusterWords",
    "Contrast",
    "Contribution",
    "Explainer",
    "Explanation",
    "HeatMap",
    "explain_cluster",
    "explain_place",
    "explain_score",
    "has_places",
    "heat_map",
]
