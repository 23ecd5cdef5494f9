"""Edits of what holds for the whole collection: guidance, number of clusters, weight, constraints on photos."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from kec_core.errors import InputError
from kec_core.knowledge.changes import assign_images, with_constraint
from kec_core.knowledge.edit_base import Edit, cluster_name, find_concept, quoted
from kec_core.knowledge.edit_fields import (
    Count,
    Flag,
    Lines,
    Name,
    SomeImages,
    TwoImages,
    Weight,
)
from kec_core.types import Constraint, Knowledge
from kec_core.wording import counted


class SetGuidance(Edit):
    """The person's words on what matters; empty takes them back.

    ``rebuild`` asks whoever applies the edit to run the knowledge builder again; by itself only the words change.
    """

    op: Literal["set_guidance"] = "set_guidance"
    text: Lines
    rebuild: Flag = False

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        return replace(knowledge, guidance=self.text)

    def sentence(self, _knowledge: Knowledge, /) -> str:
        """See Edit."""
        words = " ".join(self.text.split())
        rebuilt = " and asked for new knowledge" if self.rebuild else ""
        said = f"Set the guidance to {quoted(words)}" if self.text else "Took the guidance back"
        return f"{said}{rebuilt}."


class SetClusters(Edit):
    """The number of clusters, or None for the automatic one."""

    op: Literal["set_clusters"] = "set_clusters"
    k: Count | None

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        return replace(knowledge, n_clusters=self.k)

    def sentence(self, _knowledge: Knowledge, /) -> str:
        """See Edit."""
        return (
            f"Asked for {counted(self.k, 'cluster')}."
            if self.k
            else "Left the number of clusters to the program."
        )


class SetWeight(Edit):
    """The weight of the knowledge beside the photos (methods.md A9), or None for the encoder's."""

    op: Literal["set_weight"] = "set_weight"
    knowledge: Weight | None

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        return replace(knowledge, weight=self.knowledge)

    def sentence(self, _knowledge: Knowledge, /) -> str:
        """See Edit."""
        if self.knowledge is None:
            return "Left the weight of the knowledge to the program."
        return f"Set the weight of the knowledge to {self.knowledge:g}."


class _Keep(Edit):
    op: Literal["together", "apart"]
    images: TwoImages

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        return with_constraint(knowledge, self.op, self.images)

    def sentence(self, _knowledge: Knowledge, /) -> str:
        """See Edit."""
        return f"Kept {counted(len(self.images), 'photo')} {self.op}."


class KeepTogether(_Keep):
    """These photos stay in one cluster."""

    op: Literal["together"] = "together"


class KeepApart(_Keep):
    """These photos stay in different clusters, every two of them."""

    op: Literal["apart"] = "apart"


class AssignImages(Edit):
    """These photos belong to a concept, and to no other from now on."""

    op: Literal["assign"] = "assign"
    images: SomeImages
    concept: Name

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        return assign_images(knowledge, find_concept(knowledge, self.concept).id, self.images)

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        concept = find_concept(knowledge, self.concept)
        return f"Assigned {counted(len(self.images), 'photo')} to {quoted(concept.name)}."


class RemoveConstraint(Edit):
    """A constraint on photos goes."""

    op: Literal["remove_constraint"] = "remove_constraint"
    constraint: Name

    def change(self, knowledge: Knowledge) -> Knowledge:
        """See Edit."""
        gone = _find_constraint(knowledge, self.constraint)
        return replace(knowledge, constraints=tuple(c for c in knowledge.constraints if c != gone))

    def sentence(self, knowledge: Knowledge, /) -> str:
        """See Edit."""
        gone = _find_constraint(knowledge, self.constraint)
        photos = counted(len(gone.images), "photo")
        if gone.kind == "assign":
            return f"Released {photos} from {quoted(find_concept(knowledge, gone.concept).name)}."
        if gone.kind == "member":
            return f"Released {photos} from {cluster_name(knowledge, gone.cluster)}."
        return f"No longer keeps {photos} {gone.kind}."


def _find_constraint(knowledge: Knowledge, reference: str) -> Constraint:
    for constraint in knowledge.constraints:
        if constraint.id == reference:
            return constraint
    raise InputError(f"there is no constraint {reference!r}; constraints are named by id, like k012.")
