"""Words that explain the photos: groups and one distinct noun for each, chosen together and without labels.

The nouns that a collection needs are chosen first, greedily, as those that bring the photos most similarity (facility
location). Then groups and nouns settle together: k-means whose centroid is pulled towards the noun of its group, from
the groups by looks and from the groups by the chosen nouns; the better end is kept. At last every group gets the noun
whose kinds set its photos apart from the others, as specific as they allow: "bird" where each photo is near another bird.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kec_core.arrays import (
    FloatMatrix,
    FloatVector,
    IntVector,
    Progress,
    blocks,
    l2_normalize,
    no_progress,
    one_to_one,
    sampled_rows,
)
from kec_core.clustering.geometry import cluster_sums
from kec_core.clustering.transduction import best_settled
from kec_core.mapping.choosing import facility_location, fits_of, one_for_each_name, screened_nouns
from kec_core.mapping.kinds import Kinds, no_kinds

EXPLAINING_REVISION = "explaining-4"
"""Change it with the rules: stored nouns are found by it."""
SAMPLE = 8192  # photos from which nouns are chosen                                            [R]
CANDIDATES = 500  # nouns that compete for the groups, those of the best photos                [R]
WORD_WEIGHT = 0.5
"""How much a noun counts beside the looks of its group while both are found; .35 to .75 give the same accuracy [M]."""
RIVALS = 4  # nouns kept beside the chosen one of a group                                      [R]
NAMING = 4096  # photos by which groups get their nouns                                        [R]
SPECIFICITY = 0.25  # power of a noun's information content in the choice, so that of two that fit alike the closer is taken [M]
FEWEST = 8  # of them in every group that has so many                                          [R]
AT_ONCE = 64  # photos compared with all nouns and their kinds                                 [R]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ExplainedGroups:
    """Groups of photos and the nouns that explain them.

    Attributes:
        labels: int32 (N,), 0..M-1.
        nouns: int32 (M, 1 + RIVALS), rows of the vocabulary: the noun of each group, different from all others, then those
            that fit it next best; -1 pads.
        fit: float32 (M,), how much of the similarity of a group's photos to their own mean its noun or the nearest of its
            kinds reaches, about 0 to 1.
    """

    labels: IntVector
    nouns: IntVector
    fit: FloatVector


def explain_groups(
    x: FloatMatrix,
    nouns: FloatMatrix,
    by_looks: IntVector,
    *,
    names: Sequence[str] | None = None,
    kinds: Kinds | None = None,
    preference: FloatVector | None = None,
    bursts: IntVector | None = None,
    sample: int = SAMPLE,
    seed: int = 0,
    progress: Progress = no_progress,
) -> ExplainedGroups:
    """Groups and one distinct noun for each, from groups by looks.

    Args:
        x: float32 (N, d), unit rows, centred.
        nouns: float32 (V, d), text features in the same space, V at least the number of groups.
        by_looks: int32 (N,), 0..M-1, groups to start from, none empty.
        names: V names; of the nouns with one name, in any case, the one that fits best competes. None for all different.
        kinds: of the V nouns; None where none is a kind of another.
        preference: float32 (V,), 0 to 1: a fully preferred noun counts as nearer by a standard deviation of all
            similarities; None for nothing.
        bursts: int32 (N,) from ``find_bursts``: the photos of one stay together; None for none.
        sample: photos of a larger collection from which nouns are chosen; all photos are then put to the groups found.
        seed: draws the sample.
        progress: told during the work; may raise Cancelled.
    """
    count = int(by_looks.max()) + 1
    rows = sampled_rows(len(x), sample, seed)
    photos, t = x[rows], l2_normalize(nouns)
    progress(0, 3, "Choosing words")
    gain = np.zeros(len(t), np.float32) if preference is None else _spread(photos, t) * preference
    fits = fits_of(photos, t, gain, count)
    named = np.arange(len(t), dtype=np.int32) if names is None else one_for_each_name(fits.best, names)
    screened = screened_nouns(named, fits)
    similar = t[screened] @ photos.T  # (C, S)
    similar += gain[screened, None]
    chosen = screened[facility_location(similar, count)]
    ranked = named[np.argsort(-fits.best[named], kind="stable")[:CANDIDATES]]
    competing = np.union1d(ranked, chosen).astype(np.int32)
    near = photos @ t[competing].T + (gain - fits.usual)[competing]  # a noun near to every photo says nothing
    by_words = near[:, np.searchsorted(competing, chosen)].argmax(axis=1).astype(np.int32)

    def said(member: FloatMatrix) -> FloatMatrix:
        return np.float32(WORD_WEIGHT) * np.asarray(near[:, _distinct_words(member, near)], dtype=np.float32)

    progress(1, 3, "Choosing words")
    end = best_settled(photos, (by_looks[rows], by_words), count, said)
    words = _distinct_words(end.member, near)
    labels = _assigned(x, end.centroids, t[competing[words]])
    if bursts is not None:
        labels = _with_whole_bursts(labels, bursts)
    return _explained(x, labels, nouns, gain, screened, (kinds or no_kinds(len(t))).among(screened), seed)


def _distinct_words(member: FloatMatrix, near: FloatMatrix) -> IntVector:
    """One noun per group, none twice, of largest similarity summed over the members (M values)."""
    return _distinct(member.T @ near)


def _distinct(fits: FloatMatrix) -> IntVector:
    """One column per row of (M, V), none twice, of largest sum."""
    few = min(3 * len(fits), fits.shape[1])
    columns = np.unique(np.argpartition(-fits, few - 1, axis=1)[:, :few])
    _, chosen = one_to_one(fits[:, columns])
    return np.asarray(columns[chosen], dtype=np.int32)


def _spread(photos: FloatMatrix, t: FloatMatrix) -> np.float32:
    """Standard deviation of all cosines, from the second moments of either side."""
    pairs = len(photos) * len(t)
    mean = photos.sum(axis=0, dtype=np.float64) @ t.sum(axis=0, dtype=np.float64) / pairs
    squares = np.sum((photos.T @ photos).astype(np.float64) * (t.T @ t)) / pairs
    return np.float32(np.sqrt(max(squares - mean**2, 0.0)))


def _assigned(x: FloatMatrix, centroids: FloatMatrix, words: FloatMatrix) -> IntVector:
    """The group of every photo; one that ran empty gets the photo that fits it best of those in larger groups."""
    pulled = centroids + np.float32(WORD_WEIGHT) * words
    usual = WORD_WEIGHT * (words @ x.mean(axis=0, dtype=np.float64)).astype(np.float32)
    labels = np.empty(len(x), np.int32)
    for block in blocks(len(x)):
        labels[block] = (x[block] @ pulled.T - usual).argmax(axis=1)
    for group in np.flatnonzero(np.bincount(labels, minlength=len(centroids)) == 0):
        spare = np.bincount(labels, minlength=len(centroids))[labels] > 1
        labels[np.where(spare, x @ pulled[group], -np.inf).argmax()] = group
    return labels


def _with_whole_bursts(labels: IntVector, bursts: IntVector) -> IntVector:
    """Every burst in the group of most of its photos, unless that would empty a group."""
    whole = labels.copy()
    for burst in np.unique(bursts[bursts >= 0]):
        rows = bursts == burst
        whole[rows] = np.bincount(labels[rows]).argmax()
    return whole if len(np.unique(whole)) == len(np.unique(labels)) else labels


def _explained(
    x: FloatMatrix,
    labels: IntVector,
    t: FloatMatrix,
    gain: FloatVector,
    nouns: IntVector,
    kinds: Kinds,
    seed: int,
) -> ExplainedGroups:
    """The groups with their nouns, the nouns that set them apart next best, and how well the chosen ones fit."""
    sizes = np.bincount(labels)
    rows = _some_of_each(labels, max(FEWEST, NAMING // len(sizes)), seed)
    some, groups, share = x[rows], labels[rows], (sizes / len(labels)).astype(np.float32)
    wanted = _contrasts(some, groups, share, t[nouns], kinds) * kinds.content**SPECIFICITY + gain[nouns]
    chosen = _distinct(wanted)
    wanted[:, chosen] = -np.inf
    few = min(RIVALS, len(nouns) - len(sizes))
    found = np.full((len(sizes), 1 + RIVALS), -1, np.int32)
    found[:, 0] = nouns[chosen]
    found[:, 1 : 1 + few] = nouns[np.argsort(-wanted, axis=1, kind="stable")[:, :few]]
    own = [
        (some[groups == group] @ l2_normalize(t[nouns[kinds.of(noun)]]).T).max(axis=1).mean()
        for group, noun in enumerate(chosen.tolist())
    ]
    looks = (
        np.linalg.norm(cluster_sums(x, labels, len(sizes)), axis=1) / sizes
    )  # mean cosine to the unit mean
    return ExplainedGroups(labels=labels, nouns=found, fit=(own / np.maximum(looks, 1e-6)).astype(np.float32))


def _contrasts(
    x: FloatMatrix, labels: IntVector, share: FloatVector, t: FloatMatrix, kinds: Kinds
) -> FloatMatrix:
    """By how much nouns are nearer to the photos of groups than to all photos, float32 (M, V).

    A noun is as near to a photo as the nearest of its kinds, each less its mean over all photos.

    Args:
        x: float32 (S, d), some photos of every group.
        labels: int32 (S,), their groups.
        share: float32 (M,), of all photos that are in each group.
        t: float32 (V, d), text features; the shorter a row, the less it counts.
        kinds: of the V nouns.
    """
    taken = np.bincount(labels)
    usual = (share / taken).astype(np.float32)[labels] @ x @ t.T
    sums = np.zeros((len(share), len(t)))
    for block in blocks(len(x), AT_ONCE):
        near = x[block] @ t.T
        near -= usual
        np.add.at(sums, labels[block], kinds.nearest(near))
    means = sums / taken[:, None]
    return np.asarray(means - share @ means, dtype=np.float32)


def _some_of_each(labels: IntVector, count: int, seed: int) -> IntVector:
    """At most ``count`` photos of every group, ascending."""
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    grouped = labels[order]
    place = np.arange(len(labels)) - np.searchsorted(grouped, grouped)
    return np.sort(order[place < count]).astype(np.int32)
