"""Photos sorted into a list of names, on labelled folders: what lands under the right name, and what in "none of these".

``kec bench lists --data FOLDER [FOLDER ...] [--seeds 5]``. The list names all classes, or half of them drawn by the seed;
photos of the classes that are not on it belong to "none of these". The names are those of ``bench expert``. Beside it
stands what each photo's best name alone says (zero-shot), which knows no "none of these".
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import markdown_table
from benchmarks.expert import automatic_state, expert_text
from benchmarks.table import labelled_folder, measure_sets
from kec_core.grounding import concept_scores, concept_vectors
from kec_core.knowledge.edit_sorting import NONE, SortInto
from kec_core.live import LiveState
from kec_core.live.edited import edited
from kec_core.stages import Resources
from kec_core.types import Concept, Knowledge

COLUMNS = {
    "zeroshot": "all classes, best name alone",
    "all": "all classes",
    "all_or_none": 'all classes, "none of these" allowed',
    "half_or_none": 'half of the classes, "none of these" allowed',
}


def measure(options: Sequence[str]) -> dict[str, Any]:
    """Sort every folder; the Markdown table is part of the result."""
    return measure_sets("lists", options, measure_set, table, seeds=5)


def measure_set(folder: Path, resources: Resources, seeds: int) -> dict[str, Any]:
    """The share of photos that land where they belong, mean and sd over the seeds."""
    found: dict[str, list[float]] = {name: [] for name in COLUMNS}
    with labelled_folder(folder, resources) as (collection, runner):
        truth = [expert_text(label)[0] if label else "" for label in collection.labels]
        classes = sorted(set(truth) - {""})
        for seed in range(seeds):
            state = automatic_state(collection, resources, runner, seed)
            some = np.random.default_rng(seed).permutation(classes)[: len(classes) // 2].tolist()
            answers = {
                "zeroshot": best_names(state, classes),
                "all": sorted_into(state, classes, none=False),
                "all_or_none": sorted_into(state, classes, none=True),
                "half_or_none": sorted_into(state, some, none=True),
            }
            for name, said in answers.items():
                listed = some if name.startswith("half") else classes
                found[name].append(right_share(said, truth, listed))
    row = {
        name: {"mean": float(np.mean(shares)), "sd": float(np.std(shares))} for name, shares in found.items()
    }
    print(f"{collection.name}: {row}", file=sys.stderr, flush=True)
    return {"set": collection.name, "images": len(truth), "classes": len(classes), "right": row}


def sorted_into(state: LiveState, names: Sequence[str], *, none: bool) -> list[str]:
    """The name that the edit of the app gives each photo."""
    edit = SortInto(names=tuple(names), none=none)
    after = edited(state, [edit], names=lambda _state: {}).state
    name_of = {one.id: one.name for one in after.knowledge.kept}
    return [name_of[label] for label in after.clustering.labels.tolist()]


def best_names(state: LiveState, names: Sequence[str]) -> list[str]:
    """The name whose text is nearest to each photo."""
    live = state.collection
    knowledge = Knowledge(concepts=tuple(Concept(id=name, name=name) for name in names))
    vectors = concept_vectors(knowledge, live.encode, live.config)
    scores = concept_scores(live.grounded, vectors, live.config, live.defaults)
    return [names[column] for column in scores.argmax(axis=1).tolist()]


def right_share(said: Sequence[str], truth: Sequence[str], listed: Sequence[str]) -> float:
    """The share of the photos with a class that are under its name, or in "none of these" where it is not on the list."""
    right = [
        answer == (wanted if wanted in listed else NONE)
        for answer, wanted in zip(said, truth, strict=True)
        if wanted
    ]
    return sum(right) / len(right)


def table(result: Mapping[str, Any]) -> str:
    """Shares in percent, mean ± sd over the seeds."""
    told = f"Encoder: {result['encoder']}. Photos in the right place, percent, mean ± sd of {result['seeds']} seeds."
    rows = [
        [each["set"], *(f"{100 * one['mean']:.1f} ± {100 * one['sd']:.1f}" for one in each["right"].values())]
        for each in result["sets"]
    ]
    return markdown_table(["Set", *COLUMNS.values()], rows, told)
