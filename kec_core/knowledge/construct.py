"""From noun sets to knowledge: concepts, then their attributes (KEC sections 3.2, 3.3; methods.md 6.1 steps 2, 3)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from kec_core.arrays import Progress, no_progress
from kec_core.config import EncoderDefaults, KnowledgeConfig
from kec_core.encoders.base import TextEncoder
from kec_core.knowledge.base import ConceptDraft, KnowledgeBuilder, PairDraft
from kec_core.knowledge.changes import pair_of
from kec_core.knowledge.pairs import SimilarPairs, similar_pairs
from kec_core.knowledge.unique_names import free_name
from kec_core.types import (
    BiAttribute,
    Concept,
    Knowledge,
    Noun,
    UniAttribute,
    attribute_id,
    concept_id,
)


def build_concepts(
    noun_lists: Sequence[Sequence[Noun]],
    builder: KnowledgeBuilder,
    config: KnowledgeConfig,
    *,
    keep: Knowledge | None = None,
    unclear: Mapping[tuple[Noun, ...], str] | None = None,
    distinct: bool = False,
    progress: Progress = no_progress,
) -> Knowledge:
    """One concept per noun set, beside what the person made or locked in ``keep``.

    Args:
        noun_lists: W~_q of every component, most frequent noun first, whole: how many are read is up to the builder.
        builder: who names them.
        config: ``merge_same_name`` joins equal concepts.
        keep: earlier knowledge; its user-made and locked concepts stay, with their ids, and nobody is asked about
            nouns that they hold already.
        unclear: noun sets that no word fits, and the names that say so; nobody is asked about them.
        distinct: True gives a second concept of one name the first free noun of its set instead, or a number. Names
            by a language model are always told apart so.
        progress: told after each concept.
    """
    kept = _kept(keep or Knowledge())
    open_lists = _unclaimed(noun_lists, kept)
    unclear = unclear or {}
    asked = [nouns for nouns in open_lists if nouns not in unclear]
    drafts = iter(builder.concepts(asked, guidance=config.guidance, progress=progress))
    named = [
        (_unclear_draft(unclear[nouns], nouns) if nouns in unclear else next(drafts), nouns)
        for nouns in open_lists
    ]
    taken = {concept.name.casefold() for concept in kept.concepts}
    if config.merge_same_name:
        named = _merged_by_name(named)
    elif distinct or any(draft.source == "llm" for draft, _ in named):
        named = _told_apart(named, taken)
    named = [(draft, nouns) for draft, nouns in named if draft.name.casefold() not in taken]
    numbered, numbers = kept.with_new_ids(len(named))
    group_of = _groups_by_name(keep or Knowledge())
    fresh = tuple(
        Concept(
            id=concept_id(number),
            name=draft.name,
            description=draft.description,
            nouns=nouns,
            synset=draft.synset,
            source=draft.source,
            group=group_of.get(draft.name.casefold(), ""),
            note=draft.note,
            spoken=_spoken(draft, nouns) if distinct else "",
        )
        for number, (draft, nouns) in zip(numbers, named, strict=True)
    )
    return replace(
        numbered, concepts=(*kept.concepts, *fresh), builder=builder.name, guidance=config.guidance
    )


def build_attributes(
    knowledge: Knowledge,
    builder: KnowledgeBuilder,
    encode: TextEncoder,
    config: KnowledgeConfig,
    defaults: EncoderDefaults,
    *,
    progress: Progress = no_progress,
) -> tuple[Knowledge, str]:
    """Uni attributes of every open concept and bi attributes of every similar pair.

    A concept is open unless it is locked or already has attributes of its own. Returns the knowledge and a
    note for the person about caps on pairs ("" when nothing was cut).
    """
    described = _with_uni(knowledge, builder, config, progress)
    phi = encode([concept.text for concept in described.concepts])
    similar = similar_pairs(phi, config, defaults)
    return _with_bi(described, similar, builder, config, progress), similar.note


def _kept(earlier: Knowledge) -> Knowledge:
    """What a rebuild must not touch: the person's attributes; concepts made or locked by the person, or given photos."""
    given = {constraint.concept for constraint in earlier.constraints}
    concepts = tuple(c for c in earlier.concepts if c.locked or c.source == "user" or c.id in given)
    alive = {c.id for c in concepts}
    locked = {c.id for c in concepts if c.locked}
    return replace(
        earlier,
        concepts=concepts,
        uni=tuple(
            a for a in earlier.uni if a.concept in alive and (a.source == "user" or a.concept in locked)
        ),
        bi=tuple(
            a for a in earlier.bi if alive.issuperset(a.pair) and (a.source == "user" or locked & {*a.pair})
        ),
    )


def _groups_by_name(earlier: Knowledge) -> dict[str, str]:
    """Which group of the person's the concepts lie in: one that is made again under its name goes back there."""
    own = {group.id for group in earlier.groups if group.source == "user"}
    return {concept.name.casefold(): concept.group for concept in earlier.concepts if concept.group in own}


