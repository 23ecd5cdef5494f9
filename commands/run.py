"""``kec run``: from a folder of photos to a revision."""

from __future__ import annotations

import argparse
import math
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands.engine import RAY, add_engine_options, check_engine_options, folder_of_images, run_on_ray
from commands.output import say
from commands.parsing import (
    Subparsers,
    add_command,
    add_llm_options,
    given_path,
    given_place,
    given_words,
    llm_setup,
)
from kec_core.config import OPTIONS, RunConfig
from kec_core.config.option import Option, changed
from kec_core.disk import short
from kec_core.errors import InputError, ResourceMissing
from kec_core.paths import exists, is_file, is_folder, is_link

if TYPE_CHECKING:
    from state.project.project import Project
    from state.work.run import LabelSource


@contextmanager
def new_or_open(folder: Path, images: Path | None) -> Iterator[Project]:
    """The project of a folder, made if there is none; a new one is taken away again when bad input ends the work early.

    Args:
        folder: of the project.
        images: folder or archive of the photos, checked before a project is made; None where they are not on this machine.

    Raises:
        InputError: ``images`` is neither a folder nor an archive.
        StoreError: the project cannot be opened or made.
    """
    from state.project.project import Project
    from state.transfer.uploads import is_archive

    if images is not None and not is_folder(images) and not is_archive(images):
        what_now = (
            "unpack it, if it holds photos, and give the folder" if is_file(images) else "check the path"
        )
        raise InputError(
            f"A folder of photos was expected, but {images} is neither a folder nor a zip or tar archive (.zip, or .tar that "
            f"is not compressed); {what_now}."
        )
    if Project.is_project(folder):
        yield Project.open(folder)
        return
    missing = [place for place in (folder, *folder.parents) if not exists(place)]
    try:
        there = set() if folder in missing else set(folder.iterdir())
    except OSError as error:
        raise InputError(
            f"A project folder was expected, new or one that can be read, but {folder} is none ({error.strerror}); "
            "choose another one."
        ) from error
    project = Project.create(folder, folder.resolve().name)
    try:
        yield project
    except (InputError, ResourceMissing):
        if not project.store.fingerprints("embed"):
            _take_away(folder, there, missing)
        raise


def _take_away(folder: Path, there: set[Path], missing: Sequence[Path]) -> None:
    """Remove what was made in a folder since ``there`` was all it held, and the folders that were missing."""
    for path in set(folder.iterdir()) - there:
        shutil.rmtree(path) if is_folder(path) and not is_link(path) else path.unlink()
    with suppress(OSError):  # somebody else has put something there meanwhile
        for place in missing:
            place.rmdir()


def add(commands: Subparsers[Any]) -> None:
    """Add ``kec run`` with every option of a run."""
    p = add_command(commands, "run", run, "cluster a folder of photos with KEC into a project")
    p.add_argument(
        "images",
        type=given_place,
        metavar="IMAGES",
        help="folder of photos, zip or tar archive, folder of tar shards (img2dataset), or Hugging Face dataset on disk; with --engine ray also an address (s3://bucket/folder)",
    )
    p.add_argument(
        "--project", type=given_path, required=True, metavar="DIR", help="project folder, made if missing"
    )
    for option in OPTIONS.values():
        if option.flag:
            _add_flag(p, option)
    p.add_argument(
        "--labels",
        type=given_place,
        default="keep",
        help="folders, none, keep (those the project has; the default), or a file or folder: CSV with columns file,label, "
        "or another format of docs/formats.md (scores only)",
    )
    add_engine_options(p)
    p.add_argument("--method", default="kec", choices=("kec",), help="what to cluster with")
    add_llm_options(p)
    p.add_argument(
        "--profile",
        type=given_path,
        metavar="FILE",
        help="write where the time went, for `python -m pstats FILE`",
    )
    p.add_argument(
        "--dry-run", action="store_true", help="tell what the language model would be asked, and do not ask"
    )
    p.add_argument(
        "--retry-failed", action="store_true", help="ask again for the items that had no usable answer"
    )


