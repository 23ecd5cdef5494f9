"""Thumbnails by address: ``/thumb/PROJECT/SHA256/SIDE.jpg`` below the base path; the content of an address never changes."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from pages.shared import base_path, session
from state.project.thumbnails import SIDES
from state.server.photo_server import find_thumbnail

SMALL, LARGE = SIDES
_SIDES = {str(side): side for side in SIDES}
YEAR = "private, max-age=31536000, immutable"
"""Cache-Control of an address whose content never changes."""


def address(project_id: str, sha256: str, side: int) -> str:
    """Where the thumbnail of a photo is served."""
    return base_path.address(base_path.THUMBNAIL, project_id, sha256=sha256, side=side)


def serve(request: Request) -> Response:
    """Answer with a thumbnail, made now if it was not.

    Runs in a thread of its own, so that making a thumbnail holds up nobody.
    """
    wanted = request.path_params
    side = _SIDES.get(wanted["side"], 0)
    path = find_thumbnail(session.open_projects_of(request), wanted["project"], wanted["sha256"], side)
    if path is None:
        return Response("There is no such thumbnail.", status_code=404, media_type="text/plain")
    return FileResponse(
        path, media_type="image/jpeg", headers={"Cache-Control": YEAR, "X-Content-Type-Options": "nosniff"}
    )
