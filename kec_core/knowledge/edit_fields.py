"""Values with checked fields: each field is cleaned by the function in its annotation; JSON in and out."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import cache, partial
from typing import Annotated, Any, Self, get_type_hints

from kec_core.errors import InputError

MAX_NAME = 200
"""Longest name, in characters."""
MAX_TEXT = 5000
"""Longest description, attribute or guidance, in characters."""
MAX_WEIGHT = 100.0
"""Largest weight of the knowledge against the photos."""

Clean = Callable[[Any, str], Any]
"""Takes a raw value and its field's name; returns the value an edit holds, or raises InputError."""


def clean_text(value: object, label: str, *, longest: int = MAX_TEXT, empty: bool = False) -> str:
    """One line of text: outer and repeated white space removed, control characters refused."""
    if not isinstance(value, str):
        raise InputError(f"{label} should be a text, but is {value!r}.")
    text = " ".join(value.split())
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise InputError(f"{label} holds a control character or half a character; remove it.")
    if not text and not empty:
        raise InputError(f"{label} should be a text, but is empty; write something.")
    if len(text) > longest:
        raise InputError(f"{label} may have {longest} characters, but has {len(text)}; shorten it.")
    return text


def clean_lines(value: object, label: str) -> str:
    """Text of several lines; may be empty."""
    if not isinstance(value, str):
        raise InputError(f"{label} should be a text, but is {value!r}.")
    clean_text(value, label, empty=True)
    return "\n".join(" ".join(line.split()) for line in value.strip().splitlines())


def clean_flag(value: object, label: str) -> bool:
    """True or false, nothing that merely looks like it."""
    if not isinstance(value, bool):
        raise InputError(f"{label} should be true or false, but is {value!r}.")
    return value


def clean_count(value: object, label: str) -> int:
    """A whole number from 1."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InputError(f"{label} should be a whole number from 1, or null for automatic, but is {value!r}.")
    return value


def clean_weight(value: object, label: str) -> float:
    """A finite number from 0."""
    usable = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not usable or not 0 <= float(value) <= MAX_WEIGHT:  # type: ignore[arg-type]
        raise InputError(
            f"{label} should be a number from 0 (photos only) to {MAX_WEIGHT:g}, or null for automatic, "
            f"but is {value!r}."
        )
    return float(value)  # type: ignore[arg-type]


def clean_image(value: object, label: str) -> str:
    """An image id exactly as it is: a path may hold repeated spaces."""
    if not isinstance(value, str) or not value:
        raise InputError(f"{label} should be image ids, but one is {value!r}.")
    if any(unicodedata.category(character) == "Cs" for character in value):
        raise InputError(f"{label} holds half a character in {value!r}; remove it.")
    return value


def clean_list(value: object, label: str, *, each: Clean, at_least: int = 0) -> tuple[Any, ...]:
    """A list without repeats (texts that differ in case only count as repeats, image ids do not)."""
    if not isinstance(value, list | tuple):
        raise InputError(f"{label} should be a list, but is {value!r}.")
    items = tuple(each(item, label) for item in value)
    if len(items) < at_least:
        raise InputError(f"{label} should have at least {at_least} entries, but has {len(items)}.")
    keys = [item.casefold() if isinstance(item, str) and each is not clean_image else item for item in items]
    repeated = first_repeat(keys)
    if repeated is not None:
        raise InputError(f"{label} names {items[repeated]!r} twice; name it once.")
    return items


def clean_optional(value: object, label: str, *, each: Clean) -> object:
    """None, or what ``each`` accepts."""
    return None if value is None else each(value, label)


def first_repeat(keys: Sequence[object]) -> int | None:
    """Position of the first key that came before, or None."""
    seen: set[object] = set()
    for position, key in enumerate(keys):
        if key in seen:
            return position
        seen.add(key)
    return None


clean_name = partial(clean_text, longest=MAX_NAME)

Name = Annotated[str, clean_name]
Text = Annotated[str, clean_text]
OptionalText = Annotated[str, partial(clean_text, empty=True)]
OptionalName = Annotated[str, partial(clean_name, empty=True)]
Lines = Annotated[str, clean_lines]
Flag = Annotated[bool, clean_flag]
MaybeName = Annotated[str | None, partial(clean_optional, each=clean_name)]
MaybeText = Annotated[str | None, partial(clean_optional, each=partial(clean_text, empty=True))]
MaybeCount = Annotated[int | None, partial(clean_optional, each=clean_count)]
MaybeWeight = Annotated[float | None, partial(clean_optional, each=clean_weight)]
Texts = Annotated[tuple[str, ...], partial(clean_list, each=clean_text)]
Names = Annotated[tuple[str, ...], partial(clean_list, each=clean_name)]
SomeNames = Annotated[tuple[str, ...], partial(clean_list, each=clean_name, at_least=1)]
TwoNames = Annotated[tuple[str, ...], partial(clean_list, each=clean_name, at_least=2)]
Images = Annotated[tuple[str, ...], partial(clean_list, each=clean_image)]
SomeImages = Annotated[tuple[str, ...], partial(clean_list, each=clean_image, at_least=1)]
TwoImages = Annotated[tuple[str, ...], partial(clean_list, each=clean_image, at_least=2)]


@cache
def _cleaners(cls: type) -> dict[str, Clean]:
    hints = get_type_hints(cls, include_extras=True)
    return {f.name: hints[f.name].__metadata__[0] for f in fields(cls)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A value whose fields are cleaned by the function in their annotation, however it is made."""

    def __post_init__(self) -> None:
        for name, clean in _cleaners(type(self)).items():  # type: ignore[arg-type]  # mypy sees the instances' hash
            object.__setattr__(self, name, clean(getattr(self, name), name))

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Read a JSON object.

        Raises:
            InputError: not an object, a field is unknown, missing, or not usable.
        """
        if not isinstance(data, Mapping):
            raise InputError(f"an object with fields was expected, but {data!r} came.")
        known = {f.name: f for f in fields(cls)}
        unknown = sorted(str(key) for key in data if key not in known)
        if unknown:
            raise InputError(f"unknown field {unknown[0]!r}; its fields are {', '.join(known)}.")
        missing = [n for n, f in known.items() if f.default is MISSING and n not in data]
        if missing:
            raise InputError(f"the field {missing[0]!r} is missing; add it.")
        return cls(**data)

    def to_json(self) -> dict[str, Any]:
        """As plain JSON types; fields that are None are left out."""
        named = ((f.name, getattr(self, f.name)) for f in fields(self))
        return {name: _plain(value) for name, value in named if value is not None}


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.to_json() if isinstance(value, Checked) else value


def clean_parts(value: object, label: str, *, kind: type[Checked], at_least: int = 0) -> tuple[Any, ...]:
    """A list of objects of one kind, given as such or as JSON."""
    return clean_list(
        value,
        label,
        each=lambda item, _: item if isinstance(item, kind) else kind.from_json(item),
        at_least=at_least,
    )
