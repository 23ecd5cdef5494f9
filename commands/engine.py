"""What is done on many machines: ``kec run --engine ray``, ``kec apply``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands.output import say
from commands.parsing import Subparsers, add_command, given_path
from kec_core.config import RunConfig
from kec_core.errors import InputError

if TYPE_CHECKING:
    from kec_core.stages import Hooks
    from state.project.project import Project
    from state.work.loading import MakeResources
    from state.work.run import LabelSource

RAY = "ray"
_ADDRESS_HELP = (
    "local (Ray on this machine, the default), auto (the cluster this machine belongs to), or ray://HOST:PORT"
)


def add_engine_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``kec run`` that say where it runs."""
    group = parser.add_argument_group("engine")
    group.add_argument(
        "--engine",
        default="local",
        choices=("local", RAY),
        help="what runs it: this process, or Ray on many machines (docs/scale.md)",
    )
    group.add_argument("--address", default="local", help=f"ray: {_ADDRESS_HELP}")
    group.add_argument(
        "--results",
        default="",
        metavar="ADDRESS",
        help="ray: folder or address for features and labels of all photos; the project's folder by default",
    )
    group.add_argument(
        "--sample",
        type=int,
        default=None,
        metavar="N",
        help="ray: photos that the project holds at most (200000); the groups are given to all others",
    )
    group.add_argument(
        "--thumbnails",
        default="small",
        choices=("none", "small", "large"),
        help="ray: which thumbnails to make of photos that are not on this machine",
    )


def check_engine_options(arguments: argparse.Namespace) -> None:
    """Refuse what only Ray does where it was not asked for.

    Raises:
        InputError: an option of Ray came without ``--engine ray``.
    """
    usual = {"address": "local", "results": "", "sample": None, "thumbnails": "small"}
    given = next((name for name, value in usual.items() if getattr(arguments, name) != value), None)
    if given is not None and arguments.engine != RAY:
        raise InputError(
            f"--{given} goes with --engine ray, but without it it would do nothing; add --engine ray, or leave it out."
        )


def folder_of_images(arguments: argparse.Namespace) -> Path | None:
    """The folder of photos that ``kec run`` was given; None for an address elsewhere.

    Raises:
        InputError: what was asked for needs a folder, or another engine.
    """
    images: str = arguments.images
    if "://" not in images:
        return Path(images)
    if arguments.engine != RAY:
        raise InputError(
            f"A folder of photos was expected, but {images!r} is an address; give --engine ray, which reads addresses."
        )
    if arguments.dry_run:
        raise InputError("--dry-run needs the photos in a folder of this machine; give one, or leave it out.")
    return None


def run_on_ray(
    arguments: argparse.Namespace,
    project: Project,
    config: RunConfig,
    labels: LabelSource,
    resources: MakeResources,
    hooks: Hooks,
) -> dict[str, Any]:
    """``kec run --engine ray``."""
    from state.engine.gathering import SAMPLE, Plan
    from state.engine.run import run_on_cluster

    plan = Plan(
        photos=arguments.images,
        address=arguments.address,
        results=arguments.results,
        sample=SAMPLE if arguments.sample is None else arguments.sample,
        thumbnails=arguments.thumbnails,
    )
    done = run_on_cluster(project, plan, config, labels=labels, resources=resources, hooks=hooks)
    for note in done.summary.notes:
        say(note)
    return done.to_json()


def add_apply(commands: Subparsers[Any]) -> None:
    """Add ``kec apply``."""
    p = add_command(
        commands,
        "apply",
        apply,
        "give the groups of a project, as they are now, to all photos of the collection that it is a sample of",
    )
    p.add_argument("project", type=given_path, metavar="PROJECT")
    p.add_argument(
        "--address", default="", help="that of the latest run by default; or another as in kec run"
    )


def add_cluster_address(parser: argparse.ArgumentParser) -> None:
    """Add the option of commands that go on with a collection on a cluster."""
    parser.add_argument(
        "--address",
        default="",
        help="of the Ray cluster, for projects of --engine ray: that of the latest run by default, or as in kec run",
    )


def apply(arguments: argparse.Namespace) -> dict[str, Any]:
    """``kec apply``: the shown groups for all photos."""
    from kec_core.terminal import show_progress
    from state.engine.applying import apply_to_all
    from state.project.locks import RunLock
    from state.project.project import Project

    project = Project.open(arguments.project)
    with RunLock.acquire(project.folder, "kec apply"), show_progress() as progress:
        return apply_to_all(project, address=arguments.address, progress=progress).to_json()
