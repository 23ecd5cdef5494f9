"""``kec methods``: compared methods side by side."""

from __future__ import annotations

import argparse
from typing import Any

from commands.parsing import Subparsers, add_command, add_llm_options, given_path, llm_setup, names


def add(commands: Subparsers[Any]) -> None:
    """Add ``kec methods``."""
    p = add_command(
        commands, "methods", methods, "compare methods on a project's photos, mean and sd over seeds"
    )
    p.add_argument("project", type=given_path, metavar="PROJECT")
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
    p.add_argument("--captions", type=given_path, metavar="FILE", help="text, one caption per line, for CAE")
    p.add_argument(
        "--photo-captions",
        type=given_path,
        metavar="FILE.csv",
        help="columns file,caption, for the method caption",
    )
    p.add_argument(
        "--send-photos",
        action="store_true",
        help="let the model at --llm-url describe the photos: they leave this machine",
    )
    add_llm_options(p)


def methods(arguments: argparse.Namespace) -> dict[str, Any]:
    """``kec methods``: compared methods side by side."""
    from kec_core.stages import Hooks
    from kec_core.terminal import show_progress
    from state.methods.labels import PhotoCaptions
    from state.methods.runs import compare_methods
    from state.project.locks import RunLock
    from state.project.project import Project
    from state.work.llm_run import asking

    project = Project.open(arguments.project)
    setup = llm_setup(arguments)
    described = PhotoCaptions(file=arguments.photo_captions, model=setup if arguments.send_photos else None)
    with (
        RunLock.acquire(project.folder, "kec methods"),
        show_progress() as progress,
        asking(project, setup) as resources,
    ):
        rows = compare_methods(
            project,
            names(arguments.methods),
            n_seeds=arguments.seeds,
            preset=arguments.preset,
            captions=arguments.captions,
            described=described,
            resources=resources,
            hooks=Hooks(progress=progress),
        )
    return {"methods": [row.to_json() for row in rows]}
