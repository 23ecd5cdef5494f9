"""Every option of the Build page, by the step it belongs to, with the paper's default named in its help."""

from __future__ import annotations

import streamlit as st

from kec_core.config import RunConfig
from kec_core.encoders import available_encoders
from pages.build import option_widgets
from pages.build.option_widgets import Option
from state.project import Project

GROUPS = Option(
    name="n_clusters",
    label="Number of clusters",
    kind="count",
    low=1,
    automatic="automatic",
    help="How many clusters to make (the paper's K). Left empty, it is estimated from the photos, and the result says how.",
)
CONCEPTS = Option(
    name="mapping.n_concepts",
    label="Number of concepts",
    kind="count",
    low=1,
    automatic="automatic",
    help="A target for how many concepts to form (M). Left empty, the merging threshold β decides.",
)
BUILDER = Option(
    name="knowledge.builder",
    label="Who writes the knowledge",
    kind="choice",
    choices={"auto": "Automatic", "wordnet": "WordNet (offline)", "llm": "Language model"},
    help="WordNet is a dictionary on this computer. A language model is asked with nouns only; it never sees a photo.",
)

ADVANCED: dict[str, tuple[Option, ...]] = {
    "Over-cluster": (
        Option(
            name="mapping.overclusters",
            label="Number of small clusters",
            kind="choice",
            choices={
                "ksem": "Rule of the authors' code (KSEM)",
                "n_over_300": "One per 300 photos (N / 300)",
            },
            may_type=True,
            help="How many small clusters the photos are first cut into (k, over-clusters). You may type a number.",
        ),
        Option(
            name="mapping.n_init",
            label="Restarts",
            kind="count",
            low=1,
            high=100,
            help="k-means starts that often and the best result is kept. Default 10.",
        ),
        Option(
            name="seed", label="Seed", kind="count", help="The same seed gives the same result. Default 0."
        ),
    ),
    "Nouns": (
        Option(
            name="mapping.top_nouns",
            label="Nouns per small cluster",
            kind="count",
            low=1,
            high=50,
            help="How many of the nearest nouns describe each small cluster. Default of the paper: top 5.",
        ),
        Option(
            name="mapping.noun_choice",
            label="How nouns are chosen",
            kind="choice",
            choices={"nearest": "Nearest to the centre", "tac_reverse": "Reverse classification (TAC)"},
            help="Nearest is the paper's way. Reverse classification keeps nouns that one centre wins clearly.",
        ),
    ),
    "Concepts": (
        Option(
            name="mapping.alpha",
            label="Weight of the looks (α)",
            high=1.0,
            help="When small clusters are merged: how much the photos count against the nouns. Default of the paper: 0.8.",
        ),
        Option(
            name="mapping.beta",
            label="Merge when more alike than (β)",
            high=1.0,
            automatic="what fits the encoder",
            help="Small clusters above this similarity become one concept. The paper uses 0.8 with CLIP.",
        ),
        Option(
            name="mapping.similarity",
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
        ),
        Option(
            name="mapping.collapse_guard",
            label="Guard against one big concept",
            kind="switch",
            help="When almost all small clusters would merge into one, compare them with the centred similarity instead.",
        ),
        Option(
            name="knowledge.merge_same_name",
            label="Merge concepts of the same name",
            kind="switch",
            help="When two concepts get the same name, make them one.",
        ),
    ),
    "Attributes": (
        Option(
            name="knowledge.uni",
            label="Attributes per concept (λ₁)",
            kind="count",
            high=20,
            help="Visible features typical of one concept. Default of the paper: 2; many more tend to hurt.",
        ),
        Option(
            name="knowledge.bi",
            label="Attributes per pair (λ₂)",
            kind="count",
            high=20,
            help="Visible features that tell two similar concepts apart. Default of the paper: 1.",
        ),
        Option(
            name="knowledge.beta_mass",
            label="How many neighbours count as similar",
            high=1.0,
            help="Neighbours are taken until they hold this share of the similarity. Default of the paper: 0.8.",
        ),
        Option(
            name="knowledge.both_ends",
            label="Give pair attributes to both concepts",
            kind="switch",
            help="Otherwise the concept that the attribute is typical of receives it.",
        ),
    ),
    "Ground": (
        Option(
            name="grounding.use_concept",
            label="Use concept names",
            kind="switch",
            help="“Con” in the paper's ablation.",
        ),
        Option(
            name="grounding.use_description",
            label="Use descriptions",
            kind="switch",
            help="“Des” in the paper's ablation.",
        ),
        Option(
            name="grounding.use_uni",
            label="Use attributes of one concept",
            kind="switch",
            help="“UA” in the paper's ablation.",
        ),
        Option(
            name="grounding.use_bi",
            label="Use attributes of pairs",
            kind="switch",
            help="“BA” in the paper's ablation.",
        ),
        Option(
            name="grounding.logit_scale",
            label="Sharpness of the match",
            automatic="what fits the encoder",
            step=5.0,
            help="How decidedly a photo leans to its best concept (softmax scale).",
        ),
        Option(
            name="grounding.smooth_neighbours",
            label="Smooth over look-alikes",
            kind="count",
            high=50,
            help="Average the match over that many photos that look alike; 0 is off.",
        ),
    ),
    "Cluster": (
        Option(
            name="clustering.weight",
            label="Weight of the knowledge",
            high=5.0,
            automatic="from the photos",
            step=0.1,
            help="0 groups by looks alone; more lets the words count more (w). Left empty it is the share of photos that looks "
            "alone leave undecided.",
        ),
        Option(
            name="clustering.algorithm",
            label="Algorithm",
            kind="choice",
            choices={
                "kmeans": "Spherical k-means (paper)",
                "spectral": "Spectral",
                "agglomerative": "Agglomerative",
                "bisecting": "Bisecting k-means",
            },
            help="How the photos are grouped at the end.",
        ),
        Option(
            name="clustering.n_init",
            label="Restarts",
            kind="count",
            low=1,
            high=100,
            help="The best of that many starts is kept. Default of the paper: 20.",
        ),
    ),
}
"""Options of the single steps; the page shows them where the step's results are."""


def encoder(project: Project, config: RunConfig) -> None:
    """The choice of encoder, with what is on this computer; any other may be typed."""
    known = {choice.name: choice for choice in available_encoders()}
    names = {"auto": "Automatic: CLIP if it is here, else compact"}
    names |= {
        name: choice.caption + ("" if choice.ready else " – not on this computer")
        for name, choice in known.items()
    }
    st.selectbox(
        "Encoder",
        [*names, *({config.encoder} - set(names))],
        format_func=lambda name: names.get(name, name),
        accept_new_options=True,
        help=(
            "What compares photos with words. You may type open_clip:MODEL/PRETRAINED, or embeddings:FILE#TEXT_ENCODER "
            "for ready-made image features."
        ),
        **option_widgets.prepare(project, "encoder", config.encoder),
    )
    chosen = known.get(config.encoder)
    if chosen is not None:
        st.caption(("compact (offline), not CLIP. " if chosen.name == "compact" else "") + chosen.advice)
