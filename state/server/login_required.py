"""Refuses requests of people who have not logged in, but for what a browser needs to show them the login."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from starlette.requests import HTTPConnection

from state.server.allowed_hosts import Application, Receive, Scope, Send

LOGIN_ROUTES = frozenset({"auth/login", "auth/logout", "oauth2callback"})
HEALTH_ROUTES = frozenset({"healthz", "_stcore/health"})
PROGRAM_FILES = frozenset({"", "index.html", "favicon.png", "manifest.json", "_stcore/host-config"})
PROGRAM_FOLDER = "static/"
STREAM = "_stcore/stream"
"""The websocket of a page; what it draws for people who have not logged in is the login."""

_REFUSAL = b"Log in first: open the app's own address in this browser.\n"


class LoginRequired:
    """ASGI layer in front of the app: what is not public is answered only to people who are let in.

    Args:
        app: the application behind it.
        base_path: of the app's addresses, "" or like "/kec".
        page_names: paths of pages below it: the same program file, whatever is drawn later.
        find_visitor: the address that cookies prove, "" when they prove none that is let in.
    """

    def __init__(
        self,
        app: Application,
        base_path: str,
        page_names: Collection[str],
        find_visitor: Callable[[Mapping[str, str]], str],
    ) -> None:
        self._app = app
        self._base = f"{base_path}/"
        self._public = frozenset({*page_names, *LOGIN_ROUTES, *HEALTH_ROUTES, *PROGRAM_FILES})
        self._find_visitor = find_visitor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] not in ("http", "websocket") or self._is_served(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            headers = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(_REFUSAL))]
            await send({"type": "http.response.start", "status": 401, "headers": headers})
            await send({"type": "http.response.body", "body": _REFUSAL})

    def _is_served(self, scope: Scope) -> bool:
        return self._is_public(scope) or bool(self._find_visitor(HTTPConnection(scope).cookies))

    def _is_public(self, scope: Scope) -> bool:
        path = str(scope["path"])
        below = path.removeprefix(self._base) if path.startswith(self._base) else path.removeprefix("/")
        if scope["type"] == "websocket":
            return below == STREAM
        return below in self._public or below.startswith(PROGRAM_FOLDER)
