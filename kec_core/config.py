"""Every option and every default, each with the mark of where it comes from and the stages that it decides (``options.py``).

[P] stated in the paper, [C] read in the authors' code, [S] secondary source, [R] reconstruction, [M] measured here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, Self

from kec_core.errors import InputError
from kec_core.options import Option, option, options_of

ConceptSource = Literal["words", "overclusters"]
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

    concepts_from: ConceptSource = option(
        "words",
        "overcluster",
        "nouns",
        "components",
        "concepts",
        mark="M",
        label="Where concepts come from",
        kind="choice",
        choices={
            "words": "Words that explain the photos",
            "overclusters": "Small clusters and their nouns (paper)",
        },
        help="Words: groups and one different noun for each are chosen together. Small clusters: the paper's way, with top-5 "
        "nouns, merged at β and named by what the nouns have in common.",
        flag="--concepts-from",
        flag_help="words that explain the photos, or the paper's over-clusters (words)",
    )
    overclusters: OverclusterRule | int = option(  # k; KSEM(N, K) of methods.md 0
        "ksem",
        "overcluster",
        mark="C",
        label="Number of small clusters",
        kind="choice",
        choices={"ksem": "Rule of the authors' code (KSEM)", "n_over_300": "One per 300 photos (N / 300)"},
        may_type=True,
        help="How many small clusters the photos are first cut into (k, over-clusters). You may type a number.",
    )
    top_nouns: int = option(
        5,
        "nouns",
        mark="P",
        label="Nouns per small cluster",
        kind="count",
        low=1,
        high=50,
        help="How many of the nearest nouns describe each small cluster. Default of the paper: top 5.",
        flag="--top-nouns",
        flag_help="nouns per centre (5)",
    )
    noun_choice: NounChoice = option(
        "nearest",
        "nouns",
        mark="P",
        label="How nouns are chosen",
        kind="choice",
        choices={"nearest": "Nearest to the centre", "tac_reverse": "Reverse classification (TAC)"},
        help="Nearest is the paper's way. Reverse classification keeps nouns that one centre wins clearly.",
    )
    alpha: float = option(
        0.8,
        "components",
        mark="P",
        label="Weight of the looks (α)",
        high=1.0,
        help="When small clusters are merged: how much the photos count against the nouns. Default of the paper: 0.8.",
        flag="--alpha",
        flag_help="weight of the visual similarity when concepts are merged (0.8)",
    )
    beta: float | None = option(  # adjacency threshold; None: the encoder's
        None,
        "components",
        mark="P",
        label="Merge when more alike than (β)",
        high=1.0,
        automatic="what fits the encoder",
        help="Small clusters above this similarity become one concept. The paper uses 0.8 with CLIP.",
        flag="--beta",
        flag_help="merge threshold (depends on the encoder)",
    )
    similarity: Similarity | None = option(  # None: the encoder's
        None,
        "components",
        mark="P",
        label="Similarity used for merging",
        kind="choice",
        choices={
            "": "What fits the encoder",
            "cosine": "Cosine (paper)",
            "centred": "Centred cosine",
            "zscore": "z-score",
            "quantile": "Quantile",
            "agglomerative": "Agglomerative",
        },
        help="Cosine is the paper's. The others keep everything from melting into one concept.",
    )
    collapse_guard: bool = option(  # switch to "centred" when components collapse; methods.md A5
        True,
        "components",
        label="Guard against one big concept",
        kind="switch",
        help="When almost all small clusters would merge into one, compare them with the centred similarity instead.",
    )
    n_concepts: int | None = option(  # asked for instead of beta: beta is searched
        None,
        "overcluster",
        "components",
        label="Number of concepts",
        kind="count",
        low=1,
        automatic="automatic",
        essential=True,
        help="How many concepts to form (M). Left empty there is one for each cluster; with the paper's small clusters the "
        "merging threshold β decides.",
        flag="--concepts",
        metavar="M",
        flag_help="number of concepts (one for each cluster; in the paper's way as --beta gives)",
    )
    vocabulary: str = option(  # the person's own terms, "word" or "word: description" per line
        "",
        through=("nouns",),
        mark="KEC+",
        kind="file",
        flag="--vocabulary",
        metavar="FILE",
        flag_help="your own terms, 'word' or 'word: description' per line",
    )
    vocabulary_mode: VocabularyMode = option(
        "extend",
        through=("nouns",),
        mark="KEC+",
        kind="choice",
        choices={"extend": "Beside WordNet's nouns", "only": "Instead of WordNet's nouns"},
        flag="--vocabulary-mode",
        flag_help="use your terms beside WordNet's nouns, or alone",
    )
    n_init: int = option(
        10,
        "overcluster",
        mark="C",
        label="Restarts",
        kind="count",
        low=1,
        high=100,
        help="k-means starts that often and the best result is kept. Default 10.",
    )
    max_iter: int = option(300, "overcluster", mark="C")  # iterations of the over-clustering


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


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """All options of one run."""

    encoder: str = option(
        "auto",
        through=("embed",),
        kind="text",
        essential=True,
        flag="--encoder",
        flag_help="auto, compact, open_clip:MODEL/PRETRAINED or embeddings:FILE",
    )
    n_clusters: int | None = option(
        None,
        through=("overcluster",),
        label="Number of clusters",
        kind="count",
        low=1,
        automatic="automatic",
        essential=True,
        help="How many clusters to make (the paper's K). Left empty, it is estimated from the photos, and the result says "
        "how.",
        flag="--clusters",
        metavar="K",
        flag_help="number of clusters; estimated when missing",
    )
    seed: int = option(
        0,
        "overcluster",
        "estimate",
        "weight",
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


OPTIONS: Mapping[str, Option] = {one.name: one for one in options_of(RunConfig())}
"""Every option of a run, by its dotted name."""


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
        mapping=MappingConfig(
            concepts_from="overclusters", beta=0.8, similarity="cosine", collapse_guard=False
        ),
        clustering=ClusteringConfig(weight=PAPER_WEIGHT, whiten=False, words_start=False),
    )
