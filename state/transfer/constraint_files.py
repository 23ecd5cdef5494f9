"""The person's wishes on photos as files: a table for spreadsheets, and a script that makes them again."""

from __future__ import annotations

import json

from kec_core.knowledge.edit_clusters import NewCluster
from kec_core.knowledge.edits import AssignImages, Edit, KeepApart, KeepTogether, script_to_json
from kec_core.types import Constraint, Knowledge
from state.transfer.csv_cells import csv_bytes

WORDS = {"together": "kept together", "apart": "kept apart", "assign": "belong to", "member": "stay in"}


def wishes_csv(knowledge: Knowledge) -> bytes:
    """One row per photo of every wish: its id, what is wished, the concept and the group if any, the photo."""
    names = {concept.id: concept.name for concept in knowledge.concepts}
    return csv_bytes(
        ("wish", "kind", "concept", "file", "group"),
        (
            (one.id, WORDS[one.kind], names.get(one.concept, ""), image, group_name(one, knowledge))
            for one in knowledge.constraints
            for image in one.images
        ),
    )


def wishes_script(knowledge: Knowledge) -> str:
    """A script of edits that makes the same wishes in another project with these photos and concepts."""
    edits = [_edit(one, knowledge) for one in knowledge.constraints if one.kind != "member"]
    groups: dict[int, list[str]] = {}
    for one in knowledge.constraints:
        if one.kind == "member" and one.cluster is not None:
            groups.setdefault(one.cluster, []).extend(one.images)
    given = {kept.id: kept.name for kept in knowledge.kept}
    made = [
        NewCluster(images=tuple(images), name=given.get(cluster, ""), follow=False)
        for cluster, images in groups.items()
    ]
    return json.dumps(script_to_json([*edits, *made]), indent=1)


def group_name(wish: Constraint, knowledge: Knowledge) -> str:
    """What the person calls the cluster that a wish puts photos into, else "cluster" and its id; "" without one."""
    if wish.cluster is None:
        return ""
    given = {kept.id: kept.name for kept in knowledge.kept if kept.name}
    return given.get(wish.cluster, f"cluster {wish.cluster}")


def _edit(wish: Constraint, knowledge: Knowledge) -> Edit:
    if wish.kind == "assign":
        return AssignImages(images=wish.images, concept=_reference(wish.concept, knowledge))
    return KeepTogether(images=wish.images) if wish.kind == "together" else KeepApart(images=wish.images)


def _reference(concept: str, knowledge: Knowledge) -> str:
    """A concept by its name, which other projects share, unless another concept has the same one."""
    name = knowledge.by_id[concept].name
    same = [one for one in knowledge.concepts if one.name.casefold() == name.casefold()]
    return name if len(same) == 1 else concept
