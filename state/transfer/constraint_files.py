"""The person's wishes on photos as files: a table for spreadsheets, and a script that makes them again."""

from __future__ import annotations

import io
import json

from kec_core.knowledge.edits import AssignImages, Edit, KeepApart, KeepTogether, script_to_json
from kec_core.types import Constraint, Knowledge
from state.transfer.csv_cells import write_csv

WORDS = {"together": "kept together", "apart": "kept apart", "assign": "belong to"}


def wishes_csv(knowledge: Knowledge) -> str:
    """One row per photo of every wish: its id, what is wished, the concept if any, the photo."""
    file = io.StringIO(newline="")
    names = {concept.id: concept.name for concept in knowledge.concepts}
    write_csv(
        file,
        ("wish", "kind", "concept", "file"),
        (
            (one.id, WORDS[one.kind], names.get(one.concept, ""), image)
            for one in knowledge.constraints
            for image in one.images
        ),
    )
    return file.getvalue()


def wishes_script(knowledge: Knowledge) -> str:
    """A script of edits that makes the same wishes in another project with these photos and concepts."""
    edits = [_edit(one, knowledge) for one in knowledge.constraints]
    return json.dumps(script_to_json(edits), indent=1)


def _edit(wish: Constraint, knowledge: Knowledge) -> Edit:
    if wish.kind == "assign":
        return AssignImages(images=wish.images, concept=_reference(wish.concept, knowledge))
    return KeepTogether(images=wish.images) if wish.kind == "together" else KeepApart(images=wish.images)


def _reference(concept: str, knowledge: Knowledge) -> str:
    """A concept by its name, which other projects share, unless another concept has the same one."""
    name = knowledge.by_id[concept].name
    same = [one for one in knowledge.concepts if one.name.casefold() == name.casefold()]
    return name if len(same) == 1 else concept
