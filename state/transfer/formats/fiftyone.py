"""FiftyOne: image classification as ``labels.json`` with ``data.json``, and the samples of a whole dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kec_core.errors import InputError
from state.transfer.formats.base import Content, Labels, Source, one_label, write_json
from state.transfer.formats.tables import text_of

if TYPE_CHECKING:
    from state.transfer.export_files import WriteFile

_TRUTH = "ground_truth"
"""How FiftyOne's own examples call the field of what people said."""
_SEVERAL = "classifications"


def write(content: Content) -> Mapping[str, WriteFile]:
    """A ``FiftyOneImageClassificationDataset`` that names the photos where they lie, so none is copied.

    Keys are numbers: FiftyOne cuts the suffix off a key, and "a.jpg" and "a.png" would be one. Attributes become fields
    beside ``label`` and ``confidence``, so none may be called like one of its own.
    """
    root = content.project.images_root or Path()
    order = {cluster: at for at, cluster in enumerate(content.used_clusters)}
    columns = content.table.columns()
    concepts, confidence = columns["concept"], columns["confidence"]
    labels: dict[str, Any] = {}
    photos: dict[str, str] = {}
    for at, (file, cluster) in enumerate(
        zip(content.table.files, content.table.clusters.tolist(), strict=True)
    ):
        attributes = {"file": file, "cluster": cluster, "concept": concepts[at]}
        truth = content.labels[at]
        labels[f"{at:08}"] = {
            "label": order[cluster],
            "confidence": confidence[at],
            "attributes": attributes if truth is None else {**attributes, _TRUTH: truth},
        }
        photos[f"{at:08}"] = str((root / file).absolute())
    classes = [content.classes[cluster] for cluster in content.used_clusters]
    return {
        "fiftyone/labels.json": partial(write_json, {"classes": classes, "labels": labels}),
        "fiftyone/data.json": partial(write_json, photos),
    }


def read(source: Source) -> Labels | None:
    """Classifications by key, or the classification field of samples: ``ground_truth``, else the only one there is."""
    document = source.document("labels.json", "samples.json")
    if not isinstance(document, dict):
        return None
    if isinstance(document.get("labels"), dict) and "classes" in document:
        return _classifications(source, document)
    samples = document.get("samples")
    if isinstance(samples, list) and all(isinstance(s, dict) and "filepath" in s for s in samples):
        return _samples(source, samples)
    return None


def _classifications(source: Source, document: Mapping[str, Any]) -> Labels:
    manifest = Source(_folder(source)).document("data.json")
    photos = manifest if isinstance(manifest, dict) else {}
    return one_label(
        (
            (
                f"the key {key!r}",
                str(photos.get(key, key)),
                [_target(source, document.get("classes"), one) for one in _each(target)],
            )
            for key, target in document["labels"].items()
        ),
        _SEVERAL,
    )


def _folder(source: Source) -> Path:
    return source.path if source.is_folder else source.path.parent


def _each(value: object) -> Sequence[Any]:
    """The classifications behind a value: one, or those of a list."""
    inner = value.get("classifications") if isinstance(value, dict) and "classifications" in value else value
    return inner if isinstance(inner, list) else [inner]


def _target(source: Source, classes: object, target: object) -> str:
    """The label behind a target: a text, the number of a class, or an object that holds one of them."""
    value = target.get("label") if isinstance(target, dict) else target
    if isinstance(value, bool) or not isinstance(value, int) or not isinstance(classes, list):
        return text_of(value)
    if not 0 <= value < len(classes):
        raise InputError(
            f"{source.path} should number its {len(classes)} classes from 0, but {value} came; "
            "export it again, no label was taken."
        )
    return text_of(classes[value])


def _samples(source: Source, samples: list[Mapping[str, Any]]) -> Labels:
    from kec_core.encoders.layouts import photo_of_sample  # loads NumPy, which a command's help does not need

    every = _fields(samples, "Classification", "Classifications")
    fields = every if _TRUTH in every else _fields(samples, "Classification") or every
    chosen = _TRUTH if _TRUTH in fields else next(iter(fields), None)
    if chosen is None or (chosen != _TRUTH and len(fields) > 1):
        found = f"has {', '.join(fields)}" if fields else "has none"
        raise InputError(
            f"{source.path} should have one field of classifications, or one called {_TRUTH}, but {found}; "
            "export one field, no label was taken."
        )
    folder = _folder(source)
    labels = one_label(
        (
            (
                f"sample {at}",
                photo_of_sample(folder, text_of(sample["filepath"])),
                [_label(one) for one in _each(sample.get(chosen))],
            )
            for at, sample in enumerate(samples)
        ),
        _SEVERAL,
    )
    others = [name for name in fields if name != chosen]
    notes = (f"Labels are those of the field {chosen}, not of {', '.join(others)}.",) if others else ()
    return Labels(labels.rows, (*notes, *labels.notes))


def _fields(samples: Sequence[Mapping[str, Any]], *kinds: str) -> list[str]:
    """The fields that hold objects of these classes of FiftyOne."""
    names = (
        name
        for sample in samples
        for name, value in sample.items()
        if isinstance(value, dict) and value.get("_cls") in kinds
    )
    return list(dict.fromkeys(names))


def _label(value: object) -> str:
    """The label of a classification, or a text or number that stands in its place."""
    return text_of(value.get("label") if isinstance(value, dict) else value)
