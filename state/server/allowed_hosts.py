"""Which requests the app's server answers: those that name an allowed host, of people who have logged in where that is asked.

A web page can make its own name resolve to 127.0.0.1 (DNS rebinding); the browser then sends the app's requests for it,
but with that name as Host. Names other than loopback names are therefore refused, on every route and on the websocket.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from kec_core.errors import InputError

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
        from starlette.requests import HTTPConnection  # slow to load for the command, which needs no request

        return self._is_public(scope) or bool(self._find_visitor(HTTPConnection(scope).cookies))

    def _is_public(self, scope: Scope) -> bool:
        path = str(scope["path"])
        below = path.removeprefix(self._base) if path.startswith(self._base) else path.removeprefix("/")
        if scope["type"] == "websocket":
            return below == STREAM
        return below in self._public or below.startswith(PROGRAM_FOLDER)


ALLOWED_HOSTS_VARIABLE = "KEC_ALLOWED_HOSTS"
"""Hosts that are served besides loopback names, separated by commas."""

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[0-9A-Za-z._-]+)(?::(?P<port>[0-9]{1,5}))?")
_STANDARD_PORT = {"http": 80, "https": 443}
_LARGEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Host:
    """A host as a Host header, an Origin or an option names it.

    Attributes:
        name: lower case, without the root dot of a name or the brackets of an IPv6 address.
        port: None when it was not given.
    """

    name: str
    port: int | None

    @classmethod
    def parse(cls, text: str) -> Host | None:
        """Read ``name``, ``name:port`` or ``[address]:port``; None when it is nothing of these."""
        found = _HOST.fullmatch(text)
        if found is None:
            return None
        port = int(found["port"]) if found["port"] else None
        name = found["name"].strip("[]").lower().removesuffix(".")
        if not name or (port is not None and port > _LARGEST_PORT):
            return None
        return cls(name, port)

    def __str__(self) -> str:
        """As an address line shows it."""
        name = f"[{self.name}]" if ":" in self.name else self.name
        return name if self.port is None else f"{name}:{self.port}"

    @property
    def address(self) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
        """The IP address when the name is one."""
        try:
            return ipaddress.ip_address(self.name)
        except ValueError:
            return None

    @property
    def is_loopback(self) -> bool:
        """Whether it is localhost, 127.0.0.0/8 or ::1."""
        address = self.address
        return self.name == "localhost" if address is None else address.is_loopback


def parse_allowed(texts: Iterable[str]) -> tuple[Host, ...]:
    """The configured hosts.

    Raises:
        InputError: a text is neither a host nor a host with a port.
    """
    hosts = []
    for text in texts:
        host = Host.parse(as_dns(text))
        if host is None:
            raise InputError(
                f"An allowed host should be a name or an address, with or without a port (photos.example:8501), "
                f"but {text!r} came; give the host as the browser's address line shows it."
            )
        hosts.append(host)
    return tuple(hosts)


def as_dns(text: str) -> str:
    """A host as requests name it: names of other letters in DNS's way of writing them; what is no such name as it is."""
    try:
        return text.encode("idna").decode("ascii") if not text.isascii() else text
    except UnicodeError:
        return text


def from_environment() -> tuple[Host, ...]:
    """The hosts that ``KEC_ALLOWED_HOSTS`` names.

    Raises:
        InputError: as ``parse_allowed``.
    """
    texts = os.environ.get(ALLOWED_HOSTS_VARIABLE, "").split(",")
    return parse_allowed(text.strip() for text in texts if text.strip())


class AllowedHosts:
    """ASGI layer in front of the app: refuses other hosts and other origins with 403, HTTP and websocket alike.

    Args:
        app: the application behind it.
        allowed: hosts served besides loopback names; one without a port is served at any port.
    """

    def __init__(self, app: Application, allowed: Sequence[Host] = ()) -> None:
        self._app = app
        self._allowed = tuple(allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] not in ("http", "websocket") or self._is_served(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _refuse(send)

    def _is_served(self, scope: Scope) -> bool:
        hosts = _values(scope, b"host")
        origins = _values(scope, b"origin")
        if len(hosts) != 1 or len(origins) > 1:
            return False
        host = Host.parse(hosts[0])
        if host is None or not self._is_ours(host, scope.get("server")):
            return False
        return not origins or _is_same(origins[0], host)

    def _is_ours(self, host: Host, server: Sequence[Any] | None) -> bool:
        """Whether a host is configured, or is this machine at the port that the request came in at."""
        if any(host.name == one.name and one.port in (None, host.port) for one in self._allowed):
            return True
        here, port = (server[0], server[1]) if server else ("", None)
        # Only names can be rebound: the very address that the request came in at is this machine's.
        is_here = host.is_loopback or (host.address is not None and host.name == here.removeprefix("::ffff:"))
        return is_here and host.port in (None, port)


def _values(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _is_same(origin: str, host: Host) -> bool:
    """Whether a page of this origin was served under this host."""
    scheme, separator, rest = origin.partition("://")
    page = Host.parse(rest)
    standard = _STANDARD_PORT.get(scheme.lower())
    if not separator or page is None or standard is None:
        return False
    return page.name == host.name and (page.port or standard) == (host.port or standard)


async def _refuse(send: Send) -> None:
    body = (
        b"KEC+ Studio answers only at addresses of this machine, such as http://localhost:8501. To serve it under another "
        b"name or port, start it with: kec app --allowed-host NAME:PORT\n"
    )
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
