"""Label Studio: tasks with clusters as predictions and labels as annotations, and what people annotated there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit
from xml.etree import ElementTree

from kec_core.errors import InputError
from state.transfer.formats.base import Content, Labels, Source, first_few, one_label, quoted, write_json
from state.transfer.formats.tables import cells_of, decoded, text_of

if TYPE_CHECKING:
    from state.transfer.export_files import WriteFile

_LOCAL_FILES = "local-files"
_LOCAL = f"/data/{_LOCAL_FILES}/?d="
_UPLOADED = re.compile(r"(?:.*/)?upload/\d+/[0-9a-f]{8}-")
"""What Label Studio puts before the name of a photo that was uploaded to it."""
_CONTROL, _IMAGE = "cluster", "image"
_USUAL = ("choice", _CONTROL, "label")
"""Names of the choices, the first that is there: of Label Studio's own templates, of ours, of people's."""
_MARKS = ("annotation_id", "annotator")
"""What every task of the short forms tells."""
_ABOUT = ("id", "annotation_id", "annotator", "created_at", "updated_at", "lead_time")
"""What the short form tells of a task besides."""


def write(content: Content) -> Mapping[str, WriteFile]:
    """Tasks to import, and the labelling interface they need; photos are named as local files.

    Label Studio serves folders below the one that it was told of, not that one itself; so the photo folder stands in
    the addresses, and what is told is the folder that holds it.
    """
    return {
        "label-studio/tasks.json": partial(write_json, list(_tasks(content))),
        "label-studio/interface.xml": partial(_write_interface, content),
    }


def _tasks(content: Content) -> Iterator[dict[str, Any]]:
    columns = content.table.columns()
    root = content.project.images_root or Path()
    for at, row in enumerate(content.rows()):
        truth = content.labels[at]
        data = {
            _IMAGE: f"{_LOCAL}{quote(f'{root.name}/{row.file}')}",
            "file": row.file,
            "concept": columns["concept"][at],
        }
        prediction = {
            "model_version": f"{content.project.name} {content.revision.id}",
            "score": columns["confidence"][at],
            "result": [_choice(row.label)],
        }
        annotations = [] if truth is None else [{"result": [_choice(truth)]}]
        yield {"data": data, "predictions": [prediction], "annotations": annotations}


def _choice(label: str) -> dict[str, Any]:
    value = {"choices": [label]}
    return {"from_name": _CONTROL, "to_name": _IMAGE, "type": "choices", "value": value}


def _write_interface(content: Content, path: Path) -> None:
    names = [content.classes[cluster] for cluster in content.used_clusters]
    names += [label for label in content.labels if label is not None]
    view = ElementTree.Element("View")
    ElementTree.SubElement(view, "Image", name=_IMAGE, value=f"${_IMAGE}")
    choices = ElementTree.SubElement(view, "Choices", name=_CONTROL, toName=_IMAGE, choice="single")
    for name in dict.fromkeys(names):
        ElementTree.SubElement(choices, "Choice", value=name)
    ElementTree.indent(view)
    ElementTree.ElementTree(view).write(path, encoding="utf-8")


def read(source: Source) -> Labels | None:
    """Choices of annotations; those of predictions where nobody annotated anything. Also the short forms: JSON-MIN, CSV."""
    document = source.document("tasks.json")
    if document is None:
        document = _table(source)
    if not isinstance(document, list) or not document or not all(isinstance(task, dict) for task in document):
        return None
    if all(isinstance(task.get("data"), dict) for task in document):
        return _read_tasks(document)
    if all(mark in task for task in document for mark in _MARKS):
        control = _control(source, document)
        return one_label(
            (
                (f"task {task.get('id', at)}", _photo(task), _choices(task.get(control)))
                for at, task in enumerate(document)
            ),
            "choices",
        )
    return None


def _table(source: Source) -> list[dict[str, object]] | None:
    """The tasks of a table that Label Studio wrote, as CSV or TSV; None for any other file."""
    if source.is_folder or not all(column.encode() in source.head for column in _MARKS):
        return None
    text, _ = decoded(source.path, source.column)
    rows = [cells for _, cells in cells_of(source.path, text, source.column)]
    return [dict(zip(rows[0], map(_cell, cells), strict=False)) for cells in rows[1:]]


def _cell(text: str) -> object:
    """A cell: several choices stand in one as JSON, and where nobody chose it is empty."""
    try:
        return json.loads(text) if text.startswith('{"choices":') else text or None
    except (ValueError, RecursionError):  # a choice that is called so
        return text


def _control(source: Source, tasks: Sequence[Mapping[str, Any]]) -> str:
    """What the labelling interface calls its choices: in the short form they stand beside what the task shows.

    Raises:
        InputError: several fields may be that.
    """
    fields = list(
        dict.fromkeys(
            key for task in tasks for key, value in task.items() if key not in _ABOUT and _is_choice(value)
        )
    )
    usual = [name for name in _USUAL if name in fields]
    if not usual and len(fields) > 1:
        raise InputError(
            f"{source.path} should have one field of choices, or one called {_USUAL[0]!r}, but "
            f"{first_few([*map(quoted, fields)])} may be it; export it as JSON instead of JSON-MIN, no label was taken."
        )
    return next(iter(usual or fields), _USUAL[0])


def _is_choice(value: object) -> bool:
    if isinstance(value, str):
        return not _is_photo(value)
    return isinstance(value, dict) and "choices" in value


def _is_photo(text: str) -> bool:
    """Whether a text is the address of a photo."""
    from kec_core.photos.formats import is_named_photo  # loads Pillow, which a command's help does not need

    return _LOCAL_FILES in text or is_named_photo(PurePosixPath(urlsplit(text).path).name)


def _read_tasks(tasks: Sequence[Mapping[str, Any]]) -> Labels:
    annotated = [_results(task, "annotations") for task in tasks]
    said = any(annotated)
    found = annotated if said else [_results(task, "predictions") for task in tasks]
    labels = one_label(
        (
            (f"task {task.get('id', at)}", _photo(task["data"]), choices)
            for at, (task, choices) in enumerate(zip(tasks, found, strict=True))
        ),
        "choices",
    )
    without = sum(not choices for choices in found)
    note = f"{without:,} tasks have no annotation of choices, so their photos get no label."
    return Labels(labels.rows, (*labels.notes, *((note,) if said and without else ())))


def _results(task: Mapping[str, Any], kind: str) -> list[str]:
    """All choices of a task, cancelled annotations left out."""
    given = [one for one in _objects(task.get(kind)) if not one.get("was_cancelled")]
    results = [result for one in given for result in _objects(one.get("result"))]
    return [
        choice
        for result in results
        if result.get("type") == "choices"
        for choice in _choices(result.get("value"))
    ]


def _objects(value: object) -> list[Mapping[str, Any]]:
    """The objects of a list; none where something else stands, as where nobody annotated anything."""
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _choices(value: object) -> list[str]:
    """One choice, or several, in any of the forms in which Label Studio writes them."""
    inner = value.get("choices") if isinstance(value, dict) else value
    return [
        text_of(choice) for choice in (inner if isinstance(inner, list) else [inner]) if choice is not None
    ]


def _photo(data: Mapping[str, Any]) -> str:
    """The photo's path: as this program wrote it, else from the address that Label Studio knows it by."""
    if isinstance(data.get("file"), str):
        return str(data["file"])
    texts = [value for key, value in data.items() if isinstance(value, str) and key not in _ABOUT]
    address = str(data.get(_IMAGE) or next(filter(_is_photo, texts), None) or next(iter(texts), ""))
    local = parse_qs(urlsplit(address).query).get("d") if _LOCAL_FILES in address else None
    return local[0] if local else _UPLOADED.sub("", address)
