"""The stage rail: which of the eight steps are done, out of date, running or stopped, and what they took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kec_core.config import RunConfig
from kec_core.config.option import value_of
from kec_core.stages.table import STEPS, Step, decided_by
from state.jobs.jobs import Job
from state.project.project import StageRecord

StepState = Literal["fresh", "stale", "running", "failed", "waiting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepView:
    """A step as it is now.

    Attributes:
        seconds: what it took in the latest run, None before the first.
        reused: True when the latest run took all of it from an earlier one.
        problem: why it stopped, or "".
        summary: figures of its stages, merged.
    """

    step: Step
    state: StepState
    seconds: float | None
    reused: bool
    problem: str
    summary: Mapping[str, Any]


def view_steps(records: Sequence[StageRecord], settings: RunConfig, job: Job | None) -> tuple[StepView, ...]:
    """The rail of a project.

    Args:
        records: what is known of the stages of the latest run.
        settings: the options for the next run.
        job: the running job, or None.
    """
    known = {record.report.stage: record for record in records}
    views: list[StepView] = []
    for step in STEPS:
        here = [known[stage] for stage in step.stages if stage in known]
        outdated = any(view.state == "stale" for view in views)
        views.append(_view(step, here, settings, job, outdated))
    return tuple(views)


def _view(
    step: Step, here: Sequence[StageRecord], wanted: RunConfig, job: Job | None, outdated: bool
) -> StepView:
    return StepView(
        step=step,
        state=_state(step, here, wanted, job, outdated),
        seconds=sum(record.report.seconds for record in here) if here else None,
        reused=bool(here) and all(record.report.reused for record in here),
        problem=next((str(r.report.summary.get("error", "")) for r in here if r.state == "failed"), ""),
        summary={key: value for record in here for key, value in record.report.summary.items()},
    )


def _state(
    step: Step, here: Sequence[StageRecord], wanted: RunConfig, job: Job | None, outdated: bool
) -> StepState:
    if job is not None and (_is_at(job, step, here) or any(record.state == "running" for record in here)):
        return "running"
    if any(record.state != "fresh" for record in here):
        return "failed"
    if not here:
        return "waiting"
    changed = any(_is_outdated(record, wanted) for record in here)
    return "stale" if changed or outdated else "fresh"


def _is_at(job: Job, step: Step, here: Sequence[StageRecord]) -> bool:
    """Whether a job works on this step now: it names a stage until the next one begins, also when that one is done."""
    done = {record.report.stage for record in here if record.state == "fresh"}
    return job.stage in step.stages and job.stage not in done


def _is_outdated(record: StageRecord, wanted: RunConfig) -> bool:
    """Whether an option that decides the stage is another one now."""
    return any(
        value_of(wanted, option.name) != _stored(record.config, option.name)
        for option in decided_by(record.report.stage)
    )


def _stored(config: Mapping[str, Any], name: str) -> object:
    value: object = config
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
