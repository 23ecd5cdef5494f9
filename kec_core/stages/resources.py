"""What a run needs besides photos and options, made of what this machine has: encoder, nouns, builder of knowledge."""

from __future__ import annotations

from kec_core.config import RunConfig
from kec_core.encoders import TextCache, load_encoder, load_looks
from kec_core.encoders.base import Encoder
from kec_core.knowledge.base import KnowledgeBuilder
from kec_core.knowledge.wordnet_builder import WordNetBuilder
from kec_core.stages import Resources
from kec_core.wordnet.vocabulary import domain_vocabulary, wordnet_vocabulary
from kec_core.wordnet.wordnet import WordNet, load_wordnet


def local_resources(
    config: RunConfig, *, encoder: Encoder | None = None, builder: KnowledgeBuilder | None = None
) -> Resources:
    """Load what the options name; text features are shared by all work on this machine.

    Args:
        config: options of the run.
        encoder: instead of the one that the options name.
        builder: instead of WordNet.

    Raises:
        InputError: an unknown encoder, or no such second space of looks.
        ResourceMissing: weights or WordNet are not on this machine.
    """
    wordnet = load_wordnet()
    options = config.mapping
    own = domain_vocabulary(options.vocabulary, wordnet) if options.vocabulary.strip() else ()
    return Resources(
        encoder=encoder or load_encoder(config.encoder),
        vocabulary=() if own and options.vocabulary_mode == "only" else wordnet_vocabulary(wordnet),
        domain=own,
        builder=builder or wordnet_builder(config, wordnet),
        text_cache=TextCache(),
        wordnet=wordnet,
        looks=load_looks(config.looks) if config.looks else None,
    )


def wordnet_builder(config: RunConfig, wordnet: WordNet) -> WordNetBuilder:
    """The builder that asks nobody."""
    return WordNetBuilder(
        wordnet, max_nouns=config.knowledge.max_nouns, named_by=config.mapping.concepts_from
    )
