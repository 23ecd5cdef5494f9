"""Options of nouns, concepts and attributes (methods.md 6.1 steps 1 to 3; A4, A6, A10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from kec_core.config.option import Options, option

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


ConceptSource = Literal["words", "overclusters"]
OverclusterRule = Literal["ksem", "n_over_300"]
NounChoice = Literal["nearest", "tac_reverse"]
Similarity = Literal["cosine", "centred", "zscore", "quantile", "agglomerative"]
VocabularyMode = Literal["extend", "only"]


@dataclass(frozen=True, slots=True, kw_only=True)
class MappingConfig(Options):
    """Image-text mapping and concept components (methods.md 6.1 steps 1, 2)."""

    concepts_from: ConceptSource = option(
        "words",
        "overcluster",
        "nouns",
        "components",
        "concepts",
        "estimate",
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
        through=("nouns", "estimate"),
        mark="KEC+",
        kind="file",
        flag="--vocabulary",
        metavar="FILE",
        flag_help="your own terms, 'word' or 'word: description' per line",
    )
    vocabulary_mode: VocabularyMode = option(
        "extend",
        through=("nouns", "estimate"),
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
