"""One run on a project, from a folder of photos to a revision: what ``kec run`` and the Build page both call.

scan -> the stages of ``kec_core.stages.pipeline`` -> scores against labels -> revision. Labels come in only after the
clusters are made. What has not changed since an earlier run is reused; if nothing has, no revision is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from kec_core.arrays import RowBlocks
from kec_core.clustering.metrics import internal_scores
from kec_core.clustering.whitening import looks_of
from kec_core.config import RunConfig
from kec_core.encoders.base import visual_rows
from kec_core.errors import InputError
from kec_core.llm.builder import LLMBuilder, LLMReport
from kec_core.photos.images import Scan, ScanReport, passed_over, scan_images
from kec_core.stages import Hooks, pipeline
from kec_core.stages.pipeline import RunResult
from kec_core.types import InternalScores, SkippedImage, StageReport
from kec_core.wording import counted
from state.jobs.progress import JobContext
from state.llm.items import account
from state.llm.setup import LLMSetup
from state.project.facts import Automatic, Facts, scores_json
from state.project.project import Project
from state.project.thumbnails import SIDES, THUMBNAILS, build_thumbnails
from state.revisions import revisions
from state.revisions.layouts import make_first_map
from state.revisions.results import Result, keep
from state.revisions.revisions import Baseline, Revision
from state.revisions.scoring import rescore, score_against
from state.transfer.label_files import LabelsRead, labels_from_file, labels_from_folders
from state.work.changed_folder import kept_knowledge
from state.work.llm_run import asking
from state.work.loading import MakeResources, load_resources
from state.work.scan import StageWatch, scan_photos

LabelSource = Literal["folders", "none", "keep"] | Path
"""Names of the sub-folders, no labels, those the project has already, or a file or folder of labels."""

BASELINE_METHOD = "kmeans"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """What a run came to.

    Attributes:
        revision: the new revision, or the current one when nothing had changed.
        is_new: whether the run made it.
        skipped: files that are not used, and why.
        stages: every stage in order, with seconds and whether it was reused.
        notes: what the person should know, e.g. how K was chosen.
        others: how many files of each kind that is no photo lie in the photo folder.
        asked: what a language model was asked in this run; None when none was used.
    """

    revision: Revision
    is_new: bool
    skipped: tuple[SkippedImage, ...]
    stages: tuple[StageReport, ...]
    notes: tuple[str, ...]
    others: Mapping[str, int] = field(default_factory=dict)
    asked: LLMReport | None = None

    def to_json(self) -> dict[str, Any]:
        """The object that ``kec run --json`` prints."""
        facts, baseline = self.revision.facts, self.revision.baseline
        internal = self.revision.internal or InternalScores()
        return {
            "images": facts.images,
            "skipped": [{"path": item.path, "reason": item.reason} for item in self.skipped],
            "others": dict(self.others),
            "encoder": facts.encoder,
            "knowledge": facts.knowledge,
            "overclusters": facts.overclusters,
            "concepts": facts.concepts,
            "uni_attributes": facts.uni_attributes,
            "bi_attributes": facts.bi_attributes,
            "clusters": facts.n_clusters,
            "near_copies": facts.near_copies,
            "scores": scores_json(self.revision.scores),
            "baseline": {
                "method": BASELINE_METHOD,
                "scores": scores_json(baseline.scores if baseline else None),
            },
            "internal": {"silhouette": internal.silhouette},
            "seconds": {report.stage: round(report.seconds, 3) for report in self.stages},
            "peak_megabytes": {report.stage: round(report.megabytes, 1) for report in self.stages},
            "revision": self.revision.id,
            "seed": self.revision.config.seed,
            "notes": list(self.notes),
            **({} if self.asked is None else {"llm": self._llm_json(self.asked)}),
        }

    def _llm_json(self, asked: LLMReport) -> dict[str, Any]:
        """Requests, tokens and money of this run, or why there were none; how the items ended, in whichever run they were asked."""
        spent = {key: value for key, value in asdict(asked).items() if key != "items"}
        return {**spent, "items": account(self.stages).counts, "unasked": unasked(asked, self.stages)}


def unasked(asked: LLMReport | None, stages: Sequence[StageReport]) -> str:
    """Why a run with a language model asked it nothing, in a sentence; "" when it asked, or had none."""
    if asked is None or asked.requests:
        return ""
    if asked.items:
        why = f"what this run needed, {counted(len(asked.items), 'answer')}, was stored already"
    elif account(stages).counts:
        why = "concepts and attributes of an earlier run stay, since nothing that they depend on has changed"
    else:
        why = "concepts that you made or locked stay, unclear ones are not asked about, and no attributes were wanted"
    return f"The language model was asked nothing: {why}."


def run_project(
    project: Project,
    images_root: Path | None,
    config: RunConfig,
    *,
    labels: LabelSource = "keep",
    resources: MakeResources = load_resources,
    scan: Scan = scan_images,
    hooks: Hooks | None = None,
) -> RunSummary:
    """Run KEC on a folder of photos and keep the result as a revision.

    The caller holds the project's ``RunLock``; a revision committed by somebody else meanwhile is not overwritten.

    Args:
        project: where everything is kept.
        images_root: folder of the photos; None takes the one the project knows.
        config: every option; becomes the project's settings.
        labels: what to score against; never shown to the method.
        resources: makes encoder, vocabulary and knowledge builder; called after the scan.
        scan: finds the photos of the folder.
        hooks: told about progress and stages, "scan" included; progress may raise Cancelled.

    Raises:
        InputError: no folder, no readable photo in it, unusable labels or options.
        StoreError: the project was changed by another window during the run; what was computed is kept.
    """
    parent = revisions.current(project)
    root = _root(project, images_root)
    project.save_settings(config)
    watch = StageWatch(project, config, hooks or Hooks())
    project.clear_stages()
    with project.database.kept_open(), watch:
        found = scan_photos(project, root, watch, scan=scan)
        label_notes = take_labels(project, root, found, labels)
        watch.hooks().progress(0, 1, "Loading the encoder and words")
        loaded = resources(project, config)
        result = pipeline.run(
            found.images,
            root,
            loaded,
            config,
            project.store,
            keep=kept_knowledge(project, parent, found.images),
            hooks=watch.hooks(),
        )
        number = project.set_images(readable(found, result.skipped))
    revision = keep(
        project,
        _result(project, result, config, number, parent),
        parent,
        note="Automatic run" if parent is None else "Run again",
    )
    asked = loaded.builder.report() if isinstance(loaded.builder, LLMBuilder) else None
    return RunSummary(
        revision=revision,
        is_new=parent is None or revision.id != parent.id,
        skipped=project.skipped(number),
        stages=tuple(watch.reports),
        notes=tuple(
            filter(
                None,
                (
                    *found.warnings,
                    passed_over(found.others),
                    *label_notes,
                    *result.notes,
                    _found_out(asked),
                    unasked(asked, watch.reports),
                    *_replaced(watch.reports),
                ),
            )
        ),
        others=found.others,
        asked=asked,
    )


def run_job(context: JobContext) -> dict[str, Any]:
    """The job "run": a run, then the map of its result if it has none.

    Params: images (folder, or null for the project's), config (RunConfig JSON), labels (as ``kec run --labels``, or
    "keep"), llm (``LLMSetup`` JSON, or null), retry_failed. A key comes as the secret ``OPENAI_API_KEY``.
    """
    params = context.params
    labels = params.get("labels", "keep")
    with asking(
        context.project,
        LLMSetup.from_json(params.get("llm")),
        paused=context.progress.paused,
        retry_failed=params.get("retry_failed", False),
    ) as resources:
        summary = run_project(
            context.project,
            Path(params["images"]) if params.get("images") else None,
            RunConfig.from_json(params["config"]),
            labels=labels if labels in ("folders", "none", "keep") else Path(labels),
            resources=resources,
            hooks=Hooks(progress=context.progress, on_start=context.progress.stage),
        )
    make_first_map(context)
    return {**summary.to_json(), "notes": list(summary.notes), "is_new": summary.is_new}


def scan_job(context: JobContext) -> dict[str, Any]:
    """The job "scan": the first stage alone, and thumbnails; params: images and labels as in ``run_job``."""
    params, project = context.params, context.project
    root = _root(project, Path(params["images"]) if params.get("images") else None)
    labels = params.get("labels", "keep")
    hooks = Hooks(progress=context.progress, on_start=context.progress.stage)
    with StageWatch(project, project.settings(), hooks) as watch:
        report = scan_photos(project, root, watch)
        notes = take_labels(
            project, root, report, labels if labels in ("folders", "none", "keep") else Path(labels)
        )
    build_thumbnails(
        report.images, root, project.folder / THUMBNAILS, sides=SIDES[:1], progress=context.progress
    )
    return {
        "images": len(report.images),
        "skipped": len(report.skipped),
        "others": dict(report.others),
        "notes": [*report.warnings, *notes],
    }


def _root(project: Project, images_root: Path | None) -> Path:
    root = images_root or project.images_root
    if root is None:
        raise InputError("This project has no photos yet; choose their folder.")
    return root


def take_labels(project: Project, root: Path, scan: ScanReport, labels: LabelSource) -> tuple[str, ...]:
    """Replace the project's labels as asked; earlier revisions are scored anew when that changes them.

    Returns:
        What the person should know about the labels, in sentences.
    """
    if labels == "keep":
        return ()
    read = LabelsRead({})
    if labels == "folders":
        read = LabelsRead(labels_from_folders(scan.images))
    elif isinstance(labels, Path):
        read = labels_from_file(labels, root, scan.images)
    if project.set_labels(read.labels):
        rescore(project)
    return read.notes


def readable(scan: ScanReport, failed: Sequence[SkippedImage]) -> ScanReport:
    """The scan without the photos that turned out unreadable later: rows of the arrays and photos stay aligned."""
    bad = {item.path for item in failed}
    images = tuple(image for image in scan.images if image.id not in bad)
    return replace(scan, images=images, skipped=(*scan.skipped, *failed))


def _found_out(asked: LLMReport | None) -> str:
    """A note on what the language model's endpoint takes, or ""."""
    return f"The language model takes {asked.endpoint}." if asked and asked.endpoint else ""


