"""Choosing words: seconds and memory to find a noun for every group, how well they fit, and how many are those that more photos choose.

``kec bench words [--images 50000] [--nouns 10000] [--dim 512] [--groups 100] [--against N] [--json]``. Planted photos
around random centres and nouns at many distances from them, none nearer than another for sure. Large collections are
judged by a sample (``explain_groups``); with ``--against N`` the words are chosen once more by a sample of N photos, or
by all if there are not more: memory then grows with N times nouns.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.common import options_parser
from kec_core.arrays import FloatMatrix, IntVector, blocks, l2_normalize
from kec_core.mapping.explaining import SAMPLE, ExplainedGroups, explain_groups
from kec_core.memory import peak_megabytes, reset_peak

WRONG = 0.1
"""Share of the photos that looks put into any other group."""


def measure(options: Sequence[str]) -> dict[str, Any]:
    """Choose words from the sample, and with ``--against`` from a larger one."""
    parser = options_parser("words", images=50_000, nouns=10_000, dim=512, groups=100)
    parser.add_argument("--against", type=int, default=0)
    arguments = parser.parse_args(options)
    x, nouns, truth = planted(arguments.images, arguments.nouns, arguments.dim, arguments.groups)
    found, ours = _timed(x, nouns, truth, SAMPLE)
    result: dict[str, Any] = {**vars(arguments), "sample": ours}
    if arguments.against:
        larger, theirs = _timed(x, nouns, truth, arguments.against)
        words, wanted = (_word_of_each(one, truth) for one in (found, larger))
        result |= {"larger_sample": theirs, "same_words": round(float(np.mean(words == wanted)), 3)}
    return result


def planted(
    n_images: int, n_nouns: int, dim: int, n_groups: int
) -> tuple[FloatMatrix, FloatMatrix, IntVector]:
    """Unit rows of photos and nouns, centred, and the group of every photo."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((n_groups, dim), dtype=np.float32)
    truth = rng.integers(n_groups, size=n_images).astype(np.int32)
    x = np.empty((n_images, dim), dtype=np.float32)
    for block in blocks(n_images):
        noise = 2 * rng.standard_normal((block.stop - block.start, dim), dtype=np.float32)
        x[block] = l2_normalize(centres[truth[block]] + noise)
    mean = x.mean(axis=0, dtype=np.float64).astype(np.float32)
    for block in blocks(n_images):
        x[block] = l2_normalize(x[block] - mean)
    away = rng.uniform(0.5, 4.0, size=(n_nouns, 1)).astype(np.float32)
    nouns = centres[rng.integers(n_groups, size=n_nouns)]
    nouns += away * rng.standard_normal((n_nouns, dim), dtype=np.float32)
    return x, l2_normalize(nouns - nouns.mean(axis=0)), truth


def _timed(
    x: FloatMatrix, nouns: FloatMatrix, truth: IntVector, sample: int
) -> tuple[ExplainedGroups, dict[str, float]]:
    looks, rng = truth.copy(), np.random.default_rng(1)
    wrong = rng.random(len(looks)) < WRONG
    looks[wrong] = rng.integers(truth.max() + 1, size=int(wrong.sum()))
    reset_peak()
    before, started, busy = peak_megabytes(), time.perf_counter(), time.process_time()
    found = explain_groups(x, nouns, looks, sample=sample)
    return found, {
        "fit": round(float(found.fit.mean()), 4),
        "seconds": round(time.perf_counter() - started, 2),
        "core_seconds": round(time.process_time() - busy, 2),
        "megabytes": round(peak_megabytes() - before, 1),
    }


def _word_of_each(found: ExplainedGroups, truth: IntVector) -> IntVector:
    """The noun of the group that most photos of each planted group are in."""
    groups = [np.bincount(found.labels[truth == group]).argmax() for group in np.unique(truth)]
    return np.asarray(found.nouns[groups, 0])