def run(arguments: argparse.Namespace) -> dict[str, Any]:
    """``kec run``: from a folder of photos to a revision; with ``--dry-run`` what a language model would be asked.

    Raises:
        InputError: a language model is named beside ``--knowledge wordnet``.
    """
    from kec_core.stages import Hooks
    from kec_core.terminal import show_progress
    from state.project.locks import RunLock
    from state.transfer.uploads import unpacked
    from state.work.llm_run import asking, dry_run
    from state.work.run import run_project

    folder: Path = arguments.project
    check_engine_options(arguments)
    images = folder_of_images(arguments)
    config = run_config(arguments)
    setup = llm_setup(arguments)
    if setup is not None and config.knowledge.builder == "wordnet":
        raise InputError(
            "--llm-url names a language model, but with --knowledge wordnet it would be asked nothing; leave one of them out."
        )
    retry: bool = arguments.retry_failed
    with (
        new_or_open(folder, images) as project,
        RunLock.acquire(folder, "kec run"),
        _profiled(arguments.profile),
        show_progress() as progress,
    ):
        hooks = Hooks(progress=progress)
        images = None if images is None else unpacked(project, images)
        if arguments.dry_run:
            return dry_run(project, images, config, setup, retry_failed=retry, hooks=hooks)
        with asking(project, setup, retry_failed=retry) as resources:
            labels = _labels(arguments.labels)
            if arguments.engine == RAY:
                return run_on_ray(arguments, project, config, labels, resources, hooks)
            summary = run_project(project, images, config, labels=labels, resources=resources, hooks=hooks)
    for note in summary.notes:
        say(note)
    return summary.to_json()


@contextmanager
def _profiled(file: Path | None) -> Iterator[None]:
    """Trace this thread with cProfile and write the trace to ``file``, also when the block is stopped; None: do not.

    Raises:
        InputError: the file cannot be written.
    """
    if file is None:
        yield
        return
    import cProfile

    try:
        file.touch()
    except OSError as error:
        raise InputError(
            f"--profile should be a file that can be written, but {file} cannot ({error.strerror}); give another."
        ) from error
    trace = cProfile.Profile()
    trace.enable()
    try:
        yield
    finally:
        trace.disable()
        trace.dump_stats(file)


def _type_of(option: Option) -> Callable[[str], object]:
    """Reads the value of an option's flag."""
    if option.kind == "file":
        return given_path
    if option.kind == "text":
        return given_words
    if option.kind not in ("number", "count"):
        return str
    reads = float if option.kind == "number" else int

    def number(text: str) -> float:
        with suppress(ValueError):
            if option.low <= (value := reads(text)) < math.inf:
                return value
        what = "number" if option.kind == "number" else "whole number"
        raise argparse.ArgumentTypeError(
            f"a {what} of at least {option.low:g} was expected, but {text[:40]!r} came"
        )

    return number


def _add_flag(parser: argparse.ArgumentParser, option: Option) -> None:
    """Add the flag of an option; None stands for one that is not given."""
    parser.add_argument(
        option.flag,
        dest=option.name,
        type=_type_of(option),
        choices=tuple(option.choices) or None,
        metavar=option.metavar
        or (None if option.choices else option.flag.strip("-").replace("-", "_").upper()),
        help=option.flag_help or None,
    )


def run_config(arguments: argparse.Namespace) -> RunConfig:
    """The options of ``kec run`` as one value; those not given have their defaults."""
    config = RunConfig()
    for option in OPTIONS.values():
        value = getattr(arguments, option.name, None)
        if value is not None:
            value = _text(value, option.flag) if option.kind == "file" else value
            config = changed(config, option.name, value)
    return config


def _text(file: Path, option: str) -> str:
    """What a text file holds."""
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{option} should be a text file, but {file} cannot be read ({short(error)}); give another."
        ) from error


def _labels(value: str) -> LabelSource:
    words: tuple[LabelSource, ...] = ("folders", "none", "keep")
    return next((word for word in words if word == value), Path(value))
