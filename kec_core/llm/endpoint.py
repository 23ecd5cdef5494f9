"""Where a language model listens, and the care its key needs."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import SecretStr

from kec_core.errors import InputError

KEY_VARIABLE = "OPENAI_API_KEY"
PRESETS = {
    "OpenAI": "https://api.openai.com/v1",
    "Ollama": "http://localhost:11434/v1",
    "vLLM": "http://localhost:8000/v1",
    "llama.cpp": "http://localhost:8080/v1",
}
"""Usual addresses, by name."""

_HOST = re.compile(r"[\w.-]+|[0-9a-f:.]+(%\w+)?", re.IGNORECASE)
"""A name or an address; letters of any script."""
_NO_KEY = "none"
_SHORTEST_KEY = 6
"""A shorter key ("ollama" has six letters) hides in ordinary words, so it is not looked for in texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LLMEndpoint:
    """An OpenAI-compatible endpoint and the model to ask there.

    Attributes:
        url: base address; "/v1" is added when the path is empty.
        model: as the endpoint names it.
        key: kept in memory only, never shown or stored; empty means the environment's OPENAI_API_KEY.

    Raises:
        InputError: the model's name holds what cannot be printed; the address is not http or https, has no host or an impossible port, or carries a password or a
            query other than api-version.
    """

    url: str
    model: str
    key: SecretStr = field(default=SecretStr(""), repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", _base_url(self.url))
        object.__setattr__(self, "model", self.model.strip())
        if not self.model.isprintable():
            raise InputError(
                "The language model's name should be one line of letters, but this one holds a line break or a sign that "
                "cannot be sent; copy it again from the server's list."
            )

    @property
    def base(self) -> str:
        """The address without its query."""
        return self.url.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        """What is asked for with every request: Azure's api-version, or nothing."""
        return dict(parse_qsl(urlsplit(self.url).query))

    @property
    def key_source(self) -> Literal["memory", "environment", "none"]:
        """Where the key comes from, for the person."""
        if self.key.get_secret_value():
            return "memory"
        return "environment" if os.environ.get(KEY_VARIABLE) else "none"

    def secret(self) -> str:
        """The key itself, for the request's header alone; "none" for servers that need no key."""
        return self.key.get_secret_value() or os.environ.get(KEY_VARIABLE) or _NO_KEY

    def scrub(self, text: str) -> str:
        """Take the key out of a text that came from outside."""
        secret = self.secret()
        return text.replace(secret, "[key]") if len(secret) > _SHORTEST_KEY else text


def _base_url(url: str) -> str:
    """The address in the one form that requests and cache keys use."""
    import httpx2

    text, _, query = url.strip().partition("?")
    text = text.rstrip("/").removesuffix("/chat/completions").rstrip("/")
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(_HOST.fullmatch(parts.hostname or ""))
        usable = usable and parts.port != 0 and not parts.netloc.endswith(":")
        usable = usable and bool(httpx2.URL(text))
    except (ValueError, httpx2.InvalidURL):  # an open bracket, a port in letters, a host that no name can be
        usable = False
    if not usable:
        raise InputError(
            "The language model's address should look like http://localhost:11434/v1, with http:// or https://, a host "
            "and a port up to 65535 if any, but this one does not; copy it again from the server's documentation."
        )
    named = parse_qsl(query, keep_blank_values=True)
    harmless = len(named) <= 1 and all(name.lower() == "api-version" and value for name, value in named)
    if (
        parts.username
        or parts.password
        or parts.fragment
        or "#" in query
        or not harmless
        or (query and not named)
    ):
        raise InputError(
            "The language model's address should hold no user, password or query besides Azure's api-version, because "
            "addresses are stored; give the key separately."
        )
    base = text if parts.path else f"{text}/v1"
    return f"{base}?{query}" if query else base
