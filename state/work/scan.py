"""The first stage of a run, and the watch that writes down what every stage does."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Self

from kec_core.arrays import fingerprint
from kec_core.config import RunConfig
from kec_core.memory import peak_megabytes, reset_peak
from kec_core.photos.images import Scan, ScanReport, scan_images
from kec_core.stages import Hooks
from kec_core.types import StageReport
from state.project.project import Project, StageState
from state.transfer.uploads import with_left_out

SCAN = "scan"


class StageWatch:
    """Writes what the stages do into the project, and passes it on to the caller's hooks.

    Use as a context manager around the stages: a stage that an error ends is recorded as failed, with the reason.
    """

    def __init__(self, project: Project, config: RunConfig, outer: Hooks) -> None:
        self._project = project
        self._config = config
        self._outer = outer
        self._running: str | None = None
        self._before = {record.report.stage: record.report.fingerprint for record in project.stage_reports()}
        self.reports: list[StageReport] = []

    def hooks(self) -> Hooks:
        """For the pipeline."""
        return Hooks(progress=self._outer.progress, on_start=self.start, on_report=self.finish)

    def was(self, stage: str) -> str:
        """The fingerprint of a stage when this watch began, "" when it had none."""
        return self._before.get(stage, "")

    def start(self, stage: str) -> None:
        """A stage begins."""
        self._running = stage
        self._record(_unfinished(stage), "running")
        self._outer.on_start(stage)

    def finish(self, report: StageReport) -> None:
        """A stage is done."""
        self._running = None
        self.reports.append(report)
        self._record(report, "fresh")
        self._outer.on_report(report)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if error is not None and self._running is not None:
            self._record(_unfinished(self._running, error=str(error)), "failed")

    def _record(self, report: StageReport, state: StageState) -> None:
        self._project.record_stage(report, state, self._config)


def _unfinished(stage: str, **summary: str) -> StageReport:
    return StageReport(stage=stage, fingerprint="", seconds=0.0, reused=False, summary=summary)


def scan_photos(project: Project, root: Path, watch: StageWatch, *, scan: Scan = scan_images) -> ScanReport:
    """Find the photos below ``root`` and keep the list in the project.

    Args:
        project: where the list is kept.
        root: folder of the photos.
        watch: told about the stage.
        scan: finds them.

    Raises:
        InputError: no folder, or no readable photo in it.
    """
    watch.start(SCAN)
    started = time.perf_counter()
    reset_peak()
    report = with_left_out(scan(root, progress=watch.hooks().progress), project, root)
    project.set_images_root(root)
    project.set_images(report)
    key = fingerprint([[image.id, image.sha256] for image in report.images])
    watch.finish(
        StageReport(
            stage=SCAN,
            fingerprint=key,
            seconds=time.perf_counter() - started,
            reused=key == watch.was(SCAN),
            summary={
                "images": len(report.images),
                "skipped": len(report.skipped),
                "others": sum(report.others.values()),
            },
            megabytes=peak_megabytes(),
        )
    )
    return report
