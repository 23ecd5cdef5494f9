"""Label Studio: tasks with clusters as predictions and labels as annotations, and what people annotated there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit
from xml.etree import ElementTree

from state.transfer.formats.base import Content, Labels, Source, one_label, write_json
from state.transfer.formats.tables import text_of

if TYPE_CHECKING:
    from state.transfer.export_files import WriteFile

_LOCAL = "/data/local-files/?d="
_UPLOADED = re.compile(r"(?:.*/)?upload/\d+/[0-9a-f]{8}-")
"""What Label Studio puts before the name of a photo that was uploaded to it."""
_CONTROL, _IMAGE = "cluster", "image"


def write(content: Content) -> Mapping[str, WriteFile]:
    """Tasks to import, and the labelling interface they need; photos are named as local files below the photo folder."""
    return {
        "label-studio/tasks.json": partial(write_json, list(_tasks(content))),
        "label-studio/interface.xml": partial(_write_interface, content),
    }


def _tasks(content: Content) -> Iterator[dict[str, Any]]:
    columns = content.table.columns()
    for at, row in enumerate(content.rows()):
        truth = content.labels[at]
        data = {_IMAGE: f"{_LOCAL}{quote(row.file)}", "file": row.file, "concept": columns["concept"][at]}
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
    """Choices of annotations; those of predictions where nobody annotated anything. Also the short form, JSON-MIN."""
    document = source.document("tasks.json")
    if not isinstance(document, list) or not document or not all(isinstance(task, dict) for task in document):
        return None
    if all(isinstance(task.get("data"), dict) for task in document):
        return _read_tasks(document)
    if all("annotation_id" in task and "annotator" in task for task in document):
        return one_label(
            (
                (
                    f"task {task.get('id', at)}",
                    _photo(task),
                    _choices(task.get("choice") or task.get(_CONTROL)),
                )
                for at, task in enumerate(document)
            ),
            "choices",
        )
    return None


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
    texts = [value for key, value in data.items() if isinstance(value, str) and key != "annotator"]
    address = str(data.get(_IMAGE) or next(iter(texts), ""))
    local = parse_qs(urlsplit(address).query).get("d") if "local-files" in address else None
    return local[0] if local else _UPLOADED.sub("", address)
