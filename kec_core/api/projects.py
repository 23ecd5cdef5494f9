"""Results kept as projects of the app, for ``Result.save`` and ``kec.open``.

The core knows no project. The distribution says under the entry points ``kec_core.projects`` who keeps and opens them,
and they are loaded when they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kec_core.errors import ResourceMissing

if TYPE_CHECKING:
    from kec_core.api.groups import Result

GROUP = "kec_core.projects"
"""The entry points "open" and "save"."""


def open_project(folder: Path | str) -> Result:
    """The result that a project of the app shows.

    Args:
        folder: of the project.

    Raises:
        InputError: it has no result yet.
        ResourceMissing: the weights of its encoder are not on this machine, or the app is not installed.
        StoreError: no project there, or a stored result is missing or damaged.
    """
    result: Result = _service("open")(Path(folder).expanduser())
    return result


def save_result(result: Result, folder: Path | str) -> str:
    """Keep a result as a project, or as the next revision of the project that it was opened from.

    Args:
        result: made from photos.
        folder: new or empty for a new project.

    Returns:
        The id of the revision.

    Raises:
        InputError: the result was not made from photos.
        ResourceMissing: the app is not installed.
        StoreError: the folder cannot be written, holds another project, or the project has moved on meanwhile.
    """
    return str(_service("save")(result, Path(folder).expanduser()))


def _service(name: str) -> Callable[..., Any]:
    for found in entry_points(group=GROUP, name=name):
        service: Callable[..., Any] = found.load()
        return service
    raise ResourceMissing(
        "Projects are kept by the app, but no app is installed beside this library; run 'pip install -e .' in the folder "
        "of KEC+ Studio."
    )
