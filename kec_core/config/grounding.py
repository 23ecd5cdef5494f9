"""Options of grounding (methods.md 6.1 step 4; A6 to A9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kec_core.config.base import Options
from kec_core.config.option import option

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
