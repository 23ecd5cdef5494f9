"""KEC+ Studio in the browser: ``streamlit run app.py`` serves the pages and the thumbnails.

Imported by the server this is its application; run as a script, as tests do, it draws the page that is looked at.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from state.server.shutdown import limit_shutdown

limit_shutdown()  # before the imports below, which take seconds

import streamlit as st  # noqa: E402
from starlette.middleware import Middleware  # noqa: E402

from pages.frame import shell  # noqa: E402
from pages.map.routes import ROUTES  # noqa: E402
from pages.shared.thumbnails import ROUTE  # noqa: E402
from state.server import allowed_hosts, memory  # noqa: E402
from state.work import warm_up  # noqa: E402


@asynccontextmanager
async def serving(_app: st.App) -> AsyncIterator[None]:
    """From the start of the server to its end."""
    warm_up.start()
    with memory.tidied():
        yield


if __name__ == "__main__":
    shell.draw()
else:
    app = st.App(
        shell.SCRIPT,
        lifespan=serving,
        routes=[ROUTE, *ROUTES],
        on_script_error=shell.failed,
        middleware=[Middleware(allowed_hosts.AllowedHosts, allowed=allowed_hosts.from_environment())],
    )
