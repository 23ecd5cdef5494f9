"""Concepts, attributes and their text features (KEC 3.2, 3.3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from kec_core.arrays import FloatMatrix
from kec_core.config import ConceptSource, RunConfig
from kec_core.encoders.base import Encoder, TextEncoder
from kec_core.grounding import concept_vectors
from kec_core.grounding.telling import TELLING_REVISION, telling_attributes
from kec_core.knowledge.base import KnowledgeBuilder
from kec_core.knowledge.construct import build_attributes, build_concepts
from kec_core.knowledge.edits import apply
from kec_core.knowledge.tree import TREE_REVISION, concept_tree
from kec_core.knowledge.unique_names import UNCLEAR, is_unclear
from kec_core.mapping import component_nouns
from kec_core.stages.runner import Resources, Runner
from kec_core.store import StageResult
from kec_core.types import Concept, ConceptVectors, Knowledge, Noun, NounMapping
from kec_core.wordnet.vocabulary import DomainTerm

NAMES_REVISION = "as written"
"""Change it with how a person's own words name concepts: stored ones are found by it."""
LEAST_FIT = 0.3
"""A noun that reaches less of the likeness of a group's photos than this is nearly always wrong: 28 of 30 groups [M]."""


def know(
    runner: Runner,
    photos_key: str,
    x: FloatMatrix,
    mapping: NounMapping,
    vocabulary: tuple[Noun, ...],
    resources: Resources,
    encode: TextEncoder,
    config: RunConfig,
    keep: Knowledge | None,
) -> tuple[Knowledge, str]:
    """Concepts, then attributes (KEC 3.2, 3.3) and the tree of the concepts; also a note about cut pairs.

    ``photos_key`` is the key of what follows from the features ``x``; only attributes that tell these photos apart are kept.
    """
    builder, progress = resources.builder, runner.hooks.progress
    noun_lists = component_nouns(mapping, vocabulary)
    nouns_key = [[[noun.word, noun.synset] for noun in nouns] for nouns in noun_lists]
    kept_key = keep.to_json() if keep else None
    # Each group of a whole list is the person's own word for it, however it fits.
    whole_list = len(noun_lists) == resources.listed
    unclear = {} if whole_list else _unclear(mapping, noun_lists)

    def compute_concepts(options: RunConfig) -> StageResult:
        made = build_concepts(
            noun_lists,
            builder,
            options.knowledge,
            keep=keep,
            unclear=unclear,
            distinct=options.mapping.concepts_from == "words",
            progress=progress,
        )
        made = _as_the_person_says(made, resources.domain, options.mapping.concepts_from)
        summary = {"concepts": len(made.concepts), **_asked(builder, "concept")}
        return StageResult(data={"knowledge": made.to_json(), "summary": summary})

    concept_inputs = [
        nouns_key,
        builder.revision,
        kept_key,
        sorted(unclear.values()),
        *([[term.noun.word, term.description] for term in resources.domain]),
    ]
    own = {term.noun for term in resources.domain}
    if config.mapping.concepts_from == "words" and any(nouns and nouns[0] in own for nouns in noun_lists):
        concept_inputs.append(NAMES_REVISION)  # other projects keep their keys
    concepts = runner.configured(
        "concepts", concept_inputs, compute_concepts, config, rebuild=resources.rebuild
    )

    def compute_attributes(options: RunConfig) -> StageResult:
        made, note = build_attributes(
            Knowledge.from_json(concepts.data["knowledge"]),
            builder,
            encode,
            options.knowledge,
            resources.encoder.info.defaults,
            progress=progress,
        )
        made = telling_attributes(made, x, encode, options.knowledge, resources.encoder.info.defaults)
        made = apply(made, concept_tree(made, encode, resources.wordnet))
        counts = {
            "groups": len(made.groups),
            "uni_attributes": len(made.uni),
            "bi_attributes": len(made.bi),
            "left_out": len(made.left_out),
            "note": note,
        }
        summary = {**counts, **_asked(builder, "uni", "pair")}
        return StageResult(data={"knowledge": made.to_json(), "note": note, "summary": summary})

    attribute_inputs = [
        concepts.data["knowledge"],
        builder.revision,
        resources.encoder.info.revision,
        TREE_REVISION,
        TELLING_REVISION,
        photos_key,
        resources.wordnet is not None and resources.wordnet.has_relations,
    ]
    attributes = runner.configured(
        "attributes", attribute_inputs, compute_attributes, config, rebuild=resources.rebuild
    )
    return Knowledge.from_json(attributes.data["knowledge"]), str(attributes.data["note"])


