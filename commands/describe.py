"""What a project knows, as plain JSON types: behind ``kec show``, which alone loads this module and what it needs."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from state.engine.collection import collection_of
from state.project.facts import scores_json
from state.project.near_copies import repeated
from state.project.project import Project
from state.revisions import revisions
from state.revisions.overview import cluster_cards, load_overview
from state.revisions.revisions import Revision

Part = Literal["concepts", "attributes", "clusters", "history"]


def describe_project(project: Project, part: Part) -> dict[str, Any]:
    """One part of the current revision, or the history.

    Raises:
        InputError: the project has no result yet.
    """
    revision = revisions.need_current(project, "result yet")
    describe = {
        "concepts": _concepts,
        "attributes": _attributes,
        "clusters": _clusters,
        "history": _history,
    }[part]
    return {"project": project.name, "revision": revision.id, **describe(project, revision)}


def _concepts(_project: Project, revision: Revision) -> dict[str, Any]:
    knowledge = revision.knowledge
    return {
        "concepts": [
            {
                "id": c.id,
                "name": c.name,
                "description": c.description,
                "nouns": [noun.word for noun in c.nouns],
                "attributes": list(knowledge.attributes_of(c.id)),
                "source": c.source,
                "note": c.note,
                "muted": c.muted,
                "locked": c.locked,
            }
            for c in knowledge.concepts
        ]
    }


def _attributes(_project: Project, revision: Revision) -> dict[str, Any]:
    knowledge = revision.knowledge
    names = {c.id: c.name for c in knowledge.concepts}
    return {
        "uni": [
            {"id": a.id, "concept": names[a.concept], "text": a.text, "source": a.source}
            for a in knowledge.uni
        ],
        "bi": [
            {"id": a.id, "concepts": [names[i] for i in a.pair], "text": a.text, "source": a.source}
            for a in knowledge.bi
        ],
    }


def _clusters(project: Project, revision: Revision) -> dict[str, Any]:
    overview = load_overview(project, revision)
    cards = sorted(cluster_cards(overview, revision.knowledge), key=lambda card: card.id)
    filled = {card.id for card in cards}
    within, together = repeated(project, revision.scan, np.asarray(overview.labels))
    collection = collection_of(project)
    return {
        "images": len(overview.labels),
        **({} if collection is None else {"of": collection.photos, "at": collection.address}),
        "without_near_copies": len(overview.labels) - together,
        "clusters": [
            {
                "cluster": card.id,
                "name": card.name,
                "images": card.size,
                "without_near_copies": card.size - int(within[card.id]),
            }
            for card in cards
        ],
        "empty": [
            {"cluster": kept.id, "name": kept.name}
            for kept in revision.knowledge.kept
            if kept.id not in filled
        ],
        "scores": scores_json(revision.scores),
        "baseline": scores_json(revision.baseline.scores if revision.baseline else None),
    }


def _history(project: Project, _revision: Revision) -> dict[str, Any]:
    return {
        "history": [
            {
                "revision": info.id,
                "parent": info.parent,
                "created": info.created,
                "note": info.note,
                "name": info.name,
                "edits": [dict(edit) for edit in info.edits],
                "scores": scores_json(info.scores),
            }
            for info in revisions.history(project)
        ]
    }
