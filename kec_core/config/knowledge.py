"""Options of concepts and attributes (methods.md 6.1 steps 2, 3; A4, A6, A10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kec_core.config.base import Options
from kec_core.config.option import option

BuilderName = Literal["auto", "wordnet", "llm"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeConfig(Options):
    """Concepts and attributes (methods.md 6.1 steps 2, 3; A4, A6, A10)."""

    builder: BuilderName = option(  # llm when an endpoint is configured, else wordnet
        "auto",
        through=("concepts", "attributes"),
        label="Who writes the knowledge",
        kind="choice",
        choices={"auto": "Automatic", "wordnet": "WordNet (offline)", "llm": "Language model"},
        essential=True,
        help="WordNet is a dictionary on this computer. A language model is asked with nouns only; it never sees a photo.",
        flag="--knowledge",
        flag_help="who makes concepts",
    )
    uni: int = option(
        2,
        "attributes",
        mark="P",
        label="Attributes per concept (λ₁)",
        kind="count",
        high=20,
        help="Visible features typical of one concept. Default of the paper: 2; many more tend to hurt.",
        flag="--uni",
        flag_help="attributes per concept (2)",
    )
    bi: int = option(
        1,
        "attributes",
        mark="P",
        label="Attributes per pair (λ₂)",
        kind="count",
        high=20,
        help="Visible features that tell two similar concepts apart. Default of the paper: 1.",
        flag="--bi",
        flag_help="attributes per similar pair (1)",
    )
    beta_mass: float = option(  # cumulative softmax mass of the neighbours N_q
        0.8,
        "attributes",
        mark="P",
        label="How many neighbours count as similar",
        high=1.0,
        help="Neighbours are taken until they hold this share of the similarity. Default of the paper: 0.8.",
    )
    pair_scale: float | None = option(None, "attributes")  # s_pi; None: the encoder's; methods.md A6
    max_neighbours: int = option(10, "attributes")  # cap of |N_q|; methods.md A10
    max_pairs_per_concept: int = option(20, "attributes")  # cap of |P| / M; methods.md A10
    both_ends: bool = option(  # methods.md A10
        False,
        "attributes",
        label="Give pair attributes to both concepts",
        kind="switch",
        help="Otherwise the concept that the attribute is typical of receives it.",
    )
    max_nouns: int = option(60, "concepts", "attributes")  # shown to a builder per concept; methods.md A5
    merge_same_name: bool = option(  # methods.md A12
        False,
        "concepts",
        label="Merge concepts of the same name",
        kind="switch",
        help="When two concepts get the same name, make them one.",
    )
    guidance: str = option(  # the person's words
        "",
        "nouns",
        "concepts",
        "attributes",
        mark="KEC+",
        kind="text",
        flag="--guidance",
        metavar="TEXT",
        flag_help="what matters, in your words",
    )