def _unclear(mapping: NounMapping, noun_lists: Sequence[tuple[Noun, ...]]) -> dict[tuple[Noun, ...], str]:
    """The groups whose noun does not fit them, by their nouns, and what they are called: by their number of photos."""
    if mapping.fit is None:
        return {}
    sizes = np.bincount(mapping.labels, minlength=len(noun_lists))
    names: dict[tuple[Noun, ...], str] = {}
    for nouns, size, fit in zip(noun_lists, sizes.tolist(), mapping.fit.tolist(), strict=True):
        if fit >= LEAST_FIT:
            continue
        name, number = f"{UNCLEAR} ({size} photos)", 2
        while name in names.values():
            name, number = f"{UNCLEAR} {number} ({size} photos)", number + 1
        names[nouns] = name
    return names


def _as_the_person_says(
    knowledge: Knowledge, domain: Sequence[DomainTerm], concepts_from: ConceptSource
) -> Knowledge:
    """Automatic concepts that stand for a term of the person's have its word as their name, and its description."""
    own = {term.noun for term in domain}
    told = {term.noun.word.casefold(): term.description for term in domain if term.description}

    def said(concept: Concept) -> Concept:
        if concept.source == "user" or concept.locked:
            return concept
        stands_for = concept.nouns[0] if concept.nouns and concepts_from == "words" else None
        name = stands_for.word if stands_for in own and not is_unclear(concept) else concept.name
        return replace(concept, name=name, description=told.get(name.casefold(), concept.description))

    return replace(knowledge, concepts=tuple(map(said, knowledge.concepts)))


def _asked(builder: KnowledgeBuilder, *kinds: str) -> dict[str, Any]:
    """For the summary of a stage: how the builder's questions of these kinds ended, and which did not end well."""
    items = [item for item in builder.items() if item.kind in kinds]
    if not items:
        return {}
    marked = [asdict(item) for item in items if item.reason or item.status not in ("done", "cached")]
    return {"asked": dict(Counter(item.status for item in items)), "marked": marked}


def text_vectors(
    runner: Runner, knowledge: Knowledge, encoder: Encoder, encode: TextEncoder, config: RunConfig
) -> tuple[str, ConceptVectors]:
    """Text features of the concepts and attributes, and the key they are stored under."""

    def compute(options: RunConfig) -> StageResult:
        made = concept_vectors(knowledge, encode, options.grounding)
        arrays = {"logit": made.logit, "zeta": made.zeta, "attributes": made.attributes}
        return StageResult(
            arrays=arrays if made.prior is None else {**arrays, "prior": made.prior},
            data={"concept_ids": list(made.concept_ids), "summary": {"concepts": len(made.concept_ids)}},
        )

    words = [
        [c.id, c.text, c.description, c.muted, knowledge.attributes_of(c.id)] for c in knowledge.concepts
    ]
    inputs = [encoder.info.revision, words, *_changes_of_weight(knowledge)]
    stored = runner.configured("vectors", inputs, compute, config)
    vectors = ConceptVectors(
        logit=stored.arrays["logit"],
        zeta=stored.arrays["zeta"],
        attributes=stored.arrays["attributes"],
        concept_ids=tuple(stored.data["concept_ids"]),
        prior=stored.arrays.get("prior"),
    )
    return stored.key, vectors


def _changes_of_weight(knowledge: Knowledge) -> list[object]:
    """What makes concepts count otherwise than each for itself: guidance and collapsed groups; empty without any."""
    collapsed = {concept: column for concept, column in knowledge.column_of.items() if column != concept}
    return [[knowledge.guidance, collapsed]] if knowledge.guidance or collapsed else []
