"""Edits of the knowledge: read a script, apply it, say it in words (methods.md 6.5).

The same JSON is a script, the journal and what the buttons of the app emit. Applying is pure: undo is keeping the
knowledge from before. A concept is named by its id or its unique name.

Locked concepts may not be renamed, merged, split or deleted, by anyone, until they are unlocked; their attributes,
muting and place in the tree stay open to the person.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any, Union

from pydantic import Field, TypeAdapter, ValidationError

from kec_core.clustering.constraints import check_constraints
from kec_core.disk import short
from kec_core.errors import InputError
from kec_core.knowledge.edit_attributes import *  # noqa: F403
from kec_core.knowledge.edit_base import Edit as Edit
from kec_core.knowledge.edit_clusters import *  # noqa: F403
from kec_core.knowledge.edit_collection import *  # noqa: F403
from kec_core.knowledge.edit_concepts import *  # noqa: F403
from kec_core.knowledge.edit_fields import first_repeat, refusal, shown
from kec_core.knowledge.edit_groups import *  # noqa: F403
from kec_core.knowledge.edit_reshaping import *  # noqa: F403
from kec_core.knowledge.edit_sorting import *  # noqa: F403
from kec_core.types import Knowledge


def _kinds(base: type[Edit]) -> Iterator[type[Edit]]:
    for kind in base.__subclasses__():
        if kind.__subclasses__():
            yield from _kinds(kind)
        else:
            yield kind


EDITS: dict[str, type[Edit]] = dict(
    sorted((kind.model_fields["op"].default, kind) for kind in _kinds(Edit))  # type: ignore[type-abstract]
)
"""Every operation by its "op", in the order of the alphabet."""

_ONE_OF: TypeAdapter[Edit] = TypeAdapter(
    Annotated[Union[tuple(EDITS.values())], Field(discriminator="op")]  # type: ignore[arg-type]  # noqa: UP007
)


_DEPTH_OF_EDITS = 2
_MOST_DEPTH = 20
"""How deep a script may be nested; edits need six levels."""
_MOST_DIGITS = 400
_TOKENS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{},]', re.DOTALL)
"""Strings, so that brackets in them do not count, and what nests."""


def parse_edit(data: object) -> Edit:
    """One edit from its JSON object.

    Raises:
        InputError: not an object, an unknown op or field, a missing field, an unusable value.
    """
    if not isinstance(data, Mapping):
        raise InputError(f'an object with "op" was expected, but {shown(data)} came.')
    try:
        return _ONE_OF.validate_python(dict(data))
    except ValidationError as error:
        if error.errors()[0]["type"].startswith("union_tag"):
            known = ", ".join(EDITS)
            raise InputError(f"unknown op {shown(data.get('op'))}; known ops are {known}.") from None
        raise InputError(refusal(error, Edit)) from None


def parse_script(data: object) -> tuple[Edit, ...]:
    """The edits of a script ``{"edits": [...]}``.

    Raises:
        InputError: the script is not of that form, or an edit is not usable; names the edit's index from 0.
    """
    if (
        isinstance(data, _Twice)
        or not isinstance(data, Mapping)
        or set(data) != {"edits"}
        or not isinstance(data["edits"], list | tuple)
    ):
        raise InputError('A script should be {"edits": [...]} and nothing else; see the list of edits.')
    edits = []
    for index, item in enumerate(data["edits"]):
        with named(index, item.get("op") if isinstance(item, Mapping) else None):
            _refuse_twice(item)
            edits.append(parse_edit(item))
    return tuple(edits)


def read_script(content: bytes) -> tuple[Edit, ...]:
    """The edits of a script file: JSON in UTF-8, UTF-16 or UTF-32, with or without a byte order mark.

    Raises:
        InputError: it is no such file, nested too deep, names a field twice, or as ``parse_script``.
    """
    try:
        text = content.decode(json.detect_encoding(content), "surrogatepass")
        _refuse_deep(text)
        return parse_script(json.loads(text, object_pairs_hook=_object, parse_int=_whole_number))
    except UnicodeDecodeError as error:
        raise InputError(
            f"The script should be text in UTF-8, but is not ({short(error)}); save it so."
        ) from error
    except json.JSONDecodeError as error:
        raise InputError(
            f"The script should be a JSON file with a list of edits, but is not ({short(error)}); mend it."
        ) from error


class _Twice(dict[str, Any]):
    """A JSON object that names a field twice; ``field`` is the first such."""

    field = ""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    repeated = first_repeat([name for name, _ in pairs])
    if repeated is None:
        return dict(pairs)
    found = _Twice(pairs)
    found.field = pairs[repeated][0]
    return found


def _whole_number(digits: str) -> int | float:
    """Python converts numbers up to some thousand digits only; any longer one is out of every field's range."""
    return int(digits) if len(digits) < _MOST_DIGITS else float(digits)


