"""What a run needs besides photos and options, loaded by name: encoder, vocabulary, knowledge builder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from kec_core.config import RunConfig
from kec_core.errors import InputError
from kec_core.knowledge.base import ItemReport, KnowledgeBuilder
from kec_core.llm.builder import LLMBuilder
from kec_core.llm.client import LLMClient
from kec_core.llm.cost import Meter
from kec_core.stages import Resources
from kec_core.stages.resources import local_resources
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
    loaded = local_resources(config)
    if asking is None:
        return loaded
    asks = config.knowledge.builder != "wordnet"
    builder = llm_builder(project, config, asking, loaded.builder) if asks else loaded.builder
    return replace(loaded, builder=builder, rebuild=asking.retry_failed)


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
