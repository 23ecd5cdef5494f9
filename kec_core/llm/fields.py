"""What a language model may answer, and how its fields are read out of JSON in whatever form it put them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from html import unescape
from typing import Annotated, Any, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model, model_validator

_DEPTH = 5
"""So deep an answer may lie in keys of the model's own."""
_SCHEMA_TYPES = ("string", "array")
_ABOUT = ("type", "title", "description")
"""What a schema says of a value, beside the value."""
_LETTER = re.compile(r"[^\W_]")
_LINES = re.compile(r"\s*(?:\n|;)\s*")
_NUMBER = re.compile(r"^\s*\d{1,2}[.)]\s+")
_SAYS = re.compile(r"descri|value|detail|text", re.IGNORECASE)
"""Keys of a record under which it says more than a name."""
_NUMBERED = re.compile(r"[\W_]*(?:[a-z]+[\W_]*)?\d+[\W_]*", re.IGNORECASE)


def plain_key(key: object) -> str:
    """A key without regard to case, signs and plural."""
    return "".join(_LETTER.findall(str(key).casefold())).removesuffix("s")


def texts_in(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Every text in JSON, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts_in(item)


def valid_json(span: str, opening: str) -> list[Any]:
    """The valid JSON that starts at some bracket of a text, outermost first."""
    decoder = json.JSONDecoder()
    found: list[Any] = []
    start = span.find(opening)
    while start >= 0:
        try:
            value, end = decoder.raw_decode(span, start)
            found.append(value)
        except ValueError:
            end = start + 1
        except RecursionError:  # nested so deeply that no honest object follows
            break
        start = span.find(opening, end)
    return found


class Answer(BaseModel):
    """An answer's fields; the schema sent to the endpoint allows no others."""

    model_config = ConfigDict(extra="forbid")

    @classmethod
    def fields_in(cls, value: Any, depth: int = _DEPTH) -> dict[str, Any] | None:  # noqa: ANN401 - JSON
        """The fields out of JSON: keys in any case, below other keys, in lists, or as text in a string."""
        if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
            value = next(reversed(valid_json(value, value.lstrip()[0])), None)
        if depth == 0 or not isinstance(value, (dict, list)):
            return None
        if isinstance(value, dict):
            if value.get("type") == "object" and isinstance(value.get("properties"), dict):
                value = value["properties"]
            names = {plain_key(name): name for name in cls.model_fields}
            told = ((names.get(plain_key(key)), _unwrapped(item)) for key, item in value.items())
            if mine := {name: item for name, item in told if name and item is not None}:
                return mine
        elif (only := cls._only_list(value)) and value != [only]:
            return {only: value}
        inner = list(value.values() if isinstance(value, dict) else value)
        nested = (cls.fields_in(item, depth - 1) for item in reversed(inner))
        return next((found for found in nested if found is not None), None)

    @classmethod
    def _only_list(cls, value: list[Any]) -> str:
        """The name of the one field, if it is a list of what ``value`` lists."""
        (name, info), *others = cls.model_fields.items()
        (entry,) = get_args(info.annotation) or (None,)
        if others or not value:
            return ""
        if isinstance(entry, type) and issubclass(entry, Answer):
            return name if all(entry.is_whole(item) for item in value) else ""
        return name if info.annotation == list[_Entry] and {*map(type, value)} == {str} else ""

    @classmethod
    def is_whole(cls, value: Any) -> bool:  # noqa: ANN401 - JSON
        """Whether JSON is a record with all fields."""
        return isinstance(value, dict) and {*(cls.fields_in(value, 1) or ())} == {*cls.model_fields}

    @model_validator(mode="before")
    @classmethod
    def _found(cls, value: Any) -> Any:  # noqa: ANN401 - JSON
        found = cls.fields_in(value, 1)
        return value if found is None else found


def _unwrapped(value: Any) -> Any:  # noqa: ANN401 - JSON
    """The value that is told as in a schema: "dog" of {"type": "string", "value": "dog"}; None of a schema alone."""
    if not isinstance(value, dict) or value.get("type") not in _SCHEMA_TYPES:
        return value
    held = [item for key, item in value.items() if key not in _ABOUT]
    return _unwrapped(held[0]) if len(held) == 1 else None


def _first_text(value: Any) -> Any:  # noqa: ANN401 - JSON
    value = _unwrapped(value)
    value = next(texts_in(value), value) if isinstance(value, dict) else value
    return unescape(value) if isinstance(value, str) else value


def _joined(value: Any) -> Any:  # noqa: ANN401 - JSON
    """One text out of a text, a record or a list of them."""
    if not isinstance(value, list):
        return _first_text(value)
    return ", ".join(text for text in map(_first_text, value) if isinstance(text, str))


def _entry(value: Any) -> Any:  # noqa: ANN401 - JSON
    """One text of a list, without its number: itself, or a record's name with what the record says of it."""
    text = _first_text(value)
    if not isinstance(text, str):
        return text
    said = [item for key, item in value.items() if _SAYS.search(key)] if isinstance(value, dict) else []
    if said and isinstance(said[0], str) and said[0] != text and _LETTER.search(said[0]):
        text = said[0] if _NUMBERED.fullmatch(text) else f"{text}: {said[0]}"
    return _NUMBER.sub("", text)


def _listed(value: Any) -> list[Any]:  # noqa: ANN401 - JSON
    """A list of texts out of a list, a dictionary or one text, which may hold a list; what is no text is left out."""
    if isinstance(value, list):
        flat = [part for item in value for part in (_listed(item) if isinstance(item, list) else [item])]
        return [item for item in flat if isinstance(item, (str, dict))] or flat
    if isinstance(value, str):
        if inside := valid_json(value, "[") if value.lstrip().startswith("[") else []:
            return _listed(inside[0])
        value = value.strip().strip("[]")
        parts = [part for part in _LINES.split(value) if part.strip()]
        return parts if len(parts) > 1 else [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, dict):
        return [value]
    if all(isinstance(item, str) for item in value.values()) or any(
        _NUMBERED.fullmatch(key) for key in value
    ):
        return list(value.values())
    told = {key: ", ".join(texts_in(item)) for key, item in value.items() if item not in (False, None)}
    return [f"{key}: {said}" if said else key for key, said in told.items()]


def _records(entry: type[Answer], value: Any) -> list[Any]:  # noqa: ANN401 - JSON
    """Records out of a list, of one record, of a dictionary of records, or of name to list."""
    if not isinstance(value, dict):
        return list(filter(entry.is_whole, value)) or value if isinstance(value, list) else _listed(value)
    if entry.fields_in(value, 1) is not None:
        return [value]
    first, *rest = entry.model_fields
    if rest and not any(isinstance(item, dict) for item in value.values()):
        return [{first: key, rest[0]: item} for key, item in value.items()]
    return [{first: key, **item} if isinstance(item, dict) else item for key, item in value.items()]


_Text = Annotated[str, BeforeValidator(_joined)]
_Entry = Annotated[str, BeforeValidator(_entry)]
_Texts = Annotated[list[_Entry], BeforeValidator(_listed)]


class ConceptAnswer(Answer):
    """Reply to prompt A."""

    concept: _Text
    description: _Text = ""  # a name alone is half an answer; the schema asks for both


class AttributesAnswer(Answer):
    """Reply to prompts B and C."""

    attributes: _Texts


class Contrast(Answer):
    """One feature, as it looks on either side of a pair."""

    first: _Text
    second: _Text


class ContrastsAnswer(Answer):
    """Reply to prompt C when values are wanted."""

    contrasts: Annotated[list[Contrast], BeforeValidator(partial(_records, Contrast))]


class Part(Answer):
    """One sub-concept."""

    name: _Text
    nouns: _Texts


class PartsAnswer(Answer):
    """Reply to the split prompt."""

    parts: Annotated[list[Part], Field(min_length=2, max_length=4), BeforeValidator(partial(_records, Part))]


class CaptionAnswer(Answer):
    """Reply to the question about one photo."""

    caption: _Text


def schema_of(model: type[Answer], count: int | None = None) -> dict[str, Any]:
    """JSON schema of an answer; with ``count`` its one list has exactly that many entries."""
    if count is not None:
        (name, info) = next(iter(model.model_fields.items()))
        exact = (Annotated[info.annotation, Field(min_length=count, max_length=count)], ...)
        model = create_model(model.__name__, __base__=Answer, **{name: exact})  # type: ignore[call-overload]
    schema = model.model_json_schema()
    schema.pop("description", None)  # our docstring, of no use to a model
    for field in schema["properties"].values():
        field.pop("default", None)
    return {**schema, "required": list(schema["properties"])}