def _refuse_deep(text: str) -> None:
    """Raise InputError for a script that no edit needs and that JSON readers cannot descend into."""
    depth = index = 0
    for token in _TOKENS.finditer(text):
        match token.group():
            case "{" | "[":
                depth += 1
            case "}" | "]":
                depth -= 1
            case "," if depth == _DEPTH_OF_EDITS:
                index += 1
        if depth > _MOST_DEPTH:
            raise InputError(
                f"Edit at index {index}: lists and objects may lie {_MOST_DEPTH} deep in each other, but lie deeper."
            )


def _refuse_twice(edit: object) -> None:
    parts = [edit]
    while parts:
        part = parts.pop()
        if isinstance(part, _Twice):
            raise InputError(f"the field {shown(part.field)} is given twice; give it once.")
        parts.extend(part.values() if isinstance(part, dict) else part if isinstance(part, list) else ())


def script_to_json(edits: Iterable[Edit]) -> dict[str, Any]:
    """What ``parse_script`` reads."""
    return {"edits": [edit.to_json() for edit in edits]}


def apply(knowledge: Knowledge, edit: Edit) -> Knowledge:
    """The knowledge after one edit; the given one is unchanged.

    Raises:
        InputError: the edit does not fit this knowledge, for example it names a concept that is not there.
    """
    changed = edit.change(knowledge)
    if changed.constraints != knowledge.constraints:
        check_constraints(changed.constraints)
    return changed


def apply_script(
    knowledge: Knowledge, edits: Sequence[Edit], *, images: Container[str] | None = None
) -> Knowledge:
    """The knowledge after all edits, or none of them.

    Args:
        knowledge: unchanged.
        edits: in order; an edit may name what an earlier one made.
        images: the image ids of the collection; None does not check them.

    Raises:
        InputError: an edit does not fit; names its index from 0.
    """
    for index, edit in enumerate(edits):
        with named(index, edit.op):
            refuse_unknown(edit, images)
            knowledge = apply(knowledge, edit)
    return knowledge


def refuse_unknown(edit: Edit, images: Container[str] | None) -> None:
    """Raise InputError when an edit names an image that the collection does not have; None does not check."""
    unknown = [one for one in edit.image_ids() if images is not None and one not in images]
    if unknown:
        raise InputError(f"there is no image {shown(unknown[0])} in this collection; check the file name.")


def describe(edit: Edit, knowledge: Knowledge) -> str:
    """What an edit does to the knowledge it is (or was) applied to, as one plain sentence for the history.

    Raises:
        InputError: the edit names something this knowledge does not have.
    """
    return edit.sentence(knowledge)


@contextmanager
def named(index: int, op: object) -> Iterator[None]:
    """Put the index of the edit in front of what is wrong with it.

    Raises:
        InputError: the work inside raised one.
    """
    try:
        yield
    except InputError as error:
        name = f" ({op})" if isinstance(op, str) and op in EDITS else ""
        raise InputError(f"Edit at index {index}{name}: {error}") from error
