"""Which photo to ask a person about next, so that the answer teaches most (methods.md 6.7).

A photo is worth asking when it is likely in a wrong group, and many photos look like it that are so too and that no
answer has reached yet. Every sixth photo is drawn at random instead: only such photos tell honestly how many of all are
in the right group. Those that are likely in a wrong one are drawn more often and count for less (importance sampling).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kec_core.arrays import FloatMatrix, FloatVector, l2_normalize, softmax_rows
from kec_core.clustering.examples import PRIOR, mean_distance
from kec_core.clustering.geometry import centroids_of, cluster_sums
from kec_core.live import LiveState
from kec_core.result.audit import Estimate, wilson

POOL = 1000
"""Photos that are compared for a question, at most; others are drawn for the next one."""
EVERY = 6
"""Every so many questions one is about a photo drawn at random; 5 teaches nearly as much [M]."""
DOUBTFUL = 0.55
"""How likely in a wrong group a photo is that is asked about; where none is, the likeliest. .5 teaches as much [M]."""
EVENLY = 0.5
"""Share of the draw that all photos have alike; the rest goes by how likely they are in a wrong group."""
LIKELY = 9
"""Groups that are offered, at most."""
DOUBT = 4.0
"""How much surer a photo is of a group that is one mean distance nearer, in nats [M]."""
REACH = 4.0
"""How fast photos get less alike: their likeness is exp(-REACH * distance / mean distance) [M]."""

Rows = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Where does a photo belong?

    Attributes:
        row: of the photo.
        clusters: ids of the likely clusters, the likeliest first.
        weight: of the answer in the estimate, above 0 for a photo drawn at random: 1 / (n q) with q its probability among n
            photos. 0 for one that was chosen.
    """

    row: int
    clusters: tuple[int, ...]
    weight: float

    @property
    def drawn(self) -> bool:
        """Whether the photo was drawn at random."""
        return self.weight > 0


def next_question(
    state: LiveState, *, asked: int, skipped: frozenset[int] = frozenset(), seed: int = 0
) -> Question | None:
    """The photo to ask about next; None when the person has placed or skipped all.

    Args:
        state: what the person placed so far is in its knowledge.
        asked: how many questions were answered; another count draws other photos.
        skipped: rows not to ask about.
        seed: for what is drawn.
    """
    placed = placed_rows(state)
    open_rows = np.setdiff1d(np.arange(len(state.collection.x)), [*placed.tolist(), *skipped])
    if not len(open_rows):
        return None
    rng = np.random.default_rng((seed, asked, len(skipped)))
    rows = np.sort(rng.choice(open_rows, min(POOL, len(open_rows)), replace=False))
    x = state.fused_rows(rows)
    likely, likelihood, distance = _likely(state, rows, x, placed)
    wrong = _wrong(state, rows, likely, likelihood)
    weight = 0.0
    if asked % EVERY == EVERY - 1:
        drawn_by = _drawn_by(wrong)
        best = int(rng.choice(len(rows), p=drawn_by))
        weight = 1 / float(len(rows) * drawn_by[best])
    else:
        telling = _telling(x, state.fused_rows(placed), wrong, distance)
        best = int(np.where(wrong >= min(DOUBTFUL, wrong.max()), telling, -1).argmax())
    order = np.argsort(-likelihood[best], kind="stable")[:LIKELY]
    return Question(row=int(rows[best]), clusters=tuple(likely[order].tolist()), weight=weight)


def next_pair(
    state: LiveState, *, asked: int, skipped: frozenset[frozenset[int]] = frozenset(), seed: int = 0
) -> tuple[int, int] | None:
    """Rows of two photos of which it teaches most whether they belong together; None when there are no such two.

    The first is the photo that would be asked about alone, the second is like it while the groups leave open whether
    the two belong together.

    Args:
        state: what the person said so far is in its knowledge.
        asked: how many questions were answered; another count draws other photos.
        skipped: pairs of rows not to ask about.
        seed: for what is drawn.
    """
    placed = placed_rows(state)
    open_rows = np.setdiff1d(np.arange(len(state.collection.x)), placed)
    if len(open_rows) < 2:
        return None
    rng = np.random.default_rng((seed, asked, len(skipped)))
    rows = np.sort(rng.choice(open_rows, min(POOL, len(open_rows)), replace=False))
    x = state.fused_rows(rows)
    likely, likelihood, distance = _likely(state, rows, x, placed)
    told = _telling(x, state.fused_rows(placed), _wrong(state, rows, likely, likelihood), distance)
    known = skipped | _told_pairs(state)
    for first in np.argsort(-told, kind="stable").tolist():
        together = likelihood @ likelihood[first]
        worth = _alike(x, x[first : first + 1], distance)[:, 0] * (1 - np.abs(2 * together - 1))
        worth[first] = -1
        for second in np.argsort(-worth, kind="stable")[: len(known) + 1].tolist():
            pair = (int(rows[first]), int(rows[second]))
            if worth[second] >= 0 and frozenset(pair) not in known:
                return pair
    return None