def _unclaimed(noun_lists: Sequence[Sequence[Noun]], kept: Knowledge) -> list[tuple[Noun, ...]]:
    """The noun lists that kept concepts do not hold as a whole: a renamed concept gets no twin of its old name."""
    claimed = {noun.word.casefold() for concept in kept.concepts for noun in concept.nouns}
    return [
        tuple(nouns)
        for nouns in noun_lists
        if not nouns or not claimed.issuperset(noun.word.casefold() for noun in nouns)
    ]


def _spoken(draft: ConceptDraft, nouns: Sequence[Noun]) -> str:
    """The chosen noun where WordNet's name is another; a language model's name speaks for itself."""
    return nouns[0].word if nouns and draft.source == "wordnet" and nouns[0].word != draft.name else ""


def _unclear_draft(name: str, nouns: Sequence[Noun]) -> ConceptDraft:
    nearest = ", ".join(noun.word for noun in nouns)
    return ConceptDraft(name=name, note=f"no word fits these photos; the nearest are {nearest}")


def _told_apart(
    named: Sequence[tuple[ConceptDraft, tuple[Noun, ...]]], kept: Collection[str]
) -> list[tuple[ConceptDraft, tuple[Noun, ...]]]:
    """The drafts, a later namesake under the first of its nouns that nobody is called by, else with a number.

    Args:
        named: drafts and their nouns.
        kept: names that are not given to a namesake, casefolded.
    """
    taken: set[str] = set()
    apart = []
    for draft, nouns in named:
        name = draft.name
        if name.casefold() in taken:
            used = taken.union(kept)
            free = (noun.word for noun in nouns if noun.word.casefold() not in used)
            name = next(free, None) or free_name(name, used)
            note = f'"{draft.name}" names another concept'
            draft = replace(draft, name=name, note="; ".join(filter(None, (note, draft.note))))
        taken.add(name.casefold())
        apart.append((draft, nouns))
    return apart


def _merged_by_name(
    named: Sequence[tuple[ConceptDraft, tuple[Noun, ...]]],
) -> list[tuple[ConceptDraft, tuple[Noun, ...]]]:
    """Join drafts of the same name; the first keeps its words, nouns are pooled (methods.md A12)."""
    merged: dict[str, tuple[ConceptDraft, tuple[Noun, ...]]] = {}
    for draft, nouns in named:
        key = draft.name.casefold()
        first, pooled = merged.get(key, (draft, ()))
        merged[key] = (first, tuple(dict.fromkeys((*pooled, *nouns))))
    return list(merged.values())


def _with_uni(
    knowledge: Knowledge, builder: KnowledgeBuilder, config: KnowledgeConfig, progress: Progress
) -> Knowledge:
    described = {a.concept for a in knowledge.uni}
    concepts = [c for c in knowledge.concepts if not c.locked and c.id not in described]
    drafts = builder.uni_attributes(concepts, config.uni, guidance=config.guidance, progress=progress)
    made = [(c, draft) for c, group in zip(concepts, drafts, strict=True) for draft in group]
    numbered, numbers = knowledge.with_new_ids(len(made))
    fresh = tuple(
        UniAttribute(id=attribute_id(n), concept=concept.id, text=draft.text, source=draft.source)
        for n, (concept, draft) in zip(numbers, made, strict=True)
    )
    return replace(numbered, uni=(*knowledge.uni, *fresh))


def _with_bi(
    knowledge: Knowledge,
    similar: SimilarPairs,
    builder: KnowledgeBuilder,
    config: KnowledgeConfig,
    progress: Progress,
) -> Knowledge:
    concepts = knowledge.concepts
    written = {a.pair for a in knowledge.bi}
    open_pairs = [
        (i, j)
        for i, j in similar.pairs
        if not (concepts[i].locked or concepts[j].locked)
        and pair_of(concepts[i].id, concepts[j].id) not in written
    ]
    drafts = builder.bi_attributes(
        [(concepts[i], concepts[j]) for i, j in open_pairs],
        config.bi,
        guidance=config.guidance,
        progress=progress,
    )
    made = [
        (pair_of(concepts[i].id, concepts[j].id), draft, ends)
        for (i, j), group in zip(open_pairs, drafts, strict=True)
        for draft in group
        if (ends := _ends(draft, i, j, knowledge, similar, both=config.both_ends))
    ]
    numbered, numbers = knowledge.with_new_ids(len(made))
    fresh = tuple(
        BiAttribute(id=attribute_id(n), pair=pair, text=draft.text, ends=ends, source=draft.source)
        for n, (pair, draft, ends) in zip(numbers, made, strict=True)
    )
    return replace(numbered, bi=(*knowledge.bi, *fresh))


def _ends(
    draft: PairDraft, i: int, j: int, knowledge: Knowledge, similar: SimilarPairs, *, both: bool
) -> tuple[str, ...]:
    """Whose attribute set receives a pair attribute: A_q only if l is in N_q (methods.md A10)."""
    first = draft.side != "second" and (both or j in similar.neighbours[i])
    second = draft.side != "first" and (both or i in similar.neighbours[j])
    ids = (knowledge.concepts[i].id, knowledge.concepts[j].id)
    return tuple(name for name, receives in zip(ids, (first, second), strict=True) if receives)
