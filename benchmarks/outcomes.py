"""One method with one seed on one set: measured, scored and remembered, so that a long table goes on where it stopped."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import kec_core
from benchmarks.common import markdown_table
from kec_core.arrays import fingerprint
from kec_core.methods import METHODS, MethodInputs, run_method
from kec_core.methods.base import Need, depends_on
from kec_core.stages import Runner
from kec_core.store import StageResult
from kec_core.types import Scores
from state.revisions.scoring import score_against

ORDER = ("nmi", "acc", "ari")


def tables(result: Mapping[str, Any]) -> str:
    """One row per method, scores x100 as NMI / ACC ± sd / ARI; the best ACC of each set is bold."""
    sets = result["sets"]
    told = (
        f"Encoder: {result['encoder']}. {result['seeds']} seeds, one configuration for all sets, preset "
        f"{result['preset']}. Cells: NMI / ACC ± sd / ARI, x100. Rank: mean over the sets by ACC, "
        "best in bold; a method that is told class names or labels is not ranked."
    )
    heads = [f"{s['set']} ({s['images']}, {s['clusters']})" for s in sets]
    rows = []
    best = [max((s["methods"][name]["acc"]["mean"] for name in result["rank"]), default=1.0) for s in sets]
    for name, facts in result["methods"].items():
        rank = result["rank"].get(name)
        tops = best if rank is not None else [float("inf")] * len(sets)
        cells = [_cell(s["methods"][name], top) for s, top in zip(sets, tops, strict=True)]
        mean = " / ".join(f"{100 * result['mean'][name][metric]:.1f}" for metric in ORDER)
        place = "-" if rank is None else f"{rank:.1f}"
        rows.append([facts["caption"], facts["provenance"], *cells, mean, place])
    scores = markdown_table(["method", "follows", *heads, "mean", "rank"], rows, told)
    return "\n".join([scores, "", *_words(sets), _costs(result), *_left_out(sets)])


def _cell(scores: Mapping[str, Any], best: float) -> str:
    accuracy = f"{100 * scores['acc']['mean']:.1f} ± {100 * scores['acc']['sd']:.1f}"
    if scores["acc"]["mean"] >= best:
        accuracy = f"**{accuracy}**"
    return f"{100 * scores['nmi']['mean']:.1f} / {accuracy} / {100 * scores['ari']['mean']:.1f}"


def _words(sets: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name score / distinct names / attribute AUC of each way to make concepts, x100; nothing where none was judged."""
    ways = {
        "words": "concepts from words that explain the photos",
        "overclusters": "concepts from over-clusters (paper)",
    }
    if not all(s["words"] for s in sets):
        return []
    heads = ["names / distinct / attribute AUC, x100", *(s["set"] for s in sets), "mean"]
    rows = []
    for way, caption in ways.items():
        judged = [s["words"][way] for s in sets]
        cells = [
            " / ".join(_mean([one[part]]) for part in ("name_score", "distinct_names", "attribute_auc"))
            for one in judged
        ]
        means = " / ".join(
            _mean([one[part] for one in judged]) for part in ("name_score", "distinct_names", "attribute_auc")
        )
        rows.append([caption, *cells, means])
    return [markdown_table(heads, rows), ""]


def _mean(spreads: Sequence[Mapping[str, float] | None]) -> str:
    known = [one["mean"] for one in spreads if one]
    return f"{100 * sum(known) / len(known):.1f}" if known else "-"


def _costs(result: Mapping[str, Any]) -> str:
    """Seconds of one seed per method and set."""
    sets = result["sets"]
    rows = [
        [facts["caption"], *(f"{s['methods'][name]['seconds']:.1f}" for s in sets)]
        for name, facts in result["methods"].items()
    ]
    return markdown_table(["seconds per seed", *(s["set"] for s in sets)], rows)


def _left_out(sets: Sequence[Mapping[str, Any]]) -> list[str]:
    reasons = {name: why for s in sets for name, why in s["left_out"].items()}
    if not reasons:
        return []
    return ["", "Left out: " + "; ".join(f"{name} ({why})" for name, why in reasons.items()) + "."]


_DECIDING = ("arrays.py", "geometry.py", "clustering", "methods")
"""The parts of kec_core that make labels out of features; grounding counts too where a method needs knowledge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One method with one seed; ``seconds`` are those of the run that was measured."""

    scores: Scores
    seconds: float
    note: str


def measure_method(
    runner: Runner,
    name: str,
    inputs: MethodInputs,
    labels: Sequence[str | None],
    n_clusters: int,
    *,
    seed: int,
    preset: str,
) -> Outcome:
    """Run one method with one seed and score it; a run that was measured before with the same code is looked up."""
    method = METHODS[name]
    options = method.fast if preset == "fast" and method.fast is not None else method.options

    def compute(_key: str) -> StageResult:
        started = time.perf_counter()
        made = run_method(
            name, inputs, n_clusters, options=options, seed=seed, progress=runner.hooks.progress
        )
        seconds = time.perf_counter() - started
        scores = score_against(made.labels, labels)
        assert scores is not None
        return StageResult(data={"scores": asdict(scores), "seconds": seconds, "note": made.note})

    key = [name, options.to_json(), _photos(inputs), depends_on(method, inputs), labels, n_clusters, seed]
    stored = runner.stage("outcome", [*key, _code(method.needs)], compute)
    return Outcome(
        scores=Scores(**stored.data["scores"]), seconds=stored.data["seconds"], note=stored.data["note"]
    )


def _photos(inputs: MethodInputs) -> str:
    return fingerprint(inputs.train.x, inputs.test.x if inputs.has_split else None)


def code_of_labels() -> str:
    """Changes with the code that decides the labels of methods with knowledge."""
    return _code(frozenset({"knowledge"}))


@cache
def _code(needs: frozenset[Need]) -> str:
    """Changes with the code that decides labels: what an older one gave is measured again."""
    root = Path(kec_core.__file__).parent
    parts = [root / part for part in (*_DECIDING, *(["grounding"] if "knowledge" in needs else []))]
    files = [file for part in parts for file in ([part] if part.is_file() else sorted(part.glob("*.py")))]
    return fingerprint(*(file.read_text(encoding="utf-8") for file in files))
