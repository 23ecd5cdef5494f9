"""The number of clusters when the person does not say: by words where they can tell, else by looks."""

from __future__ import annotations

from kec_core.arrays import FloatMatrix, IntVector
from kec_core.clustering.bursts import one_of_each
from kec_core.clustering.estimate import estimate_n_clusters, most_clusters
from kec_core.config import RunConfig
from kec_core.errors import InputError
from kec_core.mapping.counting import count_by_words
from kec_core.stages.nouns import centred_nouns, noun_inputs
from kec_core.stages.runner import Resources, Runner, Stored
from kec_core.store import StageResult


def choose_n_clusters(
    runner: Runner,
    embedded: Stored,
    x: FloatMatrix,
    config: RunConfig,
    bursts: IntVector | None = None,
    resources: Resources | None = None,
) -> tuple[int, str]:
    """K: what the person asked for, or an estimate and how it was made.

    Args:
        runner: runs the stage.
        embedded: the features, under the key of what follows from them.
        x: float32 (N, d), unit rows.
        config: every option.
        bursts: int32 (N,), from ``find_bursts``; None for none.
        resources: where the words come from; None lets looks alone tell.

    Raises:
        InputError: the person asked for fewer than one cluster or for more than there are photos.
    """
    if config.n_clusters is not None:
        if not 1 <= config.n_clusters <= len(x):
            raise InputError(
                f"The number of clusters should be between 1 and the number of photos ({len(x)}), "
                f"but {config.n_clusters} was asked for; choose {min(len(x), max(1, round(len(x) ** 0.5)))} for example."
            )
        return config.n_clusters, ""

    words = resources if config.mapping.concepts_from == "words" else None

    def compute(options: RunConfig) -> StageResult:
        k, how = estimate_n_clusters(x, bursts=bursts, seed=options.seed, progress=runner.hooks.progress)
        told = None if words is None or k == 1 else _told_by_words(x, words, bursts, options.seed, runner)
        if told is not None:
            k, how = told, _why(told, k, how)
        return StageResult(data={"k": k, "how": how, "summary": {"clusters": k}})

    inputs = [embedded.key, *([] if words is None else noun_inputs(words))]
    stored = runner.configured("estimate", inputs, compute, config)
    return int(stored.data["k"]), str(stored.data["how"])


def _told_by_words(
    x: FloatMatrix, resources: Resources, bursts: IntVector | None, seed: int, runner: Runner
) -> int | None:
    """K by words, of every burst one photo; None where there are too few photos or words do not tell."""
    photos = x if bursts is None else x[one_of_each(bursts)]
    largest = most_clusters(len(photos))
    if largest < 2:
        return None
    photos, nouns, names = centred_nouns(photos, resources, runner.hooks.progress)
    return count_by_words(
        photos, nouns, largest=largest, names=names, seed=seed, progress=runner.hooks.progress
    )


def _why(k: int, by_looks: int, how: str) -> str:
    same = " Looks say the same." if k == by_looks else f" By looks alone: {how}"
    return (
        f"{k} clusters were estimated: {k} different words each explain a part of the photos, and one more explains hardly "
        f"anything in photos that had no part in choosing it.{same}"
    )
