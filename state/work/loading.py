"""What a run needs besides photos and options, loaded by name: encoder, vocabulary, knowledge builder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kec_core.config import RunConfig
from kec_core.encoders import TextCache, load_encoder
from kec_core.errors import InputError
from kec_core.knowledge.base import ItemReport, KnowledgeBuilder
from kec_core.knowledge.wordnet_builder import WordNetBuilder
from kec_core.llm.builder import LLMBuilder
from kec_core.llm.client import LLMClient
from kec_core.llm.cost import Meter
from kec_core.stages import Resources
from kec_core.wordnet.vocabulary import domain_vocabulary, wordnet_vocabulary
from kec_core.wordnet.wordnet import WordNet, load_wordnet
from state.llm.setup import LLMSetup
from state.project.project import Project

MakeResources = Callable[[Project, RunConfig], Resources]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """How a run speaks with a language model.

    Attributes:
        setup: which, how, and for how much.
        paused: while it is true nothing new is sent.
        on_item: told what becomes of each question.
        retry_failed: make stored concepts and attributes again, asking what had no usable answer.
    """

    setup: LLMSetup
    paused: Callable[[], bool] = lambda: False
    on_item: Callable[[ItemReport], None] = lambda _item: None
    retry_failed: bool = False


def load_resources(project: Project, config: RunConfig, *, asking: Asking | None = None) -> Resources:
    """Load what the options name; text features are shared by all projects of this machine.

    Raises:
        InputError: an unknown encoder, or the builder "llm" without an endpoint.
        ResourceMissing: weights or WordNet are not on this machine.
    """
    if config.knowledge.builder == "llm" and asking is None:
        raise InputError(
            "The knowledge builder llm needs the address and name of a language model, but none is set; "
            "give them (--llm-url, --llm-model), or choose the builder wordnet."
        )
    wordnet = load_wordnet()
    options = config.mapping
    own = domain_vocabulary(options.vocabulary, wordnet) if options.vocabulary.strip() else ()
    return Resources(
        encoder=load_encoder(config.encoder),
        vocabulary=() if own and options.vocabulary_mode == "only" else wordnet_vocabulary(wordnet),
        domain=own,
        builder=_builder(project, config, wordnet, asking),
        text_cache=TextCache(),
        wordnet=wordnet,
        rebuild=asking is not None and asking.retry_failed,
    )


def _builder(
    project: Project, config: RunConfig, wordnet: WordNet, asking: Asking | None
) -> KnowledgeBuilder:
    """The builder that the options name; "auto" is the language model when there is one."""
    plain = WordNetBuilder(
        wordnet, max_nouns=config.knowledge.max_nouns, named_by=config.mapping.concepts_from
    )
    if config.knowledge.builder == "wordnet" or asking is None:
        return plain
    return llm_builder(project, config, asking, plain)


def llm_builder(
    project: Project, config: RunConfig, asking: Asking, fallback: KnowledgeBuilder
) -> LLMBuilder:
    """A builder that asks a language model and keeps the answers in the project.

    Raises:
        InputError: a cap on money, but no price of the model.
    """
    setup = asking.setup
    client = LLMClient(
        setup.endpoint,
        project.answers,
        setup.config,
        meter=Meter(setup.budget, setup.price),
        paused=asking.paused,
        retry_failed=asking.retry_failed,
    )
    return LLMBuilder(client, fallback, max_nouns=config.knowledge.max_nouns, on_item=asking.on_item)
