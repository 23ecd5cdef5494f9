"""All options of one run, and the two sets of defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from kec_core.config.clustering import ClusteringConfig, GroundingConfig
from kec_core.config.mapping import KnowledgeConfig, MappingConfig, Similarity
from kec_core.config.option import Option, Options, option, options_of

_GONE = ("backoff", "max_backoff", "outage_requests", "outage_seconds")
"""Options of language models that older projects hold; the openai client has its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LLMConfig(Options):
    """How a language-model endpoint is asked (methods.md 6.1, 6.4); times in seconds."""

    temperature: float = 0.1  # of the first ask; asking again adds 0.3                     [P]
    in_flight: int = 20  # requests under way at once                                      [P]
    timeout: float = 120.0  # of one request                                               [R]
    retries: int = 6  # of one request after 408, 409, 429, 5xx, a timeout, a lost line    [R]
    max_wait: float = 300.0  # longest Retry-After that is obeyed; beyond it the run stops [R]
    reasks: int = 3  # asks after an answer that is not the JSON asked for                 [R]
    max_tokens: int = 400  # limit of one answer                                           [R]
    long_max_tokens: int = 1600  # limit of the one retry of a cut answer                  [R]
    reasoning_max_tokens: int = 8000  # limit for models that reason before they answer    [R]
    max_reply_bytes: int = 1_000_000  # larger replies are refused unread                  [R]
    pair_values: bool = (
        False  # pair attributes as values per side, not as a dimension    [R] methods.md 6.4 C
    )

    @property
    def limits(self) -> tuple[int, int, int]:
        """The limits of an answer in tokens: usual, after a cut, of models that reason first."""
        return self.max_tokens, self.long_max_tokens, self.reasoning_max_tokens

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` of any version wrote; options that are gone are left out."""
        return super(LLMConfig, cls).from_json({k: v for k, v in data.items() if k not in _GONE})


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


PAPER_WEIGHT = 1.0
"""w of [n(x); w n(kappa)] in the paper's setting: both halves count alike [C] as TAC (methods.md A9)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig(Options):
    """All options of one run."""

    encoder: str = option(
        "auto",
        through=("embed",),
        kind="text",
        essential=True,
        flag="--encoder",
        flag_help="auto, compact, open_clip:MODEL/PRETRAINED, transformers:FOLDER or embeddings:FILE",
    )
    looks: str = option(
        "",
        through=("second", "looks", "cluster"),
        mark="KEC+",
        kind="text",
        essential=True,
        flag="--looks",
        metavar="SPACE",
        flag_help="a second space that looks come from beside the encoder's, while words stay with the encoder: dinov2, "
        "timm:MODEL[/CHECKPOINT], another encoder, or a file of ready-made features",
    )
    n_clusters: int | None = option(
        None,
        through=("overcluster",),
        label="Number of clusters",
        kind="count",
        low=1,
        automatic="automatic",
        essential=True,
        help="How many clusters to make (the paper's K). Left empty, words and looks estimate it, and the result says "
        "how.",
        flag="--clusters",
        metavar="K",
        flag_help="number of clusters; estimated when missing",
    )
    seed: int = option(
        0,
        "overcluster",
        "estimate",
        "cluster",
        "baseline",
        label="Seed",
        kind="count",
        help="The same seed gives the same result. Default 0.",
        flag="--seed",
    )
    mapping: MappingConfig = field(default_factory=MappingConfig)
    knowledge: KnowledgeConfig = field(default_factory=KnowledgeConfig)
    grounding: GroundingConfig = field(default_factory=GroundingConfig)
    clustering: ClusteringConfig = field(default_factory=ClusteringConfig)


OPTIONS: Mapping[str, Option] = {one.name: one for one in options_of(RunConfig())}
"""Every option of a run, by its dotted name."""


def studio_defaults(config: RunConfig) -> RunConfig:
    """Every option as this program chooses it; what to look at and what matters to the person stay as they are."""
    knowledge = KnowledgeConfig(builder=config.knowledge.builder, guidance=config.knowledge.guidance)
    return RunConfig(
        encoder=config.encoder,
        looks=config.looks,
        n_clusters=config.n_clusters,
        seed=config.seed,
        knowledge=knowledge,
    )


def paper_defaults(config: RunConfig) -> RunConfig:
    """The paper's fixed setting: photos and words count alike everywhere, one merge rule for every encoder.

    What the paper leaves open (the temperature of the match, the number of small clusters) stays as in
    ``studio_defaults``; methods.md A1, A6, A9.
    """
    return replace(
        studio_defaults(config),
        mapping=MappingConfig(
            concepts_from="overclusters", beta=0.8, similarity="cosine", collapse_guard=False
        ),
        clustering=ClusteringConfig(weight=PAPER_WEIGHT, whiten=False, words_start=False),
    )
