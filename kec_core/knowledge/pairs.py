"""Which concepts are alike enough to need an attribute that tells them apart (methods.md 6.1 step 3; A6, A10)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kec_core.arrays import FloatMatrix, check_matrix, l2_normalize, softmax_rows
from kec_core.config import EncoderDefaults, KnowledgeConfig


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
            f"{cut_rows} concepts have more similar ones than the {config.max_neighbours} that were compared with them"
        )
    if cut_pairs:
        parts.append(
            f"the {cut_pairs} least similar pairs were left out to stay at {config.max_pairs_per_concept} per concept"
        )
    return f"{'; '.join(parts)}." if parts else ""
