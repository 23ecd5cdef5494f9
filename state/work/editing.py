"""Edit the knowledge of a project: open its live state, try edits, keep them as a revision (methods.md 6.5)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial, wraps
from typing import Any, TypeVar

import numpy as np

from kec_core.arrays import IntVector, as_labels, fingerprint
from kec_core.clustering.whitening import Whitening
from kec_core.config import EncoderDefaults, RunConfig
from kec_core.encoders import TextCache, encode_texts, load_encoder
from kec_core.encoders.base import Encoder, TextEncoder
from kec_core.knowledge.edits import Edit, describe, script_to_json
from kec_core.live import LiveCollection, LiveState, start
from kec_core.live import live_collection as collection_of
from kec_core.live.edited import Edited, edited
from kec_core.result.cluster_names import state_names
from kec_core.result.impact import Impact, compare
from kec_core.stages import grounding_result
from kec_core.types import Embeddings, Knowledge
from state.project.facts import Facts, scores_json
from state.project.project import Project
from state.revisions import results, revisions
from state.revisions.cluster_marks import cluster_marks
from state.revisions.clusterings import load_baseline, load_clustering, load_features, save_clustering
from state.revisions.results import Result
from state.revisions.revisions import Baseline, Revision

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class EditReport:
    """What a script of edits did, or would do.

    Attributes:
        revision: the new revision's id; the shown one's when nothing was kept.
        follow: ids of the photos that went along with those that edits of clusters name.
        notes: what the edits did, and what the person should know of the clusters, in sentences.
    """

    impact: Impact
    revision: str
    follow: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As ``kec edit --json`` prints it."""
        return {
            "before": {"scores": scores_json(self.impact.scores_before)},
            "after": {"scores": scores_json(self.impact.scores_after)},
            "moved": len(self.impact.moved),
            "concepts": self.impact.concepts[1],
            "clusters": self.impact.clusters[1],
            "clusters_before": self.impact.clusters[0],
            "clusters_after": self.impact.clusters[1],
            "follow": list(self.follow),
            "notes": list(self.notes),
            "revision": self.revision,
        }


def edit_project(project: Project, edits: Sequence[Edit], *, dry_run: bool = False) -> EditReport:
    """Apply a script to the shown revision: all of it or nothing.

    Args:
        project: with at least one revision; the caller holds its ``RunLock``.
        edits: in order.
        dry_run: tell what would happen and keep nothing.

    Raises:
        InputError: no result yet, or an edit does not fit (names its index); nothing is written.
        StoreError: the project was changed by another window meanwhile.
    """
    shown = revisions.need_current(project, "result to edit yet")
    before = open_live(project, shown)
    done = try_edits(project, shown, before, edits)
    kept = shown if dry_run or not edits else keep(project, shown, done.state, edits, said=done.said)
    return EditReport(
        impact=compare(before, done.state),
        revision=kept.id,
        follow=tuple(before.collection.image_ids[row] for row in done.follow),
        notes=tuple(filter(None, (*done.said, done.state.clustering.note))),
    )


def try_edits(project: Project, revision: Revision, state: LiveState, edits: Sequence[Edit]) -> Edited:
    """Apply edits to the live state of a revision, with the clusters under the names that the person sees.

    Raises:
        InputError: an edit does not fit; names its index from 0.
    """
    marks = cluster_marks(project, revision.id)
    return edited(state, edits, names=partial(state_names, given=marks.names), given=marks.names)


def open_live(project: Project, revision: Revision) -> LiveState:
    """The live state of a revision, ready for edits.

    Raises:
        ResourceMissing: the weights of its encoder are not on this machine.
        StoreError: a stored result is missing or damaged.
    """
    features = load_features(project, revision)
    baseline = None if revision.baseline is None else load_baseline(project, revision.baseline).labels
    collection = live_collection(
        revision,
        Embeddings(features=features.raw, ids=features.ids, encoder=revision.facts.encoder),
        features.defaults,
        labels=project.labels(revision.scan),
        baseline=baseline,
        whitening=features.whitening,
    )
    return start(collection, revision.knowledge, load_clustering(project, revision))


