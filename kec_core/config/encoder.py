"""What depends on an encoder's similarity scale."""

from __future__ import annotations

from dataclasses import dataclass

from kec_core.config.base import Options
from kec_core.config.mapping import Similarity


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderDefaults(Options):
    """What depends on an encoder's similarity scale; chosen without labels."""

    logit_scale: float = 100.0  # s_g, on x . zeta                                         [R] methods.md A6
    pair_scale: float = 100.0  # s_pi, on phi . phi                                        [R] methods.md A6
    beta: float = 0.8  # adjacency threshold on the merge similarity                       [P]
    similarity: Similarity = "cosine"  # sim() of the merge                                [P]
    weight: float = 1.0  # fixed fusion weight w of the paper's setting                    [C] as TAC
    counterpart_tau: float = 0.005  # TAC's tau                                            [C]
    centre: bool = False  # subtract the collection's mean before the unit length          [R]
