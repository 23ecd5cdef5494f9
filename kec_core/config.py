"""Every option and every default, each with the mark of where it comes from.

[P] stated in the paper, [C] read in the authors' code, [S] secondary source, [R] reconstruction, [M] measured here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, Self

from kec_core.errors import InputError

OverclusterRule = Literal["ksem", "n_over_300"]
NounChoice = Literal["nearest", "tac_reverse"]
Similarity = Literal["cosine", "centred", "zscore", "quantile", "agglomerative"]
GroundingMode = Literal["scaled", "raw", "literal_unit"]
VocabularyMode = Literal["extend", "only"]
Algorithm = Literal["kmeans", "spectral", "agglomerative", "bisecting"]
BuilderName = Literal["auto", "wordnet", "llm"]

PAPER_WEIGHT = 1.0
"""w of [n(x); w n(kappa)] in the paper's setting: both halves count alike [C] as TAC (methods.md A9)."""

PHOTO = ("a photo of a {}",)
"""The single noun prompt [P] (methods.md A11)."""

TPL7 = (
    "itap of a {}.",
    "a bad photo of the {}.",
    "a origami {}.",
    "a photo of the large {}.",
    "a {} in a video game.",
    "art of the {}.",
    "a photo of the small {}.",
)
"""The seven noun prompts TAC averages over [C] (methods.md 0)."""


_GONE = ("backoff", "max_backoff", "outage_requests", "outage_seconds")
"""Options of language models that older projects hold; the openai client has its own."""


class Options:
    """Shared by the option classes: JSON out, JSON in, unknown keys refused."""

    def to_json(self) -> dict[str, Any]:
        """As plain JSON types."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` wrote.

        Raises:
            InputError: a key is not an option of this class.
        """
        known = {f.name for f in fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(set(data) - known)
        if unknown:
            raise InputError(f"Unknown option {unknown[0]!r}; known options: {', '.join(sorted(known))}.")
        return cls(**data)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingConfig(Options):
    """Image-text mapping and concept components (methods.md 6.1 steps 1, 2)."""

    overclusters: OverclusterRule | int = "ksem"  # k; KSEM(N, K) of methods.md 0          [C]
    top_nouns: int = 5  # nouns per centre                                                 [P]
    noun_choice: NounChoice = "nearest"  # nearest nouns, or TAC's reverse classification  [P]
    alpha: float = 0.8  # weight of the visual similarity                                  [P]
    beta: float | None = None  # adjacency threshold; None: the encoder's                  [P] 0.8
    similarity: Similarity | None = None  # None: the encoder's                            [P] cosine
    collapse_guard: bool = True  # switch to "centred" when components collapse            [R] methods.md A5
    n_concepts: int | None = None  # asked for instead of beta: beta is searched           [R]
    vocabulary: str = ""  # the person's own terms, "word" or "word: description" per line (KEC+)
    vocabulary_mode: VocabularyMode = "extend"  # beside WordNet's nouns, or instead of them (KEC+)
    n_init: int = 10  # restarts of the over-clustering                                    [C]
    max_iter: int = 300  # iterations of the over-clustering                               [C]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnowledgeConfig(Options):
    """Concepts and attributes (methods.md 6.1 steps 2, 3; A4, A6, A10)."""

    builder: BuilderName = "auto"  # llm when an endpoint is configured, else wordnet
    uni: int = 2  # lambda_1, uni attributes per concept                                   [P]
    bi: int = 1  # lambda_2, attributes per similar pair                                   [P]
    beta_mass: float = 0.8  # cumulative softmax mass of the neighbours N_q                [P]
    pair_scale: float | None = None  # s_pi; None: the encoder's                           [R] methods.md A6
    max_neighbours: int = 10  # cap of |N_q|                                               [R] methods.md A10
    max_pairs_per_concept: int = 20  # cap of |P| / M                                      [R] methods.md A10
    both_ends: bool = False  # give a pair attribute to both concepts always               [R] methods.md A10
    max_nouns: int = 60  # nouns shown to a builder per concept, most frequent first       [R] methods.md A5
    merge_same_name: bool = False  # merge components that got the same concept            [R] methods.md A12
    guidance: str = ""  # the person's words (KEC+)


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
class GroundingConfig(Options):
    """Grounding of knowledge in each image (methods.md 6.1 step 4; A6 to A9)."""

    mode: GroundingMode = "scaled"  # unit features and a scale; raw; or the literal text  [R] methods.md A6
    logit_scale: float | None = None  # s_g; None: the encoder's                           [R] methods.md A6
    attribute_scale: float | None = None  # eta; None: sqrt(d) scaled, 1 raw               [R] methods.md A8
    unit_zeta: bool = False  # aggregate n(phi + psi) instead of the sum                   [R] methods.md A7
    centre_before_product: bool = False  # centre x and xi before x (*) xi                 [R] methods.md A8
    use_concept: bool = True  # Con                                                        [P] ablation
    use_description: bool = True  # Des                                                    [P] ablation
    use_uni: bool = True  # UA                                                             [P] ablation
    use_bi: bool = True  # BA                                                              [P] ablation
    smooth_neighbours: int = 0  # average omega with that many visual neighbours; 0 is off [R] methods.md 6.3


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusteringConfig(Options):
    """The clustering on [n(x); w n(kappa)] (methods.md 0, A9)."""

    algorithm: Algorithm = "kmeans"  # spherical k-means by default                        [P]
    n_init: int = 20  # restarts, best objective kept                                      [P]
    max_iter: int = 300  # iterations                                                      [P]
    weight: float | None = None  # w on the knowledge part; None: by what looks leave open  [M]
    faiss_compat: bool = False  # fit on 256 points per centroid as faiss does unasked     [C]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """All options of one run."""

    encoder: str = "auto"
    n_clusters: int | None = None
    seed: int = 0
    mapping: MappingConfig = field(default_factory=MappingConfig)
    knowledge: KnowledgeConfig = field(default_factory=KnowledgeConfig)
    grounding: GroundingConfig = field(default_factory=GroundingConfig)
    clustering: ClusteringConfig = field(default_factory=ClusteringConfig)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON types."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` wrote.

        Raises:
            InputError: an unknown option.
        """
        unknown = sorted(set(data) - {f.name for f in fields(cls)})
        if unknown:
            raise InputError(f"Unknown option {unknown[0]!r}.")
        rest = dict(data)
        return cls(
            mapping=MappingConfig.from_json(rest.pop("mapping", {})),
            knowledge=KnowledgeConfig.from_json(rest.pop("knowledge", {})),
            grounding=GroundingConfig.from_json(rest.pop("grounding", {})),
            clustering=ClusteringConfig.from_json(rest.pop("clustering", {})),
            **rest,
        )


def studio_defaults(config: RunConfig) -> RunConfig:
    """Every option as this program chooses it; what to look at and what matters to the person stay as they are."""
    knowledge = KnowledgeConfig(builder=config.knowledge.builder, guidance=config.knowledge.guidance)
    return RunConfig(
        encoder=config.encoder, n_clusters=config.n_clusters, seed=config.seed, knowledge=knowledge
    )


def paper_defaults(config: RunConfig) -> RunConfig:
    """The paper's fixed setting: photos and words count alike everywhere, one merge rule for every encoder.

    What the paper leaves open (the temperature of the match, the number of small clusters) stays as in
    ``studio_defaults``; methods.md A1, A6, A9.
    """
    return replace(
        studio_defaults(config),
        mapping=MappingConfig(beta=0.8, similarity="cosine", collapse_guard=False),
        clustering=ClusteringConfig(weight=PAPER_WEIGHT),
    )
