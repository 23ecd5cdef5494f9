"""The automatic concept tree: groups of concepts by what their meanings have in common, or by how alike they are.

With WordNet's hypernyms a group is a common ancestor that says something ("musical instrument", not "artifact").
Without them, concepts whose text features lie close form a group named after its most central member.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kec_core.arrays import FloatMatrix, l2_normalize
from kec_core.encoders.base import TextEncoder
from kec_core.knowledge.edit_groups import GroupConcepts, GroupPart
from kec_core.knowledge.unique_names import free_name
from kec_core.types import Concept, Knowledge, Noun
from kec_core.wordnet.vocabulary import common_word, meaning
from kec_core.wordnet.wordnet import WordNet

TREE_REVISION = "tree-1"
"""Change it with the rules: stored knowledge is found by it."""
IC_CAP = 0.75
"""Above this more detail gains nothing."""
IC_FLOOR = 0.25
"""Ancestors that are more general say nothing: "animal" (0.27) does, "instrumentation" (0.24) does not [M]."""
UNCOMMON = 0.8
"""Factor of an ancestor that people have no word for."""
MOST_OF = 0.75
"""An ancestor of more than this share of the concepts does not divide them [R]."""
LARGE = 8
"""Groups with more concepts are divided once more [R]."""

ROUNDING = 1e-5
"""More than a float32 product of unit rows can be off."""


def concept_tree(knowledge: Knowledge, encode: TextEncoder, wordnet: WordNet | None = None) -> GroupConcepts:
    """The edit that groups the concepts anew, apart from locked ones and those in a group of the person's.

    Deterministic; asks nobody. Applying it takes the place of earlier automatic groups.

    Args:
        knowledge: its concepts are grouped.
        encode: strings to raw features; used when there are no hypernyms.
        wordnet: where hypernyms are looked up; None, or one without relations, groups by likeness.
    """
    own = {group.id for group in knowledge.groups if group.source == "user"}
    concepts = [c for c in knowledge.concepts if c.group not in own and not c.locked]
    if len(concepts) < 2:
        return GroupConcepts(groups=())
    taken = {group.name.casefold() for group in knowledge.groups if group.id in own}
    if wordnet is not None and wordnet.has_relations:
        parts = _by_meaning(concepts, wordnet)
    else:
        parts = _by_likeness(concepts, encode)
    return GroupConcepts(groups=tuple(_unique(parts, taken)))


@dataclass(frozen=True, slots=True)
class _Part:
    """A group of the tree: its name, the concepts directly in it, and the groups in it."""

    name: str
    concepts: tuple[str, ...]
    inner: tuple[_Part, ...] = ()


def _unique(parts: Sequence[_Part], taken: set[str], parent: str = "") -> list[GroupPart]:
    """The parts as the edit lists them, a parent before its children; names that exist already get a number."""
    listed = []
    for part in parts:
        name = free_name(part.name, taken)
        taken.add(name.casefold())
        listed.append(GroupPart(name=name, concepts=part.concepts, parent=parent))
        listed += _unique(part.inner, taken, name)
    return listed


# ---- by meaning ------------------------------------------------------------------------------------------------


def _by_meaning(concepts: Sequence[Concept], wordnet: WordNet) -> list[_Part]:
    found = {c.id: meaning(Noun(word=c.name, synset=c.synset), wordnet) for c in concepts}
    return _divided({c: synset for c, synset in found.items() if synset}, wordnet, deeper=True)


def _divided(meanings: Mapping[str, str], wordnet: WordNet, *, deeper: bool) -> list[_Part]:
    """Common ancestors that cover two concepts or more, the most telling ones first; what is left stays outside."""
    below: dict[str, set[str]] = {}
    for concept, synset in meanings.items():
        for ancestor in wordnet.ancestors(synset):
            below.setdefault(ancestor, set()).add(concept)
    values = {
        ancestor: worth
        for ancestor, members in below.items()
        if 2 <= len(members) <= MOST_OF * len(meanings) and (worth := _worth(ancestor, wordnet)) > 0
    }
    left = set(meanings)
    parts: list[_Part] = []
    while True:
        gains = {a: (len(below[a] & left) - 1) * worth for a, worth in values.items()}
        best = max(gains, key=lambda a: (gains[a], a), default="")
        if not best or gains[best] <= 0:
            return parts
        members = {concept: meanings[concept] for concept in meanings if concept in below[best] & left}
        inner = _divided(members, wordnet, deeper=False) if deeper and len(members) > LARGE else []
        placed = {concept for part in inner for concept in part.concepts}
        direct = tuple(concept for concept in members if concept not in placed)
        parts.append(_Part(_name(best, wordnet), direct, tuple(inner)))
        left -= members.keys()


def _worth(ancestor: str, wordnet: WordNet) -> float:
    """How much an ancestor says about looks; 0 or less when it says nothing."""
    told = min(wordnet.information_content(ancestor), IC_CAP) - IC_FLOOR
    return told if common_word(ancestor, wordnet) else UNCOMMON * told


def _name(synset: str, wordnet: WordNet) -> str:
    return common_word(synset, wordnet) or wordnet.synset(synset).words[0]


# ---- by likeness -----------------------------------------------------------------------------------------------


def _by_likeness(concepts: Sequence[Concept], encode: TextEncoder) -> list[_Part]:
    """About as many groups as the square root of the concepts, by average linkage of their names' features."""
    from scipy.cluster.hierarchy import fcluster, linkage

    unit = _features(concepts, encode)
    count = max(2, round(len(concepts) ** 0.5))
    distances = np.clip(1 - unit @ unit.T, 0, None)[np.triu_indices(len(unit), 1)]
    group_of = fcluster(linkage(distances, "average"), count, criterion="maxclust")
    found = [np.flatnonzero(group_of == group).tolist() for group in dict.fromkeys(group_of.tolist())]
    return [
        _Part(f"{concepts[_central(unit, rows)].name} and alike", tuple(concepts[row].id for row in rows))
        for rows in found
        if 1 < len(rows) < len(concepts)
    ]


def _features(concepts: Sequence[Concept], encode: TextEncoder) -> FloatMatrix:
    """Unit rows of the names, less what all have in common, (M, d)."""
    names = l2_normalize(encode([concept.text for concept in concepts]))
    return l2_normalize(np.asarray(names - names.mean(axis=0), dtype=np.float32))


def _central(unit: FloatMatrix, rows: list[int]) -> int:
    """The row that is most like all the others; the first of those that differ by rounding only."""
    likeness = unit[rows] @ unit[rows].sum(axis=0)
    return rows[int((likeness >= likeness.max() - ROUNDING * len(rows)).argmax())]
