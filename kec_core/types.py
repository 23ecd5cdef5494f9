"""The values that flow through KEC: all immutable, all named as in the paper.

N images, d feature width, V nouns, k over-clusters, M concepts, K clusters.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, Self

import numpy as np

from kec_core.arrays import FloatMatrix, FloatVector, IntVector, JsonDict, blocks, fingerprint
from kec_core.disk import short
from kec_core.errors import InputError

Source = Literal["wordnet", "llm", "user"]
GroupSource = Literal["automatic", "user"]
ConstraintKind = Literal["together", "apart", "assign", "member"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Noun:
    """One noun of the vocabulary; ``synset`` is its WordNet id ("n02084071"), or "" outside WordNet."""

    word: str
    synset: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """One concept c_q with its description d_q; ids like "c012" are never reused.

    Attributes:
        nouns: the nouns it condenses (the merged set W~_q), most frequent first.
        synset: WordNet id behind the name, or "".
        group: id of the group it belongs to in the tree, or "" at the top.
        muted: True gives it weight 0 in the grounding.
        locked: True keeps automatic builders away from it.
        note: why it is as it is, in words for the person (for example a fallback), or "".
        spoken: the noun that photos are compared with where it is not the name: "Tinca tinca" of a tench, the nearest word of
            a group that none fits; or "".
    """

    id: str
    name: str
    description: str = ""
    nouns: tuple[Noun, ...] = ()
    synset: str = ""
    source: Source = "user"
    group: str = ""
    muted: bool = False
    locked: bool = False
    note: str = ""
    spoken: str = ""

    @property
    def text(self) -> str:
        """What is encoded for phi_q: the name, or the noun behind it."""
        return self.spoken or self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """An inner node of the concept tree.

    Attributes:
        parent: another group's id, or "" at the top.
        source: "automatic" groups are made anew with the tree; those a person made or changed stay.
        collapsed: True lets all concepts below count as one in the grounding, under the group's id.
    """

    id: str
    name: str
    parent: str = ""
    source: GroupSource = "user"
    collapsed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UniAttribute:
    """What is typical of one concept, visible in a photo (U_q)."""

    id: str
    concept: str
    text: str
    source: Source = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class BiAttribute:
    """What sets two concepts apart, visible in a photo (B_ql).

    Attributes:
        pair: the two concept ids, sorted.
        ends: the ids of the concepts whose attribute set A_q receives it (methods.md A10).
    """

    id: str
    pair: tuple[str, str]
    text: str
    ends: tuple[str, ...] = ()
    source: Source = "user"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """An attribute that was proposed and not taken, since it does not tell the photos of its concept from others.

    Attributes:
        auc: how often a photo of the concept scored above one of the others, in [0, 1]; 0.5 is chance.
        against: id of the concept it should set apart; "" for all that are like it.
    """

    concept: str
    text: str
    auc: float
    against: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """Photos the person wants together, apart, under a concept, or in a cluster; ``images`` are image ids.

    Attributes:
        concept: of kind "assign", the id of the concept.
        cluster: of kind "member", and of "assign" once the photos have a place: the id of the kept cluster.
    """

    id: str
    kind: ConstraintKind
    images: tuple[str, ...]
    concept: str = ""
    cluster: int | None = None

    def to_json(self) -> dict[str, Any]:
        """As plain JSON types; without a cluster there is no such field."""
        data = asdict(self)
        if self.cluster is None:
            del data["cluster"]
        return data


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCluster:
    """A cluster that the person named, filled, made, merged, split or ticked off: it is in every later clustering.

    Attributes:
        id: of the cluster, which it keeps.
        name: the person's, or "" to be called by its concepts.
        seeds: image ids of central photos; they stay in it, unless another constraint holds them.
        done: True when the person has ticked it off.
    """

    id: int
    name: str = ""
    seeds: tuple[str, ...] = ()
    done: bool = False


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """Everything said in words about a collection; immutable, hashable, JSON round trip, no vectors.

    Attributes:
        guidance: the person's free text ("" when none).
        builder: what made the automatic part, e.g. "wordnet" or "llm:MODEL".
        kept: clusters that the person has touched.
        left_out: attributes that the photos did not confirm.
        n_clusters, weight: the person's choice of K and of the knowledge weight; None means automatic.
        last_id: the highest number ever used in an id, so ids are never reused.
    """

    concepts: tuple[Concept, ...] = ()
    uni: tuple[UniAttribute, ...] = ()
    bi: tuple[BiAttribute, ...] = ()
    groups: tuple[Group, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    kept: tuple[KeptCluster, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    guidance: str = ""
    builder: str = ""
    n_clusters: int | None = None
    weight: float | None = None
    last_id: int = 0

    @cached_property
    def by_id(self) -> dict[str, Concept]:
        """Concepts by id, and collapsed groups as the concepts they count as, locked since no edit of a concept fits them."""
        collapsed = {
            group.id: Concept(id=group.id, name=group.name, group=group.parent, locked=True)
            for group in self.groups
            if group.collapsed
        }
        return {**collapsed, **{concept.id: concept for concept in self.concepts}}

    @cached_property
    def fingerprint(self) -> str:
        """Content hash, 32 hex digits."""
        return fingerprint(self.to_json())

    @cached_property
    def column_of(self) -> dict[str, str]:
        """For every concept that counts, the id it counts under: of the outermost collapsed group above it, or its own."""
        collapsed = {group.id for group in self.groups if group.collapsed}
        return {
            concept.id: next(
                (g for g in reversed(self.groups_from(concept.group)) if g in collapsed), concept.id
            )
            for concept in self.concepts
            if not concept.muted
        }

    def groups_from(self, group: str) -> list[str]:
        """A group and those it lies in, the innermost first; none from the top."""
        found: list[str] = []
        while group and group not in found:
            found.append(group)
            group = self._parent_of.get(group, "")
        return found

    @cached_property
    def _parent_of(self) -> dict[str, str]:
        return {group.id: group.parent for group in self.groups}

    def attributes_of(self, concept_id: str) -> tuple[str, ...]:
        """The texts of A_q: uni attributes, then the pair attributes this concept receives."""
        uni = [a.text for a in self.uni if a.concept == concept_id]
        return (*uni, *(a.text for a in self.bi if concept_id in a.ends))

    def to_json(self) -> dict[str, Any]:
        """As plain JSON types; without kept clusters, or attributes left out, there is no such field."""
        data = {**asdict(self), "constraints": tuple(c.to_json() for c in self.constraints)}
        return {name: value for name, value in data.items() if value or name not in ("kept", "left_out")}

    @classmethod
    def from_json(cls, data: JsonDict) -> Self:
        """Read what ``to_json`` wrote.

        Raises:
            InputError: a field is missing or unknown.
        """
        try:
            fields = dict(data)
            concepts = tuple(
                Concept(**{**c, "nouns": tuple(Noun(**n) for n in c["nouns"])})
                for c in fields.pop("concepts")
            )
            uni = tuple(UniAttribute(**a) for a in fields.pop("uni"))
            bi = tuple(
                BiAttribute(**{**a, "pair": tuple(a["pair"]), "ends": tuple(a["ends"])})
                for a in fields.pop("bi")
            )
            groups = tuple(Group(**g) for g in fields.pop("groups"))
            constraints = tuple(
                Constraint(**{**c, "images": tuple(c["images"])}) for c in fields.pop("constraints")
            )
            kept = tuple(KeptCluster(**{**k, "seeds": tuple(k["seeds"])}) for k in fields.pop("kept", ()))
            left_out = tuple(LeftOut(**a) for a in fields.pop("left_out", ()))
            return cls(
                concepts=concepts,
                uni=uni,
                bi=bi,
                groups=groups,
                constraints=constraints,
                kept=kept,
                left_out=left_out,
                **fields,
            )
        except (KeyError, TypeError) as error:
            raise InputError(
                f"This knowledge file is not as expected ({short(error)}); export it again."
            ) from error

    def with_new_ids(self, count: int) -> tuple[Self, range]:
        """Reserve ``count`` id numbers; returns the knowledge that remembers them and the numbers."""
        numbers = range(self.last_id + 1, self.last_id + 1 + count)
        return replace(self, last_id=self.last_id + count), numbers


def concept_id(number: int) -> str:
    """Concept id of a reserved number: 12 -> "c012"."""
    return f"c{number:03d}"


def attribute_id(number: int) -> str:
    """Attribute id of a reserved number: 12 -> "a012"."""
    return f"a{number:03d}"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Embeddings:
    """RAW encoder output; row i of ``features`` belongs to ``ids[i]``.

    Attributes:
        features: float32 (N, d), not normalised, possibly memory-mapped.
        ids: N unique image ids.
        encoder: name of the encoder that made them.
    """

    features: FloatMatrix
    ids: tuple[str, ...]
    encoder: str

    def __post_init__(self) -> None:
        if len(self.features) != len(self.ids):
            raise InputError(
                f"Embeddings need one row per image, but there are {len(self.features)} rows and {len(self.ids)} images."
            )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NounMapping:
    """Image-text mapping (KEC section 3.1, methods.md 6.1 steps 1 and 2).

    Attributes:
        labels: int32 (N,), over-cluster of each image.
        centroids: float32 (k, d), unit rows mu_p.
        nouns: int32 (k, top), vocabulary indices S_p of each centre, nearest first; -1 pads.
        components: int32 (k,), concept component Q_q of each over-cluster.
        note: what the collapse guard did, for the person ("" when nothing).
        fit: float32 (k,), how well the first noun of each group explains it (``ExplainedGroups``); None for over-clusters.
    """

    labels: IntVector
    centroids: FloatMatrix
    nouns: IntVector
    components: IntVector
    note: str = ""
    fit: FloatVector | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConceptVectors:
    """Text features of the concepts, in the order of ``concept_ids`` (muted concepts left out).

    The concepts of a collapsed group are one row, under the group's id.

    Attributes:
        logit: float32 (M, d), what images are compared with (Zhat); unit rows in grounding mode "scaled".
        zeta: float32 (M, d), phi + psi, what is aggregated (Z).
        attributes: float32 (M, d), mean attribute vector per concept (E); zeros where it has none.
        prior: float32 (M,), added to the scores: what the person's guidance prefers or avoids; None for nothing.
    """

    logit: FloatMatrix
    zeta: FloatMatrix
    attributes: FloatMatrix
    concept_ids: tuple[str, ...]
    prior: FloatVector | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Grounding:
    """Knowledge carried into each image (KEC section 3.4).

    Attributes:
        omega: float32 (N, M), rows sum to 1.
        kappa: float32 (N, d).
    """

    omega: FloatMatrix
    kappa: FloatMatrix
    concept_ids: tuple[str, ...]

    @cached_property
    def winner(self) -> IntVector:
        """Read-only int32 (N,): column of the concept with the largest omega, the first of equal ones; -1 without concepts."""
        winner = np.full(len(self.omega), -1, dtype=np.int32)
        if self.concept_ids:
            for block in blocks(len(self.omega)):
                winner[block] = self.omega[block].argmax(axis=1)
        winner.flags.writeable = False
        return winner


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Clustering:
    """A partition of the images.

    Attributes:
        labels: int32 (N,), ids below ``next_cluster_id``; 0..K'-1 as long as no cluster lost all its photos.
        centroids: float32 (``next_cluster_id``, D), in the space that was clustered: unit rows, zeros for an id that no
            photo has any more.
        objective: what the algorithm optimised (spherical k-means: sum of cosines, larger is better).
        note: what the person should know, e.g. how K was chosen.
    """

    labels: IntVector
    centroids: FloatMatrix
    objective: float
    method: str
    seed: int
    note: str = ""

    @property
    def n_clusters(self) -> int:
        """K', the number of clusters actually used."""
        return len(np.unique(self.labels))

    @property
    def next_cluster_id(self) -> int:
        """Id of the next new cluster; it only grows, for a cluster without photos keeps its row of centroids."""
        return len(self.centroids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """Agreement with labels, each in [0, 1] except ARI in [-0.5, 1]."""

    acc: float
    nmi: float
    ari: float


@dataclass(frozen=True, slots=True, kw_only=True)
class InternalScores:
    """Scores that need no labels; None where they are undefined (one cluster)."""

    silhouette: float | None = None
    davies_bouldin: float | None = None
    calinski_harabasz: float | None = None
    size_entropy: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedImage:
    """A file that is not used, and why, in words."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StageReport:
    """What one stage did: for the person, the history and ``--json``.

    Attributes:
        seconds: on the clock.
        megabytes: most memory in use at once, of the whole process; 0 where nobody measured it.
    """

    stage: str
    fingerprint: str
    seconds: float
    reused: bool
    summary: dict[str, Any] = field(default_factory=dict)
    megabytes: float = 0.0
