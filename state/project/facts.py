"""What is said of a revision in numbers and notes, and the JSON it is stored as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from kec_core.arrays import JsonDict
from kec_core.types import Scores


def scores_json(scores: Scores | None) -> dict[str, float] | None:
    """Scores as commands print them; None without labels."""
    return None if scores is None else asdict(scores)


@dataclass(frozen=True, slots=True, kw_only=True)
class Automatic:
    """The number of clusters K and the weight of the knowledge that hold where the person sets none."""

    n_clusters: int
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a run came to, and the edits after it.

    Attributes:
        images: photos that were clustered.
        encoder: name of the encoder of the features.
        knowledge: what built the automatic part of the knowledge.
        n_clusters, weight: K' and the weight of the knowledge, as they hold.
        near_copies: how many photos have near-copies, in how many groups; None for runs of before.
        notes: of the run, for the person.
        automatic: as the run chose; those of this revision when it is a run itself.
    """

    images: int = 0
    encoder: str = ""
    knowledge: str = ""
    overclusters: int = 0
    concepts: int = 0
    uni_attributes: int = 0
    bi_attributes: int = 0
    n_clusters: int = 0
    weight: float = 1.0
    near_copies: Mapping[str, int] | None = None
    notes: tuple[str, ...] = ()
    automatic: Automatic

    @classmethod
    def from_json(cls, data: JsonDict) -> Self:
        """Read what ``to_json`` wrote, or a part of it."""
        names = {field.name for field in fields(cls)} - {"automatic", "n_clusters"}
        chosen = data.get("automatic", data)
        return cls(
            **{name: value for name, value in data.items() if name in names and name != "notes"},
            n_clusters=data.get("clusters", 0),
            notes=tuple(data.get("notes", ())),
            automatic=Automatic(n_clusters=chosen.get("clusters", 0), weight=chosen.get("weight", 1.0)),
        )

    def to_json(self) -> dict[str, Any]:
        """As plain JSON types; what does not apply is left out."""
        known = {"clusters" if name == "n_clusters" else name: value for name, value in asdict(self).items()}
        known["notes"] = list(self.notes)
        known["automatic"] = {"clusters": self.automatic.n_clusters, "weight": self.automatic.weight}
        return {name: value for name, value in known.items() if value is not None}
