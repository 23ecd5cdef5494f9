"""``kec search``: photos of a project by words, like another photo, or by what is known of them."""

from __future__ import annotations

import argparse
from datetime import date
from typing import TYPE_CHECKING, Any

from commands.parsing import Subparsers, add_command, given_path, given_words
from kec_core.errors import InputError

if TYPE_CHECKING:
    from state.project.project import Project
    from state.work.photo_filter import PhotoFilter
    from state.work.search import Found, Search


def add(commands: Subparsers[Any]) -> None:
    """Add ``kec search``."""
    p = add_command(
        commands, "search", search, "find photos of a project by words, like another photo, by name or date"
    )
    p.add_argument("project", type=given_path, metavar="PROJECT")
    p.add_argument(
        "words",
        nargs="?",
        type=given_words,
        metavar="WORDS",
        help='what can be seen in them, like "red flowers"',
    )
    p.add_argument("--like", metavar="FILE", help="a photo of the project, or any photo file")
    p.add_argument("--top", type=int, default=20, metavar="N", help="how many photos at most (20)")
    p.add_argument("--file", default="", metavar="TEXT", help="only where folder and name have this in them")
    p.add_argument("--label", action="append", default=[], metavar="NAME", help="only with this label")
    p.add_argument(
        "--cluster", action="append", default=[], metavar="NAME", help="only of this cluster, by name or id"
    )
    p.add_argument("--since", metavar="DATE", help="only taken on this day or later (2026-05-01)")
    p.add_argument("--until", metavar="DATE", help="only taken on this day or before")
    p.add_argument(
        "--camera",
        action="append",
        default=[],
        metavar="NAME",
        help="only by this camera, as the photos tell it",
    )
    p.add_argument(
        "--place", action=argparse.BooleanOptionalAction, help="only with, or only without, a place (GPS)"
    )
    p.add_argument("--near", metavar="LAT,LON", help="only near this place, in degrees (52.52,13.40)")
    p.add_argument("--within", type=float, metavar="KM", help="kilometres from --near (1)")
    p.add_argument(
        "--confidence", nargs=2, type=float, default=(0.0, 1.0), metavar=("LEAST", "MOST"),
        help="only where the cluster is so sure, 0 to 1",
    )  # fmt: skip


def search(arguments: argparse.Namespace) -> dict[str, Any]:
    """``kec search``: the photos found, best first.

    Raises:
        InputError: both words and a photo came, or nothing to look for, or it cannot be looked for.
    """
    from state.project.project import Project
    from state.work.search import open_search

    opened = open_search(Project.open(arguments.project))
    chosen = _filter(arguments, opened)
    found = _found(arguments, opened, chosen)
    asked = {"words": arguments.words, "like": arguments.like}
    return {
        "project": opened.project.name,
        "revision": opened.revision.id,
        **{name: value for name, value in asked.items() if value is not None},
        "found": [one.to_json() for one in found],
    }


def _found(arguments: argparse.Namespace, opened: Search, chosen: PhotoFilter) -> tuple[Found, ...]:
    if arguments.words is not None and arguments.like is not None:
        raise InputError("Either WORDS or --like FILE was expected, but both came; give one of them.")
    if arguments.words is not None:
        return opened.words(arguments.words, arguments.top, chosen)
    if arguments.like is not None:
        return opened.like([arguments.like], arguments.top, chosen)
    if not chosen:
        raise InputError(
            "Either WORDS or --like FILE was expected, or a filter as --file, but nothing came; give one of them."
        )
    return opened.filtered(chosen, arguments.top)


def _filter(arguments: argparse.Namespace, opened: Search) -> PhotoFilter:
    from state.work.photo_filter import PhotoFilter, parse_place

    least, most = arguments.confidence
    if not 0 <= least <= most <= 1:
        raise InputError(
            f"A confidence from 0 to 1, the least first, was expected, but {least:g} {most:g} came; give 0 .5, for example."
        )
    return PhotoFilter(
        file=arguments.file,
        labels=frozenset(_known_label(opened.project, opened.revision.scan, arguments.label)),
        clusters=frozenset(_cluster(opened, name) for name in arguments.cluster),
        since=_day(arguments.since),
        until=_day(arguments.until),
        cameras=frozenset(_known_camera(opened, name) for name in arguments.camera),
        has_place=arguments.place,
        near=None if arguments.near is None else parse_place(arguments.near),
        within=_within(arguments),
        least=least,
        most=most,
    )


def _day(written: str | None) -> date | None:
    try:
        return None if written is None else date.fromisoformat(written)
    except ValueError as error:
        raise InputError(
            f"A day such as 2026-05-01 was expected, but {written!r} came; write it so."
        ) from error


def _within(arguments: argparse.Namespace) -> float:
    if arguments.within is None:
        return 1.0
    if arguments.near is None:
        raise InputError(
            "--within goes with --near, but --near did not come; add --near 52.52,13.40, for example."
        )
    if not arguments.within > 0:
        raise InputError(
            f"Kilometres above 0 were expected, but {arguments.within:g} came; give 5, for example."
        )
    return float(arguments.within)


def _known_camera(opened: Search, name: str) -> str:
    """A camera by its name in any case; "" for photos that do not tell it."""
    known = {one.camera.casefold(): one.camera for one in opened.exif}
    if name and name.casefold() not in known:
        named = ", ".join(sorted(filter(None, known.values()))) or "none: the photos tell no camera"
        raise InputError(f"No photo of the project is by the camera {name!r}; there are {named}.")
    return known.get(name.casefold(), "")


def _known_label(project: Project, scan: int, asked: list[str]) -> list[str]:
    known = set(project.labels(scan)) if asked else set()
    for name in asked:
        if name and name not in known:
            raise InputError(f"No photo of the project has the label {name!r}; check the spelling.")
    return asked


def _cluster(opened: Search, name: str) -> int:
    """A cluster by its name or id."""
    sizes = opened.sizes
    named = [
        one for one, known in enumerate(opened.names) if sizes[one] and known.casefold() == name.casefold()
    ]
    if len(named) == 1:
        return named[0]
    if name.isdecimal() and int(name) < len(sizes) and sizes[int(name)]:
        return int(name)
    known = ", ".join(one for one, size in zip(opened.names, sizes, strict=True) if size)
    raise InputError(f"There is no cluster {name!r}; name one of {known}, or its id.")
