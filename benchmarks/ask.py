"""What answers of a person are worth: the photos that "Ask me" chooses beside photos drawn at random, on labelled folders.

``kec bench ask --data FOLDER [FOLDER ...] [--seeds 5] [--answers 100]``. The simulated person puts every photo that is
shown into the group where its class has the majority, the largest if there are several, and makes a new group when
there is none. Answers go through the edits that the app uses. The last column gives every class five random photos.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import markdown_table
from benchmarks.expert import assigned_photos, automatic_state
from benchmarks.table import labelled_folder, measure_sets
from kec_core.arrays import IntVector, as_labels
from kec_core.clustering.metrics import score
from kec_core.knowledge.edit_clusters import ClusterEdit, MovePhotos, NewCluster
from kec_core.live import LiveState
from kec_core.live.edited import edited
from kec_core.stages import Resources
from kec_core.suggestions.questions import next_question

AFTER = (0, 10, 20, 50, 100)
"""Answers after which ACC is printed."""
PER_GROUP = 5
"""Random photos per class of the comparison."""


def measure(options: Sequence[str]) -> dict[str, Any]:
    """Run the comparison; the Markdown table is part of the result."""
    return measure_sets("ask", options, measure_set, table, seeds=5, answers=100)


def measure_set(folder: Path, resources: Resources, seeds: int, answers: int) -> dict[str, Any]:
    """ACC after every answer, mean over the seeds, for both ways of choosing photos."""
    with labelled_folder(folder, resources) as (collection, runner):
        truth = as_labels([label or "" for label in collection.labels])
        asked, drawn, full = [], [], []
        for seed in range(seeds):
            state = automatic_state(collection, resources, runner, seed)
            order = np.random.default_rng(seed).permutation(len(truth))
            shown = np.concatenate(list(assigned_photos(collection.labels, PER_GROUP, seed).values()))
            asked.append(accuracies(state, truth, answers))
            drawn.append(accuracies(state, truth, answers, rows=order))
            full.append(
                accuracies(state, truth, len(shown), rows=np.random.default_rng(seed).permutation(shown))
            )
    every = np.array(asked)
    goal = fmean(one[-1] for one in full)
    reached = np.flatnonzero(every.mean(axis=0) >= goal)
    found = {
        "set": collection.name,
        "images": len(truth),
        "ask": {str(n): float(every[:, n].mean()) for n in AFTER if n < every.shape[1]},
        "random": {str(n): float(np.mean([one[n] for one in drawn])) for n in AFTER if n < every.shape[1]},
        "per_group": goal,
        "per_group_answers": len(full[0]) - 1,
        "reached_after": int(reached[0]) if len(reached) else None,
        "worst_drop": float((every - every[:, :1]).min()),
        "worst_drop_of_mean": float((every.mean(axis=0) - every[:, 0].mean()).min()),
    }
    print(found, file=sys.stderr, flush=True)
    return found


def accuracies(
    state: LiveState, truth: IntVector, answers: int, *, rows: NDArray[np.int64] | None = None
) -> list[float]:
    """ACC before the first answer and after each.

    Args:
        state: the automatic result.
        truth: int32 (N,), classes from 0.
        answers: how many; fewer when the photos end.
        rows: photos in the order to show; None lets "Ask me" choose.
    """
    found = [score(state.clustering.labels, truth).acc]
    homes: dict[int, int] = {}
    for count in range(min(answers, len(truth))):
        if rows is None:
            question = next_question(state, asked=count)
            if question is None:
                break
            row = question.row
        else:
            row = int(rows[count])
        edit = answer(state, truth, row, homes)
        state = edited(state, [edit], names=_numbered).state
        found.append(score(state.clustering.labels, truth).acc)
    return found


def answer(state: LiveState, truth: IntVector, row: int, homes: dict[int, int]) -> ClusterEdit:
    """What the simulated person does with a photo; ``homes``, the group of each class so far, is brought up to date."""
    labels, wanted = np.asarray(state.clustering.labels), int(truth[row])
    counts = np.zeros((int(labels.max()) + 1, int(truth.max()) + 1), dtype=np.int64)
    np.add.at(counts, (labels, truth), 1)
    good = np.flatnonzero((counts.argmax(axis=1) == wanted) & (counts[:, wanted] > 0))
    image = (state.collection.image_ids[row],)
    if not len(good):
        homes.pop(wanted, None)
        return NewCluster(images=image)
    if homes.get(wanted) not in good.tolist():
        homes[wanted] = int(good[counts[good, wanted].argmax()])
    return MovePhotos(images=image, cluster=homes[wanted], follow=True)


def _numbered(state: LiveState) -> Mapping[int, str]:
    return {int(cluster): f"group {cluster}" for cluster in np.unique(state.clustering.labels)}


def table(result: Mapping[str, Any]) -> str:
    """ACC x100 after some answers, asked and drawn at random."""
    told = (
        f"Encoder: {result['encoder']}. ACC x100, mean of {result['seeds']} seeds: asked / drawn at random."
    )
    heads = [f"{n} answers" for n in AFTER]
    heads = ["Set", *heads, f"{PER_GROUP} random photos per group", "reached after", "lowest"]
    rows = []
    for each in result["sets"]:
        cells = [f"{100 * each['ask'][n]:.1f} / {100 * each['random'][n]:.1f}" for n in each["ask"]]
        cells += ["" for _ in range(len(AFTER) - len(cells))]
        after = each["reached_after"]
        goal = f"{100 * each['per_group']:.1f} ({each['per_group_answers']} answers)"
        lowest = f"{100 * each['worst_drop_of_mean']:+.1f}"
        rows.append([each["set"], *cells, goal, "not" if after is None else str(after), lowest])
    return markdown_table(heads, rows, told)
