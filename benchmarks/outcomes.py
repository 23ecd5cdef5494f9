"""One method with one seed on one set: measured, scored and remembered, so that a long table goes on where it stopped."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import kec_core
from kec_core.arrays import fingerprint
from kec_core.methods import METHODS, MethodInputs, run_method
from kec_core.methods.base import Need, depends_on
from kec_core.stages import Runner
from kec_core.store import StageResult
from kec_core.types import Scores
from state.revisions.scoring import score_against

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
