"""Concepts that are alike: pairs that need an attribute to tell them apart (methods.md 6.1 step 3; A6, A10), and which to merge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from kec_core.arrays import FloatMatrix, check_matrix, l2_normalize, softmax_rows
from kec_core.config import EncoderDefaults, KnowledgeConfig
from kec_core.errors import InputError
from kec_core.knowledge.edits import MergeConcepts
from kec_core.types import Knowledge
from kec_core.wording import counted


def merges_to(
    knowledge: Knowledge, vectors: FloatMatrix, ids: Sequence[str], photos: Mapping[str, int], target: int
) -> tuple[MergeConcepts, ...]:
    """Merges of the most similar concepts that leave ``target`` of them; locked ones are left alone.

    Average linkage on the cosine distance of the concepts' text features: two groups are as near as their members are
    on average, so one odd member does not chain everything together.

    Args:
        knowledge: what is merged in.
        vectors: float32 (M, d), one row per concept of ``ids``.
        ids: the concepts that count (muted ones do not).
        photos: photos per concept; the concept with the most photos gives the merged one its name.
        target: how many of them shall be left.

    Raises:
        InputError: ``target`` cannot be reached by merging.
    """
    from scipy.cluster.hierarchy import cut_tree, linkage  # slow to load, and most commands group nothing

    free = [row for row, concept in enumerate(ids) if not knowledge.by_id[concept].locked]
    wanted = target - (len(ids) - len(free))
    if target >= len(ids) or wanted < 1:
        lowest = len(ids) - len(free) + min(1, len(free))
        raise InputError(
            f"Merging can leave {lowest} to {len(ids) - 1} of the {len(ids)} concepts, but {target} were asked for; "
            "choose a number in between, or build more concepts on the Build page."
        )
    tree = linkage(l2_normalize(vectors[free]).astype(np.float64), method="average", metric="cosine")
    groups = cut_tree(tree, n_clusters=[wanted]).ravel()  # as many as asked, also among equal texts
    members = [[ids[free[i]] for i in np.flatnonzero(groups == group)] for group in np.unique(groups)]
    return tuple(
        MergeConcepts(concepts=tuple(sorted(some, key=lambda one: -photos.get(one, 0))))
        for some in members
        if len(some) > 1
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SimilarPairs:
    """Pairs of similar concepts, by position in the list of concepts.

    Attributes:
        pairs: unordered pairs (q, l) with q < l, each once, most similar first.
        neighbours: N_q per concept, most similar first; l in N_q does not imply q in N_l.
        note: what the caps left out, for the person ("" when nothing).
    """

    pairs: tuple[tuple[int, int], ...]
    neighbours: tuple[tuple[int, ...], ...]
    note: str = ""


def similar_pairs(phi: FloatMatrix, config: KnowledgeConfig, defaults: EncoderDefaults) -> SimilarPairs:
    """The neighbours that hold ``beta_mass`` of each concept's softmax similarity, and their pairs.

    Args:
        phi: float32 (M, d), text features of the concept names, raw or unit.
        config: ``beta_mass``, ``pair_scale`` and the caps.
        defaults: the encoder's pair scale, used when ``config.pair_scale`` is None.

    Raises:
        ShapeError: ``phi`` is not a finite table.
    """
    if len(phi) < 2:
        return SimilarPairs(pairs=(), neighbours=((),) * len(phi))
    unit = l2_normalize(check_matrix(phi, "The concept features"))
    scale = defaults.pair_scale if config.pair_scale is None else config.pair_scale
    pi = unit @ unit.T  # (M, M)
    np.fill_diagonal(pi, -np.inf)  # l != q
    wanted = _prefixes(pi, scale, config.beta_mass)
    chosen = [row[: config.max_neighbours] for row in wanted]
    pairs = sorted(
        {(min(q, n), max(q, n)) for q, row in enumerate(chosen) for n in row},
        key=lambda pair: (-pi[pair], pair),
    )
    kept = pairs[: config.max_pairs_per_concept * len(phi)]
    alive = set(kept)
    return SimilarPairs(
        pairs=tuple(kept),
        neighbours=tuple(
            tuple(n for n in row if (min(q, n), max(q, n)) in alive) for q, row in enumerate(chosen)
        ),
        note=_note(sum(len(row) > config.max_neighbours for row in wanted), len(pairs) - len(kept), config),
    )


def _prefixes(pi: FloatMatrix, scale: float, mass: float) -> list[list[int]]:
    """N_q per row: the shortest prefix, most similar first, whose softmax share exceeds ``mass``."""
    order = np.argsort(-pi, axis=1, kind="stable")[:, :-1]  # the diagonal, minus infinity, comes last
    shares = softmax_rows(scale * np.take_along_axis(pi, order, axis=1))
    lengths = (np.cumsum(shares, axis=1, dtype=np.float64) <= mass).sum(axis=1) + 1
    return [row[:length].tolist() for row, length in zip(order, lengths, strict=True)]


def _note(cut_rows: int, cut_pairs: int, config: KnowledgeConfig) -> str:
    parts = []
    if cut_rows:
        parts.append(
            f"{counted(cut_rows, 'concept has', 'concepts have')} more similar ones than the {config.max_neighbours} that were compared with them"
        )
    if cut_pairs:
        parts.append(
            f"the {cut_pairs} least similar pairs were left out to stay at {config.max_pairs_per_concept} per concept"
        )
    return f"{'; '.join(parts)}." if parts else ""
