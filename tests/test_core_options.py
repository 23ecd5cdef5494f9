"""An option is written once, and decides the stages that it names: nothing stored can be out of date unnoticed."""

import dataclasses

import pytest

from kec_core.config import OPTIONS, RunConfig
from kec_core.config.option import changed, only_for, value_of, values_for
from kec_core.stages.runner import Hooks, Runner
from kec_core.stages.table import STAGES, decided_by
from kec_core.store import FolderStore, StageResult

OTHER = {"number": 0.37, "count": 3, "text": "other", "file": "other"}


def another(name):
    """A value of an option that is not its default."""
    option, default = OPTIONS[name], value_of(RunConfig(), name)
    if option.kind == "choice":
        return next(value for value in option.choices if value not in ("", default))
    if isinstance(default, bool):
        return not default
    return OTHER[option.kind]


def test_every_field_of_a_run_is_an_option_with_stages():
    groups = [
        RunConfig(),
        *(getattr(RunConfig(), name) for name in ("mapping", "knowledge", "grounding", "clustering")),
    ]
    named = sum(
        not dataclasses.is_dataclass(getattr(group, one.name))
        for group in groups
        for one in dataclasses.fields(group)
    )
    assert named == len(OPTIONS)
    for option in OPTIONS.values():
        assert option.stages or option.through
        assert {*option.stages, *option.through} <= set(STAGES)


@pytest.mark.parametrize("name", [name for name, option in OPTIONS.items() if option.stages])
def test_a_stage_is_found_by_exactly_the_options_that_its_computation_sees(name, tmp_path):
    seen = []

    def run(config, stage):
        runner.configured(
            stage, ["photos"], lambda options: seen.append(options) or StageResult(data={}), config
        )
        return runner.reports[-1]

    changed_config = changed(RunConfig(), name, another(name))
    for stage in STAGES:
        runner, expected = Runner(FolderStore(tmp_path), Hooks()), stage in OPTIONS[name].stages
        before, after = run(RunConfig(), stage), run(changed_config, stage)
        assert (before.fingerprint != after.fingerprint) is expected
        assert after.reused is not expected
        assert value_of(seen[-1], name) == (another(name) if expected else value_of(RunConfig(), name))


def test_a_computation_does_not_see_what_decides_other_stages():
    config = changed(changed(RunConfig(), "mapping.alpha", 0.5), "clustering.n_init", 3)
    assert only_for(config, "components") == changed(RunConfig(), "mapping.alpha", 0.5)
    assert only_for(config, "embed") == RunConfig()
    assert values_for(config, "baseline") == {"seed": 0, "clustering.n_init": 3, "clustering.max_iter": 300}


def test_options_that_act_through_something_make_stages_stale_but_are_not_seen():
    assert OPTIONS["encoder"] in decided_by("embed")
    assert values_for(RunConfig(encoder="compact"), "embed") == {}


def test_a_wrong_description_is_refused_at_once():
    from kec_core.config.option import option

    with pytest.raises(TypeError):
        option(1, "nouns", lable="a slip of the pen")


def test_changing_an_option_leaves_the_configuration_it_came_from():
    config = RunConfig()
    assert changed(config, "grounding.mode", "raw").grounding.mode == "raw"
    assert config == RunConfig()
    with pytest.raises(TypeError):
        changed(config, "grounding.colour", 1)
