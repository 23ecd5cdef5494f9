"""What a method is, and the one way to run it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from statistics import fmean, stdev
from typing import Any, Literal

from kec_core.arrays import Progress
from kec_core.config import Options
from kec_core.methods.inputs import MethodInputs
from kec_core.types import Clustering, Scores

METRICS = ("acc", "nmi", "ari")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Mean and sample standard deviation over seeds; 0 for a single one."""

    mean: float
    sd: float


def spread(values: Sequence[float]) -> Spread:
    """Mean and sample standard deviation of at least one value."""
    return Spread(mean=fmean(values), sd=stdev(values) if len(values) > 1 else 0.0)


def summarise(scores: Sequence[Scores]) -> dict[str, Spread]:
    """ACC, NMI and ARI of at least one seed, each as mean and spread."""
    rows = [asdict(each) for each in scores]
    return {metric: spread([row[metric] for row in rows]) for metric in METRICS}


Need = Literal["nouns", "knowledge", "class names", "captions", "photo captions", "labels"]
Provenance = Literal["paper", "authors' code", "reconstruction"]
MethodFunction = Callable[[MethodInputs, int, Any, int, Progress], Clustering]
"""Inputs, K, the method's own options, seed, progress to a clustering of the test photos."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """One compared method.

    Attributes:
        function: does the work.
        options: its defaults; the type says which options it takes.
        needs: what must be there besides photos.
        provenance: what the implementation follows where sources differ.
        caption: its name for people.
        note: what people must know to read its numbers, or "".
        fast: options of the preset for a CPU, or None when the defaults are fast.
    """

    function: MethodFunction
    options: Options
    needs: frozenset[Need] = field(default_factory=frozenset)
    provenance: Provenance
    caption: str
    note: str = ""
    fast: Options | None = None


def permitted(method: Method, inputs: MethodInputs) -> MethodInputs:
    """The inputs without what this method must not see: class names and labels."""
    hidden: dict[str, Any] = {}
    if "class names" not in method.needs:
        hidden["class_names"] = ()
    if "labels" not in method.needs:
        hidden["labels"] = None
    return replace(inputs, **hidden)


def depends_on(method: Method, inputs: MethodInputs) -> list[object]:
    """What the result of a method depends on besides photos, options, K and seed, for the key it is kept under.

    What the method does not need is left out, so a change there costs no new run.
    """
    seen = permitted(method, inputs)
    content: list[object] = [seen.defaults.to_json()]
    if "nouns" in method.needs:
        content += [seen.noun_templates, [noun.word for noun in seen.vocabulary]]
    if "knowledge" in method.needs and seen.knowledge is not None:
        content += [seen.knowledge.to_json(), seen.grounding.to_json(), seen.weight]
    if method.needs & {"nouns", "captions"}:
        content.append(list(seen.captions))
    if "photo captions" in method.needs:
        content.append(list(seen.photo_captions))
    content.append(list(seen.class_names))
    return [*content, None if seen.labels is None else seen.labels.tolist()]


def missing_needs(method: Method, inputs: MethodInputs) -> list[str]:
    """What the method needs and the inputs do not hold, in words; empty when it can run."""
    present: Mapping[Need, bool] = {
        "nouns": len(inputs.nouns) > 0,
        "knowledge": inputs.knowledge is not None,
        "class names": len(inputs.class_names) > 0,
        "captions": len(inputs.captions) > 0,
        "photo captions": len(inputs.photo_captions) > 0,
        "labels": inputs.labels is not None,
    }
    return sorted(need for need in method.needs if not present[need])
