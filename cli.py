"""The ``kec`` command: run KEC on a folder of photos, look at the result, export it, open the app.

With ``--json`` one JSON object goes to stdout and everything else to stderr. Exit 0 on success, 2 on bad input
with one line that says what was expected, what came and what to do.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from kec_core.config import ClusteringConfig, KnowledgeConfig, MappingConfig, RunConfig
from kec_core.errors import InputError, KecError

if TYPE_CHECKING:
    from state.llm_setup import LLMSetup
    from state.run import LabelSource

EXPORT_FORMATS = ("csv", "parquet", "json", "npz", "folders", "report")
Subparsers = argparse._SubParsersAction  # the type argparse has for what add_subparsers returns
BENCHMARKS = ("encode", "expert", "grounding", "layout", "live", "llm", "map", "paper", "scaling", "table")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"{message}; see '{self.prog} --help'.")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    try:
        arguments = _parser().parse_args(argv)
        command: Callable[[argparse.Namespace], dict[str, Any] | None] = arguments.command
        result = command(arguments)
    except KecError as error:
        print(f"kec: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("kec: stopped; finished stages are kept, run the same command again to go on.", file=sys.stderr)
        return 130
    if result is not None:
        print(json.dumps(result, ensure_ascii=False) if arguments.json else _readable(result))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="kec", description=__doc__.splitlines()[0] if __doc__ else None)
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=_Parser)
    _add_run(commands)
    _add_methods(commands)
    _add_edit(commands)
    _add_finalise(commands)
    _add_show(commands)
    _add_export(commands)
    _add_setup(commands)
    _add_app(commands)
    _add_bench(commands)
    return parser


def _command(
    commands: Subparsers,
    name: str,
    function: Callable[[argparse.Namespace], dict[str, Any] | None],
    help_text: str,
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=help_text, description=help_text)
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    parser.set_defaults(command=function)
    return parser


def _add_run(commands: Subparsers) -> None:
    p = _command(commands, "run", run, "cluster a folder of photos with KEC into a project")
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
        "--labels", default="none", help="folders, none, or a CSV with columns file,label (scores only)"
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
    _add_llm(p)
    p.add_argument(
        "--dry-run", action="store_true", help="tell what the language model would be asked, and do not ask"
    )
    p.add_argument(
        "--retry-failed", action="store_true", help="ask again for the items that had no usable answer"
    )


def _add_llm(p: argparse.ArgumentParser) -> None:
    p.add_argument("--llm-url", metavar="URL", help="OpenAI-compatible endpoint, ending in /v1")
    p.add_argument(
        "--llm-model", metavar="NAME", help="model name at that endpoint; the key is OPENAI_API_KEY"
    )
    p.add_argument(
        "--llm-budget", metavar="MOST", help="stop before more is spent: tokens (200k) or money (2.50USD)"
    )
    p.add_argument(
        "--llm-price", metavar="P,A", help="money per million tokens of prompt and of answer, as 0.15,0.60"
    )


def _setup(arguments: argparse.Namespace) -> LLMSetup | None:
    from state.llm_setup import named_setup

    return named_setup(
        arguments.llm_url, arguments.llm_model, budget=arguments.llm_budget, price=arguments.llm_price
    )


def _add_edit(commands: Subparsers) -> None:
    p = _command(
        commands, "edit", edit, "apply a script of edits to a project's knowledge and regroup its photos"
    )
    p.add_argument("project", type=Path, metavar="PROJECT")
    p.add_argument("--script", type=Path, required=True, metavar="EDITS.json", help='{"edits": [...]}')
    p.add_argument("--dry-run", action="store_true", help="tell what would happen and keep nothing")


def _add_finalise(commands: Subparsers) -> None:
    p = _command(
        commands, "finalise", finalise, "cluster a project's photos in full after edits, and tell what moved"
    )
    p.add_argument("project", type=Path, metavar="PROJECT")


def _add_methods(commands: Subparsers) -> None:
    p = _command(
        commands, "methods", methods, "compare methods on a project's photos, mean and sd over seeds"
    )
    p.add_argument("project", type=Path, metavar="PROJECT")
    p.add_argument(
        "--methods", default="kmeans,tac-notrain,kec", metavar="A,B,...", help="comma-separated names"
    )
    p.add_argument("--seeds", type=int, default=5, help="runs per method (5)")
    p.add_argument(
        "--preset",
        default="fast",
        choices=("fast", "full"),
        help="full: the authors' number of training steps",
    )
    p.add_argument("--captions", type=Path, metavar="FILE", help="text, one caption per line, for CAE")
    p.add_argument(
        "--photo-captions", type=Path, metavar="FILE.csv", help="columns file,caption, for the method caption"
    )
    p.add_argument(
        "--send-photos",
        action="store_true",
        help="let the model at --llm-url describe the photos: they leave this machine",
    )
    _add_llm(p)


def _add_show(commands: Subparsers) -> None:
    p = _command(commands, "show", show, "show what a project knows")
    p.add_argument("project", type=Path, metavar="PROJECT")
    what = p.add_mutually_exclusive_group()
    for part in ("concepts", "attributes", "clusters", "history"):
        what.add_argument(f"--{part}", dest="part", action="store_const", const=part)
    p.set_defaults(part="clusters")


def _add_export(commands: Subparsers) -> None:
    p = _command(commands, "export", export, "write a project's result to a folder")
    p.add_argument("project", type=Path, metavar="PROJECT")
    p.add_argument("--out", type=Path, required=True, metavar="DIR")
    p.add_argument("--format", default="csv", help=f"comma-separated: {', '.join(EXPORT_FORMATS)}")
    p.add_argument("--link", action="store_true", help="folders: link to the photos instead of copying them")


def _add_setup(commands: Subparsers) -> None:
    p = _command(commands, "setup", setup, "fetch WordNet, demo photos and weights; safe to run again")
    p.add_argument("--demo", action="store_true", help="also the demo photos and a ready demo project")
    p.add_argument("--clip", action="store_true", help="also CLIP weights (ViT-B-32/openai)")


def _add_app(commands: Subparsers) -> None:
    p = _command(commands, "app", app, "open the app in the browser")
    p.add_argument("--port", type=int, default=8501)
    p.add_argument(
        "--images-root", type=Path, action="append", metavar="DIR", help="folder the app may read (home)"
    )
    p.add_argument("--projects", type=Path, metavar="DIR", help="where projects are kept")
    p.add_argument("--headless", action="store_true", help="do not open a browser window")


def _add_bench(commands: Subparsers) -> None:
    p = _command(commands, "bench", bench, "measure speed or quality; ours beside the plain way in one run")
    p.add_argument("name", help=", ".join(BENCHMARKS))
    p.add_argument("options", nargs=argparse.REMAINDER, help="options of that benchmark")


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """``kec run``: from a folder of photos to a revision; with ``--dry-run`` what a language model would be asked."""
    from kec_core.stages import Hooks
    from state.llm_run import asking, dry_run
    from state.locks import RunLock
    from state.project import Project
    from state.run import run_project
    from state.terminal import show_progress

    folder: Path = arguments.project
    config = run_config(arguments)
    setup = _setup(arguments)
    retry: bool = arguments.retry_failed
    project = (
        Project.open(folder) if Project.is_project(folder) else Project.create(folder, folder.resolve().name)
    )
    with RunLock.acquire(folder, "kec run"), show_progress() as progress:
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
        print(note, file=sys.stderr)
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
    if value == "folders" or value == "none" or value == "keep":
        return value
    return Path(value)


def edit(arguments: argparse.Namespace) -> dict[str, Any]:
    """``kec edit``: replay a script of edits, all of it or nothing."""
    from kec_core.knowledge.edits import parse_script
    from kec_core.stages import Hooks
    from state.editing import edit_project
    from state.locks import RunLock
    from state.project import Project
    from state.rebuild import asks_for_rebuild, rebuild
    from state.terminal import show_progress

    script: Path = arguments.script
    try:
        edits = parse_script(json.loads(script.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(
            f"--script should be a JSON file with a list of edits, but {script} cannot be read ({error}); give another."
        ) from error
    project = Project.open(arguments.project)
    with RunLock.acquire(project.folder, "kec edit"), show_progress() as progress:
        report = edit_project(project, edits, dry_run=arguments.dry_run)
        if arguments.dry_run or not asks_for_rebuild(edits):
            return report.to_json()
        return {**report.to_json(), "rebuilt": rebuild(project, hooks=Hooks(progress=progress)).to_json()}


def finalise(arguments: argparse.Namespace) -> dict[str, Any]:
    """``kec finalise``: every restart of the clustering on the shown revision."""
    from state.finalise import finalise as finalise_project
    from state.locks import RunLock
    from state.project import Project
    from state.terminal import show_progress

    project = Project.open(arguments.project)
    with RunLock.acquire(project.folder, "kec finalise"), show_progress() as progress:
        return finalise_project(project, progress=progress).to_json()


def methods(arguments: argparse.Namespace) -> dict[str, Any]:
    """``kec methods``: compared methods side by side."""
    from kec_core.stages import Hooks
    from state.llm_run import asking
    from state.locks import RunLock
    from state.method_captions import PhotoCaptions
    from state.method_runs import compare_methods
    from state.project import Project
    from state.terminal import show_progress

    project = Project.open(arguments.project)
    setup = _setup(arguments)
    described = PhotoCaptions(file=arguments.photo_captions, model=setup if arguments.send_photos else None)
    with (
        RunLock.acquire(project.folder, "kec methods"),
        show_progress() as progress,
        asking(project, setup) as resources,
    ):
        rows = compare_methods(
            project,
            _names(arguments.methods),
            n_seeds=arguments.seeds,
            preset=arguments.preset,
            captions=arguments.captions,
            described=described,
            resources=resources,
            hooks=Hooks(progress=progress),
        )
    return {"methods": [row.to_json() for row in rows]}


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def show(arguments: argparse.Namespace) -> dict[str, Any]:
    """``kec show``: one part of what a project knows."""
    from state.describe import describe_project
    from state.project import Project

    return describe_project(Project.open(arguments.project), arguments.part)


def export(arguments: argparse.Namespace) -> dict[str, Any]:
    """``kec export``: the result as files."""
    from state.export import export_project
    from state.project import Project

    return export_project(
        Project.open(arguments.project), arguments.out, _names(arguments.format), link=arguments.link
    ).to_json()


def setup(arguments: argparse.Namespace) -> dict[str, Any]:
    """``kec setup``: fetch resources, and make the demo project when asked for."""
    from kec_core import resources
    from state.demo import ensure_demo_project
    from state.terminal import show_progress
    from state.workspace import Workspace

    found = resources.setup(demo=arguments.demo, clip=arguments.clip, say=_say)
    result: dict[str, Any] = {
        "found": [
            {
                "resource": f.resource,
                "path": None if f.path is None else str(f.path),
                "source": f.source,
                "note": f.note,
            }
            for f in found
        ]
    }
    if arguments.demo:
        with show_progress() as progress:
            project = ensure_demo_project(Workspace(), resources.ensure_demo(_say).path, _say, progress)
        result["demo"] = str(project.folder)
    return result


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def app(arguments: argparse.Namespace) -> None:
    """``kec app``: serve the app on this machine and open it in the browser."""
    from state.serve import serve

    serve(
        port=arguments.port,
        images_roots=arguments.images_root or [],
        projects=arguments.projects,
        headless=arguments.headless,
    )


def bench(arguments: argparse.Namespace) -> dict[str, Any]:
    """``kec bench NAME``: run one benchmark; every one prints ours beside the straightforward way."""
    import importlib

    if arguments.name not in BENCHMARKS:
        raise InputError(f"Unknown benchmark {arguments.name!r}; known benchmarks: {', '.join(BENCHMARKS)}.")
    arguments.json = arguments.json or "--json" in arguments.options  # options take all that follows the name
    measured: dict[str, Any] = importlib.import_module(f"benchmarks.{arguments.name}").measure(
        arguments.options
    )
    return measured


def _readable(result: dict[str, Any], indent: str = "") -> str:
    """A result as lines for people: its own Markdown, or names and values, nested ones indented."""
    if "markdown" in result:
        return str(result["markdown"])
    lines = []
    for name, value in result.items():
        if isinstance(value, dict):
            lines.append(f"{indent}{name}:\n{_readable(value, indent + '  ')}")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            rows = "\n".join(
                f"{indent}  - " + ", ".join(f"{k}: {v}" for k, v in row.items()) for row in value
            )
            lines.append(f"{indent}{name}:\n{rows}")
        else:
            lines.append(f"{indent}{name}: {value}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
