"""How a language-model endpoint is asked (methods.md 6.1, 6.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from kec_core.config.base import Options

_GONE = ("backoff", "max_backoff", "outage_requests", "outage_seconds")
"""Options of language models that older projects hold; the openai client has its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LLMConfig(Options):
    """How a language-model endpoint is asked (methods.md 6.1, 6.4); times in seconds."""

    temperature: float = 0.1  # of the first ask; asking again adds 0.3                     [P]
    in_flight: int = 20  # requests under way at once                                      [P]
    timeout: float = 120.0  # of one request                                               [R]
    retries: int = 6  # of one request after 408, 409, 429, 5xx, a timeout, a lost line    [R]
    max_wait: float = 300.0  # longest Retry-After that is obeyed; beyond it the run stops [R]
    reasks: int = 3  # asks after an answer that is not the JSON asked for                 [R]
    max_tokens: int = 400  # limit of one answer                                           [R]
    long_max_tokens: int = 1600  # limit of the one retry of a cut answer                  [R]
    reasoning_max_tokens: int = 8000  # limit for models that reason before they answer    [R]
    max_reply_bytes: int = 1_000_000  # larger replies are refused unread                  [R]
    pair_values: bool = (
        False  # pair attributes as values per side, not as a dimension    [R] methods.md 6.4 C
    )

    @property
    def limits(self) -> tuple[int, int, int]:
        """The limits of an answer in tokens: usual, after a cut, of models that reason first."""
        return self.max_tokens, self.long_max_tokens, self.reasoning_max_tokens

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` of any version wrote; options that are gone are left out."""
        return super(LLMConfig, cls).from_json({k: v for k, v in data.items() if k not in _GONE})
