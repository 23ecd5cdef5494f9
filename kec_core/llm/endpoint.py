"""Where a language model listens, and the care its key needs."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

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
        InputError: the address is not http or https, or carries a password or a query.
    """

    url: str
    model: str
    key: SecretStr = field(default=SecretStr(""), repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "url", _base_url(self.url))
        object.__setattr__(self, "model", self.model.strip())

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
    text = url.strip().rstrip("/").removesuffix("/chat/completions")
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InputError(
            "The language model's address should look like http://localhost:11434/v1, but this one has no "
            "http:// or https:// and host; copy it again from the server's documentation."
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise InputError(
            "The language model's address should hold no user, password or query, because addresses are stored; "
            "give the key separately."
        )
    return text if parts.path else f"{text}/v1"
