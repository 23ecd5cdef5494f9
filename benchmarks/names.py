"""How good the words of the automatic knowledge are, judged by labels: names of clusters, distinct names, attributes.

A cluster whose photos have a majority label is called right when its name means that class or a kind of it (1), half
right when it is the class's direct hypernym (0.5), and else counts the likeness of both as sentences, if above 0.6.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from statistics import fmean, median

import numpy as np

from benchmarks.outcomes import code_of_labels
from kec_core.arrays import FloatMatrix, IntVector
from kec_core.clustering.geometry import cluster_sums
from kec_core.config import KnowledgeConfig
from kec_core.encoders.sentences import SentenceModel
from kec_core.grounding import concept_vectors, ground
from kec_core.grounding.telling import attribute_aucs
from kec_core.methods import METHODS, MethodInputs, run_method
from kec_core.result.cluster_names import name_clusters
from kec_core.stages import Runner
from kec_core.store import StageResult
from kec_core.types import Knowledge, Noun
from kec_core.wordnet.vocabulary import meanings
from kec_core.wordnet.wordnet import WordNet

LEAST_LIKENESS = 0.6
"""Sentences less alike than this say different things."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NameScores:
    """How good the words of one result are.

    Attributes:
        names: score of the names of the clusters, mean over the photos, in [0, 1].
        distinct: share of the concepts whose name no other has.
        attributes: median AUC of attributes between the photos of their concept and of its neighbours; None without any.
        concepts: how many there are.
    """

    names: float
    distinct: float
    attributes: float | None
    concepts: int


def judge_names(
    runner: Runner,
    inputs: MethodInputs,
    labels: Sequence[str | None],
    n_clusters: int,
    wordnet: WordNet,
    *,
    seed: int,
) -> NameScores:
    """The scores of KEC's words on one labelled collection; found again when nothing changed."""
    knowledge = inputs.knowledge
    assert knowledge is not None

    def compute(_key: str) -> StageResult:
        x, method = inputs.test.x, METHODS["kec"]
        found = run_method("kec", inputs, n_clusters, options=method.options, seed=seed).labels
        vectors = concept_vectors(knowledge, inputs.encode, inputs.grounding)
        omega = ground(x, vectors, inputs.grounding, inputs.defaults).omega
        concepts = [knowledge.by_id[one].name for one in vectors.concept_ids]
        called = _cluster_names(omega, found, concepts)
        told = attribute_aucs(knowledge, x, inputs.encode, KnowledgeConfig(), inputs.defaults)
        scores = NameScores(
            names=name_score(called, found, labels, _synsets(knowledge), wordnet, _likeness),
            distinct=distinct_names(concepts),
            attributes=median(told) if told else None,
            concepts=len(concepts),
        )
        return StageResult(data=asdict(scores))

    inputs_of_stage = [knowledge.fingerprint, labels, n_clusters, seed, code_of_labels()]
    return NameScores(**runner.stage("names", inputs_of_stage, compute).data)


def name_score(
    names: Sequence[str],
    found: IntVector,
    labels: Sequence[str | None],
    synset_of: dict[str, str],
    wordnet: WordNet,
    likeness: Callable[[str, str], float],
) -> float:
    """Mean over the photos of clusters with a majority label of how well the cluster's name fits that label.

    Args:
        names: of the clusters 0..K-1.
        found: int32 (N,), cluster of each photo.
        labels: of each photo, None where unknown.
        synset_of: the meaning of names that a concept has, casefolded.
        wordnet: where other names and labels are looked up.
        likeness: of two texts as sentences, in [-1, 1].
    """
    total, right = 0, 0.0
    for cluster, name in enumerate(names):
        known = [label for label, own in zip(labels, found.tolist(), strict=True) if own == cluster and label]
        label, times = Counter(known).most_common(1)[0] if known else ("", 0)
        if 2 * times <= len(known):
            continue
        total += len(known)
        right += len(known) * name_fits(name, label, synset_of, wordnet, likeness)
    return right / total if total else 0.0


def name_fits(
    name: str, label: str, synset_of: dict[str, str], wordnet: WordNet, likeness: Callable[[str, str], float]
) -> float:
    """1 for the class or a kind of it, 0.5 for its direct hypernym, else likeness above ``LEAST_LIKENESS``, else 0."""
    plain = name.split(", near ")[0]
    label = " ".join(label.replace("_", " ").split())
    said = set(meanings(Noun(word=plain, synset=synset_of.get(plain.casefold(), "")), wordnet)[:2])
    wanted = set(meanings(Noun(word=label), wordnet)[:2])
    if plain.casefold() == label.casefold() or any(wanted & wordnet.ancestors(one).keys() for one in said):
        return 1.0
    if any(said & set(wordnet.synset(one).hypernyms) for one in wanted):
        return 0.5
    alike = likeness(plain, label)
    return alike if alike > LEAST_LIKENESS else 0.0


def distinct_names(concepts: Sequence[str]) -> float:
    """Share of the concepts whose name, in any case, no other has."""
    times = Counter(name.casefold() for name in concepts)
    return fmean(times[name.casefold()] == 1 for name in concepts) if concepts else 1.0


def _cluster_names(omega: FloatMatrix, found: IntVector, concepts: Sequence[str]) -> list[str]:
    count = int(found.max()) + 1
    sizes = np.maximum(np.bincount(found, minlength=count), 1)[:, None]
    won = np.eye(omega.shape[1], dtype=np.float32)[omega.argmax(axis=1)]
    votes, means = (cluster_sums(each, found, count) / sizes for each in (won, omega))
    return name_clusters(votes.astype(np.float32), means.astype(np.float32), concepts)


def _synsets(knowledge: Knowledge) -> dict[str, str]:
    return {concept.name.casefold(): concept.synset for concept in knowledge.concepts if concept.synset}


@cache
def _sentences() -> SentenceModel:
    return SentenceModel()


def _likeness(one: str, other: str) -> float:
    first, second = _sentences().embed([one, other])
    return float(first @ second)
