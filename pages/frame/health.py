"""``/healthz``: whether the app can serve pages, for whoever watches over the server."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from streamlit import runtime

from pages.shared.base_path import base_path


async def _answer(_request: Request) -> Response:
    """200 and "ok" when pages are served, 503 and why not otherwise."""
    is_ready, said = await runtime.get_instance().is_ready_for_browser_connection
    return PlainTextResponse(said, 200 if is_ready else 503, {"Cache-Control": "no-store"})


def routes() -> tuple[Route, ...]:
    """At the host's own address as well as below the base path: watchers often know no base path."""
    return tuple(
        Route(f"{base}/healthz", _answer, methods=["GET"]) for base in dict.fromkeys(("", base_path()))
    )
