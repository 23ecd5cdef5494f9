"""Concepts, attributes and their text features (KEC 3.2, 3.3)."""

from __future__ import annotations

from kec_core.config import RunConfig
from kec_core.encoders.base import Encoder, TextEncoder
from kec_core.grounding import concept_vectors
from kec_core.knowledge.construct import build_attributes, build_concepts
from kec_core.mapping import component_nouns
from kec_core.stages.runner import Resources, Runner
from kec_core.store import StageResult
from kec_core.types import ConceptVectors, Knowledge, Noun, NounMapping


def know(
    runner: Runner,
    mapping: NounMapping,
    vocabulary: tuple[Noun, ...],
    resources: Resources,
    encode: TextEncoder,
    config: RunConfig,
    keep: Knowledge | None,
) -> tuple[Knowledge, str]:
    """Concepts, then attributes (KEC 3.2, 3.3); also a note about cut pairs."""
    options, builder, progress = config.knowledge, resources.builder, runner.hooks.progress
    noun_lists = component_nouns(mapping, vocabulary)
    nouns_key = [[[noun.word, noun.synset] for noun in nouns] for nouns in noun_lists]
    kept_key = keep.to_json() if keep else None

    def compute_concepts(_key: str) -> StageResult:
        made = build_concepts(noun_lists, builder, options, keep=keep, progress=progress)
        return StageResult(data={"knowledge": made.to_json(), "summary": {"concepts": len(made.concepts)}})

    concept_inputs = [
        nouns_key,
        builder.name,
        options.guidance,
        options.max_nouns,
        options.merge_same_name,
        kept_key,
    ]
    concepts = runner.stage("concepts", concept_inputs, compute_concepts)

    def compute_attributes(_key: str) -> StageResult:
        made, note = build_attributes(
            Knowledge.from_json(concepts.data["knowledge"]),
            builder,
            encode,
            options,
            resources.encoder.info.defaults,
            progress=progress,
        )
        summary = {"uni_attributes": len(made.uni), "bi_attributes": len(made.bi), "note": note}
        return StageResult(data={"knowledge": made.to_json(), "note": note, "summary": summary})

    attribute_inputs = [concepts.key, resources.encoder.info.revision, options.to_json()]
    attributes = runner.stage("attributes", attribute_inputs, compute_attributes)
    return Knowledge.from_json(attributes.data["knowledge"]), str(attributes.data["note"])


def text_vectors(
    runner: Runner, knowledge: Knowledge, encoder: Encoder, encode: TextEncoder, config: RunConfig
) -> tuple[str, ConceptVectors]:
    """Text features of the concepts and attributes, and the key they are stored under."""

    def compute(_key: str) -> StageResult:
        made = concept_vectors(knowledge, encode, config.grounding)
        return StageResult(
            arrays={"logit": made.logit, "zeta": made.zeta, "attributes": made.attributes},
            data={"concept_ids": list(made.concept_ids), "summary": {"concepts": len(made.concept_ids)}},
        )

    words = [
        [c.id, c.name, c.description, c.muted, knowledge.attributes_of(c.id)] for c in knowledge.concepts
    ]
    stored = runner.stage("vectors", [encoder.info.revision, words, config.grounding.to_json()], compute)
    vectors = ConceptVectors(
        logit=stored.arrays["logit"],
        zeta=stored.arrays["zeta"],
        attributes=stored.arrays["attributes"],
        concept_ids=tuple(stored.data["concept_ids"]),
    )
    return stored.key, vectors
