"""``kec run``: from a folder of photos to a revision."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands.llm import add_llm_options, llm_setup
from commands.output import say
from commands.parsing import Subparsers, add_command
from kec_core.config import ClusteringConfig, KnowledgeConfig, MappingConfig, RunConfig
from kec_core.errors import InputError

if TYPE_CHECKING:
    from state.run import LabelSource


def add(commands: Subparsers[Any]) -> None:
    """Add ``kec run`` with every option of a run."""
    p = add_command(commands, "run", run, "cluster a folder of photos with KEC into a project")
    p.add_argument("images", type=Path, metavar="IMAGES", help="folder of photos")
    p.add_argument(
        "--project", type=Path, required=True, metavar="DIR", help="project folder, made if missing"
    )
    p.add_argument(
        "--encoder", default="auto", help="auto, compact, open_clip:MODEL/PRETRAINED or embeddings:FILE"
    )
    p.add_argument(
        "--knowledge", default="auto", choices=("auto", "wordnet", "llm"), help="who makes concepts"
    )
    p.add_argument("--clusters", type=int, metavar="K", help="number of clusters; estimated when missing")
    p.add_argument("--concepts", type=int, metavar="M", help="number of concepts, instead of --beta")
    p.add_argument(
        "--labels",
        default="keep",
        help="folders, none, keep (those the project has; the default), or a CSV with columns file,label (scores only)",
    )
    p.add_argument("--guidance", default="", metavar="TEXT", help="what matters, in your words")
    p.add_argument(
        "--vocabulary",
        type=Path,
        metavar="FILE",
        help="your own terms, 'word' or 'word: description' per line",
    )
    p.add_argument(
        "--vocabulary-mode",
        default="extend",
        choices=("extend", "only"),
        help="use your terms beside WordNet's nouns, or alone",
    )
    p.add_argument("--method", default="kec", choices=("kec",), help="what to cluster with")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument(
        "--alpha", type=float, help="weight of the visual similarity when concepts are merged (0.8)"
    )
    p.add_argument("--beta", type=float, help="merge threshold (depends on the encoder)")
    p.add_argument("--top-nouns", type=int, default=MappingConfig().top_nouns, help="nouns per centre (5)")
    p.add_argument("--uni", type=int, default=KnowledgeConfig().uni, help="attributes per concept (2)")
    p.add_argument("--bi", type=int, default=KnowledgeConfig().bi, help="attributes per similar pair (1)")
    p.add_argument("--weight", type=float, help="weight of the knowledge; 0 is plain k-means")
    add_llm_options(p)
    p.add_argument(
        "--dry-run", action="store_true", help="tell what the language model would be asked, and do not ask"
    )
    p.add_argument(
        "--retry-failed", action="store_true", help="ask again for the items that had no usable answer"
    )


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """``kec run``: from a folder of photos to a revision; with ``--dry-run`` what a language model would be asked."""
    from kec_core.stages import Hooks
    from state.llm_run import asking, dry_run
    from state.locks import RunLock
    from state.new_project import new_or_open
    from state.run import run_project
    from state.terminal import show_progress

    folder: Path = arguments.project
    config = run_config(arguments)
    setup = llm_setup(arguments)
    retry: bool = arguments.retry_failed
    with (
        new_or_open(folder, arguments.images) as project,
        RunLock.acquire(folder, "kec run"),
        show_progress() as progress,
    ):
        hooks = Hooks(progress=progress)
        if arguments.dry_run:
            return dry_run(project, arguments.images, config, setup, retry_failed=retry, hooks=hooks)
        with asking(project, setup, retry_failed=retry) as resources:
            summary = run_project(
                project,
                arguments.images,
                config,
                labels=_labels(arguments.labels),
                resources=resources,
                hooks=hooks,
            )
    for note in summary.notes:
        say(note)
    return summary.to_json()


def run_config(arguments: argparse.Namespace) -> RunConfig:
    """The options of ``kec run`` as one value."""
    return RunConfig(
        encoder=arguments.encoder,
        n_clusters=arguments.clusters,
        seed=arguments.seed,
        mapping=MappingConfig(
            **_given(alpha=arguments.alpha, beta=arguments.beta, n_concepts=arguments.concepts),
            top_nouns=arguments.top_nouns,
            vocabulary=_text(arguments.vocabulary, "--vocabulary"),
            vocabulary_mode=arguments.vocabulary_mode,
        ),
        knowledge=KnowledgeConfig(
            builder=arguments.knowledge, uni=arguments.uni, bi=arguments.bi, guidance=arguments.guidance
        ),
        clustering=ClusteringConfig(**_given(weight=arguments.weight)),
    )


def _text(file: Path | None, option: str) -> str:
    """What a text file holds, "" without one."""
    if file is None:
        return ""
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{option} should be a text file, but {file} cannot be read ({error}); give another."
        ) from error


def _given(**options: float | None) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _labels(value: str) -> LabelSource:
    words: tuple[LabelSource, ...] = ("folders", "none", "keep")
    return next((word for word in words if word == value), Path(value))
