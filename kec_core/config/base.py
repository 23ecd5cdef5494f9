"""What the option classes share: JSON out, JSON in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from typing import Any, Self

from kec_core.errors import InputError


class Options:
    """Shared by the option classes: JSON out, JSON in, unknown keys refused."""

    def to_json(self) -> dict[str, Any]:
        """As plain JSON types."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` wrote.

        Raises:
            InputError: a key is not an option of this class.
        """
        known = {f.name for f in fields(cls)}  # type: ignore[arg-type]
        unknown = sorted(set(data) - known)
        if unknown:
            raise InputError(f"Unknown option {unknown[0]!r}; known options: {', '.join(sorted(known))}.")
        return cls(**data)
