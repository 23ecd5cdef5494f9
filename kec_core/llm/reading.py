"""Finding the answer in what a language model said: after its thoughts, out of prose, in JSON that may be broken, or YAML."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError

from kec_core.errors import LLMReplyError
from kec_core.llm.drafts import likeliest, without_struck
from kec_core.llm.notations import plain_key, values_in_lines

LONGEST_ANSWER = 20_000
"""Letters of an answer, from its end, that are searched for JSON; the longest sensible answer has about 2,000."""
_DEPTH = 5
"""So deep an answer may lie in keys of the model's own."""

_THOUGHT = r"[\w:.-]*(?:think|thought|reason|reflect|analy[sz]|scratch|monologue|ponder|deliberat)[\w-]*"
_MARKER = re.compile(
    rf"(?P<close>[<\[◁⟨]\|?\s*(?:/|end[_ ](?:of[_ ])?)\s*{_THOUGHT}\s*\|?[>\]▷⟩]"
    r"|<\|channel\|>\s*final\b.*?<\|message\|>)"
    rf"|(?P<open>[<\[◁⟨]\|?\s*(?:(?:begin|start)[_ ](?:of[_ ])?)?{_THOUGHT}(?:\s[^<>\[\]]*)?\|?[>\]▷⟩]"
    r"|<\|channel\|>\s*(?:analysis|commentary)\b)",
    re.IGNORECASE | re.DOTALL,
)
"""Where a model's reasoning begins and ends: tags of any name and case, Kimi's, Mistral's and Harmony's markers."""
_SCHEMA_TYPES = ("string", "array")
_ABOUT = ("type", "title", "description")
"""What a schema says of a value, beside the value."""
_LETTER = re.compile(r"[^\W_]")
_LINES = re.compile(r"\s*(?:\n|;)\s*")
_NUMBERED = re.compile(r"[\W_]*(?:[a-z]+[\W_]*)?\d+[\W_]*", re.IGNORECASE)


class Answer(BaseModel):
    """An answer's fields; the schema sent to the endpoint allows no others."""

    model_config = ConfigDict(extra="forbid")


SomeAnswer = TypeVar("SomeAnswer", bound=Answer)


def visible(text: str) -> str:
    """What a model said outside its reasoning; a closing mark without an opening one ends reasoning that began unmarked."""
    said: list[str] = []
    place, thinking = 0, False
    for marker in _MARKER.finditer(text):
        closes = marker["close"] is not None
        if not thinking:
            said = [] if closes else [*said, text[place : marker.start()]]
        thinking, place = not closes, marker.end()
    return "\n".join(said if thinking else [*said, text[place:]])


def reasons(text: str) -> bool:
    """Whether a text carries marks of reasoning."""
    return _MARKER.search(text) is not None


def read_answer(
    text: str,
    model: type[SomeAnswer],
    *,
    repair: bool = True,
    known: Mapping[str, Any] | None = None,
) -> SomeAnswer:
    """Find the last complete answer after a model's reasoning: drafts before it, and those it rejects, do not count.

    Args:
        text: prose, code fences and reasoning included.
        model: the fields asked for; keys in another case, nested or in a list are found.
        repair: mend broken JSON; not for a text that was cut, whose end would be invented.
        known: fields that an earlier answer gave, taken where this one has none.

    Raises:
        LLMReplyError: nothing in the text has the expected fields; the text is attached.
    """
    if not text.strip():
        raise LLMReplyError("the answer was empty", text)
    problem = "the answer held no JSON object"
    said_aloud = without_struck(visible(text))[-LONGEST_ANSWER:]
    for value in chain(
        _values(said_aloud, repair=repair),
        values_in_lines(said_aloud, list(model.model_fields)) if repair else (),
    ):
        found = _fields(value, model)
        if found is None:
            problem = _missing(model) if isinstance(value, dict) else problem
            continue
        if (said := "".join(texts_in(found))) and not _LETTER.search(said):  # the form asked for, said again
            continue
        merged = {**(known or {}), **{key: value for key, value in found.items() if value}}
        try:
            return model.model_validate({**found, **merged})
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"])
            problem = f'the answer\'s field "{place}" was not as asked: {first["msg"]}'
    raise LLMReplyError(problem, text)


def _missing(model: type[Answer]) -> str:
    return f'the answer\'s field "{next(iter(model.model_fields))}" was not as asked: Field required'


def _values(text: str, *, repair: bool) -> Iterator[Any]:
    """What could be an answer, the last first: whole JSON, JSON inside it, mended JSON; then lists."""
    for opening, closing in ("{}", "[]"):
        for start, end in likeliest(text, _spans(text, opening, closing)):
            span = text[start:end]
            yield from reversed(_parsed(span, opening))
            if repair:
                yield from _mended(span, dict if opening == "{" else list)


