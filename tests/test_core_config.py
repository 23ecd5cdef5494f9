import dataclasses

import pytest

from kec_core import config
from kec_core.config import ClusteringConfig, KnowledgeConfig, MappingConfig, RunConfig
from kec_core.errors import InputError

OPTION_CLASSES = [
    value
    for value in vars(config).values()
    if isinstance(value, type) and issubclass(value, config.Options) and value is not config.Options
]


@pytest.mark.parametrize("options", OPTION_CLASSES)
def test_options_round_trip_and_refuse_unknown_keys(options):
    assert options.from_json(options().to_json()) == options()
    with pytest.raises(InputError, match="Unknown option 'colour'; known options: "):
        options.from_json({"colour": 1})


def test_a_run_round_trips_through_json():
    run = RunConfig(
        encoder="compact",
        n_clusters=7,
        mapping=MappingConfig(alpha=0.5, overclusters=30),
        knowledge=KnowledgeConfig(guidance="by species"),
        clustering=ClusteringConfig(weight=0.25),
    )
    assert RunConfig.from_json(run.to_json()) == run
    with pytest.raises(InputError, match="Unknown option 'colour'"):
        RunConfig.from_json({"colour": 1})


def test_the_paper_defaults():
    assert (MappingConfig().top_nouns, MappingConfig().alpha) == (5, 0.8)
    assert (KnowledgeConfig().uni, KnowledgeConfig().bi, KnowledgeConfig().beta_mass) == (2, 1, 0.8)
    assert (ClusteringConfig().n_init, ClusteringConfig().max_iter) == (20, 300)


@pytest.mark.parametrize("options", [*OPTION_CLASSES, RunConfig])
def test_options_cannot_be_changed_in_place(options):
    name = dataclasses.fields(options)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(options(), name, None)


def test_presets_change_options_and_leave_what_is_the_persons():
    mine = RunConfig(
        encoder="compact",
        n_clusters=7,
        seed=3,
        mapping=MappingConfig(alpha=0.1),
        knowledge=KnowledgeConfig(builder="wordnet", guidance="by species", uni=9),
    )
    paper = config.paper_defaults(mine)
    assert (paper.encoder, paper.n_clusters, paper.seed) == ("compact", 7, 3)
    assert (paper.knowledge.builder, paper.knowledge.guidance, paper.knowledge.uni) == (
        "wordnet",
        "by species",
        2,
    )
    assert (paper.clustering.weight, paper.mapping.alpha) == (1.0, 0.8)
    assert (paper.mapping.beta, paper.mapping.similarity, paper.mapping.collapse_guard) == (
        0.8,
        "cosine",
        False,
    )
    studio = config.studio_defaults(paper)
    assert (studio.clustering, studio.mapping) == (ClusteringConfig(), MappingConfig())
    assert studio.knowledge == paper.knowledge
    assert config.paper_defaults(paper) == paper
