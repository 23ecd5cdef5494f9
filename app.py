"""KEC+ Studio in the browser: ``streamlit run app.py`` serves the pages and the thumbnails.

Imported by the server this is its application; run as a script, as tests do, it draws the page that is looked at.
"""

from __future__ import annotations

import os
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from state.server.serve import limit_shutdown

limit_shutdown()  # before the imports below, which take seconds

import streamlit as st  # noqa: E402
from starlette.middleware import Middleware  # noqa: E402
from starlette.requests import Request  # noqa: E402
from starlette.responses import Response  # noqa: E402
from starlette.routing import Route  # noqa: E402

from pages.frame import health, shell  # noqa: E402
from pages.shared import base_path, navigation  # noqa: E402
from state.server import allowed_hosts, serve  # noqa: E402
from state.server.allowed_hosts import LoginRequired  # noqa: E402
from state.workspace.environment import SERVER_CONFIG_VARIABLE  # noqa: E402


@asynccontextmanager
async def serving(_app: st.App) -> AsyncIterator[None]:
    """From the start of the server to its end."""
    threading.Thread(target=_load_pages, name="pages", daemon=True).start()
    with serve.tidied():
        yield


def _load_pages() -> None:
    """Load what pages are made of while the browser still loads the program."""
    shell.load()
    from state.work import warm_up

    warm_up.serve()


def _thumbnail(request: Request) -> Response:
    from pages.shared import thumbnails  # as below: loaded when asked for, not before the server answers

    return thumbnails.serve(request)


def _map_places(request: Request) -> Response:
    from pages.map import routes

    return routes.serve_places(request)


def _map_photo(request: Request) -> Response:
    from pages.map import routes

    return routes.serve_photo(request)


def photo_routes() -> list[Route]:
    """Thumbnails and maps, below the base path that the server was started with."""
    endpoints = {
        base_path.THUMBNAIL: _thumbnail,
        base_path.MAP_PLACES: _map_places,
        base_path.MAP_PHOTO: _map_photo,
    }
    return [
        Route(f"{base_path.base_path()}/{pattern}", endpoint, methods=["GET"])
        for pattern, endpoint in endpoints.items()
    ]


def login_layer() -> list[Middleware]:
    """What asks for the login in front of every route; nothing when the server wants none."""
    if not os.environ.get(SERVER_CONFIG_VARIABLE):
        return []
    from pages.shared import visitors

    return [
        Middleware(
            LoginRequired,
            base_path=base_path.base_path(),
            page_names=navigation.paths(),
            find_visitor=visitors.of_cookies,
        )
    ]


if __name__ == "__main__":
    shell.draw()
else:
    app = st.App(
        shell.SCRIPT,
        lifespan=serving,
        routes=[*health.routes(), *photo_routes()],
        on_script_error=shell.failed,
        middleware=[
            Middleware(allowed_hosts.AllowedHosts, allowed=allowed_hosts.from_environment()),
            *login_layer(),
        ],
    )
