"""The live loop: what an edit, its preview and its undo cost beside computing everything again.

``kec bench live [--images 50000] [--concepts 100] [--dim 512] [--clusters 100] [--edits 30] [--full-runs 2] [--verbs 3]``.
Planted photos in a narrow cone as CLIP gives them; words are looked up in a table, so encoding a new word (one call
of the text encoder) is not in the figures. Ours: edit -> grounding of what changed -> warm-started clustering -> ids
-> scores. Full: grounding of everything, k-means with 20 restarts, scores. Verbs are edits of clusters, each tried so
many times on other clusters; search compares a phrase with all photos. All figures are median seconds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from benchmarks.common import options_parser
from kec_core.arrays import FloatMatrix, FloatVector, l2_normalize
from kec_core.clustering import fuse, match_labels, spherical_kmeans
from kec_core.clustering.metrics import score
from kec_core.config import EncoderDefaults, GroundingConfig
from kec_core.grounding import concept_vectors, ground
from kec_core.knowledge.edit_clusters import (
    MergeClusters,
    MovePhotos,
    NewCluster,
    RenameCluster,
    SplitCluster,
)
from kec_core.knowledge.edit_sorting import SortInto
from kec_core.knowledge.edits import (
    AddAttribute,
    AddConcept,
    AddPairAttribute,
    DeleteAttribute,
    DeleteConcept,
    Edit,
    MergeConcepts,
    MuteConcept,
    RenameConcept,
    SplitConcept,
    SplitPart,
    apply,
    apply_script,
)
from kec_core.live import LiveCollection, LiveState, restore, start, update
from kec_core.live.edited import edited as apply_edits
from kec_core.result.cluster_names import state_names
from kec_core.result.impact import Impact, compare
from kec_core.suggestions.questions import next_question
from kec_core.types import Knowledge

RESTARTS = 20
T = TypeVar("T")
P = ParamSpec("P")


def measure(options: Sequence[str]) -> dict[str, Any]:
    """Run the benchmark; see the module for its options."""
    parser = options_parser("live", images=50000, concepts=100, dim=512, clusters=100, edits=30, seed=0)
    parser.add_argument("--full-runs", type=int, default=2, help="how often the full way is run")
    parser.add_argument("--verbs", type=int, default=3, help="how often each edit of clusters is made")
    arguments = parser.parse_args(options)
    state = planted_state(arguments)
    verbs = verb_seconds(state, arguments.verbs)
    laps: list[dict[str, float]] = []
    moved: list[int] = []
    rng = random.Random(arguments.seed)
    for number in range(arguments.edits):
        edit = an_edit(rng, state.knowledge, number)
        lap, after, impact = one_edit(state, edit)
        if number < arguments.full_runs:
            lap["full"] = timed(computed_again, after)[0]
        laps.append(lap)
        moved.append(len(impact.moved))
        state = after
        print(f"{type(edit).__name__}: {lap}, {moved[-1]} moved", file=sys.stderr)
    full = [lap["full"] for lap in laps if "full" in lap]
    return {
        **{name: beside([lap[name] for lap in laps], full) for name in ("edit", "preview", "undo")},
        "verbs": verbs,
        "images": arguments.images,
        "concepts": arguments.concepts,
        "dim": arguments.dim,
        "clusters": arguments.clusters,
        "edits": arguments.edits,
        "full_runs": len(full),
        "restarts": RESTARTS,
        "median_moved": median(moved),
        "cores": os.cpu_count(),
    }


def beside(ours: Sequence[float], full: Sequence[float]) -> dict[str, float]:
    """Median seconds of ours and of the full way, and how many times faster ours is."""
    mine, theirs = median(ours), median(full)
    return {"ours": round(mine, 4), "full": round(theirs, 4), "ratio": round(theirs / mine, 1)}


def one_edit(state: LiveState, edit: Edit) -> tuple[dict[str, float], LiveState, Impact]:
    """Seconds of previewing, making and undoing one edit; the state after it and its impact."""
    preview, (ghost, _) = timed(edited, state, edit)
    made, (after, impact) = timed(edited, state, edit)
    assert np.array_equal(after.clustering.labels, ghost.clustering.labels)
    undo, back = timed(undone, after, state)
    assert np.array_equal(back.clustering.labels, state.clustering.labels)
    return {"preview": preview, "edit": made, "undo": undo}, after, impact


def edited(state: LiveState, edit: Edit) -> tuple[LiveState, Impact]:
    """From the click to the new groups, the photos that moved and the scores; a preview is the same, not kept."""
    after = update(state, apply(state.knowledge, edit))
    return after, compare(state, after)


def verb_seconds(state: LiveState, times: int) -> dict[str, float]:
    """Median seconds of every edit of clusters, from the click to the impact, and of a search by words."""
    laps: dict[str, list[float]] = {}
    rng = np.random.default_rng(0)
    for _ in range(times):
        for verb in verbs_on(state, rng):
            seconds, after = timed(edited_clusters, state, verb)
            name = "answer" if isinstance(verb, MovePhotos) and verb.follow else verb.op
            laps.setdefault(name, []).append(seconds)
            print(f"{verb.op}: {seconds:.2f}, {after.clustering.n_clusters} clusters", file=sys.stderr)
        laps.setdefault("question", []).append(timed(next_question, after, asked=0)[0])
        laps.setdefault("search", []).append(timed(found_by_words, state)[0])
    return {verb: round(median(seconds), 4) for verb, seconds in laps.items()}


def found_by_words(state: LiveState) -> NDArray[np.int64]:
    """Rows of the photos that a phrase fits best."""
    scores = state.collection.x @ state.collection.encode(["thing 3"])[0]
    return np.argsort(-scores)[:20]


def verbs_on(state: LiveState, rng: np.random.Generator) -> list[Edit]:
    """One edit of clusters of every kind, on clusters drawn at random."""
    labels, ids = state.clustering.labels, state.collection.image_ids
    first, second, third = (int(c) for c in rng.choice(np.unique(labels), 3, replace=False))
    rows = np.flatnonzero(labels == first)[:6]
    images = tuple(ids[row] for row in rows)
    return [
        MovePhotos(images=images[:5], cluster=second),
        MovePhotos(images=images[:1], cluster=second, follow=True),
        NewCluster(images=images, name="a new one"),
        MergeClusters(clusters=(first, second)),
        SplitCluster(cluster=third),
        RenameCluster(cluster=third, name="another name"),
        SortInto(names=tuple(concept.name for concept in state.knowledge.concepts[:40])),
    ]


def edited_clusters(state: LiveState, edit: Edit) -> LiveState:
    """From the click to the new groups, their names, the photos that moved and the scores."""
    after = apply_edits(state, [edit], names=state_names).state
    compare(state, after)
    return after


def undone(state: LiveState, parent: LiveState) -> LiveState:
    """Back to the parent, of which only what a project keeps is used: knowledge and clustering."""
    back = restore(state, parent.knowledge, parent.clustering)
    compare(state, back)
    return back


def timed(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> tuple[float, T]:
    """Seconds and result."""
    started = time.perf_counter()
    result = work(*arguments, **named)
    return time.perf_counter() - started, result


def computed_again(state: LiveState) -> None:
    """The straightforward way: everything from the knowledge on, with all restarts."""
    collection = state.collection
    vectors = concept_vectors(state.knowledge, collection.encode, collection.config)
    grounding = ground(collection.grounded, vectors, collection.config, collection.defaults)
    fused = fuse(collection.x, grounding.kappa, collection.weight)
    found = spherical_kmeans(fused, collection.n_clusters, n_init=RESTARTS)
    labels = match_labels(found.labels, state.clustering.labels)
    assert collection.truth is not None
    score(labels, collection.truth)


def planted_state(arguments: argparse.Namespace) -> LiveState:
    """Photos around one centre per cluster, concepts named after the centres, a first clustering."""
    rng = np.random.default_rng(arguments.seed)
    centres = rng.normal(size=(arguments.clusters, arguments.dim)).astype(np.float32)
    cone = 1.5 * rng.normal(size=arguments.dim).astype(np.float32)
    truth = rng.integers(arguments.clusters, size=arguments.images, dtype=np.int32)
    noise = rng.standard_normal(size=(arguments.images, arguments.dim), dtype=np.float32)
    x = l2_normalize(cone + centres[truth] + 3 * noise)
    named = [
        AddConcept(
            name=f"thing {q}", description=f"a thing {q}", attributes=(f"mark of thing {q}", f"shape {q}")
        )
        for q in range(arguments.concepts)
    ]
    collection = LiveCollection(
        image_ids=tuple(map(str, range(arguments.images))),
        x=x,
        grounded=x,
        encode=TableOfWords(centres),
        defaults=EncoderDefaults(),
        config=GroundingConfig(),
        n_clusters=arguments.clusters,
        weight=1.0,
        truth=truth,
    )
    knowledge = apply_script(Knowledge(), named)
    first = spherical_kmeans(x, arguments.clusters, n_init=1, max_iter=20)
    return settled(start(collection, knowledge, first))


def settled(state: LiveState) -> LiveState:
    """The first clustering continued, on photos and knowledge together, until it is stable."""
    grown = apply(
        state.knowledge, RenameConcept(concept=state.knowledge.concepts[0].id, description="the first")
    )
    return update(state, grown)


class TableOfWords:
    """Words to vectors without an encoder: "thing q" lies near centre q, other words anywhere in the cone."""

    def __init__(self, centres: FloatMatrix) -> None:
        self.centres = centres
        self.known: dict[str, FloatVector] = {}

    def __call__(self, texts: Sequence[str]) -> FloatMatrix:
        """Raw float32 (T, d)."""
        return np.stack([self._vector(text) for text in texts])

    def _vector(self, text: str) -> FloatVector:
        if text not in self.known:
            seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little")
            noise = np.random.default_rng(seed).standard_normal(self.centres.shape[1:], dtype=np.float32)
            *_, last = text.split()
            known = "thing" in text and last.isdigit() and int(last) < len(self.centres)
            self.known[text] = self.centres[int(last)] + noise if known else noise
        return self.known[text]


def an_edit(rng: random.Random, knowledge: Knowledge, number: int) -> Edit:
    """The next edit of a mixed session on concepts and attributes."""
    first, second = (concept.id for concept in rng.sample(knowledge.concepts, 2))
    kinds: list[Callable[[], Edit]] = [
        lambda: RenameConcept(concept=first, name=f"new thing {number}"),
        lambda: AddAttribute(concept=first, text=f"mark of thing {number}"),
        lambda: MergeConcepts(concepts=(first, second)),
        lambda: MuteConcept(concept=first, muted=True),
        lambda: SplitConcept(
            concept=first, into=(SplitPart(name=f"part thing {number}"), SplitPart(name=f"piece {number}"))
        ),
        lambda: AddPairAttribute(concepts=(first, second), text=f"difference {number}"),
        lambda: AddConcept(name=f"added {number}", attributes=(f"colour {number}",)),
        lambda: DeleteAttribute(attribute=rng.choice(knowledge.uni).id),
        lambda: DeleteConcept(concept=first),
        lambda: RenameConcept(concept=first, description=f"seen as thing {number}"),
    ]
    return kinds[number % len(kinds)]()


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1:])))
