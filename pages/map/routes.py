"""What a map loads by address: ``/map/PROJECT/LAYOUT.bin`` its places, ``/map/PROJECT/SCAN/ROW.jpg`` the photo of a row.

Both lie below the base path.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import numpy as np
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from kec_core.errors import KecError
from kec_core.maps.planar import Places, quantised
from pages.shared import base_path, session
from pages.shared.thumbnails import SMALL, YEAR, address
from state.project.project import Project
from state.revisions.layouts import load_layout
from state.server.photo_server import find_content

ROW = "ROW"
"""Stands for the row's number in ``photo_address``."""
_KEY = re.compile(r"[0-9a-f]{32}")
_NUMBER = re.compile(
    r"[0-9]{1,18}"
)  # Python reads no number of more than 4,300 digits, SQLite none beyond 2**63
_MINUTE = "private, max-age=60"


def places_address(project_id: str, layout: str) -> str:
    """Where the places of a map are served: little-endian uint16, x and y of every row; the content never changes."""
    return base_path.address(base_path.MAP_PLACES, project_id, layout=layout)


def photo_address(project_id: str, scan: int) -> str:
    """Where the thumbnail of a row is found, once its number stands for ``ROW``."""
    return base_path.address(base_path.MAP_PHOTO, project_id, scan=scan, row=ROW)


def places(project: Project, layout: str) -> Places:
    """The places of a map as they are drawn, uint16 (N, 2)."""
    return _places(str(project.folder), layout)


@lru_cache(maxsize=8)
def _places(folder: str, layout: str) -> Places:
    return quantised(np.asarray(load_layout(Project(Path(folder)), layout)))


def serve_places(request: Request) -> Response:
    """Answer with the places of a map."""
    layout = request.path_params["layout"]
    if _KEY.fullmatch(layout) is None:
        return _nothing()
    try:
        project = Project(session.open_projects_of(request).folder(request.path_params["project"]))
        content = places(project, layout).astype("<u2").tobytes()
    except KecError:
        return _nothing()
    return Response(content, media_type="application/octet-stream", headers={"Cache-Control": YEAR})


def serve_photo(request: Request) -> Response:
    """Lead on to the thumbnail, whose own address names its content."""
    wanted = request.path_params
    numbers = wanted["scan"], wanted["row"]
    if not all(map(_NUMBER.fullmatch, numbers)):
        return _nothing()
    content = find_content(session.open_projects_of(request), wanted["project"], *map(int, numbers))
    if content is None:
        return _nothing()
    return RedirectResponse(address(wanted["project"], content, SMALL), headers={"Cache-Control": _MINUTE})


def _nothing() -> Response:
    return Response("There is nothing at this address.", status_code=404, media_type="text/plain")
