"""What a run needs besides photos and options, loaded by name: encoder, vocabulary, knowledge builder."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from kec_core.config import RunConfig
from kec_core.encoders import TextCache, load_encoder
from kec_core.errors import InputError
from kec_core.knowledge.base import KnowledgeBuilder
from kec_core.knowledge.llm_builder import LLMBuilder
from kec_core.knowledge.llm_client import LLMClient
from kec_core.knowledge.llm_endpoint import LLMEndpoint
from kec_core.knowledge.wordnet_builder import WordNetBuilder
from kec_core.stages import Resources
from kec_core.vocabulary import wordnet_vocabulary
from kec_core.wordnet import WordNet, load_wordnet
from state.project import Project

MakeResources = Callable[[Project, RunConfig], Resources]


def named_endpoint(url: str | None, model: str | None) -> LLMEndpoint | None:
    """The language model at this address, or None when neither is given; its key comes from the environment.

    Raises:
        InputError: only one of the two is given, or the address is not usable.
    """
    if not url and not model:
        return None
    if not url or not model:
        raise InputError(
            f"A language model needs both an address and a model name, but the {'address' if model else 'name'} is "
            "missing; give both (--llm-url, --llm-model) or none."
        )
    return LLMEndpoint(url=url, model=model)


def resources_with(endpoint: LLMEndpoint | None) -> MakeResources:
    """``load_resources`` that may ask a language model at this endpoint (None: none is configured)."""
    return partial(load_resources, endpoint=endpoint)


def load_resources(project: Project, config: RunConfig, *, endpoint: LLMEndpoint | None = None) -> Resources:
    """Load what the options name; text features are shared by all projects of this machine.

    Raises:
        InputError: an unknown encoder, or the builder "llm" without an endpoint.
        ResourceMissing: weights or WordNet are not on this machine.
    """
    if config.knowledge.builder == "llm" and endpoint is None:
        raise InputError(
            "The knowledge builder llm needs the address and name of a language model, but none is set; "
            "give them (--llm-url, --llm-model), or choose the builder wordnet."
        )
    wordnet = load_wordnet()
    return Resources(
        encoder=load_encoder(config.encoder),
        vocabulary=wordnet_vocabulary(wordnet),
        builder=_builder(project, config, wordnet, endpoint),
        text_cache=TextCache(),
    )


def _builder(
    project: Project, config: RunConfig, wordnet: WordNet, endpoint: LLMEndpoint | None
) -> KnowledgeBuilder:
    """The builder that the options name; "auto" is the language model when there is one (llm.md)."""
    plain = WordNetBuilder(wordnet)
    if config.knowledge.builder == "wordnet" or endpoint is None:
        return plain
    return LLMBuilder(LLMClient(endpoint, project.answers), plain)
