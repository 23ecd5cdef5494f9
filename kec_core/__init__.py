"""KEC: clustering photos with hierarchical textual knowledge.

Pure library: no browser, no project files, no other programs. It reaches a network only through the libraries of the
encoders, for weights, and through the openai client, for answers of language models.

For notebooks: ``import kec_core as kec``, then ``kec.cluster``, ``kec.open``, ``kec.KEC`` and ``kec.TACNoTrain``
(docs/api.md). They are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kec_core.api.cluster import cluster
    from kec_core.api.estimators import KEC, TACNoTrain
    from kec_core.api.result import Result
    from kec_core.api.result import open_project as open

__all__ = ["KEC", "Result", "TACNoTrain", "cluster", "open"]

_HOMES = {
    "KEC": ("kec_core.api.estimators", "KEC"),
    "Result": ("kec_core.api.result", "Result"),
    "TACNoTrain": ("kec_core.api.estimators", "TACNoTrain"),
    "cluster": ("kec_core.api.cluster", "cluster"),
    "open": ("kec_core.api.result", "open_project"),
}
"""Module and name of what the notebooks use."""


def __getattr__(name: str) -> Any:  # noqa: ANN401 - PEP 562
    """Import on first use: ``kec --help`` must not wait for what only notebooks need."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    return getattr(importlib.import_module(module), attribute)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
