"""Values with checked fields (pydantic) whose refusals are sentences for a person; JSON in and out."""

from __future__ import annotations

import reprlib
import unicodedata
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

import numpy as np
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictStr,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from kec_core.errors import InputError

MAX_NAME = 200
"""Longest name, in characters."""
MAX_TEXT = 5000
"""Longest description, attribute or guidance, in characters."""
MAX_COUNT = 1_000_000
"""Largest number of clusters."""
MAX_WEIGHT = 100.0
"""Largest weight of the knowledge against the photos."""

_WORDS = {
    "string_type": "{label} should be a text, but is {value}.",
    "tuple_type": "{label} should be a list, but is {value}.",
    "too_short": "{label} should have at least {min_length} entries, but has {actual_length}.",
    "model_type": "an object with fields was expected, but {value} came.",
    "missing": "the field {field} is missing; add it.",
    "extra_forbidden": "unknown field {field}; its fields are {known}.",
}
"""What a person reads for each of pydantic's kinds of error."""
_NO_IMAGE = "should be image ids, but one is"
_FIRST = ("extra_forbidden", "missing")
"""Of several errors these are told first: a misspelt field is also a missing one."""


class _Shortened(reprlib.Repr):
    """``repr`` of any value in at most some 100 characters, however long, large or nested it is."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxlist, self.maxtuple, self.maxdict = 2, 3, 3, 3
        self.maxstring = self.maxother = 60

    def repr_int(self, x: int, level: int) -> str:
        del level
        return repr(x) if abs(x) < 10**40 else f"a number of {x.bit_length() * 30103 // 100000 + 1} digits"


shown = _Shortened().repr


class Checked(BaseModel):
    """A value whose fields are checked however it is made; InputError tells what is wrong with the first of them."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __init__(self, **fields: object) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as error:
            raise InputError(refusal(error, type(self))) from None

    def to_json(self) -> dict[str, Any]:
        """As plain JSON types; a field that may be missing is left out when it is None."""
        needed = {name for name, field in type(self).model_fields.items() if field.is_required()}
        data = self.model_dump(mode="json")
        return {name: value for name, value in data.items() if value is not None or name in needed}


def refusal(error: ValidationError, kind: type[BaseModel]) -> str:
    """What is wrong with the fields of a value, as a sentence about the first of them."""
    first = min(error.errors(include_url=False), key=lambda e: (*_FIRST, e["type"]).index(e["type"]))
    context, place = first.get("ctx", {}), first["loc"]
    cause = context.get("error")
    label = shown(place[0])[1:-1] if place else ""
    if isinstance(cause, InputError) or (cause is not None and not label):
        return str(cause)
    if cause is not None:
        return f"{label} {cause}"
    known = ", ".join(name for name in kind.model_fields if name != "op")
    words = _WORDS.get(first["type"], "{label} cannot be used: {value}.")
    field = shown(place[-1]) if place else ""
    return words.format(**context, label=label, field=field, known=known, value=shown(first["input"]))


def first_repeat(keys: Sequence[object]) -> int | None:
    """Position of the first key that came before, or None."""
    seen: set[object] = set()
    for position, key in enumerate(keys):
        if key in seen:
            return position
        seen.add(key)
    return None


def _expected(words: str) -> WrapValidator:
    """Refuses in these words, whatever it is that does not fit; numbers of NumPy, such as a label, are taken as Python's."""

    def check(value: object, handler: ValidatorFunctionWrapHandler) -> object:
        try:
            return handler(value.item() if isinstance(value, np.generic) else value)
        except ValidationError as error:
            raise ValueError(f"{words} {shown(value)}.") from error

    return WrapValidator(check)


def _line(text: str, *, longest: int = MAX_TEXT, empty: bool = False) -> str:
    """One line: outer and repeated white space removed, control characters refused."""
    text = " ".join(text.split())
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise ValueError("holds a control character or half a character; remove it.")
    if text and all(unicodedata.category(character)[0] in "CZ" for character in text):
        raise ValueError("holds nothing that can be seen; write something.")
    if not text and not empty:
        raise ValueError("should be a text, but is empty; write something.")
    if len(text) > longest:
        raise ValueError(f"may have {longest} characters, but {shown(text)} has {len(text)}; shorten it.")
    return text


def _lines(text: str) -> str:
    _line(text, empty=True)
    return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())


def _image(image: str) -> str:
    if not image:
        raise ValueError(f"{_NO_IMAGE} {shown(image)}.")
    if any(unicodedata.category(character) == "Cs" for character in image):
        raise ValueError(f"holds half a character in {shown(image)}; remove it.")
    return image


def _distinct(items: tuple[str, ...], *, fold: bool = True) -> tuple[str, ...]:
    """Texts that differ in case only count as repeats, image ids do not."""
    repeated = first_repeat([item.casefold() if fold else item for item in items])
    if repeated is not None:
        raise ValueError(f"holds {shown(items[repeated])} twice; name it once.")
    return items


Name = Annotated[StrictStr, AfterValidator(partial(_line, longest=MAX_NAME))]
Text = Annotated[StrictStr, AfterValidator(_line)]
OptionalText = Annotated[StrictStr, AfterValidator(partial(_line, empty=True))]
OptionalName = Annotated[StrictStr, AfterValidator(partial(_line, longest=MAX_NAME, empty=True))]
Lines = Annotated[StrictStr, AfterValidator(_lines)]
Flag = Annotated[StrictBool, _expected("should be true or false, but is")]
Count = Annotated[
    int,
    Field(strict=True, ge=1, le=MAX_COUNT),
    _expected(f"should be a whole number from 1 to {MAX_COUNT}, or null for automatic, but is"),
]
Weight = Annotated[
    float,
    Field(strict=True, ge=0, le=MAX_WEIGHT),
    _expected(f"should be a number from 0 (photos only) to {MAX_WEIGHT:g}, or null for automatic, but is"),
]
Image = Annotated[StrictStr, _expected(_NO_IMAGE), AfterValidator(_image)]
"""An image id exactly as it is: a path may hold repeated spaces."""

Cluster = Annotated[
    Annotated[int, Field(strict=True, ge=0, le=MAX_COUNT)] | Name,
    _expected("should be a cluster's id or its name, but is"),
]
"""A cluster by its id or its unique name."""
MAX_PARTS = 100
"""Into how many parts a cluster may be split at once."""
Parts = Annotated[
    int,
    Field(strict=True, ge=2, le=MAX_PARTS),
    _expected(f"should be a whole number from 2 to {MAX_PARTS}, but is"),
]

Texts = Annotated[tuple[Text, ...], AfterValidator(_distinct)]
Names = Annotated[tuple[Name, ...], AfterValidator(_distinct)]
SomeNames = Annotated[tuple[Name, ...], Field(min_length=1), AfterValidator(_distinct)]
TwoNames = Annotated[tuple[Name, ...], Field(min_length=2), AfterValidator(_distinct)]
_each_once = AfterValidator(partial(_distinct, fold=False))
Images = Annotated[tuple[Image, ...], _each_once]
SomeImages = Annotated[tuple[Image, ...], Field(min_length=1), _each_once]
TwoImages = Annotated[tuple[Image, ...], Field(min_length=2), _each_once]