def live_collection(
    revision: Revision,
    photos: Embeddings,
    defaults: EncoderDefaults,
    *,
    labels: Sequence[str | None],
    baseline: IntVector | None,
    whitening: Whitening | None,
) -> LiveCollection:
    """Photos under the options of a revision, ready for edits.

    Args:
        revision: whose options hold.
        photos: their features, as the encoder gave them.
        defaults: of the encoder.
        labels: of the photos, None where unknown.
        baseline: int32 (N,), their groups by looks alone; None when they were not made.
        whitening: of the looks that were clustered; None where they are the visual features.

    Raises:
        ResourceMissing: the weights of the encoder are not on this machine.
    """
    automatic = revision.facts.automatic
    return collection_of(
        photos,
        revision.config,
        defaults,
        text_encoder(photos.encoder),
        n_clusters=automatic.n_clusters,
        weight=automatic.weight,
        truth=_truth(labels),
        baseline=baseline,
        whitening=whitening,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Photos:
    """The photos of a live state, as they are kept.

    Attributes:
        scan: its number.
        embed: key of their features, stage "embed".
        looks: key of their whitening, stage "looks"; "" for none.
        facts: of a revision of them.
        baseline: the plain method on them; None without one.
    """

    scan: int
    embed: str
    looks: str
    facts: Facts
    baseline: Baseline | None


def photos_of(project: Project, revision: Revision) -> Photos:
    """The photos of a revision.

    Raises:
        StoreError: a stored result is missing or damaged.
    """
    features = load_features(project, revision)
    return Photos(
        scan=revision.scan,
        embed=features.embed_key,
        looks=features.looks_key,
        facts=revision.facts,
        baseline=revision.baseline,
    )


def keep(
    project: Project,
    parent: Revision,
    state: LiveState,
    edits: Sequence[Edit],
    *,
    photos: Photos | None = None,
    said: Sequence[str] = (),
    note: str = "",
) -> Revision:
    """Store an edited state as the child of ``parent`` and show it.

    Args:
        project: where.
        parent: what it was made from.
        state: what is kept.
        edits: what made it.
        photos: of the state; None when they are those of ``parent``.
        said: the edits in words; empty describes them by the knowledge of ``parent``.
        note: for the history; "" says the edits in words.

    Raises:
        StoreError: another window has moved on from ``parent``; no revision is made.
    """
    photos = photos or photos_of(project, parent)
    facts = replace(
        photos.facts,
        concepts=len(state.knowledge.concepts),
        uni_attributes=len(state.knowledge.uni),
        bi_attributes=len(state.knowledge.bi),
        n_clusters=state.clustering.n_clusters,
        weight=state.weight,
    )
    result = result_of(project, state, replace(photos, facts=facts), parent.config)
    script = tuple(script_to_json(edits)["edits"])
    note = note or in_words(said or [describe(edit, parent.knowledge) for edit in edits[:1]], len(edits))
    return results.keep(project, result, parent, note=note, edits=script)


def result_of(project: Project, state: LiveState, photos: Photos, config: RunConfig) -> Result:
    """A live state as what is kept of it; its clustering and grounding are stored now."""
    ground = save_grounding(project, photos.embed, state)
    return Result(
        knowledge=state.knowledge,
        config=config,
        scan=photos.scan,
        image_ids=state.collection.image_ids,
        x=state.collection.x,
        grounding=state.grounding,
        clustering=state.clustering,
        looks=state.collection.looks,
        clustering_fp=save_clustering(project, state.clustering, ground=ground, looks=photos.looks),
        facts=photos.facts,
        scores=state.scores,
        baseline=photos.baseline,
    )


def edits_in_words(edits: Sequence[Edit], before: Knowledge) -> str:
    """The edits of a revision in words, at least one, by the knowledge they are applied to."""
    return in_words([describe(edits[0], before)], len(edits))


def in_words(said: Sequence[str], count: int) -> str:
    """Some edits in one sentence: what the first of them did, and how many more there are."""
    first, others = said[0], count - 1
    if not others:
        return first
    return f"{first.removesuffix('.')}, and {others} more edit{'' if others == 1 else 's'}."


def _remembered(make: Callable[[str], T]) -> Callable[[str], T]:
    """The results for the last two names.

    Whoever asks while one is made waits for it instead of making another; who asks for another name does not wait.
    """
    results = lru_cache(maxsize=2)(make)
    turns: dict[str, threading.Lock] = {}

    @wraps(make)
    def wait(name: str) -> T:
        with turns.setdefault(name, threading.Lock()):
            return results(name)

    wait.cache_clear = results.cache_clear  # type: ignore[attr-defined]
    return wait


@_remembered
def loaded_encoder(name: str) -> Encoder:
    """An encoder by name; loading the weights takes seconds, so a process does it once."""
    return load_encoder(name)


@_remembered
def text_encoder(name: str) -> TextEncoder:
    """Strings to raw features."""
    return partial(encode_texts, loaded_encoder(name), cache=TextCache())


def save_grounding(project: Project, embed: str, state: LiveState) -> str:
    """Keep omega and kappa where exports and pages look for them; returns their key."""
    collection = state.collection
    defaults = collection.defaults.to_json()
    key = fingerprint(
        "edited ground", embed, state.knowledge.to_json(), collection.config.to_json(), defaults
    )
    if project.store.load("ground", key) is None:
        project.store.save("ground", key, grounding_result(state.grounding, embed=embed, defaults=defaults))
    return key


def _truth(labels: Sequence[str | None]) -> IntVector | None:
    """Label ids per photo, -1 where unknown; None without any label."""
    known = [row for row, label in enumerate(labels) if label is not None]
    if not known:
        return None
    truth = np.full(len(labels), -1, dtype=np.int32)
    truth[known] = as_labels([labels[row] for row in known])
    return truth
