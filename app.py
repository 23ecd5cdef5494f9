"""KEC+ Studio in the browser: ``streamlit run app.py`` serves the pages and the thumbnails.

Imported by the server this is its application; run as a script, as tests do, it draws the page that is looked at.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from state.server.serve import limit_shutdown

limit_shutdown()  # before the imports below, which take seconds

import streamlit as st  # noqa: E402
from starlette.middleware import Middleware  # noqa: E402

from pages.frame import health, shell  # noqa: E402
from pages.map import routes as map_routes  # noqa: E402
from pages.shared import navigation, thumbnails, visitors  # noqa: E402
from pages.shared.base_path import base_path  # noqa: E402
from state.server import allowed_hosts, serve  # noqa: E402
from state.server.allowed_hosts import LoginRequired  # noqa: E402
from state.work import warm_up  # noqa: E402


@asynccontextmanager
async def serving(_app: st.App) -> AsyncIterator[None]:
    """From the start of the server to its end."""
    warm_up.serve()
    with serve.tidied():
        yield


def login_layer() -> list[Middleware]:
    """What asks for the login in front of every route; nothing when the server wants none."""
    if not visitors.is_login_wanted():
        return []
    return [
        Middleware(
            LoginRequired,
            base_path=base_path(),
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
        routes=[*health.routes(), *thumbnails.routes(), *map_routes.routes()],
        on_script_error=shell.failed,
        middleware=[
            Middleware(allowed_hosts.AllowedHosts, allowed=allowed_hosts.from_environment()),
            *login_layer(),
        ],
    )
