"""Results kept as projects of the app, for ``Result.save`` and ``kec.open``.

The core knows no project. The distribution says under the entry points ``kec_core.projects`` who keeps and opens them,
and they are loaded when they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from kec_core.errors import ResourceMissing

GROUP = "kec_core.projects"
"""The entry points "open" and "save"."""


def project_service(name: str) -> Callable[..., Any]:
    """What the app offers to notebooks: "open" (folder) or "save" (result, folder).

    Raises:
        ResourceMissing: the app is not installed.
    """
    for found in entry_points(group=GROUP, name=name):
        service: Callable[..., Any] = found.load()
        return service
    raise ResourceMissing(
        "Projects are kept by the app, but no app is installed beside this library; run 'pip install -e .' in the folder "
        "of KEC+ Studio."
    )
