"""What the stages of the latest run made, with the photos behind it: read from the store, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, IntVector
from kec_core.config import RunConfig
from kec_core.config.option import value_of
from kec_core.photos.images import ImageRecord
from kec_core.stages.table import STEPS, Step, decided_by
from kec_core.store import StageResult
from kec_core.types import Knowledge
from state.jobs.jobs import Job
from state.project.project import Project, StageRecord

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Centre:
    """One over-cluster: the nouns nearest to its centre and some of its photos.

    Attributes:
        component: the concept component it went to, None before that stage.
    """

    number: int
    size: int
    nouns: tuple[str, ...]
    photos: tuple[ImageRecord, ...]
    component: int | None


class StageResults:
    """Results of the stages that are done; a stage that is not gives None or nothing.

    Args:
        project: whose.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._keys = {
            r.report.stage: r.report.fingerprint for r in project.stage_reports() if r.state == "fresh"
        }
        self._photos: tuple[ImageRecord, ...] | None = None

    def photos(self) -> tuple[ImageRecord, ...]:
        """The photo behind every row of the arrays, in row order; empty before "embed" is done."""
        if self._photos is None:
            embedded = self._load("embed")
            project = self._project
            known = {image.id: image for image in (*project.images(project.last_scan), *project.images())}
            ids = embedded.data["ids"] if embedded else ()
            self._photos = tuple(known.get(i) or _gone(i) for i in ids)
        return self._photos

    def n_centres(self) -> int:
        """How many over-clusters there are; 0 before that stage is done."""
        over = self._load("overcluster")
        return 0 if over is None else len(over.arrays["centroids"])

    def sizes(self) -> IntVector:
        """int32 (k,), photos in each over-cluster."""
        over = self._load("overcluster")
        if over is None:
            return np.zeros(0, dtype=np.int32)
        return np.bincount(over.arrays["labels"], minlength=len(over.arrays["centroids"])).astype(np.int32)

    def centres(self, start: int, stop: int, *, photos: int = 6) -> tuple[Centre, ...]:
        """Over-clusters ``start`` to ``stop``, largest first, with at most that many photos spread over each."""
        over = self._load("overcluster")
        if over is None:
            return ()
        sizes = self.sizes()
        order = np.argsort(-sizes, kind="stable")[start:stop]
        words, merged = self._centre_nouns(), self._load("components")
        return tuple(
            Centre(
                number=int(centre),
                size=int(sizes[centre]),
                nouns=words[centre] if words else (),
                photos=self._spread(np.flatnonzero(over.arrays["labels"] == centre), photos),
                component=None if merged is None else int(merged.arrays["components"][centre]),
            )
            for centre in order
        )

    def knowledge(self) -> Knowledge | None:
        """The concepts, with attributes when those are done too."""
        stored = self._load("attributes") or self._load("concepts")
        return None if stored is None else Knowledge.from_json(stored.data["knowledge"])

    def concept_photos(
        self, concept_ids: Sequence[str], *, photos: int = 8
    ) -> dict[str, tuple[ImageRecord, ...]]:
        """For each of these concepts the photos it is strongest in, strongest first."""
        stored = self._load("ground")
        if stored is None:
            return {}
        omega: FloatMatrix = stored.arrays["omega"]
        column = {concept: place for place, concept in enumerate(stored.data["concept_ids"])}
        return {
            concept: self._strongest(omega[:, column[concept]], photos)
            for concept in concept_ids
            if concept in column
        }

    def _strongest(self, weights: FloatMatrix, count: int) -> tuple[ImageRecord, ...]:
        rows = np.argsort(-weights, kind="stable")[:count]
        return tuple(self.photos()[row] for row in rows)

    def _spread(self, rows: NDArray[np.intp], count: int) -> tuple[ImageRecord, ...]:
        shown = rows[np.linspace(0, len(rows) - 1, min(count, len(rows))).astype(int)] if len(rows) else rows
        return tuple(self.photos()[row] for row in shown)

    def _centre_nouns(self) -> list[tuple[str, ...]]:
        stored = self._load("nouns")
        if stored is None:
            return []
        pool = [word for word, _synset in stored.data["pool"]]
        return [tuple(pool[i] for i in line if i >= 0) for line in stored.arrays["nouns"]]

    def _load(self, stage: str) -> StageResult | None:
        key = self._keys.get(stage)
        return None if key is None else self._project.store.load(stage, key)


def _gone(image_id: str) -> ImageRecord:
    """Stands for a photo that later scans did not find: rows stay aligned."""
    return ImageRecord(id=image_id, width=0, height=0, sha256="", mode="")
