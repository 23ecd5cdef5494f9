"""How a grounding, a whitening and a clustering lie in the store: written by runs, edits and methods, read by everyone."""

from __future__ import annotations

from kec_core.arrays import JsonDict
from kec_core.clustering.whitening import SecondSpace, Whitening
from kec_core.stages.runner import Stored
from kec_core.store import StageResult
from kec_core.types import Clustering, Grounding


def grounding_result(grounding: Grounding, *, embed: str, defaults: JsonDict) -> StageResult:
    """A grounding, and what it was made from.

    Args:
        grounding: of N photos.
        embed: key of the features, stage "embed".
        defaults: of the encoder, as JSON.
    """
    return StageResult(
        arrays={"omega": grounding.omega, "kappa": grounding.kappa},
        data={
            "concept_ids": list(grounding.concept_ids),
            "embed": embed,
            "defaults": defaults,
            "summary": {"concepts": len(grounding.concept_ids)},
        },
    )


def read_grounding(stored: StageResult | Stored) -> Grounding:
    """What ``grounding_result`` wrote."""
    return Grounding(
        omega=stored.arrays["omega"],
        kappa=stored.arrays["kappa"],
        concept_ids=tuple(stored.data["concept_ids"]),
    )


def clustering_result(clustering: Clustering, **inputs: str | float) -> StageResult:
    """A clustering, and what else is known of how it was made, e.g. the key of its grounding."""
    note = clustering.note
    return StageResult(
        arrays={"labels": clustering.labels, "centroids": clustering.centroids},
        data={
            "objective": clustering.objective,
            "method": clustering.method,
            "seed": clustering.seed,
            "note": note,
            **inputs,
            "summary": {"clusters": clustering.n_clusters, "note": note},
        },
    )


def read_clustering(stored: StageResult | Stored) -> Clustering:
    """What ``clustering_result`` wrote."""
    return Clustering(
        labels=stored.arrays["labels"],
        centroids=stored.arrays["centroids"],
        objective=float(stored.data["objective"]),
        method=str(stored.data["method"]),
        seed=int(stored.data["seed"]),
        note=str(stored.data["note"]),
    )


def whitening_result(whitening: Whitening) -> StageResult:
    """A whitening of looks."""
    second = {} if whitening.second is None else {"second": whitening.second}
    space = whitening.space
    mean = {} if space is None else {"second_mean": space.mean}
    source = {} if space is None else {"encoder": space.encoder, "revision": space.revision}
    return StageResult(
        arrays={"centre": whitening.centre, "onto": whitening.onto, **second, **mean},
        data={**source, "summary": {"width": whitening.onto.shape[1]}},
    )


def read_whitening(stored: StageResult | Stored) -> Whitening:
    """What ``whitening_result`` wrote."""
    arrays, data = stored.arrays, stored.data
    return Whitening(
        centre=arrays["centre"],
        onto=arrays["onto"],
        second=arrays.get("second"),
        space=SecondSpace(
            encoder=str(data["encoder"]), revision=str(data["revision"]), mean=arrays["second_mean"]
        )
        if "second_mean" in arrays
        else None,
    )