def _told_pairs(state: LiveState) -> frozenset[frozenset[int]]:
    """Pairs of rows that the person keeps together or apart."""
    row_of = {image: row for row, image in enumerate(state.collection.image_ids)}
    wishes = (one.images for one in state.knowledge.constraints if one.kind in ("together", "apart"))
    return frozenset(
        frozenset(row_of[image] for image in images if image in row_of)
        for images in wishes
        if len(images) == 2
    )


def likely_clusters(state: LiveState, row: int) -> tuple[int, ...]:
    """The clusters that a photo may belong to but its own, the likeliest first; ``LIKELY`` at most."""
    rows = np.array([row], dtype=np.int64)
    likely, likelihood, _ = _likely(state, rows, state.fused_rows(rows), placed_rows(state))
    order = likely[np.argsort(-likelihood[0], kind="stable")]
    return tuple(order[order != state.clustering.labels[row]][:LIKELY].tolist())


def placed_rows(state: LiveState) -> Rows:
    """Rows of the photos that the person put into a group, int64, ascending."""
    images = {i for wish in state.knowledge.constraints if wish.cluster is not None for i in wish.images}
    return np.array(
        [r for r, image in enumerate(state.collection.image_ids) if image in images], dtype=np.int64
    )


def _likely(state: LiveState, rows: Rows, x: FloatMatrix, placed: Rows) -> tuple[Rows, FloatMatrix, float]:
    """The clusters that have photos, how likely each is for some rows, float32 (R, K), and the rows' mean distance."""
    labels = np.asarray(state.clustering.labels)
    clusters = np.unique(labels).astype(np.int64)
    means = _means(state, clusters, placed)
    distance = mean_distance(x, means, np.searchsorted(clusters, labels[rows]).astype(np.int32))
    return clusters, softmax_rows((x @ means.T) * np.float32(DOUBT / distance)), distance


def _means(state: LiveState, clusters: Rows, placed: Rows) -> FloatMatrix:
    """Unit prototypes of the clusters: their centroids and what was placed in them, float32 (K, D)."""
    known = state.clustering.centroids
    width = state.width
    labels = np.searchsorted(clusters, state.clustering.labels).astype(np.int32)
    if known.shape[1] == width:
        means = PRIOR * known[clusters]
    else:  # the groups come from the photos alone
        means = PRIOR * centroids_of(state.fused(), labels, len(clusters))
    if len(placed):
        means = means + cluster_sums(state.fused_rows(placed), labels[placed], len(clusters))
    return l2_normalize(means.astype(np.float32))


def _wrong(state: LiveState, rows: Rows, likely: Rows, likelihood: FloatMatrix) -> FloatVector:
    """How likely each of the rows is not in the cluster where it belongs, float32 (R,)."""
    own = np.searchsorted(likely, state.clustering.labels[rows])
    doubt: FloatVector = 1 - likelihood[np.arange(len(rows)), own]
    return doubt


def _drawn_by(wrong: FloatVector) -> NDArray[np.float64]:
    """Probability of each of the rows to be drawn, float64 (R,), sums to 1."""
    share = EVENLY + (1 - EVENLY) * wrong.astype(np.float64) / (float(wrong.mean()) or 1.0)
    drawn_by: NDArray[np.float64] = share / share.sum()
    return drawn_by


def _telling(x: FloatMatrix, placed: FloatMatrix, wrong: FloatVector, distance: float) -> FloatVector:
    """How many photos look like each of the rows that are wrong and that no answer has reached, float32 (R,)."""
    if len(placed):
        wrong = wrong * (1 - _alike(x, placed, distance)).prod(axis=1)
    told: FloatVector = _alike(x, x, distance) @ wrong
    return told


def _alike(x: FloatMatrix, others: FloatMatrix, distance: float) -> FloatMatrix:
    """Likeness of rows and others in [0, 1]."""
    alike: FloatMatrix = np.minimum(np.exp((x @ others.T - 1) * np.float32(REACH / distance)), 1)
    return alike


def right_share(right: Sequence[bool], weights: Sequence[float], placed: int, photos: int) -> Estimate | None:
    """The share of all photos in the right group, from photos drawn at random; None before the first.

    Wilson's interval, with Kish's effective sample size for the unequal weights.

    Args:
        right: of every photo drawn, whether its group was the right one before the person was asked.
        weights: theirs, see ``Question``.
        placed: photos that the person placed, which are right.
        photos: all of them.
    """
    if not right:
        return None
    open_share = 1 - placed / photos
    total = sum(weights)
    share = sum(weight for one, weight in zip(right, weights, strict=True) if one) / total
    low, high = wilson(share, total**2 / sum(weight**2 for weight in weights))
    said = [1 - open_share * (1 - one) for one in (share, low, high)]
    return Estimate(share=said[0], low=said[1], high=said[2], covered=1.0, judged=len(right))
