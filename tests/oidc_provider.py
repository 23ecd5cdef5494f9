"""A small OpenID Connect provider on loopback: discovery, a page to choose who one is, tokens signed with its own key."""

from __future__ import annotations

import json
import secrets
import threading
import time
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, CLIENT_SECRET = "kec", "client-secret-that-nobody-says"
LIFE_SECONDS = 300


class Provider:
    """What the provider knows.

    Attributes:
        people: e-mail address of everybody who has an account, to whether it is confirmed.
    """

    def __init__(self, people: dict[str, bool]) -> None:
        self.people = people
        self.key = RSAKey.generate_key(2048, {"kid": "k1", "use": "sig", "alg": "RS256"})
        self.codes: dict[str, dict[str, str]] = {}
        self.address = ""

    def discovery(self) -> dict[str, object]:
        return {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/jwks",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "code_challenge_methods_supported": ["S256"],
        }

    def choices(self, query: dict[str, str]) -> str:
        """The page on which a person says who they are."""
        links = "".join(
            f'<p><a href="/chosen?{urlencode({**query, "email": email})}">{email}</a></p>'
            for email in self.people
        )
        return f"<!doctype html><title>Provider</title>{links}"

    def grant(self, query: dict[str, str]) -> str:
        """Where the browser goes back to, with a code for whoever was chosen."""
        code = secrets.token_urlsafe(16)
        self.codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state']})}"

    def token(self, form: dict[str, str], client: str) -> dict[str, object] | None:
        """Tokens for a code, once and only to the client."""
        asked = self.codes.pop(form.get("code", ""), None)
        if (
            asked is None
            or client != f"{CLIENT}:{CLIENT_SECRET}"
            or form["redirect_uri"] != asked["redirect_uri"]
        ):
            return None
        email, now = asked["email"], int(time.time())
        claims = {
            "iss": self.address,
            "sub": email,
            "aud": CLIENT,
            "iat": now,
            "exp": now + LIFE_SECONDS,
            "nonce": asked["nonce"],
            "email": email,
            "email_verified": self.people[email],
        }
        signed = jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self.key, algorithms=["RS256"])
        return {"access_token": secrets.token_urlsafe(16), "token_type": "Bearer", "id_token": signed}


def _first(text: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(text).items()}


class _Handler(BaseHTTPRequestHandler):
    provider: Provider

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        query = _first(url.query)
        if url.path == "/.well-known/openid-configuration":
            self._json(self.provider.discovery())
        elif url.path == "/jwks":
            self._json({"keys": [self.provider.key.as_dict(private=False)]})
        elif url.path == "/authorize":
            self._answer(200, self.provider.choices(query).encode(), "text/html")
        elif url.path == "/chosen":
            self._answer(302, b"", "text/plain", {"Location": self.provider.grant(query)})
        else:
            self._answer(404, b"", "text/plain")

    def do_POST(self) -> None:
        form = _first(self.rfile.read(int(self.headers["Content-Length"])).decode())
        kind, _, value = self.headers.get("Authorization", "").partition(" ")
        client = unquote(b64decode(value).decode()) if kind == "Basic" else ""
        tokens = self.provider.token(form, client)
        self._json(tokens or {"error": "invalid_grant"}, 200 if tokens else 400)

    def _json(self, content: object, status: int = 200) -> None:
        self._answer(status, json.dumps(content).encode(), "application/json")

    def _answer(self, status: int, body: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        fields = {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}
        for name, value in fields.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing: tests look at what people see."""


@contextmanager
def running_provider(people: dict[str, bool]) -> Iterator[Provider]:
    """Serve a provider at a free port of loopback."""
    provider = Provider(people)

    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"provider": provider}))
    provider.address = f"http://localhost:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
