"""The parts of a report about knowledge and how it came about: concepts, wishes, edits, parameters, notes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from kec_core.errors import InputError
from kec_core.knowledge.edit_clusters import ClusterEdit
from kec_core.knowledge.edits import apply, describe, parse_edit
from kec_core.knowledge.unique_names import unique_names
from kec_core.types import Concept, Constraint, Grounding, Knowledge
from kec_core.wording import counted
from state.project.project import Project
from state.revisions import revisions
from state.revisions.revisions import Revision, RevisionInfo
from state.transfer.constraint_files import group_name
from state.transfer.report_page import Block, Bullets, Code, Lines, Paragraph, Table

SKIPPED, STEPS, CONCEPTS, TEXTS = 200, 200, 300, 10
"""Skipped files, revisions, concepts, and texts of a concept that are listed; beyond, only their number."""
LONGEST_SCRIPT = 40_000
"""Characters of a script that is part of the page."""
_WISHES = {"together": "Keep together", "apart": "Keep apart", "assign": "Assign to", "member": "Stay in"}


def concepts(knowledge: Knowledge, grounding: Grounding) -> Iterator[Block]:
    """Every concept with its words, and how many photos it is strongest in."""
    counts, names = _counts(grounding), unique_names(knowledge)
    rows = [
        (
            Lines([names[concept.id], *_flags(concept)]),
            concept.description,
            Lines(_few([a.text for a in knowledge.uni if a.concept == concept.id])),
            Lines(
                _few(
                    [
                        f"{a.text} (from {_other(names, a.pair, concept.id)})"
                        for a in knowledge.bi
                        if concept.id in a.ends
                    ]
                )
            ),
            ", ".join(_few([noun.word for noun in concept.nouns])),
            f"{counts[concept.id]:,}",
        )
        for concept in knowledge.concepts[:CONCEPTS]
    ]
    if rows:
        head = (
            "Concept",
            "Description",
            "Typical of it",
            "Sets it apart",
            "Nouns",
            "Photos it is strongest in",
        )
        yield Table(head, rows)
    if len(knowledge.concepts) > CONCEPTS:
        yield Paragraph(f"… and {len(knowledge.concepts) - CONCEPTS:,} more, in the knowledge (JSON).")


def _few(texts: Sequence[str]) -> list[str]:
    """The first texts, and how many more there are."""
    return [*texts[:TEXTS], *([f"… and {len(texts) - TEXTS:,} more"] if len(texts) > TEXTS else [])]


def _counts(grounding: Grounding) -> Counter[str]:
    """Photos by the id of the concept that is strongest in them: two concepts may have one name."""
    if not grounding.concept_ids:
        return Counter()
    found = np.bincount(grounding.winner, minlength=len(grounding.concept_ids)).tolist()
    return Counter(dict(zip(grounding.concept_ids, found, strict=True)))


def _flags(concept: Concept) -> Iterator[str]:
    flags = [f"by {concept.source}", "muted" * concept.muted, "locked" * concept.locked, concept.note]
    yield " · ".join(flag for flag in flags if flag)


def _other(names: Mapping[str, str], pair: Sequence[str], concept: str) -> str:
    other = pair[1] if pair[0] == concept else pair[0]
    return names.get(other, other)


def wishes(knowledge: Knowledge) -> Iterator[Block]:
    """Guidance, numbers the person chose, and wishes on photos."""
    if knowledge.guidance.strip():
        yield Paragraph("Guidance:")
        yield Code(knowledge.guidance)
    chosen_k = [] if knowledge.n_clusters is None else [f"Number of clusters: {knowledge.n_clusters}"]
    weight = [] if knowledge.weight is None else [f"Weight of the knowledge: {knowledge.weight:g}"]
    wishes = [
        f"{_WISHES[constraint.kind]} {_where(knowledge, constraint)}({counted(len(constraint.images), 'photo')}): "
        f"{', '.join(constraint.images[:5])}{' …' if len(constraint.images) > 5 else ''}"
        for constraint in knowledge.constraints
    ]
    said = [*chosen_k, *weight, *wishes]
    if said:
        yield Bullets(said)


def _where(knowledge: Knowledge, wish: Constraint) -> str:
    concept = knowledge.by_id[wish.concept].name if wish.concept in knowledge.by_id else wish.concept
    place = concept or group_name(wish, knowledge)
    return f"{place} " if place else ""


# --- how it came about


def edits(project: Project, revision: Revision) -> Iterator[Block]:
    """Every revision on the way here, with its edits in words and as the script that replays them."""
    path = revisions.lineage(project, revision.id)
    if len(path) > STEPS:
        yield Paragraph(f"The latest {STEPS:,} of {len(path):,} revisions:", quiet=True)
    yield Table(
        ("Revision", "When", "What", "Edits"),
        [
            (
                step.id,
                step.created[:16].replace("T", " "),
                step.name or step.note,
                Lines(_in_order(project, step)),
            )
            for step in path[-STEPS:]
        ],
    )
    journal = [dict(edit) for edit in revisions.journal(project, revision.id)]
    script = json.dumps({"edits": journal}, ensure_ascii=False, indent=1)
    if journal and len(script) > LONGEST_SCRIPT:
        yield Paragraph(
            "The script that repeats all this is too long for this page; export the edits (JSON).", quiet=True
        )
    elif journal:
        yield Paragraph("As a script; kec edit replays it:", quiet=True)
        yield Code(script)


def _in_order(project: Project, step: RevisionInfo) -> list[str]:
    """The edits of a revision in words, each seen from the knowledge it was made on."""
    if not step.edits or step.parent is None:
        return []
    knowledge = revisions.get(project, step.parent).knowledge
    said = []
    for edit in map(parse_edit, step.edits):
        if isinstance(edit, ClusterEdit):
            said.append(edit.sentence(knowledge))
            continue
        try:
            said.append(describe(edit, knowledge))
            knowledge = apply(knowledge, edit)
        except InputError:  # it names what an edit of clusters before it made
            said.append(f"{edit.op}: {json.dumps(edit.to_json(), ensure_ascii=False)}")
    return said


def parameters(revision: Revision) -> Iterator[Block]:
    """Every option of the run, by its dotted name."""
    rows = [(name, json.dumps(value, ensure_ascii=False)) for name, value in _flat(revision.config.to_json())]
    yield Table(("Option", "Value"), rows)


def _flat(options: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def notes(project: Project, revision: Revision) -> Iterator[Block]:
    """What the person should know: about the method, the folder, and files that were not used."""
    said = [*revision.facts.notes, *project.warnings(revision.scan)]
    if said:
        yield Bullets(said)
    skipped = project.skipped(revision.scan)
    if skipped:
        yield Paragraph(f"{counted(len(skipped), 'file')} not used:")
        yield Bullets([f"{item.path}: {item.reason}" for item in skipped[:SKIPPED]])
        if len(skipped) > SKIPPED:
            yield Paragraph(f"… and {len(skipped) - SKIPPED:,} more.")