def _replaced(reports: Sequence[StageReport]) -> tuple[str, ...]:
    """A note when a language model left items to another builder."""
    told = account(reports)
    if not told.replaced:
        return ()
    first = told.replaced[0]
    return (
        f"{len(told.replaced)} of {sum(told.counts.values())} items had no usable answer and were made by the fallback, "
        f'marked as such; the first: "{first.label}", since {first.reason}. They alone are asked again by kec run --retry-failed and on the Build page.',
    )


def _result(
    project: Project, found: RunResult, config: RunConfig, scan: int, parent: Revision | None
) -> Result:
    truth, x = project.labels(scan), visual_rows(found.embeddings.features, found.defaults)
    return Result(
        knowledge=found.knowledge,
        config=config,
        scan=scan,
        image_ids=found.embeddings.ids,
        x=x,
        looks=looks_of(x, found.whitening),
        grounding=found.grounding,
        clustering=found.clustering,
        clustering_fp=found.cluster_key,
        facts=_facts(found),
        scores=score_against(found.clustering.labels, truth),
        baseline=_baseline(found, x, config, truth, parent.baseline if parent else None),
    )


def _baseline(
    found: RunResult,
    x: RowBlocks,
    config: RunConfig,
    truth: Sequence[str | None],
    before: Baseline | None,
) -> Baseline:
    """The plain method beside the run; what the same clustering scored before without labels holds still."""
    key = next(report.fingerprint for report in found.reports if report.stage == "baseline")
    known = before.internal if before is not None and before.clustering_fp == key else None
    return Baseline(
        method=BASELINE_METHOD,
        clustering_fp=key,
        scores=score_against(found.baseline.labels, truth),
        internal=known or internal_scores(x, found.baseline.labels, seed=config.seed),
    )


def _facts(result: RunResult) -> Facts:
    n_clusters = result.clustering.n_clusters
    return Facts(
        images=len(result.embeddings.ids),
        encoder=result.embeddings.encoder,
        knowledge=result.knowledge.builder,
        overclusters=0 if result.mapping is None else len(result.mapping.centroids),
        concepts=len(result.knowledge.concepts),
        uni_attributes=len(result.knowledge.uni),
        bi_attributes=len(result.knowledge.bi),
        n_clusters=n_clusters,
        weight=result.weight,
        near_copies={"photos": sum(map(len, result.near_copies)), "groups": len(result.near_copies)},
        notes=result.notes,
        automatic=Automatic(n_clusters=n_clusters, weight=result.weight),
    )