def _spans(text: str, opening: str, closing: str) -> list[tuple[int, int]]:
    """Outermost bracketed parts; the last may lack its end."""
    found: list[tuple[int, int]] = []
    start, depth = 0, 0
    for place, letter in enumerate(text):
        if letter == opening:
            start, depth = (start, depth + 1) if depth else (place, 1)
        elif letter == closing and depth:
            depth -= 1
            if not depth:
                found.append((start, place + 1))
    return [*found, (start, len(text))] if depth else found


def _parsed(span: str, opening: str) -> list[Any]:
    """The valid JSON that starts at some bracket, outermost first."""
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


def _mended(span: str, kind: type) -> Iterator[Any]:
    """Broken JSON as it was meant; not what is made of words that merely stand in brackets."""
    import json_repair

    try:
        value = json_repair.loads(span)
    except (RecursionError, ValueError):
        return
    if isinstance(value, kind):
        yield value


def _fields(value: Any, model: type[BaseModel], depth: int = _DEPTH) -> dict[str, Any] | None:  # noqa: ANN401 - JSON
    """The model's fields out of JSON: keys in any case, below other keys, in lists, or as text in a string."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        value = next(reversed(_parsed(value, value.lstrip()[0])), None)
    if depth == 0 or not isinstance(value, (dict, list)):
        return None
    if isinstance(value, dict):
        if value.get("type") == "object" and isinstance(value.get("properties"), dict):
            value = value["properties"]
        names = {plain_key(name): name for name in model.model_fields}
        mine = {
            names[plain_key(key)]: item
            for key, item in value.items()
            if plain_key(key) in names and item is not None
        }
        if mine:
            return {name: _fitted(item, model.model_fields[name].annotation) for name, item in mine.items()}
    elif (only := _only_list(model)) and value and value != [only] and all(isinstance(i, str) for i in value):
        return {only: value}
    inner = list(value.values() if isinstance(value, dict) else value)
    nested = (_fields(item, model, depth - 1) for item in reversed(inner))
    return next((found for found in nested if found is not None), None)


def _only_list(model: type[BaseModel]) -> str:
    """The name of the one field, if it is a list of texts."""
    fields = list(model.model_fields.items())
    return fields[0][0] if len(fields) == 1 and fields[0][1].annotation == list[str] else ""


def _fitted(value: Any, wanted: Any) -> Any:  # noqa: ANN401 - JSON and a type
    """A value in the form of its field where no meaning is lost; else as it came, for the model to refuse."""
    is_empty = value == {}
    value = _unwrapped(value)
    if value == {} and not is_empty:
        return value  # a schema alone
    if wanted is str:
        return _joined(value)
    if get_origin(wanted) is list:
        (entry,) = get_args(wanted)
        return [_entry(item, entry) for item in _listed(value, entry)]
    return value


def _unwrapped(value: Any) -> Any:  # noqa: ANN401 - JSON
    """The value that is told as in a schema: "dog" of {"type": "string", "value": "dog"}; {} of a schema alone."""
    if not isinstance(value, dict) or value.get("type") not in _SCHEMA_TYPES:
        return value
    held = [item for key, item in value.items() if key not in _ABOUT]
    return _unwrapped(held[0]) if len(held) == 1 else {}


def _joined(value: Any) -> Any:  # noqa: ANN401 - JSON
    texts = list(texts_in(value))
    return (
        ", ".join(texts)
        if isinstance(value, list)
        else texts[0]
        if isinstance(value, dict) and texts
        else value
    )


def _listed(value: Any, entry: Any) -> list[Any]:  # noqa: ANN401 - JSON and a type
    """A list out of a list, a dictionary or one text."""
    if isinstance(value, list):
        return value
    if isinstance(value, str):
        parts = [part for part in _LINES.split(value) if part.strip()]
        return parts if len(parts) > 1 else [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, dict):
        return [value]
    if entry is not str:
        return _records(value, entry)
    told = all(isinstance(item, str) for item in value.values())
    return list(value.values()) if told or any(_NUMBERED.fullmatch(key) for key in value) else list(value)


def _records(value: dict[str, Any], entry: type[BaseModel]) -> list[Any]:
    """Records out of one record, of a dictionary of records, or of name to list."""
    if _fields(value, entry, 1) is not None:
        return [value]
    first, *rest = entry.model_fields
    if rest and not any(isinstance(item, dict) for item in value.values()):
        return [{first: key, rest[0]: item} for key, item in value.items()]
    return [{first: key, **item} if isinstance(item, dict) else item for key, item in value.items()]


def _entry(item: Any, entry: Any) -> Any:  # noqa: ANN401 - JSON and a type
    item = _unwrapped(item)
    if entry is str:
        texts = list(texts_in(item)) if isinstance(item, dict) else []
        return texts[0] if texts else item
    found = _fields(item, entry, 1)
    return item if found is None else found


def texts_in(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    """Every text in JSON, in order."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts_in(item)
