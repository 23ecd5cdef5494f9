"""COCO: clusters as categories, one annotation of the whole image for each photo."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from kec_core.disk import short
from kec_core.errors import InputError
from state.transfer.formats.base import Content, Labels, Source, one_label, quoted, write_json
from state.transfer.formats.tables import text_of

if TYPE_CHECKING:
    from state.transfer.export_files import WriteFile


def write(content: Content) -> Mapping[str, WriteFile]:
    """Ids count from 1, as COCO's own do; the box of an annotation is the whole image."""
    records = content.project.images(content.revision.scan)
    images = [
        {"id": at, "file_name": one.id, "width": one.width, "height": one.height}
        for at, one in enumerate(records, start=1)
    ]
    annotations = [
        {
            "id": at,
            "image_id": at,
            "category_id": cluster + 1,
            "bbox": [0, 0, one.width, one.height],
            "area": one.width * one.height,
            "segmentation": [],
            "iscrowd": 0,
        }
        for at, (one, cluster) in enumerate(
            zip(records, content.table.clusters.tolist(), strict=True), start=1
        )
    ]
    categories = [
        {"id": cluster + 1, "name": content.classes[cluster], "supercategory": "cluster"}
        for cluster in content.used_clusters
    ]
    document = {
        "info": {"description": f"{content.project.name}, revision {content.revision.id}"},
        "images": images,
        "annotations": annotations,
        "categories": categories,
    }
    return {"coco.json": partial(write_json, document)}


def read(source: Source) -> Labels | None:
    """The category of each image; images with objects of several categories get no label, and are told.

    Raises:
        InputError: it is damaged.
    """
    document = source.document("coco.json")
    parts = ("images", "annotations", "categories")
    if not isinstance(document, dict) or not all(isinstance(document.get(part), list) for part in parts):
        return None
    try:
        for part in ("images", "categories"):
            _refuse_twice(source, part, [one["id"] for one in document[part]])
        categories = {one["id"]: text_of(one["name"]) for one in document["categories"]}
        _refuse_nameless(source, categories)
        labels: dict[Any, list[str]] = {one["id"]: [] for one in document["images"]}
        for one in document["annotations"]:
            labels[one["image_id"]].append(categories[one["category_id"]])
        rows = [
            (f"image {one['id']}", text_of(one["file_name"]), labels[one["id"]]) for one in document["images"]
        ]
    except (KeyError, TypeError) as error:
        what = f"{short(error)} is missing" if isinstance(error, KeyError) else "an entry is none of them"
        raise InputError(
            f"{source.path} should be COCO's images, annotations and categories that fit each other, but {what}; "
            "export it again, no label was taken."
        ) from error
    return one_label(rows, "categories")


def _refuse_nameless(source: Source, categories: Mapping[Any, str]) -> None:
    nameless = next((one for one, name in categories.items() if not name), None)
    if nameless is not None:
        raise InputError(
            f"Each category of {source.path} should have a name, but that of the id {quoted(str(nameless))} is empty; "
            "name it, no label was taken."
        )


def _refuse_twice(source: Source, part: str, ids: Sequence[Any]) -> None:
    twice = next((one for one, count in Counter(ids).items() if count > 1), None)
    if twice is not None:
        raise InputError(
            f"Each of the {part} of {source.path} should have its own id, but {quoted(str(twice))} comes twice; export it "
            "again, no label was taken."
        )
